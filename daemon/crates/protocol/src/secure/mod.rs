//! Mode `sealed`: everything between the start and the reveal is computed on shares.
//!
//! A program (a division, a tournament, a round) is written once over an [`Engine`] and runs at both compute parties
//! on their shares, at the third party to deal, and where costs are counted before a run. At the last two the shares
//! are empty: only shapes flow.

mod assign;
pub(crate) mod blocks;
pub(crate) mod clustering;
pub(crate) mod deal;
mod division;
pub(crate) mod matrix;
pub(crate) mod pair;
#[cfg(test)]
mod plain;
mod reveal;
mod share;
#[cfg(test)]
mod split;
mod start;
mod stop;
pub(crate) mod supply;
pub(crate) mod tally;
mod task;
mod tournament;
mod update;
mod widen;

use std::future::Future;
use std::ops::Range;

use sharing::{BitSlices, Circuit, Party};

pub(crate) use share::{Bits, Ring};

use crate::error::ProtocolError;
use crate::link::Place;

/// The two-party engine as one party sees it: what costs an exchange. All else on shares is local.
///
/// Lengths are public and equal at all parties. `place` only names where in the run an exchange belongs.
pub(crate) trait Engine: Send {
    /// A matrix whose rows their owners introduced.
    type Rows: Send + Sync;

    /// Which of the compute parties this is; the dealer is neither.
    fn party(&self) -> Option<Party>;

    /// Evaluates a circuit: one wire of `inputs` for each input, over its lanes. An exchange an AND layer.
    fn evaluate(
        &mut self,
        place: Place,
        circuit: &Circuit,
        inputs: &Bits,
    ) -> impl Future<Output = Result<Bits, ProtocolError>> + Send;

    /// `x_i · y_i` in the ring of both. One exchange.
    fn multiply(
        &mut self,
        place: Place,
        x: &Ring,
        y: &Ring,
    ) -> impl Future<Output = Result<Ring, ProtocolError>> + Send;

    /// Every bit as a ring element of `limbs` limbs, wire after wire. One exchange.
    fn lift(
        &mut self,
        place: Place,
        bits: &Bits,
        limbs: usize,
    ) -> impl Future<Output = Result<Ring, ProtocolError>> + Send;

    /// Whether each element, its low `width` bits taken as two's complement, is negative: one wire. 5 exchanges at most
    /// for 64 bits.
    fn negative(
        &mut self,
        place: Place,
        x: &Ring,
        width: usize,
    ) -> impl Future<Output = Result<Bits, ProtocolError>> + Send;

    /// `x_i` where bit `i` of the one wire `condition` is 1, else `y_i`. One exchange.
    fn choose(
        &mut self,
        place: Place,
        condition: &Bits,
        x: &Ring,
        y: &Ring,
    ) -> impl Future<Output = Result<Ring, ProtocolError>> + Send;

    /// Introduces a matrix of one-limb elements, `columns` wide, whose rows are known to their owners: it is masked and
    /// opened to the other compute party once, and then multiplied as often as needed. One exchange.
    ///
    /// `segments` lie one after the other; at a compute party `own` holds its values of those segments in which it has
    /// a part, row-major, segment after segment. A row is the sum of both parties' parts.
    fn introduce(
        &mut self,
        place: Place,
        segments: &[Segment],
        columns: usize,
        own: Option<Vec<u64>>,
    ) -> impl Future<Output = Result<Self::Rows, ProtocolError>> + Send;

    /// The rows of `range`, their columns of `columns`, times `factor`: a shared matrix of `columns × width`, given
    /// column by column (`width` columns of `columns.len()` elements). The product comes column by column too: `width`
    /// columns of `range.len()` elements, one limb each. One exchange.
    fn product(
        &mut self,
        place: Place,
        rows: &Self::Rows,
        range: Range<usize>,
        columns: Range<usize>,
        factor: &Ring,
    ) -> impl Future<Output = Result<Ring, ProtocolError>> + Send;

    /// For each of the `width` columns of `weights` (each `range.len()` elements, one after the other) the sum of the
    /// rows of `range`, their columns of `columns`, each times its weight: `width × columns.len()` elements, row-major.
    /// One exchange.
    fn weighted_sums(
        &mut self,
        place: Place,
        rows: &Self::Rows,
        range: Range<usize>,
        columns: Range<usize>,
        weights: &Ring,
    ) -> impl Future<Output = Result<Ring, ProtocolError>> + Send;

    /// This party's share of the rows of `range`, their columns of `columns`, column by column: what it knows of them.
    /// Free.
    fn columns(
        &self,
        rows: &Self::Rows,
        range: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Ring, ProtocolError>;

    /// Opens bits to both compute parties. One exchange. Zero at the dealer.
    fn open(
        &mut self,
        place: Place,
        bits: &Bits,
    ) -> impl Future<Output = Result<BitSlices, ProtocolError>> + Send;

    /// Opens ring elements to both compute parties: their limbs. One exchange. Zero at the dealer.
    fn open_ring(
        &mut self,
        place: Place,
        x: &Ring,
    ) -> impl Future<Output = Result<Vec<u64>, ProtocolError>> + Send;
}

/// Rows that lie one after the other and have the same owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// How many.
    pub(crate) rows: usize,
    /// Whether the left party knows a part of them.
    pub(crate) left: bool,
    /// Whether the right party knows a part of them.
    pub(crate) right: bool,
}

impl Segment {
    /// Whether `party` knows a part of the rows.
    pub(crate) fn known_to(self, party: Party) -> bool {
        match party {
            Party::Left => self.left,
            Party::Right => self.right,
        }
    }
}

#[cfg(test)]
mod tests;
