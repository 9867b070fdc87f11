//! What came of a run.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use protocol::{PartyId, Place};
use transport::Count;

/// What became of a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<R> {
    /// Its role ended with this.
    Done(R),
    /// A fault killed it.
    Killed,
    /// A fault stopped it.
    Hung,
}

/// A message as it reached a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Who sent it.
    pub from: PartyId,
    /// Its place.
    pub place: Place,
    /// Its number, `Message::KIND`.
    pub message: u16,
    /// Its encoded value, without the version byte.
    pub payload: Vec<u8>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Report<R> {
    pub(crate) outcomes: BTreeMap<PartyId, Outcome<R>>,
    pub(crate) received: BTreeMap<PartyId, Vec<Received>>,
    pub(crate) traffic: BTreeMap<PartyId, Vec<Count>>,
    pub(crate) struck: Vec<usize>,
    pub(crate) elapsed: Duration,
    pub(crate) seed: u64,
}

impl<R: Debug> Report<R> {
    /// What became of a party.
    ///
    /// # Panics
    /// If no role was played for it.
    pub fn outcome(&self, party: PartyId) -> &Outcome<R> {
        self.outcomes.get(&party).unwrap_or_else(|| panic!("{party:?} played no role (seed {})", self.seed))
    }

    /// What a party's role ended with.
    ///
    /// # Panics
    /// If it did not end.
    pub fn result(&self, party: PartyId) -> &R {
        match self.outcome(party) {
            Outcome::Done(result) => result,
            other => panic!("{party:?} came to no end: {other:?} (seed {})", self.seed),
        }
    }

    /// What all the parties' roles ended with; parties that were killed or hang have no entry.
    pub fn into_results(self) -> BTreeMap<PartyId, R> {
        let done = |(party, outcome)| match outcome {
            Outcome::Done(result) => Some((party, result)),
            Outcome::Killed | Outcome::Hung => None,
        };
        self.outcomes.into_iter().filter_map(done).collect()
    }

    /// All that a party received, in the order of arrival; empty unless the world recorded.
    pub fn transcript(&self, party: PartyId) -> &[Received] {
        self.received.get(&party).map_or(&[], Vec::as_slice)
    }

    /// What a party received from one peer, in order. Across peers the order may depend on who was faster.
    pub fn transcript_from(&self, party: PartyId, peer: PartyId) -> impl Iterator<Item = &Received> {
        self.transcript(party).iter().filter(move |received| received.from == peer)
    }

    /// What a party sent and received, in numbers.
    pub fn traffic(&self, party: PartyId) -> &[Count] {
        self.traffic.get(&party).map_or(&[], Vec::as_slice)
    }

    /// How often the fault struck that was added as the `index`-th. A test of a fault that never struck
    /// tests nothing.
    pub fn struck(&self, index: usize) -> usize {
        self.struck[index]
    }

    /// How long the run took by the world's clock, which stands still while anybody computes.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The world's seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}
