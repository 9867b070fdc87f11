//! The other side: answering what another daemon opens a connection for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use control::facts::{JobInfo, JobState, PeerInfo};
use control::{ErrorCode, Failure};
use protocol::{Blame, Cause, PartyId, Place, Step};
use transport::exchange::{read_message, write_message};
use transport::tls::TlsStream;
use transport::{LinkConfig, Meter, SessionLink};

use super::descriptor::{
    AGREEMENT_LIMIT, Answer, Begin, Descriptor, Invitation, Opening, Pong, Purpose, Refusal,
};
use super::policy::{Part, check_contributions, judge};
use super::waiting::Arrival;
use super::{blame, keep, links, run};
use crate::jobs::now_unix;
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
    if purpose == Purpose::Resume {
        settled(&node, &invitation.job, timeout).await;
    }
    let leave = node.sessions.leave_to_answer(peer.fingerprint);
    let judged = if leave.is_some() {
        let (node, invitation, peer) = (Arc::clone(&node), invitation.clone(), peer.clone());
        // Reading the dataset blocks.
        let judging = tokio::task::spawn_blocking(move || judge(&node, purpose, &invitation, &peer));
        let defect = |_| Failure::new(ErrorCode::Failed, "a defect while the invitation was checked");
        judging.await.map_err(defect).flatten()
    } else {
        Err(Failure::new(ErrorCode::Refused, "another invitation is being answered")
            .with_hint("try again in a moment"))
    };
    let (me, part, contribution) = match judged {
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
        // A peer that does not wait for its answer does without.
        let _ = write_message(&mut stream, &accept, AGREEMENT_LIMIT, timeout).await;
        return;
    }
    let begin: Begin = match write_message(&mut stream, &accept, AGREEMENT_LIMIT, timeout).await {
        // Another party may take its full timeout to answer the lead.
        Ok(()) => match read_message(&mut stream, AGREEMENT_LIMIT, 2 * timeout).await {
            Ok(begin) => begin,
            Err(error) => {
                return tracing::info!(peer = peer.name, job = invitation.job, %error, "the lead did not begin the run");
            }
        },
        Err(error) => {
            return tracing::info!(peer = peer.name, job = invitation.job, %error, "the lead broke off");
        }
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
    match check_contributions(&node.settings(), &descriptor) {
        Ok(()) => take_part(Arc::clone(&node), stream, peer, descriptor, me, part, timeout).await,
        Err(failure) => refuse_begun(stream, &descriptor, me, &failure, timeout).await,
    }
}

/// Waits until an earlier session of the job has ended here too: its lead may have heard of the failure first.
async fn settled(node: &Node, job: &str, timeout: Duration) {
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

async fn take_part(
    node: Arc<Node>,
    stream: TlsStream,
    lead: KnownPeer,
    descriptor: Descriptor,
    me: PartyId,
    part: Part,
    timeout: Duration,
) {
    let invitation = &descriptor.invitation;
    let known = node.jobs.find(&invitation.job).is_ok_and(|info| info.state == JobState::Interrupted);
    let new = || JobInfo {
        id: invitation.job.clone(),
        dataset: invitation.dataset.clone(),
        state: JobState::Running,
        step: "agree".into(),
        round: 0,
        max_rounds: invitation.max_rounds,
        lead: lead.name.clone(),
        started_unix: now_unix(),
        ended_unix: None,
        result: None,
        failure: None,
    };
    let job = if known { node.jobs.resume(&invitation.job) } else { node.jobs.begin(new()) };
    let job = match job.and_then(|job| keep::begin(&node, &descriptor, me).map(|()| job)) {
        Ok(job) => job,
        Err(failure) => {
            return refuse_begun(stream, &descriptor, me, &failure, timeout).await;
        }
    };
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
