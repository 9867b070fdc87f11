//! Going on with a sealed run that was interrupted: in a new session with fresh randomness, from the last state that all
//! its hosts have kept.

use std::sync::Arc;

use control::facts::{JobInfo, JobState, Progress};
use control::{ErrorCode, Failure};
use protocol::PartyId;

use super::ask::{Proposal, agree};
use super::descriptor::{Contribution, Descriptor, Invitation, Kept, Purpose};
use super::keep::{self, Agreed};
use super::policy::{Objection, Part, host_contribution, host_part};
use super::{blame, lead};
use crate::node::Node;
use crate::settings::Settings;

/// Sessions of one job after its first. Each shows its parties fresh messages about the same rows.
const MOST_RESUMPTIONS: u32 = 100;

fn refused(message: String, hint: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::Refused, message).with_hint(hint)
}

/// Goes on with an interrupted job of which this daemon is the lead; gives its id once it runs again.
pub fn resume(node: &Arc<Node>, id: &str) -> Result<String, Failure> {
    let settings = node.settings();
    let info = node.jobs.find(id)?;
    let Agreed { me, descriptor: before, document, .. } = resumable(node, &info)?;
    if me != PartyId::LEAD {
        let message = format!("job {} was started at {}", info.id, info.lead);
        return Err(refused(message, format!("resume it there, with `cloisterctl jobs resume {}`", info.id)));
    }
    let invitation = before.invitation.clone();
    let members = invitation.hosts[1..].iter().chain([&invitation.third_party]);
    let parties = members
        .map(|member| {
            let known = node.peers.by_fingerprint(&member.fingerprint);
            known.ok_or_else(|| {
                refused(format!("{} is not a peer here any more", member.name), "the rule is [[peer]]")
            })
        })
        .collect::<Result<_, _>>()?;
    let part = host_part(node, &settings, &invitation).map_err(Objection::into_failure)?;
    let own = host_contribution(&settings, &part, Purpose::Resume, &invitation);
    let mut own = own.map_err(Objection::into_failure)?;
    check_document(&settings, &invitation, document, part.document)?;
    check_unchanged(&before, PartyId::LEAD, &own)?;
    own.kept = keep::states(&node.vault, &info.id);

    let job = node.jobs.resume(&info.id)?;
    let document = part.document;
    let proposal = Proposal { purpose: Purpose::Resume, invitation, own, document, parties };
    let node = Arc::clone(node);
    node.runtime.clone().spawn(async move {
        let timeout = settings.network.timeout;
        let settle = |descriptor: &mut Descriptor| {
            check_all_unchanged(&before, descriptor)?;
            descriptor.resume = Descriptor::last_common(&descriptor.contributions);
            let message = match descriptor.resume {
                Some(kept) => format!("going on after round {}", kept.round),
                None => "no state is kept by all hosts: beginning anew".into(),
            };
            tracing::info!(job = job.id(), "{message}");
            let (round, max_rounds) = (0, descriptor.invitation.max_rounds);
            job.progress(Progress { step: "agree".into(), round, max_rounds, message, fraction: None });
            Ok(())
        };
        match agree(&node, &job, proposal, settle, timeout).await {
            Ok((descriptor, streams)) => lead::begin(node, job, descriptor, part, streams, timeout).await,
            // Whatever the reason is, nothing is lost: it can be tried again.
            Err(failure) => blame::kept(job.interrupt(failure, PartyId::LEAD)),
        }
    });
    Ok(info.id)
}

/// What was agreed on a job, if it can be resumed.
fn resumable(node: &Node, info: &JobInfo) -> Result<Agreed, Failure> {
    let id = &info.id;
    let again = "start the run again; with the same --seed it makes the same public choices";
    match info.state {
        JobState::Interrupted => {}
        JobState::Running => {
            return Err(refused(
                format!("job {id} is running"),
                format!("watch it with `cloisterctl jobs watch {id}`"),
            ));
        }
        JobState::Finished => {
            return Err(refused(
                format!("job {id} has finished"),
                format!("its result: `cloisterctl results show {id}`"),
            ));
        }
        JobState::Failed | JobState::Cancelled => {
            let message = format!("nothing is kept of job {id}, which is {}", info.state);
            return Err(refused(message, again));
        }
    }
    let agreed = keep::agreed(&node.vault, id)?
        .ok_or_else(|| Failure::new(ErrorCode::Damaged, format!("job {id} has lost its session")))?;
    check_resumptions(&agreed)?;
    Ok(agreed)
}

fn check_resumptions(agreed: &Agreed) -> Result<(), Failure> {
    if agreed.resumptions < MOST_RESUMPTIONS {
        return Ok(());
    }
    let job = &agreed.descriptor.invitation.job;
    Err(refused(format!("job {job} was resumed {MOST_RESUMPTIONS} times"), "start a new run"))
}

/// What was agreed before on a job that its lead, as [`super::policy::judge`] has seen, asks this party to go on with;
/// `None` where nothing is known of the job.
pub(super) fn agreed_before(
    node: &Node,
    settings: &Settings,
    invitation: &Invitation,
) -> Result<Option<Agreed>, Failure> {
    let (id, name) = (&invitation.job, &settings.name);
    let Some(info) = node.jobs.get(id) else { return Ok(None) };
    let kept = keep::agreed(&node.vault, id).unwrap_or_else(|failure| {
        tracing::warn!(job = id, reason = failure.message, "a job cannot go on");
        None
    });
    let same =
        |agreed: &Agreed| info.state == JobState::Interrupted && agreed.descriptor.invitation == *invitation;
    match kept.filter(same) {
        Some(agreed) => check_resumptions(&agreed).map(|()| Some(agreed)),
        // One message for all reasons: whose jobs there are here, and how they ended, is not for every peer.
        None => Err(refused(
            format!("{name} has no interrupted run {id} of this lead and shape"),
            "try again in a moment; or start the run again: with the same --seed it makes the same public choices",
        )),
    }
}

/// The states that this party has kept of a run that is to go on, once what it brings is what it brought.
pub(super) fn kept(
    node: &Node,
    settings: &Settings,
    before: &Agreed,
    part: &Part,
    own: &Contribution,
) -> Result<Vec<Kept>, Failure> {
    let invitation = &before.descriptor.invitation;
    if let Part::Host(host) = part {
        check_document(settings, invitation, before.document, host.document)?;
    }
    check_unchanged(&before.descriptor, before.me, own)?;
    Ok(match part {
        Part::Host(_) => keep::states(&node.vault, &invitation.job),
        Part::ThirdParty => Vec::new(),
    })
}

/// The rows must be those that the run began with.
fn check_document(
    settings: &Settings,
    invitation: &Invitation,
    before: Option<[u8; 32]>,
    now: [u8; 32],
) -> Result<(), Failure> {
    if before == Some(now) {
        return Ok(());
    }
    let message =
        format!("dataset {} at {} has changed since the job began", invitation.dataset, settings.name);
    Err(refused(message, "start a new run"))
}

/// What all parties bring, by the lead's word, must be what they brought when the job began.
pub(super) fn check_all_unchanged(before: &Descriptor, now: &Descriptor) -> Result<(), Failure> {
    for (party, _) in before.invitation.parties() {
        match now.contribution(party) {
            Some(now) => check_unchanged(before, party, now)?,
            None => return Err(refused("a party of the job is missing".into(), "start a new run")),
        }
    }
    Ok(())
}

/// What a party brings must be what it brought when the job began.
fn check_unchanged(before: &Descriptor, party: PartyId, now: &Contribution) -> Result<(), Failure> {
    if before.contribution(party).is_some_and(|before| now.is_still(before)) {
        return Ok(());
    }
    let name = before.invitation.name_of(party);
    let what = match party {
        PartyId::THIRD_PARTY => "the key",
        _ => "the rows, policy.min_cluster_rows or policy.reveal",
    };
    Err(refused(format!("{what} of {name} changed after the job began"), "start a new run"))
}

#[cfg(test)]
mod tests {
    use kmeans::fixed::Normalise;

    use super::super::descriptor::tests::descriptor;
    use super::*;

    #[test]
    fn what_any_party_brings_must_be_what_it_brought() {
        let before = descriptor(Normalise::ZScore);
        let mut now = before.clone();
        now.contributions.iter_mut().for_each(|contribution| contribution.nonce = [9; 16]);
        now.contributions[0].kept = vec![Kept { round: 3, session: [1; 16] }];
        check_all_unchanged(&before, &now).unwrap();
        for (party, name, what) in [(0, "a", "the rows"), (1, "b", "the rows"), (2, "t", "the key")] {
            let mut changed = now.clone();
            changed.contributions[party].padded_rows += 64;
            let failure = check_all_unchanged(&before, &changed).unwrap_err();
            assert!(
                failure.message.starts_with(what) && failure.message.contains(&format!("of {name} changed"))
            );
        }
        now.contributions.pop();
        assert!(check_all_unchanged(&before, &now).is_err(), "and nobody may be left out");
    }

    #[test]
    fn a_job_is_resumed_so_many_times_only() {
        let descriptor = descriptor(Normalise::ZScore);
        let mut agreed = Agreed { me: PartyId::LEAD, descriptor, document: None, resumptions: 0 };
        check_resumptions(&agreed).unwrap();
        agreed.resumptions = MOST_RESUMPTIONS - 1;
        check_resumptions(&agreed).unwrap();
        agreed.resumptions = MOST_RESUMPTIONS;
        assert_eq!(check_resumptions(&agreed).unwrap_err().code, ErrorCode::Refused);
    }
}
