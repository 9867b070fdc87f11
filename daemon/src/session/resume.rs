//! Going on with a sealed run that was interrupted: in a new session with fresh randomness, from the last state that all
//! its hosts have kept.

use std::sync::Arc;

use control::facts::{JobInfo, JobState, Progress};
use control::{ErrorCode, Failure};
use protocol::PartyId;

use super::ask::{Proposal, agree};
use super::descriptor::{Contribution, Descriptor, Invitation, Kept, Purpose};
use super::keep::{self, Agreed};
use super::policy::{Objection, host_contribution, host_part};
use super::{blame, lead};
use crate::failure::from_vault;
use crate::node::Node;
use crate::settings::Settings;

fn refused(message: String, hint: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::Refused, message).with_hint(hint)
}

/// Goes on with an interrupted job of which this daemon is the lead; gives its id once it runs again.
pub fn resume(node: &Arc<Node>, id: &str) -> Result<String, Failure> {
    let settings = node.settings();
    let info = node.jobs.find(id)?;
    let Agreed { me, descriptor: before, document } = resumable(node, &info)?;
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
    let mut own = host_contribution(&settings, &part, &invitation).map_err(Objection::into_failure)?;
    check_document(node, &settings, &invitation, document)?;
    check_unchanged(&before, PartyId::LEAD, &own)?;
    own.kept = keep::states(&node.vault, &info.id);

    let job = node.jobs.resume(&info.id)?;
    let proposal = Proposal { purpose: Purpose::Resume, invitation, own, parties };
    let node = Arc::clone(node);
    node.runtime.clone().spawn(async move {
        let timeout = settings.network.timeout;
        let settle = |descriptor: &mut Descriptor| {
            for (party, _) in before.invitation.parties() {
                if let Some(now) = descriptor.contribution(party) {
                    check_unchanged(&before, party, now)?;
                }
            }
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
    keep::agreed(&node.vault, id)?
        .ok_or_else(|| Failure::new(ErrorCode::Damaged, format!("job {id} has lost its session")))
}

/// The states that a party which is asked to go on has kept; none where it knows nothing of the job.
pub(super) fn kept(node: &Node, settings: &Settings, invitation: &Invitation) -> Result<Vec<Kept>, Failure> {
    let (id, name) = (&invitation.job, &settings.name);
    let Some(info) = node.jobs.list().into_iter().find(|info| info.id == *id) else { return Ok(Vec::new()) };
    match info.state {
        JobState::Interrupted => {}
        JobState::Running => {
            return Err(refused(format!("job {id} is still running at {name}"), "try again in a moment"));
        }
        ended => {
            return Err(refused(
                format!("job {id} is {ended} at {name}, which keeps nothing of it to go on with"),
                "start the run again; with the same --seed it makes the same public choices",
            ));
        }
    }
    let Agreed { me, descriptor, document } = resumable(node, &info)?;
    if descriptor.invitation != *invitation {
        return Err(refused(
            format!("job {id} is another run at {name}"),
            "the rule is the invitation; start the run again",
        ));
    }
    if me == PartyId::THIRD_PARTY {
        return Ok(Vec::new());
    }
    check_document(node, settings, invitation, document)?;
    Ok(keep::states(&node.vault, id))
}

/// The rows must be those that the run began with.
fn check_document(
    node: &Node,
    settings: &Settings,
    invitation: &Invitation,
    document: Option<[u8; 32]>,
) -> Result<(), Failure> {
    let dataset = &invitation.dataset;
    if document == Some(node.vault.dataset(dataset).map_err(from_vault)?.sha256) {
        return Ok(());
    }
    let message = format!("dataset {dataset} at {} has changed since the job began", settings.name);
    Err(refused(message, "start a new run"))
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
