//! Asking the other parties whether they take part.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use control::facts::Progress;
use control::{ErrorCode, Failure};
use protocol::PartyId;
use tokio::task::JoinSet;
use transport::exchange::{read_message, write_message};
use transport::tls::TlsStream;

use super::descriptor::{
    AGREEMENT_LIMIT, Answer, Begin, Contribution, Descriptor, Invitation, Opening, Purpose,
};
use super::policy::check_contributions;
use super::{blame, keep, links};
use crate::jobs::{RunningJob, StoppedBy};
use crate::node::Node;
use crate::peers::KnownPeer;

/// The streams of the parties that take part, by party.
pub(super) type Streams = BTreeMap<PartyId, TlsStream>;

/// Invites all parties at once; gives what all, the lead first, bring, and the open streams.
pub(super) async fn ask(
    node: &Arc<Node>,
    purpose: Purpose,
    invitation: &Arc<Invitation>,
    own: Contribution,
    parties: Vec<KnownPeer>,
    timeout: Duration,
) -> Result<(Vec<Contribution>, Streams), Failure> {
    let mut asked = JoinSet::new();
    for (index, peer) in parties.into_iter().enumerate() {
        let party = match index + 1 < invitation.hosts.len() {
            true => PartyId(index as u8 + 1),
            false => PartyId::THIRD_PARTY,
        };
        let (node, invitation) = (Arc::clone(node), Arc::clone(invitation));
        asked.spawn(async move { (party, invite(&node, purpose, &peer, &invitation, timeout).await) });
    }
    let mut accepted: BTreeMap<PartyId, (TlsStream, Contribution)> = BTreeMap::new();
    while let Some(next) = asked.join_next().await {
        let (party, answer) =
            next.map_err(|_| Failure::new(ErrorCode::Failed, "a defect: an invitation was lost"))?;
        accepted.insert(party, answer?);
    }
    let mut contributions = vec![own];
    let mut streams = Streams::new();
    for (party, (stream, contribution)) in accepted {
        contributions.push(contribution);
        streams.insert(party, stream);
    }
    Ok((contributions, streams))
}

/// What a job's parties are asked for.
pub(super) struct Proposal {
    pub(super) purpose: Purpose,
    pub(super) invitation: Invitation,
    /// What the lead brings.
    pub(super) own: Contribution,
    /// SHA-256 of the document that the lead's rows are of.
    pub(super) document: [u8; 32],
    /// The others, hosts first.
    pub(super) parties: Vec<KnownPeer>,
}

/// Agrees on a run with all parties and tells them to begin; their streams become the lead's links.
///
/// `settle` has the last word on the descriptor.
pub(super) async fn agree(
    node: &Arc<Node>,
    job: &RunningJob,
    proposal: Proposal,
    settle: impl FnOnce(&mut Descriptor) -> Result<(), Failure>,
    timeout: Duration,
) -> Result<(Descriptor, Streams), Failure> {
    let Proposal { purpose, invitation, own, document, parties } = proposal;
    let names: Vec<&str> = parties.iter().map(|peer| peer.name.as_str()).collect();
    job.progress(Progress {
        step: "agree".into(),
        round: 0,
        max_rounds: invitation.max_rounds,
        message: format!("asking {}", names.join(", ")),
        fraction: None,
    });
    let invitation = Arc::new(invitation);
    let (contributions, mut streams) = tokio::select! {
        asked = ask(node, purpose, &invitation, own, parties, timeout) => asked?,
        by = job.stopped() => return Err(stopped(by)),
    };
    let invitation = Arc::unwrap_or_clone(invitation);
    let mut descriptor = Descriptor { invitation, contributions, resume: None };
    settle(&mut descriptor)?;
    check_contributions(&node.settings(), &descriptor, PartyId::LEAD)?;
    // Before anybody begins: what is interrupted from now on, all parties can go on with.
    let again = purpose == Purpose::Resume;
    keep::begin(&node.vault, &descriptor, PartyId::LEAD, Some(document), again)?;
    let parties: Vec<PartyId> = streams.keys().copied().collect();
    for party in parties {
        let Some(stream) = streams.get_mut(&party) else { continue };
        let begin = Begin { descriptor: descriptor.clone() };
        if let Err(error) = write_message(stream, &begin, AGREEMENT_LIMIT, timeout).await {
            let name = descriptor.invitation.name_of(party);
            let failure = Failure::new(ErrorCode::PeerFailed, format!("{name} broke off: {error}"))
                .with_hint("see that its daemon runs and is reachable, then start the run again");
            // Those who were told to begin hear who is missing.
            streams.retain(|told, _| *told < party);
            links::give_up(links::of_lead(&descriptor, streams, timeout), party, &failure);
            return Err(failure);
        }
    }
    Ok((descriptor, streams))
}

fn stopped(by: StoppedBy) -> Failure {
    match by {
        StoppedBy::Operator => blame::cancelled(),
        StoppedBy::Daemon => blame::daemon_stopped(),
    }
}

async fn invite(
    node: &Node,
    purpose: Purpose,
    peer: &KnownPeer,
    invitation: &Invitation,
    timeout: Duration,
) -> Result<(TlsStream, Contribution), Failure> {
    let lost = |error: String| {
        Failure::new(ErrorCode::PeerFailed, format!("{} did not agree to the run: {error}", peer.name))
            .with_hint(format!("`cloisterctl peers ping {}` shows more", peer.name))
    };
    let mut stream = transport::tls::connect(&peer.address, &node.identity, peer.fingerprint, timeout)
        .await
        .map_err(|error| lost(error.to_string()))?;
    let opening = Opening::Invite(purpose, Box::new(invitation.clone()));
    write_message(&mut stream, &opening, AGREEMENT_LIMIT, timeout)
        .await
        .map_err(|error| lost(error.to_string()))?;
    let patience = match purpose {
        // It may have to end what was interrupted first.
        Purpose::Resume => 2 * timeout,
        Purpose::Run | Purpose::Estimate => timeout,
    };
    let answer = read_message(&mut stream, AGREEMENT_LIMIT, patience)
        .await
        .map_err(|error| lost(error.to_string()))?;
    match answer {
        Answer::Accept(contribution) => Ok((stream, contribution)),
        Answer::Refuse(refusal) => Err(Failure {
            code: refusal.code,
            message: format!("{} refused the run: {}", peer.name, blame::printable(&refusal.message)),
            hint: blame::printable(&refusal.hint),
        }),
    }
}
