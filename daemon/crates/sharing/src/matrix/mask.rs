//! The masks of rows: used once by the rows' owner, expanded as often as needed by the dealer.

use core::ops::Range;

use crate::error::check_range;
use crate::{Error, Seed, Stream};

/// The owner's masking of one matrix: from its first row to its last, each once.
pub struct Masking(Stream);

impl Masking {
    /// The masking under a seed that the owner and the dealer know, and that is used for this one matrix alone.
    pub fn new(seed: Seed) -> Self {
        Masking(Stream::new(seed))
    }

    /// The next rows (row-major, whole or not), masked: what the other party may see.
    pub fn mask(&mut self, rows: &[u64]) -> Vec<u64> {
        let mut masked = self.0.words(rows.len());
        for (masked, value) in masked.iter_mut().zip(rows) {
            *masked = value.wrapping_sub(*masked);
        }
        masked
    }
}

/// The dealer's knowledge of one matrix: its masks, whose values it never stores.
pub struct RowMasks {
    seed: Seed,
    columns: usize,
}

impl RowMasks {
    /// The masks of a matrix `columns` wide under its owner's seed.
    pub fn new(seed: Seed, columns: usize) -> Self {
        RowMasks { seed, columns }
    }

    /// The masks of the rows of `range`, row-major, into `masks`, which keeps its allocation.
    ///
    /// # Errors
    /// [`Error::Range`] when the range runs backwards or they do not fit into memory.
    pub fn expand(&self, range: Range<usize>, masks: &mut Vec<u64>) -> Result<(), Error> {
        let most = isize::MAX as usize / 8 / self.columns.max(1);
        check_range("end of the rows", range.end, 0, most)?;
        check_range("start of the rows", range.start, 0, range.end)?;
        masks.resize(range.len() * self.columns, 0);
        Stream::starting_at(&self.seed, (range.start * self.columns) as u64).fill_words(masks);
        Ok(())
    }
}
