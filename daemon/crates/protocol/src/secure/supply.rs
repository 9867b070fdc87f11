//! Where a compute party's randomness comes from: its seed, and at the right party the dealer's corrections.

use std::future::Future;

use sharing::matrix::Masking;
use sharing::{Party, Randomness, Seed, Triples};

use crate::engine::receive_words;
use crate::error::ProtocolError;
use crate::link::{Link, Place};
use crate::message::Corrections;
use crate::party::{Second, ThirdParty};

/// A compute party's randomness of one run.
pub(crate) struct Supplies {
    pub(super) randomness: Randomness,
    pub(super) triples: Triples,
    /// The masks of all matrices, each under a seed of its own.
    rows: Seed,
    matrices: u64,
}

impl Supplies {
    /// Everything from the seed that the dealer gave to `party` alone.
    pub(crate) fn new(party: Party, seed: &Seed) -> Self {
        let triples = seed.derive(TRIPLES);
        Supplies {
            randomness: Randomness::new(party, seed.derive(MASKS)),
            triples: match party {
                Party::Left => Triples::left(triples),
                Party::Right => Triples::right(triples),
            },
            rows: seed.derive(ROWS),
            matrices: 0,
        }
    }

    /// The masking of the next matrix.
    pub(super) fn masking(&mut self) -> Masking {
        self.matrices += 1;
        Masking::new(rows_seed(&self.rows, self.matrices - 1))
    }
}

/// What a party's seed is divided into, at the party and at the dealer.
pub(super) const TRIPLES: &[u8] = b"sealed: bit triples";
pub(super) const MASKS: &[u8] = b"sealed: masks";
pub(super) const ROWS: &[u8] = b"sealed: rows";

/// Where the dealer's corrections come from.
pub(crate) trait Supply: Send {
    /// The next `words` corrections; none at the left party.
    fn corrections(
        &mut self,
        place: Place,
        words: usize,
    ) -> impl Future<Output = Result<Vec<u64>, ProtocolError>> + Send;
}

/// The left party has its part from its seed.
pub(crate) struct Seeded;

impl Supply for Seeded {
    async fn corrections(&mut self, _: Place, _: usize) -> Result<Vec<u64>, ProtocolError> {
        Ok(Vec::new())
    }
}

/// The right party's link to the dealer.
pub(crate) struct Dealt<'a, T>(pub(crate) &'a mut T);

impl<T: Link<Second, ThirdParty>> Supply for Dealt<'_, T> {
    async fn corrections(&mut self, place: Place, words: usize) -> Result<Vec<u64>, ProtocolError> {
        receive_words::<Corrections, _, _, _>(self.0, place, "corrections", words).await
    }
}

/// The seed of the masks of the `index`-th matrix of a run, at its owner and at the dealer.
pub(super) fn rows_seed(rows: &Seed, index: u64) -> Seed {
    rows.derive(&index.to_le_bytes())
}
