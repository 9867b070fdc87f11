//! What a role is handed.

use std::collections::BTreeMap;

use protocol::PartyId;
use transport::{AbortHandle, SessionLink};

/// A party's links to all others, by peer.
#[derive(Debug)]
pub struct Links {
    pub(crate) party: PartyId,
    pub(crate) links: BTreeMap<PartyId, SessionLink>,
}

impl Links {
    /// The party that holds them.
    pub fn party(&self) -> PartyId {
        self.party
    }

    /// The peers whose links have not been taken.
    pub fn peers(&self) -> Vec<PartyId> {
        self.links.keys().copied().collect()
    }

    /// Takes the link to `peer`.
    ///
    /// # Panics
    /// If the world has no such party, or the link was taken before.
    pub fn take(&mut self, peer: PartyId) -> SessionLink {
        self.links.remove(&peer).unwrap_or_else(|| panic!("party {} has no link to {peer:?}", self.party.0))
    }

    /// Takes the links to all further hosts, in their order.
    pub fn take_contributors(&mut self) -> Vec<SessionLink> {
        let further = |peer: &PartyId| ![PartyId::LEAD, PartyId::SECOND, PartyId::THIRD_PARTY].contains(peer);
        let peers: Vec<_> = self.links.keys().copied().filter(further).collect();
        peers.into_iter().map(|peer| self.take(peer)).collect()
    }

    /// Handles to give up on the links that have not been taken.
    pub fn abort_handles(&self) -> Vec<AbortHandle> {
        self.links.values().map(SessionLink::abort_handle).collect()
    }
}
