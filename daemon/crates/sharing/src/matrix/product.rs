//! Rows times a shared matrix.
//!
//! **Draws.** A party's stream gives its `V` at [`open`](Product::open) if the other party knows a part of the rows;
//! then, at the left party, its part of `U·V` for each block as the block comes.

use super::kernel::Factor;
use super::{Block, BlockMasks, Shape};
use crate::error::check_length;
use crate::wipe::Wiped;
use crate::{Dealing, Error, Party, Randomness};

/// A party's product between the words it sends and those it receives.
pub struct Product {
    party: Party,
    shape: Shape,
    /// Own share of the shared matrix.
    share: Wiped,
    mask: Option<Factor>,
}

impl Product {
    /// Masks the own share of the shared matrix, `width` columns one after the other. Also returns the words to send,
    /// [as many as the shape says](Shape::product_words).
    ///
    /// # Errors
    /// [`Error::Range`] when the shape does not fit into memory, [`Error::Length`] when the share has another shape. Then
    /// nothing is drawn.
    pub fn open(randomness: &mut Randomness, shape: Shape, share: &[u64]) -> Result<(Self, Vec<u64>), Error> {
        shape.check()?;
        check_length("elements of the shared matrix", share.len(), shape.columns * shape.width)?;
        let party = randomness.party();
        let (mut words, mut mask) = (Vec::new(), None);
        if shape.parts.known_to_other(party) {
            let mut drawn = Wiped::zeros(share.len());
            randomness.fill(&mut drawn);
            words = share.iter().zip(drawn.iter()).map(|(share, mask)| share.wrapping_sub(*mask)).collect();
            mask = Some(Factor::new(&drawn, shape.columns, shape.width));
        }
        Ok((Product { party, shape, share: share.to_vec().into(), mask }, words))
    }

    /// Takes the other party's words; after that the blocks can be multiplied.
    ///
    /// # Errors
    /// [`Error::Length`] when the words are not [as many as the shape says](Shape::product_words).
    pub fn absorb(self, peer: &[u64]) -> Result<OpenedProduct, Error> {
        let Product { party, shape, mut share, mask } = self;
        let own = shape.parts.known_to(party);
        let expected = if own { share.len() } else { 0 };
        check_length("words of the masked shared matrix", peer.len(), expected)?;
        for (share, peer) in share.iter_mut().zip(peer) {
            *share = share.wrapping_add(*peer);
        }
        let factor = own.then(|| Factor::new(&share, shape.columns, shape.width));
        Ok(OpenedProduct {
            party,
            shape,
            factor,
            mask,
            product: Wiped::zeros(shape.rows * shape.width),
            done: 0,
        })
    }
}

/// A party's product whose shared matrix is opened, masked: block after block its rows are multiplied.
pub struct OpenedProduct {
    party: Party,
    shape: Shape,
    /// What the own part of the rows is multiplied with.
    factor: Option<Factor>,
    /// What the other party's masked part is multiplied with.
    mask: Option<Factor>,
    product: Wiped,
    done: usize,
}

impl OpenedProduct {
    /// Multiplies the next `rows` rows, with [corrections](Shape::product_corrections) at the right party; the left party
    /// takes none.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::Range`] when the block or the corrections do not have the shape. Then nothing is
    /// drawn.
    pub fn block(
        &mut self,
        randomness: &mut Randomness,
        rows: usize,
        block: Block<'_>,
        corrections: &[u64],
    ) -> Result<(), Error> {
        self.shape.check_block(self.done, rows, block.parts(self.party))?;
        self.shape.check_rows(block.own, rows)?;
        self.shape.check_rows(block.peer, rows)?;
        let (total, first) = (self.shape.rows, self.done);
        let expected = match self.party {
            Party::Left => 0,
            Party::Right => self.shape.product_corrections(rows),
        };
        check_length("words of corrections", corrections.len(), expected)?;
        if rows == 0 {
            return Ok(());
        }
        let mut corrections = corrections.chunks_exact(rows);
        for column in self.product.chunks_exact_mut(total) {
            let part = &mut column[first..][..rows];
            match corrections.next() {
                Some(dealt) => part.copy_from_slice(dealt),
                None => randomness.fill(part),
            }
        }
        for (factor, rows) in [(&self.factor, block.own), (&self.mask, block.peer)] {
            if let (Some(factor), Some(rows)) = (factor, rows) {
                factor.multiply(rows, &mut self.product, total, first);
            }
        }
        self.done += rows;
        Ok(())
    }

    /// The share of the product: `width` columns of all rows.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] before the last block.
    pub fn finish(self) -> Result<Vec<u64>, Error> {
        if self.done != self.shape.rows {
            return Err(Error::OutOfOrder("a product was taken before its last block"));
        }
        Ok(self.product.into_words())
    }
}

/// The dealer's side of a [`Product`].
pub struct DealtProduct {
    shape: Shape,
    /// What the left party's part of the rows is masked against: the right party's mask, and the reverse.
    for_left: Option<Factor>,
    for_right: Option<Factor>,
    done: usize,
}

impl DealtProduct {
    /// Draws the masks of the shared matrix.
    ///
    /// # Errors
    /// [`Error::Range`] when the shape does not fit into memory.
    pub fn new(dealing: &mut Dealing, shape: Shape) -> Result<Self, Error> {
        shape.check()?;
        let mut mask = |drawer| {
            shape.parts.known_to_other(drawer).then(|| {
                let mut drawn = Wiped::zeros(shape.columns * shape.width);
                dealing.fill(drawer, &mut drawn);
                Factor::new(&drawn, shape.columns, shape.width)
            })
        };
        Ok(DealtProduct { shape, for_left: mask(Party::Right), for_right: mask(Party::Left), done: 0 })
    }

    /// The [corrections](Shape::product_corrections) of the next `rows` rows.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::Range`] when the block does not have the shape. Then nothing is drawn.
    pub fn block(
        &mut self,
        dealing: &mut Dealing,
        rows: usize,
        masks: BlockMasks<'_>,
    ) -> Result<Vec<u64>, Error> {
        self.shape.check_block(self.done, rows, masks.parts())?;
        self.shape.check_rows(masks.left, rows)?;
        self.shape.check_rows(masks.right, rows)?;
        let mut out = vec![0; self.shape.product_corrections(rows)];
        dealing.fill(Party::Left, &mut out);
        for word in &mut out {
            *word = word.wrapping_neg();
        }
        for (factor, masks) in [(&self.for_left, masks.left), (&self.for_right, masks.right)] {
            if let (Some(factor), Some(masks)) = (factor, masks) {
                factor.multiply(masks, &mut out, rows, 0);
            }
        }
        self.done += rows;
        Ok(out)
    }
}
