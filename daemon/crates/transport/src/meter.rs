//! How much a run has sent and received, by step, peer and direction.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use protocol::{PartyId, Step};
use serde::{Deserialize, Serialize};

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// From this party to the peer.
    Sent,
    /// From the peer to this party.
    Received,
}

/// The traffic of one step with one peer in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The step.
    pub step: Step,
    /// The party at the other end.
    pub peer: PartyId,
    /// Which way.
    pub direction: Direction,
    /// Messages.
    pub messages: u64,
    /// Bytes of the messages and their frame headers, before TLS; signs of life are not counted.
    pub bytes: u64,
}

type Key = (Step, PartyId, Direction);

/// Counts the messages of a run; all links of a run share one.
#[derive(Debug, Default)]
pub struct Meter {
    /// Messages and bytes.
    counts: Mutex<BTreeMap<Key, (u64, u64)>>,
}

impl Meter {
    /// A meter at zero.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn count(&self, step: Step, peer: PartyId, direction: Direction, bytes: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (messages, total) = counts.entry((step, peer, direction)).or_default();
        *messages += 1;
        *total += bytes;
    }

    /// What has been counted so far, ordered by step, peer and direction.
    pub fn snapshot(&self) -> Vec<Count> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .map(|(&(step, peer, direction), &(messages, bytes))| Count {
                step,
                peer,
                direction,
                messages,
                bytes,
            })
            .collect()
    }
}
