//! The connections of a run: who opens which, and what is left of them when it fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use control::{ErrorCode, Failure};
use protocol::{PartyId, ProtocolError};
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

/// A run that could not be linked: who is missing, and the streams to those who are not.
pub(crate) struct Unlinked {
    pub(crate) party: PartyId,
    pub(crate) streams: BTreeMap<PartyId, TlsStream>,
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
    let mut streams = invitations;
    if me == PartyId::THIRD_PARTY {
        let hosts = descriptor.invitation.hosts.len();
        if let Some(arrivals) = arrivals {
            let gathered = gather(descriptor, hosts - 1, arrivals, &mut streams, timeout).await;
            if let Err((party, failure)) = gathered {
                return Err(Unlinked { party, streams, failure });
            }
        }
    } else if me != PartyId::LEAD {
        match join(node, descriptor, session, timeout).await {
            Ok(stream) => streams.insert(PartyId::THIRD_PARTY, stream),
            Err(failure) => return Err(Unlinked { party: PartyId::THIRD_PARTY, streams, failure }),
        };
    }
    let meter = Arc::new(Meter::new());
    let links: BTreeMap<PartyId, SessionLink> = streams
        .into_iter()
        .map(|(remote, stream)| {
            let config = LinkConfig::new(session, me, remote, timeout, Arc::clone(&meter));
            (remote, SessionLink::new(stream, config))
        })
        .collect();
    let handles = links.values().map(SessionLink::abort_handle).collect();
    Ok(Links { links, handles, meter })
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
    let unreachable = |error: String| Failure::new(ErrorCode::PeerFailed, error);
    let mut stream = transport::tls::connect(&peer.address, &node.identity, peer.fingerprint, timeout)
        .await
        .map_err(|error| unreachable(error.to_string()))?;
    transport::exchange::write_message(&mut stream, &Opening::Join(session), AGREEMENT_LIMIT, timeout)
        .await
        .map_err(|error| unreachable(format!("{} {error}", peer.name)))?;
    Ok(stream)
}

/// Waits for the other hosts' connections.
async fn gather(
    descriptor: &Descriptor,
    expected: usize,
    mut arrivals: Arrivals<'_>,
    streams: &mut BTreeMap<PartyId, TlsStream>,
    timeout: Duration,
) -> Result<(), (PartyId, Failure)> {
    let deadline = tokio::time::Instant::now() + timeout;
    let parties = descriptor.invitation.parties();
    while streams.len() < expected + 1 {
        let arrival = tokio::time::timeout_at(deadline, arrivals.next()).await;
        let Ok(Some(Arrival { from, stream })) = arrival else {
            let absent = parties
                .iter()
                .find(|(party, _)| *party != PartyId::THIRD_PARTY && !streams.contains_key(party));
            let (party, name) =
                absent.map_or((PartyId::SECOND, "a host"), |(party, member)| (*party, member.name.as_str()));
            let message = format!("{name} did not connect within {} s", timeout.as_secs());
            return Err((party, Failure::new(ErrorCode::PeerFailed, message)));
        };
        if let Some((party, _)) = parties.iter().find(|(_, member)| member.fingerprint == from) {
            // A second connection does not take the place of the first.
            streams.entry(*party).or_insert(stream);
        }
    }
    Ok(())
}
