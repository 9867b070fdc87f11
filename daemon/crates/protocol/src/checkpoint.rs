//! What a host keeps between two rounds of a sealed run, to go on from there after a failure.

use kmeans::fixed::Scale;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A host's state between two rounds of a run in mode `sealed`.
///
/// One host's checkpoint tells nothing; the lead's and the second host's of the same round together are the joint
/// centres. So it does not print, is wiped on drop, and belongs into sealed storage of its own host.
///
/// A party that fails may have finished one round fewer than another one, never two: keep the last two at least, more
/// where they are written with a delay, and go on from the largest round that all hosts have. The resumed run is a
/// session of its own with fresh randomness.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Main rounds done; 0 after the start.
    pub round: u32,
    /// This host's share of the centres, `k × dim` words, row-major; empty at a further host.
    pub centres: Vec<u64>,
    /// The scale of each attribute, the same at all hosts.
    pub scale: Vec<Scale>,
}

impl Drop for Checkpoint {
    fn drop(&mut self) {
        self.centres.zeroize();
        // A scale is a declared result of the run; what is wiped is the share.
    }
}

impl ZeroizeOnDrop for Checkpoint {}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checkpoint").field("round", &self.round).finish_non_exhaustive()
    }
}

impl Checkpoint {
    /// The share, wiped when the caller is done with it.
    pub(crate) fn share(&self) -> Zeroizing<Vec<u64>> {
        Zeroizing::new(self.centres.clone())
    }
}
