//! The connections of a run: who opens which, and what is left of them when it fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use control::{ErrorCode, Failure};
use protocol::{Blame, Cause, PartyId, Place, ProtocolError, Step};
use transport::tls::TlsStream;
use transport::{AbortHandle, LinkConfig, Meter, SessionLink};

use super::descriptor::{AGREEMENT_LIMIT, Descriptor, Opening, SessionId};
use super::waiting::{Arrival, Arrivals};
use crate::node::Node;

/// This party's links by the party at the other end.
pub(crate) struct Links {
    links: BTreeMap<PartyId, SessionLink>,
    handles: Vec<AbortHandle>,
    /// What went over them.
    pub(crate) meter: Arc<Meter>,
}

impl Links {
    /// Takes the link to `party`; every role asks once for each party that it has to do with.
    pub(crate) fn take(&mut self, party: PartyId) -> Result<SessionLink, ProtocolError> {
        let missing = || ProtocolError::Defect(format!("there is no link to party {}", party.0));
        self.links.remove(&party).ok_or_else(missing)
    }

    /// The links to the further hosts, in their order.
    pub(crate) fn take_contributors(&mut self, hosts: usize) -> Result<Vec<SessionLink>, ProtocolError> {
        (2..hosts).map(|host| self.take(PartyId(host as u8))).collect()
    }

    /// Handles to give up on all links, whoever holds them by then.
    pub(crate) fn handles(&self) -> Vec<AbortHandle> {
        self.handles.clone()
    }
}

/// A run that could not be linked: who is missing, and the links to those who are not.
pub(crate) struct Unlinked {
    pub(crate) party: PartyId,
    pub(crate) links: Vec<SessionLink>,
    pub(crate) failure: Failure,
}

/// Makes the links of party `me`. The lead's are the streams of its invitations; of two others, a host opens the
/// connection to the third party. Further links do not exist in mode `open`.
pub(crate) async fn establish(
    node: &Node,
    descriptor: &Descriptor,
    me: PartyId,
    invitations: BTreeMap<PartyId, TlsStream>,
    arrivals: Option<Arrivals<'_>>,
    timeout: Duration,
) -> Result<Links, Unlinked> {
    let session = descriptor.session_id();
    let meter = Arc::new(Meter::new());
    let link = |(remote, stream): (PartyId, TlsStream)| {
        let config = LinkConfig::new(session, me, remote, timeout, Arc::clone(&meter));
        (remote, SessionLink::new(stream, config))
    };
    // Links from the start: those who are there hear signs of life while the others are waited for, and so take
    // nobody but the absent for dead.
    let mut links: BTreeMap<PartyId, SessionLink> = invitations.into_iter().map(link).collect();
    let linked = match (me, arrivals) {
        (PartyId::LEAD, _) => Ok(()),
        (PartyId::THIRD_PARTY, Some(arrivals)) => {
            gather(descriptor, arrivals, &mut links, link, timeout).await
        }
        _ => match join(node, descriptor, session, timeout).await {
            Ok(stream) => {
                links.extend([link((PartyId::THIRD_PARTY, stream))]);
                Ok(())
            }
            Err(failure) => Err((PartyId::THIRD_PARTY, failure)),
        },
    };
    if let Err((party, failure)) = linked {
        return Err(Unlinked { party, links: links.into_values().collect(), failure });
    }
    let handles = links.values().map(SessionLink::abort_handle).collect();
    Ok(Links { links, handles, meter })
}

/// The lead's links to those of whom it has streams.
pub(crate) fn of_lead(
    descriptor: &Descriptor,
    streams: BTreeMap<PartyId, TlsStream>,
    timeout: Duration,
) -> Vec<SessionLink> {
    let session = descriptor.session_id();
    let link = |(remote, stream)| {
        let config = LinkConfig::new(session, PartyId::LEAD, remote, timeout, Arc::new(Meter::new()));
        SessionLink::new(stream, config)
    };
    streams.into_iter().map(link).collect()
}

/// Tells those who are there that the run cannot begin because `party` is not.
pub(crate) fn give_up(links: Vec<SessionLink>, party: PartyId, failure: &Failure) {
    for link in links {
        let place = Place { step: Step::Setup, round: 0 };
        let message = failure.message.clone();
        link.abort(Blame { party, place, cause: Cause::Unreachable, message });
        tokio::spawn(link.close());
    }
}

/// Opens this host's connection to the third party.
async fn join(
    node: &Node,
    descriptor: &Descriptor,
    session: SessionId,
    timeout: Duration,
) -> Result<TlsStream, Failure> {
    let third = &descriptor.invitation.third_party;
    let peer = node.peers.by_fingerprint(&third.fingerprint).ok_or_else(|| {
        Failure::new(ErrorCode::Refused, format!("{} is not a peer here any more", third.name))
    })?;
    let unreachable = |error: String| {
        Failure::new(ErrorCode::PeerFailed, format!("{} could not be joined: {error}", third.name))
            .with_hint(format!("`cloisterctl peers ping {}` shows more", peer.name))
    };
    let mut stream = transport::tls::connect(&peer.address, &node.identity, peer.fingerprint, timeout)
        .await
        .map_err(|error| unreachable(error.to_string()))?;
    transport::exchange::write_message(&mut stream, &Opening::Join(session), AGREEMENT_LIMIT, timeout)
        .await
        .map_err(|error| unreachable(error.to_string()))?;
    Ok(stream)
}

/// Waits for the other hosts' connections.
async fn gather(
    descriptor: &Descriptor,
    mut arrivals: Arrivals<'_>,
    links: &mut BTreeMap<PartyId, SessionLink>,
    link: impl Fn((PartyId, TlsStream)) -> (PartyId, SessionLink),
    timeout: Duration,
) -> Result<(), (PartyId, Failure)> {
    let deadline = tokio::time::Instant::now() + timeout;
    let parties = descriptor.invitation.parties();
    while links.len() < descriptor.invitation.hosts.len() {
        let arrival = tokio::time::timeout_at(deadline, arrivals.next()).await;
        let Ok(Some(Arrival { from, stream })) = arrival else {
            let absent = parties
                .iter()
                .find(|(party, _)| *party != PartyId::THIRD_PARTY && !links.contains_key(party));
            let (party, name) =
                absent.map_or((PartyId::SECOND, "a host"), |(party, member)| (*party, member.name.as_str()));
            let message = format!("{name} did not connect within {} s", timeout.as_secs());
            let failure = Failure::new(ErrorCode::PeerFailed, message)
                .with_hint("see that its daemon runs and reaches this one, then start the run again");
            return Err((party, failure));
        };
        if let Some((party, _)) = parties.iter().find(|(_, member)| member.fingerprint == from) {
            // A second connection does not take the place of the first.
            if !links.contains_key(party) {
                links.extend([link((*party, stream))]);
            }
        }
    }
    Ok(())
}
