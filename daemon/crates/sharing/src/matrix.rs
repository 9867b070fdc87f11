//! Products of a matrix whose rows their owners know with shared matrices, modulo 2^64.
//!
//! A row is the sum of a part that the left party knows and a part that the right party knows; often one of them is
//! absent. Of each part, its owner P opens `E = X − U` to the other party Q once ([`Masking`]); the dealer can expand
//! the mask `U` again whenever it is needed ([`RowMasks`]). After that a product with a shared matrix `C` costs Q the
//! opening of `F = C_Q − V` under a fresh mask `V`:
//!
//! `X·C = X·(F + C_P) + E·V + U·V`
//!
//! of which P computes the first term, Q the second, and the dealer provides shares of the third. [`Product`] is the
//! rows times a shared matrix, [`Sums`] the transposed rows times shared weights; the latter costs the dealer only
//! one correction an entry of the small result.
//!
//! `U` masks one matrix and `V` one factor, ever: [`Masking`] only moves forward, and every call draws its own `V`.
//!
//! Rows are worked on in blocks, which may be cut anywhere but in the same places at all parties. They are row-major
//! ([`Rows`]); factors, products and weights are column by column.

mod kernel;
mod mask;
mod product;
mod sums;
#[cfg(test)]
mod tests;

use core::ops::Range;

pub use mask::{Masking, RowMasks};
pub use product::{DealtProduct, OpenedProduct, Product};
pub use sums::{DealtSums, Sums};

use crate::error::{check_length, check_range};
use crate::{Error, Party};

/// Which of the compute parties know a part of some rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Parts {
    /// Whether the left party does.
    pub left: bool,
    /// Whether the right party does.
    pub right: bool,
}

impl Parts {
    /// Whether `party` knows a part.
    pub fn known_to(self, party: Party) -> bool {
        match party {
            Party::Left => self.left,
            Party::Right => self.right,
        }
    }

    /// Whether the party that is not `party` knows a part.
    fn known_to_other(self, party: Party) -> bool {
        match party {
            Party::Left => self.right,
            Party::Right => self.left,
        }
    }
}

/// The public shape of a product of rows with a shared matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows, over all blocks.
    pub rows: usize,
    /// Columns of the rows that take part.
    pub columns: usize,
    /// Columns of the shared matrix.
    pub width: usize,
    /// Who knows a part of any of the rows.
    pub parts: Parts,
}

impl Shape {
    /// Words that `sender` opens for a [`Product`] of this shape.
    pub fn product_words(&self, sender: Party) -> usize {
        if self.parts.known_to_other(sender) { self.columns.saturating_mul(self.width) } else { 0 }
    }

    /// Words of corrections to the right party for a block of `rows` rows of a [`Product`].
    pub fn product_corrections(&self, rows: usize) -> usize {
        self.width.saturating_mul(rows)
    }

    /// Words that `sender` opens for [`Sums`] over a block of `rows` rows that the owners of `parts` know.
    pub fn sums_words(&self, sender: Party, rows: usize, parts: Parts) -> usize {
        if parts.known_to_other(sender) { self.width.saturating_mul(rows) } else { 0 }
    }

    /// Words of corrections to the right party for all [`Sums`] of this shape.
    pub fn sums_corrections(&self) -> usize {
        self.width.saturating_mul(self.columns)
    }

    fn check(&self) -> Result<(), Error> {
        let most = isize::MAX as usize / 8;
        check_range("columns of the shared matrix", self.width, 0, most)?;
        check_range("columns of the rows", self.columns, 0, most / self.width.max(1))?;
        check_range("rows of the product", self.rows, 0, most / self.width.max(1))
    }

    /// Checks that a block of `rows` rows fits behind the `done` ones, and that its owners are among those of the shape.
    fn check_block(&self, done: usize, rows: usize, parts: Parts) -> Result<(), Error> {
        check_range("rows of a block", rows, 0, self.rows - done)?;
        let known = |party| usize::from(parts.known_to(party));
        let announced = |party| usize::from(self.parts.known_to(party));
        check_range("parts of the left party", known(Party::Left), 0, announced(Party::Left))?;
        check_range("parts of the right party", known(Party::Right), 0, announced(Party::Right))
    }

    /// Checks that `rows` are so many and as wide as the shape says.
    fn check_rows(&self, rows: Option<Rows<'_>>, count: usize) -> Result<(), Error> {
        let Some(rows) = rows else { return Ok(()) };
        check_length("rows of a block", rows.len(), count)?;
        check_length("columns of the rows", rows.columns.len(), self.columns)
    }
}

/// Some rows of a matrix, row-major, of which some neighbouring columns take part.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    values: &'a [u64],
    stride: usize,
    columns: Columns,
}

/// A range that can be copied.
#[derive(Clone, Copy)]
struct Columns {
    start: usize,
    end: usize,
}

impl Columns {
    fn len(self) -> usize {
        self.end - self.start
    }
}

impl<'a> Rows<'a> {
    /// Whole rows of `stride` elements, of which the columns of `columns` take part.
    ///
    /// # Errors
    /// [`Error::Range`] when the stride is zero or there are no such columns, [`Error::Length`] when the values are not
    /// whole rows.
    pub fn new(values: &'a [u64], stride: usize, columns: Range<usize>) -> Result<Self, Error> {
        check_range("elements of a row", stride, 1, usize::MAX)?;
        check_range("end of the columns", columns.end, 0, stride)?;
        check_range("start of the columns", columns.start, 0, columns.end)?;
        check_length("elements of whole rows", values.len(), values.len() / stride * stride)?;
        Ok(Rows { values, stride, columns: Columns { start: columns.start, end: columns.end } })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.stride
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The columns that take part, row after row.
    fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u64]> + use<'a> {
        let Columns { start, end } = self.columns;
        self.values.chunks_exact(self.stride).map(move |row| &row[start..end])
    }

    /// The rows in groups of `count`, the last perhaps smaller.
    fn tiles(&self, count: usize) -> impl Iterator<Item = Rows<'a>> + use<'a> {
        let Rows { values, stride, columns } = *self;
        values.chunks(count * stride).map(move |values| Rows { values, stride, columns })
    }
}

/// What a compute party knows of a block of rows.
#[derive(Clone, Copy, Default)]
pub struct Block<'a> {
    /// Its own part.
    pub own: Option<Rows<'a>>,
    /// The other party's part, masked, as that party opened it.
    pub peer: Option<Rows<'a>>,
}

impl Block<'_> {
    /// Who knows a part, as `party` sees it.
    fn parts(&self, party: Party) -> Parts {
        let (own, peer) = (self.own.is_some(), self.peer.is_some());
        match party {
            Party::Left => Parts { left: own, right: peer },
            Party::Right => Parts { left: peer, right: own },
        }
    }
}

/// The masks of a block of rows, as the dealer expands them.
#[derive(Clone, Copy, Default)]
pub struct BlockMasks<'a> {
    /// The left party's.
    pub left: Option<Rows<'a>>,
    /// The right party's.
    pub right: Option<Rows<'a>>,
}

impl BlockMasks<'_> {
    fn parts(&self) -> Parts {
        Parts { left: self.left.is_some(), right: self.right.is_some() }
    }
}
