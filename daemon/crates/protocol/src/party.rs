//! The parties of a run, as values and as types.

use serde::{Deserialize, Serialize};

/// A party's place in a run: 0 is the lead, 1 the second host, 2 and up the further hosts; the third
/// party has the largest number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartyId(pub u8);

impl PartyId {
    /// The host where the run was asked for.
    pub const LEAD: PartyId = PartyId(0);
    /// The first peer: the other compute party.
    pub const SECOND: PartyId = PartyId(1);
    /// The holder of the Paillier key.
    pub const THIRD_PARTY: PartyId = PartyId(u8::MAX);
}

/// A role as a type, so that a message meant for one party cannot be given to another one's link.
pub trait Role: Send + Sync + 'static {}

/// L, the host where the run was asked for.
#[derive(Debug)]
pub enum Lead {}
/// G, the first peer.
#[derive(Debug)]
pub enum Second {}
/// Any further host.
#[derive(Debug)]
pub enum Contributor {}
/// T.
#[derive(Debug)]
pub enum ThirdParty {}

impl Role for Lead {}
impl Role for Second {}
impl Role for Contributor {}
impl Role for ThirdParty {}
