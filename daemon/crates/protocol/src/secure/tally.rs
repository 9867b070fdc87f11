//! The engine that counts: bytes, messages and exchanges of every step as the parties make them, and the memory that they
//! take. It has no shares.

use std::collections::BTreeMap;
use std::ops::Range;

use sharing::{BitSlices, Circuit, Party, choose, lift, product, sign};

use super::matrix::Layout;
use super::pair::sign_words;
use super::{Bits, Engine, Ring, Segment, blocks};
use crate::engine::{CORRECTIONS_CHUNK, WORDS};
use crate::error::ProtocolError;
use crate::link::{Place, Step};
use crate::party::PartyId;

const LEFT: PartyId = PartyId::LEAD;
const RIGHT: PartyId = PartyId::SECOND;
const DEALER: PartyId = PartyId::THIRD_PARTY;

/// Messages and bytes by step, sender and receiver.
type Counts = BTreeMap<(Step, PartyId, PartyId), (u64, u64)>;

/// What has been counted.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) counts: Counts,
    pub(crate) exchanges: BTreeMap<Step, u64>,
    /// Bytes of the matrices that a compute party keeps.
    pub(crate) matrices: u64,
    /// Bytes of the operands, states and results of the largest step.
    pub(crate) largest: u64,
}

impl Tally {
    /// One message of `bytes`.
    pub(crate) fn message(&mut self, step: Step, from: PartyId, to: PartyId, bytes: usize) {
        let (messages, total) = self.counts.entry((step, from, to)).or_default();
        *messages += 1;
        *total += bytes as u64;
    }

    /// Words, in as many messages as they are cut into.
    pub(crate) fn words(&mut self, step: Step, from: PartyId, to: PartyId, words: usize) {
        let mut left = words;
        while left > 0 {
            let now = left.min(WORDS);
            self.message(step, from, to, 8 * now);
            left -= now;
        }
    }

    /// Messages that each wait for the one before.
    pub(crate) fn exchanged(&mut self, step: Step, exchanges: usize) {
        *self.exchanges.entry(step).or_default() += exchanges as u64;
    }

    /// A circuit's corrections and layers.
    pub(crate) fn corrections_of_circuit(&mut self, step: Step, words: usize) {
        let mut left = words;
        while left > 0 {
            let now = left.min(CORRECTIONS_CHUNK);
            self.message(step, DEALER, RIGHT, 8 * now);
            left -= now;
        }
    }

    /// The same words each way between the compute parties.
    pub(crate) fn each_way(&mut self, step: Step, words: usize) {
        self.words(step, LEFT, RIGHT, words);
        self.words(step, RIGHT, LEFT, words);
    }

    fn takes(&mut self, words: usize) {
        self.largest = self.largest.max(8 * words as u64);
    }
}

/// A [`Tally`] as an engine.
pub(crate) struct Count<'a>(pub(crate) &'a mut Tally);

impl Count<'_> {
    /// Exchanges of blocks that take so many words each way and so many corrections.
    fn blocks(&mut self, place: Place, blocks: impl Iterator<Item = (usize, usize)>) {
        for (words, corrections) in blocks {
            self.0.each_way(place.step, words);
            self.0.words(place.step, DEALER, RIGHT, corrections);
        }
        self.0.exchanged(place.step, 1);
    }
}

impl Engine for Count<'_> {
    type Rows = Layout;

    fn party(&self) -> Option<Party> {
        None
    }

    async fn evaluate(
        &mut self,
        place: Place,
        circuit: &Circuit,
        inputs: &Bits,
    ) -> Result<Bits, ProtocolError> {
        self.0.corrections_of_circuit(place.step, circuit.triple_words(inputs.lanes()));
        for lanes in blocks::of_circuit(inputs.lanes(), circuit.widest_layer()) {
            for words in circuit.message_words(lanes.len()) {
                self.0.message(place.step, LEFT, RIGHT, 8 * words);
                self.0.message(place.step, RIGHT, LEFT, 8 * words);
            }
        }
        self.0.exchanged(place.step, circuit.depth());
        self.0.takes((inputs.wires() + circuit.width() + circuit.outputs()) * inputs.lanes().div_ceil(64));
        Ok(Bits::elsewhere(circuit.outputs(), inputs.lanes()))
    }

    async fn multiply(&mut self, place: Place, x: &Ring, _: &Ring) -> Result<Ring, ProtocolError> {
        let (len, limbs) = (x.len(), x.limbs());
        let of = |lanes: Range<usize>| {
            (product::words(lanes.len(), limbs), product::corrections(lanes.len(), limbs))
        };
        self.blocks(place, blocks::of(len, product::words(1, limbs)).map(of));
        self.0.takes(3 * len * limbs);
        Ok(Ring::elsewhere(limbs, len))
    }

    async fn lift(&mut self, place: Place, bits: &Bits, limbs: usize) -> Result<Ring, ProtocolError> {
        let of = |(wires, lanes): (Range<usize>, Range<usize>)| {
            let (wires, lanes) = (wires.len(), lanes.len());
            (lift::words(wires, lanes), lift::corrections(wires, lanes, limbs))
        };
        self.blocks(place, blocks::of_wires(bits.wires(), bits.lanes(), limbs).map(of));
        let len = bits.wires() * bits.lanes();
        self.0.takes(len * limbs + len.div_ceil(64));
        Ok(Ring::elsewhere(limbs, len))
    }

    async fn negative(&mut self, place: Place, x: &Ring, width: usize) -> Result<Bits, ProtocolError> {
        for exchange in 0..sign::exchanges(width) {
            let of = |lanes: Range<usize>| {
                let lanes = lanes.len();
                (sign::words(width, lanes)[exchange], sign::corrections(width, lanes)[exchange])
            };
            self.blocks(place, blocks::of(x.len(), sign_words(width)).map(of));
        }
        // The bits, their masks and what they become are all of about the width.
        self.0.takes(x.len() * x.limbs() + 3 * width * x.len().div_ceil(64));
        Ok(Bits::elsewhere(1, x.len()))
    }

    async fn choose(&mut self, place: Place, _: &Bits, x: &Ring, _: &Ring) -> Result<Ring, ProtocolError> {
        let (len, limbs) = (x.len(), x.limbs());
        let of = |lanes: Range<usize>| {
            (choose::words(lanes.len(), limbs), choose::corrections(lanes.len(), limbs))
        };
        self.blocks(place, blocks::of(len, choose::corrections(1, limbs)).map(of));
        self.0.takes(3 * len * limbs);
        Ok(Ring::elsewhere(limbs, len))
    }

    async fn introduce(
        &mut self,
        place: Place,
        segments: &[Segment],
        columns: usize,
        _: Option<Vec<u64>>,
    ) -> Result<Layout, ProtocolError> {
        // "H masks its rows with a stream that G has too and sends them to L."
        for (host, segment) in segments.iter().enumerate().skip(2) {
            self.0.words(place.step, PartyId(host as u8), LEFT, segment.rows * columns);
        }
        let layout = Layout::new(segments, columns);
        let [left, right] = [Party::Left, Party::Right].map(|party| layout.rows_of(party) * columns);
        self.0.words(place.step, LEFT, RIGHT, left);
        self.0.words(place.step, RIGHT, LEFT, right);
        self.0.exchanged(place.step, 1 + usize::from(segments.len() > 2));
        self.0.matrices += 8 * (left + right) as u64;
        Ok(layout)
    }

    async fn product(
        &mut self,
        place: Place,
        rows: &Layout,
        range: Range<usize>,
        columns: Range<usize>,
        factor: &Ring,
    ) -> Result<Ring, ProtocolError> {
        let width = factor.len() / columns.len().max(1);
        let shape = rows.shape(&range, columns.len(), width);
        self.0.words(place.step, LEFT, RIGHT, shape.product_words(Party::Left));
        self.0.words(place.step, RIGHT, LEFT, shape.product_words(Party::Right));
        for block in rows.blocks(&range, width) {
            self.0.words(place.step, DEALER, RIGHT, shape.product_corrections(block.rows.len()));
        }
        self.0.exchanged(place.step, 1);
        self.0.takes(width * range.len());
        Ok(Ring::elsewhere(1, width * range.len()))
    }

    async fn weighted_sums(
        &mut self,
        place: Place,
        rows: &Layout,
        range: Range<usize>,
        columns: Range<usize>,
        weights: &Ring,
    ) -> Result<Ring, ProtocolError> {
        let width = weights.len() / range.len().max(1);
        let shape = rows.shape(&range, columns.len(), width);
        for block in rows.blocks(&range, width) {
            let words = |sender| shape.sums_words(sender, block.rows.len(), block.parts);
            self.0.words(place.step, LEFT, RIGHT, words(Party::Left));
            self.0.words(place.step, RIGHT, LEFT, words(Party::Right));
        }
        self.0.words(place.step, DEALER, RIGHT, shape.sums_corrections());
        self.0.exchanged(place.step, 1);
        self.0.takes(weights.len());
        Ok(Ring::elsewhere(1, width * columns.len()))
    }

    fn columns(&self, _: &Layout, range: Range<usize>, columns: Range<usize>) -> Result<Ring, ProtocolError> {
        Ok(Ring::elsewhere(1, columns.len() * range.len()))
    }

    async fn open(&mut self, place: Place, bits: &Bits) -> Result<BitSlices, ProtocolError> {
        self.0.each_way(place.step, bits.wires() * bits.lanes().div_ceil(64));
        self.0.exchanged(place.step, 1);
        Ok(BitSlices::zero(bits.wires(), bits.lanes()))
    }

    async fn open_ring(&mut self, place: Place, x: &Ring) -> Result<Vec<u64>, ProtocolError> {
        self.0.each_way(place.step, x.len() * x.limbs());
        self.0.exchanged(place.step, 1);
        Ok(vec![0; x.len() * x.limbs()])
    }
}
