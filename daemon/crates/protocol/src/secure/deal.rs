//! The engine at the dealer: for every block of lanes that the compute parties open it computes the corrections, in the
//! same order, and sends them to the second host. It sees none of the exchange and holds no share.

use std::ops::Range;

use sharing::matrix::{BlockMasks, DealtProduct, DealtSums, RowMasks};
use sharing::{BitSlices, Circuit, Dealer, Dealing, Party, Seed, choose, lift, product, sign};
use zeroize::Zeroizing;

use super::matrix::{Layout, RowBlock};
use super::pair::{rows_at, sign_words};
use super::supply::{MASKS, ROWS, TRIPLES, rows_seed};
use super::{Bits, Engine, Ring, Segment, blocks};
use crate::engine::{CORRECTIONS_CHUNK, send_words};
use crate::error::ProtocolError;
use crate::link::{Link, Place};
use crate::message::Corrections;
use crate::party::{Second, ThirdParty};

/// The dealer's knowledge of one run: both compute parties' randomness.
pub(crate) struct Stock {
    dealing: Dealing,
    dealer: Dealer,
    rows: [Seed; 2],
    matrices: u64,
}

impl Stock {
    /// The dealer that gave `left` to the left party and `right` to the right party, and to nobody else.
    pub(crate) fn new(left: &Seed, right: &Seed) -> Self {
        Stock {
            dealing: Dealing::new(left.derive(MASKS), right.derive(MASKS)),
            dealer: Dealer::new(left.derive(TRIPLES), right.derive(TRIPLES)),
            rows: [left.derive(ROWS), right.derive(ROWS)],
            matrices: 0,
        }
    }
}

/// The engine at the dealer.
pub(crate) struct Deal<'a, L> {
    link: &'a mut L,
    stock: &'a mut Stock,
}

/// A matrix as the dealer knows it: the masks of both parties' parts.
pub(crate) struct Masks {
    layout: Layout,
    left: RowMasks,
    right: RowMasks,
}

/// Room for the masks of one block.
#[derive(Default)]
struct Expanded {
    left: Zeroizing<Vec<u64>>,
    right: Zeroizing<Vec<u64>>,
}

impl Expanded {
    /// The masks of a block, of the columns of `columns`.
    fn of(
        &mut self,
        rows: &Masks,
        block: &RowBlock,
        columns: &Range<usize>,
    ) -> Result<BlockMasks<'_>, ProtocolError> {
        let width = rows.layout.columns();
        let (left, right) = (block.of(Party::Left), block.of(Party::Right));
        if let Some(places) = left {
            rows.left.expand(places, &mut self.left)?;
        }
        if let Some(places) = right {
            rows.right.expand(places, &mut self.right)?;
        }
        let whole = |party| block.of(party).map(|places| 0..places.len());
        Ok(BlockMasks {
            left: rows_at(&self.left, width, whole(Party::Left), columns)?,
            right: rows_at(&self.right, width, whole(Party::Right), columns)?,
        })
    }
}

impl<'a, L: Link<ThirdParty, Second>> Deal<'a, L> {
    pub(crate) fn new(link: &'a mut L, stock: &'a mut Stock) -> Self {
        Deal { link, stock }
    }

    async fn send(&mut self, place: Place, words: Vec<u64>) -> Result<(), ProtocolError> {
        send_words::<Corrections, _, _, _>(self.link, place, words).await
    }
}

impl<L: Link<ThirdParty, Second>> Engine for Deal<'_, L> {
    type Rows = Masks;

    fn party(&self) -> Option<Party> {
        None
    }

    async fn evaluate(
        &mut self,
        place: Place,
        circuit: &Circuit,
        inputs: &Bits,
    ) -> Result<Bits, ProtocolError> {
        let mut remaining = circuit.triple_words(inputs.lanes());
        while remaining > 0 {
            let words = self.stock.dealer.corrections(remaining.min(CORRECTIONS_CHUNK));
            remaining -= words.len();
            self.send(place, words).await?;
        }
        Ok(Bits::elsewhere(circuit.outputs(), inputs.lanes()))
    }

    async fn multiply(&mut self, place: Place, x: &Ring, _: &Ring) -> Result<Ring, ProtocolError> {
        let limbs = x.limbs();
        for lanes in blocks::of(x.len(), product::words(1, limbs)) {
            let words = product::deal(&mut self.stock.dealing, lanes.len(), limbs)?;
            self.send(place, words).await?;
        }
        Ok(Ring::elsewhere(limbs, x.len()))
    }

    async fn lift(&mut self, place: Place, bits: &Bits, limbs: usize) -> Result<Ring, ProtocolError> {
        for (wires, lanes) in blocks::of_wires(bits.wires(), bits.lanes(), limbs) {
            let words = lift::deal(&mut self.stock.dealing, wires.len(), lanes.len(), limbs)?;
            self.send(place, words).await?;
        }
        Ok(Ring::elsewhere(limbs, bits.wires() * bits.lanes()))
    }

    async fn negative(&mut self, place: Place, x: &Ring, width: usize) -> Result<Bits, ProtocolError> {
        for exchange in 0..sign::exchanges(width) {
            for lanes in blocks::of(x.len(), sign_words(width)) {
                let words = sign::deal(&mut self.stock.dealing, width, lanes.len(), exchange)?;
                self.send(place, words).await?;
            }
        }
        Ok(Bits::elsewhere(1, x.len()))
    }

    async fn choose(&mut self, place: Place, _: &Bits, x: &Ring, _: &Ring) -> Result<Ring, ProtocolError> {
        let limbs = x.limbs();
        for lanes in blocks::of(x.len(), choose::corrections(1, limbs)) {
            let words = choose::deal(&mut self.stock.dealing, lanes.len(), limbs)?;
            self.send(place, words).await?;
        }
        Ok(Ring::elsewhere(limbs, x.len()))
    }

    async fn introduce(
        &mut self,
        _: Place,
        segments: &[Segment],
        columns: usize,
        _: Option<Vec<u64>>,
    ) -> Result<Masks, ProtocolError> {
        let index = self.stock.matrices;
        self.stock.matrices += 1;
        let masks = |seed| RowMasks::new(rows_seed(seed, index), columns);
        let [left, right] = self.stock.rows.each_ref().map(masks);
        Ok(Masks { layout: Layout::new(segments, columns), left, right })
    }

    async fn product(
        &mut self,
        place: Place,
        rows: &Masks,
        range: Range<usize>,
        columns: Range<usize>,
        factor: &Ring,
    ) -> Result<Ring, ProtocolError> {
        let width = factor.len() / columns.len().max(1);
        let shape = rows.layout.shape(&range, columns.len(), width);
        let mut product = DealtProduct::new(&mut self.stock.dealing, shape)?;
        let mut expanded = Expanded::default();
        for block in rows.layout.blocks(&range, width) {
            let masks = expanded.of(rows, &block, &columns)?;
            let words = product.block(&mut self.stock.dealing, block.rows.len(), masks)?;
            self.send(place, words).await?;
        }
        Ok(Ring::elsewhere(1, width * range.len()))
    }

    async fn weighted_sums(
        &mut self,
        place: Place,
        rows: &Masks,
        range: Range<usize>,
        columns: Range<usize>,
        weights: &Ring,
    ) -> Result<Ring, ProtocolError> {
        let width = weights.len() / range.len().max(1);
        let shape = rows.layout.shape(&range, columns.len(), width);
        let mut sums = DealtSums::new(&mut self.stock.dealing, shape)?;
        let mut expanded = Expanded::default();
        for block in rows.layout.blocks(&range, width) {
            let masks = expanded.of(rows, &block, &columns)?;
            sums.block(&mut self.stock.dealing, block.rows.len(), masks)?;
        }
        let words = sums.finish()?;
        self.send(place, words).await?;
        Ok(Ring::elsewhere(1, width * columns.len()))
    }

    fn columns(&self, _: &Masks, range: Range<usize>, columns: Range<usize>) -> Result<Ring, ProtocolError> {
        Ok(Ring::elsewhere(1, columns.len() * range.len()))
    }

    async fn open(&mut self, _: Place, bits: &Bits) -> Result<BitSlices, ProtocolError> {
        Ok(BitSlices::zero(bits.wires(), bits.lanes()))
    }

    async fn open_ring(&mut self, _: Place, x: &Ring) -> Result<Vec<u64>, ProtocolError> {
        Ok(vec![0; x.len() * x.limbs()])
    }
}
