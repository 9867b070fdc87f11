//! Sums of rows, each times its shared weight.
//!
//! **Draws.** At the left party its part of the result at [`new`](Sums::new); then, for each block whose rows the other
//! party knows a part of, a party's stream gives its `V` at [`open`](Sums::open).

use super::kernel::weighted_sums;
use super::{Block, BlockMasks, Shape};
use crate::error::{check_length, check_range};
use crate::part::Part;
use crate::wipe::Wiped;
use crate::{Dealing, Error, Party, Randomness};

/// A party's sums. Blocks are [opened](Self::open) in order, and absorbed in the same order, as far behind as the
/// caller likes.
pub struct Sums {
    party: Party,
    shape: Shape,
    part: Part,
    sums: Wiped,
    /// Room for the weights of a block, as far as they are opened.
    opened_weights: Wiped,
    opened: usize,
    absorbed: usize,
}

/// The first `count` words of `room`, which is made larger where necessary.
fn room(room: &mut Wiped, count: usize) -> &mut [u64] {
    if room.len() < count {
        *room = Wiped::zeros(count);
    }
    &mut room[..count]
}

impl Sums {
    /// Sums of this shape, with no row yet.
    ///
    /// # Errors
    /// [`Error::Range`] when the shape does not fit into memory. Then nothing is drawn.
    pub fn new(randomness: &mut Randomness, shape: Shape) -> Result<Self, Error> {
        shape.check()?;
        let (party, size) = (randomness.party(), shape.sums_corrections());
        let part = Part::draw(randomness, size);
        Ok(Sums {
            party,
            shape,
            part,
            sums: Wiped::zeros(size),
            opened_weights: Wiped::default(),
            opened: 0,
            absorbed: 0,
        })
    }

    /// Masks the own shares of the weights of the next rows: `width` columns of as many elements as the block has rows.
    /// `peer` are the rows that the other party opened, masked, if it knows a part; `own` says whether this party does.
    /// Returns the words to send, [as many as the shape says](Shape::sums_words).
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::Range`] when the weights or rows do not have the shape. Then nothing is drawn.
    pub fn open(
        &mut self,
        randomness: &mut Randomness,
        rows: usize,
        block: Block<'_>,
        weights: &[u64],
    ) -> Result<Vec<u64>, Error> {
        self.check(self.opened, rows, block, weights)?;
        self.opened += rows;
        let Some(masked) = block.peer else { return Ok(Vec::new()) };
        let mut words = Wiped::zeros(weights.len());
        randomness.fill(&mut words);
        weighted_sums(masked, &words, &mut self.sums, self.shape.width);
        // The mask itself does not stay anywhere.
        for (word, weight) in words.iter_mut().zip(weights) {
            *word = weight.wrapping_sub(*word);
        }
        Ok(words.into_words())
    }

    /// Adds the next rows, with the same weights as at [`open`](Self::open) and the other party's words.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::Range`] when the weights, rows or words do not have the shape, or the block was not
    /// opened.
    pub fn absorb(
        &mut self,
        rows: usize,
        block: Block<'_>,
        weights: &[u64],
        peer: &[u64],
    ) -> Result<(), Error> {
        check_range("rows of a block", rows, 0, self.opened - self.absorbed)?;
        self.check(self.absorbed, rows, block, weights)?;
        let expected = if block.own.is_some() { weights.len() } else { 0 };
        check_length("words of masked weights", peer.len(), expected)?;
        self.absorbed += rows;
        if let Some(own) = block.own {
            let opened = room(&mut self.opened_weights, weights.len());
            for ((opened, weight), peer) in opened.iter_mut().zip(weights).zip(peer) {
                *opened = weight.wrapping_add(*peer);
            }
            weighted_sums(own, opened, &mut self.sums, self.shape.width);
        }
        Ok(())
    }

    /// The share of the sums: for each column of weights one row. The right party takes
    /// [corrections](Shape::sums_corrections), the left party none.
    ///
    /// # Errors
    /// [`Error::Length`] when the corrections are too many or too few, [`Error::OutOfOrder`] before the last block.
    pub fn finish(self, corrections: &[u64]) -> Result<Vec<u64>, Error> {
        if self.absorbed != self.shape.rows {
            return Err(Error::OutOfOrder("sums were taken before their last block"));
        }
        let mut out = self.part.with(corrections)?;
        for (out, sum) in out.iter_mut().zip(self.sums.iter()) {
            *out = out.wrapping_add(*sum);
        }
        Ok(out.into_words())
    }

    fn check(&self, done: usize, rows: usize, block: Block<'_>, weights: &[u64]) -> Result<(), Error> {
        self.shape.check_block(done, rows, block.parts(self.party))?;
        self.shape.check_rows(block.own, rows)?;
        self.shape.check_rows(block.peer, rows)?;
        check_length("weights of a block", weights.len(), self.shape.width * rows)
    }
}

/// The dealer's side of [`Sums`].
pub struct DealtSums {
    shape: Shape,
    corrections: Wiped,
    /// Room for the masks of the weights of a block.
    masks: Wiped,
    done: usize,
}

impl DealtSums {
    /// Draws the left party's part.
    ///
    /// # Errors
    /// [`Error::Range`] when the shape does not fit into memory.
    pub fn new(dealing: &mut Dealing, shape: Shape) -> Result<Self, Error> {
        shape.check()?;
        let mut corrections = Wiped::zeros(shape.sums_corrections());
        dealing.fill(Party::Left, &mut corrections);
        for word in corrections.iter_mut() {
            *word = word.wrapping_neg();
        }
        Ok(DealtSums { shape, corrections, masks: Wiped::default(), done: 0 })
    }

    /// Deals for the next `rows` rows.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::Range`] when the block does not have the shape. Then nothing is drawn.
    pub fn block(&mut self, dealing: &mut Dealing, rows: usize, masks: BlockMasks<'_>) -> Result<(), Error> {
        self.shape.check_block(self.done, rows, masks.parts())?;
        self.shape.check_rows(masks.left, rows)?;
        self.shape.check_rows(masks.right, rows)?;
        let weights = room(&mut self.masks, self.shape.width * rows);
        for (drawer, masks) in [(Party::Right, masks.left), (Party::Left, masks.right)] {
            if let Some(masks) = masks {
                dealing.fill(drawer, weights);
                weighted_sums(masks, weights, &mut self.corrections, self.shape.width);
            }
        }
        self.done += rows;
        Ok(())
    }

    /// The [corrections](Shape::sums_corrections) of all rows.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] before the last block.
    pub fn finish(self) -> Result<Vec<u64>, Error> {
        if self.done != self.shape.rows {
            return Err(Error::OutOfOrder("sums were dealt before their last block"));
        }
        Ok(self.corrections.into_words())
    }
}
