//! The other side: answering what another daemon opens a connection for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use control::facts::{JobInfo, JobState, PeerInfo};
use control::{ErrorCode, Failure};
use kmeans::fixed::Missing;
use protocol::{Blame, Cause, PartyId, Place, Step};
use transport::exchange::{read_message, write_message};
use transport::tls::TlsStream;
use transport::{Fingerprint, LinkConfig, Meter, SessionLink};
use vault::Vault;

use super::descriptor::{
    AGREEMENT_LIMIT, Answer, Begin, Descriptor, Invitation, Opening, Pong, Purpose, Refusal,
};
use super::policy::{Accepted, Part, check_contributions, is_job_id, judge};
use super::waiting::Arrival;
use super::{blame, keep, links, resume, run};
use crate::jobs::{Jobs, RunningJob, now_unix};
use crate::node::Node;
use crate::peers::KnownPeer;

/// Answers one connection from a known peer.
pub async fn serve(node: Arc<Node>, mut stream: TlsStream, peer: KnownPeer) {
    let timeout = node.settings().network.timeout;
    match read_message(&mut stream, AGREEMENT_LIMIT, timeout).await {
        Ok(Opening::Ping) => {
            let pong = Pong { version: env!("CARGO_PKG_VERSION").into() };
            // A peer that does not wait for its answer does without.
            let _ = write_message(&mut stream, &pong, AGREEMENT_LIMIT, timeout).await;
        }
        Ok(Opening::Invite(purpose, invitation)) => {
            answer(node, stream, peer, purpose, *invitation, timeout).await;
        }
        Ok(Opening::Join(session)) => {
            let arrival = Arrival { from: peer.fingerprint, stream };
            if !node.sessions.deliver(session, arrival, timeout).await {
                tracing::warn!(peer = peer.name, "a connection for a session that does not wait for it");
            }
        }
        Err(error) => tracing::warn!(peer = peer.name, %error, "no request on a new connection"),
    }
}

/// Asks a peer whether it is there.
pub async fn ping(node: &Node, peer: &KnownPeer, timeout: Duration) -> PeerInfo {
    let began = Instant::now();
    let reached = async {
        let mut stream = transport::tls::connect(&peer.address, &node.identity, peer.fingerprint, timeout)
            .await
            .map_err(|error| error.to_string())?;
        write_message(&mut stream, &Opening::Ping, AGREEMENT_LIMIT, timeout)
            .await
            .map_err(|error| error.to_string())?;
        read_message::<_, Pong>(&mut stream, AGREEMENT_LIMIT, timeout)
            .await
            .map_err(|error| error.to_string())
    }
    .await;
    let mut info = PeerInfo {
        name: peer.name.clone(),
        role: peer.role,
        address: peer.address.clone(),
        fingerprint: peer.fingerprint.to_string(),
        datasets: peer.datasets.clone(),
        origin: peer.origin,
        answers: Some(reached.is_ok()),
        rtt_ms: None,
        version: None,
        problem: None,
    };
    match reached {
        Ok(pong) => {
            info.rtt_ms = Some(began.elapsed().as_secs_f64() * 1e3);
            info.version = Some(blame::printable(&pong.version));
        }
        Err(problem) => info.problem = Some(problem),
    }
    info
}

async fn answer(
    node: Arc<Node>,
    mut stream: TlsStream,
    peer: KnownPeer,
    purpose: Purpose,
    invitation: Invitation,
    timeout: Duration,
) {
    let leave = node.sessions.leave_to_answer(peer.fingerprint);
    let judged = if leave.is_some() {
        if purpose == Purpose::Resume {
            settled(&node, &peer, &invitation.job, timeout).await;
        }
        let (node, invitation, peer) = (Arc::clone(&node), invitation.clone(), peer.clone());
        // Reading the dataset blocks.
        let judging = tokio::task::spawn_blocking(move || judge(&node, purpose, &invitation, &peer));
        let defect = |_| Failure::new(ErrorCode::Failed, "a defect while the invitation was checked");
        judging.await.map_err(defect).flatten()
    } else {
        Err(Failure::new(ErrorCode::Refused, "another invitation is being answered")
            .with_hint("try again in a moment"))
    };
    let Accepted { me, part, contribution, before } = match judged {
        Ok(accepted) => accepted,
        Err(failure) => {
            tracing::warn!(peer = peer.name, job = invitation.job, reason = failure.message, "refused a run");
            let refusal = Refusal { code: failure.code, message: failure.message, hint: failure.hint };
            let _ = write_message(&mut stream, &Answer::Refuse(refusal), AGREEMENT_LIMIT, timeout).await;
            return;
        }
    };
    let accept = Answer::Accept(contribution.clone());
    if purpose == Purpose::Estimate {
        let (dataset, attributes) = (&invitation.dataset, invitation.attributes.len());
        tracing::info!(peer = peer.name, dataset, attributes, "told what it would bring to a run");
        // A peer that does not wait for its answer does without.
        let _ = write_message(&mut stream, &accept, AGREEMENT_LIMIT, timeout).await;
        return;
    }
    let told = Told {
        node: &node,
        lead: peer.fingerprint,
        complete_rows: invitation.missing == Missing::Drop && matches!(part, Part::Host(_)),
    };
    let lost = |reason: String| {
        tracing::info!(peer = peer.name, job = invitation.job, reason, "the lead did not begin the run");
    };
    let begin: Begin = match write_message(&mut stream, &accept, AGREEMENT_LIMIT, timeout).await {
        // Another party may take its full timeout to answer the lead.
        Ok(()) => match read_message(&mut stream, AGREEMENT_LIMIT, 2 * timeout).await {
            Ok(begin) => begin,
            Err(error) => return lost(error.to_string()),
        },
        Err(error) => return lost(error.to_string()),
    };
    let descriptor = begin.descriptor;
    let own = descriptor.contribution(me) == Some(&contribution);
    let may_go_on = purpose == Purpose::Resume || descriptor.resume.is_none();
    if descriptor.invitation != invitation || !own || !may_go_on {
        return tracing::warn!(
            peer = peer.name,
            job = invitation.job,
            "the run that begins is not the one agreed to"
        );
    }
    drop(leave);
    let unchanged = || match &before {
        Some(before) => resume::check_all_unchanged(&before.descriptor, &descriptor),
        None => Ok(()),
    };
    let document = match &part {
        Part::Host(host) => Some(host.document),
        Part::ThirdParty => None,
    };
    // Only what was checked against the agreement before goes on; anything else is a new job.
    let again = before.is_some();
    let entered = check_contributions(&node.settings(), &descriptor, me)
        .and_then(|()| unchanged())
        .and_then(|()| enter(&node.jobs, &node.vault, &peer.name, &descriptor, me, document, again));
    match entered {
        Ok(job) => {
            told.begun();
            take_part(node, job, stream, descriptor, me, part, timeout).await;
        }
        Err(failure) => refuse_begun(stream, &descriptor, me, &failure, timeout).await,
    }
}

/// What a lead has been told before its run begins. How many rows are complete in attributes of its choosing says
/// something about them: unless a run, which operators see, comes of it, that counts as a run that failed over the rows.
struct Told<'a> {
    node: &'a Arc<Node>,
    lead: Fingerprint,
    complete_rows: bool,
}

impl Told<'_> {
    fn begun(mut self) {
        self.complete_rows = false;
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if self.complete_rows {
            self.node.sessions.count_failure(self.lead);
        }
    }
}

/// Waits until an earlier session of a job of this lead has ended here too: it may have heard of the failure first.
async fn settled(node: &Node, lead: &KnownPeer, job: &str, timeout: Duration) {
    if !is_job_id(job) || node.jobs.get(job).is_none_or(|info| info.lead != lead.name) {
        return;
    }
    let Ok(mut view) = node.jobs.watch(job) else { return };
    let over = view.wait_for(|view| view.info.state != JobState::Running);
    // If it goes on, whoever asks is refused.
    let _ = tokio::time::timeout(timeout, over).await;
}

/// Gives up a run that has begun at the others: the lead hears why over its link.
async fn refuse_begun(
    stream: TlsStream,
    descriptor: &Descriptor,
    me: PartyId,
    failure: &Failure,
    timeout: Duration,
) {
    tracing::warn!(job = descriptor.invitation.job, reason = failure.message, "refused a run");
    let config = LinkConfig::new(descriptor.session_id(), me, PartyId::LEAD, timeout, Arc::new(Meter::new()));
    let link = SessionLink::new(stream, config);
    let place = Place { step: Step::Setup, round: 0 };
    let message = format!("{} ({})", failure.message, failure.hint);
    link.abort(Blame { party: me, place, cause: Cause::Refused, message });
    link.close().await;
}

/// Enters the job of a session that begins, with its lead's name here: a new one, or, `again`, an interrupted one
/// whose agreement was checked.
fn enter(
    jobs: &Arc<Jobs>,
    vault: &Vault,
    lead: &str,
    descriptor: &Descriptor,
    me: PartyId,
    document: Option<[u8; 32]>,
    again: bool,
) -> Result<RunningJob, Failure> {
    let invitation = &descriptor.invitation;
    let new = || JobInfo {
        id: invitation.job.clone(),
        dataset: invitation.dataset.clone(),
        state: JobState::Running,
        step: "agree".into(),
        round: 0,
        max_rounds: invitation.max_rounds,
        lead: lead.into(),
        started_unix: now_unix(),
        ended_unix: None,
        result: None,
        failure: None,
    };
    let job = if again { jobs.resume(&invitation.job) } else { jobs.begin(new()) }?;
    keep::begin(vault, descriptor, me, document, again)?;
    Ok(job)
}

async fn take_part(
    node: Arc<Node>,
    job: RunningJob,
    stream: TlsStream,
    descriptor: Descriptor,
    me: PartyId,
    part: Part,
    timeout: Duration,
) {
    let invitation = &descriptor.invitation;
    let session = descriptor.session_id();
    let arrivals = (me == PartyId::THIRD_PARTY).then(|| node.sessions.open(session, invitation.hosts.len()));
    // The lead's link lives from here on, so that it hears of it if the others do not connect.
    let streams = BTreeMap::from([(PartyId::LEAD, stream)]);
    match links::establish(&node, &descriptor, me, streams, arrivals, timeout).await {
        Ok(links) => run::spawn(Arc::clone(&node), job, descriptor, me, part, links),
        Err(links::Unlinked { party, links, failure }) => {
            links::give_up(links, party, &failure);
            run::lost(&node, &job, me, failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use kmeans::fixed::Normalise;
    use vault::{MasterSecret, RecordKind, Unlock};

    use super::super::descriptor::tests::descriptor;
    use super::*;

    #[test]
    fn a_new_run_does_not_take_over_an_interrupted_job() {
        let folder = tempfile::tempdir().unwrap();
        let unlock: Unlock = MasterSecret::from_bytes(&[7; 32]).unwrap().into();
        let vault = Arc::new(Vault::create(folder.path().join("vault"), &unlock).unwrap());
        let jobs = Jobs::load(Arc::clone(&vault), now_unix()).unwrap();
        let first = descriptor(Normalise::ZScore);
        let id = first.invitation.job.clone();
        let enter = |lead, descriptor: &Descriptor, again| {
            enter(&jobs, &vault, lead, descriptor, PartyId::SECOND, Some([3; 32]), again)
        };
        let left = || Failure::new(ErrorCode::PeerFailed, "a left");
        let agreed = || keep::agreed(&vault, &id).unwrap().expect("what was agreed");

        enter("a", &first, false).unwrap().interrupt(left(), PartyId::SECOND).unwrap();
        let state = format!("{id}.1");
        vault.put_record(RecordKind::Session, &state, b"a state").unwrap();
        let other = descriptor(Normalise::None);
        for (lead, descriptor) in [("a", &first), ("a", &other), ("c", &other)] {
            let failure = enter(lead, descriptor, false).map(|_| ()).unwrap_err();
            assert_eq!(failure.code, ErrorCode::Refused, "{failure:?}");
            let job = jobs.get(&id).expect("the job");
            assert_eq!((job.state, job.lead.as_str()), (JobState::Interrupted, "a"));
            assert_eq!(vault.list_records(RecordKind::Session).unwrap(), [id.clone(), state.clone()]);
            assert!(agreed().descriptor == first && agreed().resumptions == 0);
        }
        enter("a", &first, true).unwrap().interrupt(left(), PartyId::SECOND).unwrap();
        assert_eq!(agreed().resumptions, 1, "a checked one goes on, and is counted");
    }
}
