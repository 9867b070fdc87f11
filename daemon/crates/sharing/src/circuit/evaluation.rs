//! Evaluation by two parties on exclusive-or shares, without input or output of its own.

use super::{Circuit, Output, slot};
use crate::error::check_length;
use crate::triples::TripleBatch;
use crate::wipe::wipe;
use crate::{BitSlices, Error, Party, Triples};

/// One party's side of a two-party evaluation (Beaver 1991; bit-sliced).
///
/// Repeat [`open`](Self::open), exchange the words with the peer, [`absorb`](Self::absorb) the peer's, until `open`
/// gives `None`; then [`outputs`](Self::outputs). For `x & y` with a triple `c = a & b` the parties open
/// `d = x ^ a` and `e = y ^ b`, uniform to both, and keep `c ^ d·b ^ e·a ^ d·e`.
///
/// It holds [`Circuit::width`] words for each word of lanes, and about seven for each AND of the widest layer. Cut
/// many lanes into blocks (some 64 to 128 words of lanes for a comparison), so that this stays in the cache.
pub struct Evaluation<'c> {
    circuit: &'c Circuit,
    party: Party,
    lanes: usize,
    words: usize,
    memory: Vec<u64>,
    batch: TripleBatch,
    /// Own masked words of the layer that is open: all `d`, then all `e`.
    masked: Vec<u64>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// This layer is next.
    Ready(usize),
    /// The words of this layer are with the peer.
    Opened(usize),
}

impl<'c> Evaluation<'c> {
    /// Starts with this party's shares of all inputs. A private input of one party is that value there, and
    /// [`BitSlices::zero`] at the other.
    ///
    /// # Errors
    /// [`Error::Length`] when `inputs` has not one wire for each input of the circuit.
    pub fn new(circuit: &'c Circuit, party: Party, inputs: &BitSlices) -> Result<Self, Error> {
        check_length("input wires of the circuit", inputs.bits(), circuit.inputs)?;
        let words = inputs.words();
        let mut memory = vec![0; circuit.slots * words];
        for load in &circuit.loads {
            memory[load.slot as usize * words..][..words].copy_from_slice(inputs.wire(load.input as usize));
        }
        for xor in &circuit.layers[0].xors {
            xor.apply(&mut memory, words);
        }
        let batch = TripleBatch::with_capacity(circuit.widest_layer() * words);
        let masked = Vec::with_capacity(2 * circuit.widest_layer() * words);
        let lanes = inputs.lanes();
        Ok(Self { circuit, party, lanes, words, memory, batch, masked, state: State::Ready(1) })
    }

    /// The masked words of the next AND layer, to be sent to the peer; `None` when no layer is left.
    ///
    /// # Errors
    /// [`Error::TriplesExhausted`]: supply more and call again. [`Error::WrongParty`] when the triples are the
    /// other party's. [`Error::OutOfOrder`] when the peer's words of the last layer are still missing.
    pub fn open(&mut self, triples: &mut Triples) -> Result<Option<Vec<u64>>, Error> {
        let State::Ready(level) = self.state else {
            return Err(Error::OutOfOrder("the peer's words of the open layer come first"));
        };
        let Some(layer) = self.circuit.layers.get(level) else { return Ok(None) };
        if triples.party() != self.party {
            return Err(Error::WrongParty);
        }
        let length = layer.ands.len() * self.words;
        triples.refill(&mut self.batch, length)?;
        self.masked.clear();
        for (side, masks) in [&self.batch.a, &self.batch.b].into_iter().enumerate() {
            let mut masks = masks.as_slice();
            for and in &layer.ands {
                let operand = and.operands[side];
                let flip = self.constant(operand.flip());
                let (mask, rest) = masks.split_at(self.words);
                let values = slot(&self.memory, operand.slot, self.words);
                self.masked.extend(values.iter().zip(mask).map(|(value, mask)| value ^ mask ^ flip));
                masks = rest;
            }
        }
        self.state = State::Opened(level);
        Ok(Some(self.masked.clone()))
    }

    /// Takes the peer's words of the layer that was opened.
    ///
    /// # Errors
    /// [`Error::Length`] when their number is not that of the words sent; the evaluation is unchanged.
    /// [`Error::OutOfOrder`] when no layer is open.
    pub fn absorb(&mut self, peer: &[u64]) -> Result<(), Error> {
        let State::Opened(level) = self.state else {
            return Err(Error::OutOfOrder("a layer must be opened before the peer's words are taken"));
        };
        check_length("masked words from the peer", peer.len(), self.masked.len())?;
        for (own, peer) in self.masked.iter_mut().zip(peer) {
            *own ^= peer;
        }
        let layer = &self.circuit.layers[level];
        let (opened_x, opened_y) = self.masked.split_at(self.masked.len() / 2);
        let both = self.constant(u64::MAX);
        for (gate, and) in layer.ands.iter().enumerate() {
            let range = gate * self.words..(gate + 1) * self.words;
            let out = &mut self.memory[and.out as usize * self.words..][..self.words];
            let opened = opened_x[range.clone()].iter().zip(&opened_y[range.clone()]);
            let factors = self.batch.a[range.clone()].iter().zip(&self.batch.b[range.clone()]);
            let products = self.batch.c[range].iter();
            for (((out, (d, e)), (a, b)), c) in out.iter_mut().zip(opened).zip(factors).zip(products) {
                *out = c ^ (d & b) ^ (e & (a ^ (d & both)));
            }
        }
        for xor in &layer.xors {
            xor.apply(&mut self.memory, self.words);
        }
        self.state = State::Ready(level + 1);
        Ok(())
    }

    /// This party's shares of the outputs.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] when layers are left.
    pub fn outputs(self) -> Result<BitSlices, Error> {
        if self.state != State::Ready(self.circuit.layers.len()) {
            return Err(Error::OutOfOrder("layers are left to evaluate"));
        }
        let mut out = Vec::with_capacity(self.circuit.outputs.len() * self.words);
        for output in &self.circuit.outputs {
            match *output {
                Output::Constant(value) => {
                    let value = if value { self.constant(u64::MAX) } else { 0 };
                    out.extend(core::iter::repeat_n(value, self.words));
                }
                Output::Slot(operand) => {
                    let flip = self.constant(operand.flip());
                    out.extend(slot(&self.memory, operand.slot, self.words).iter().map(|value| value ^ flip));
                }
            }
        }
        BitSlices::from_words(out, self.circuit.outputs.len(), self.lanes)
    }

    /// Words that the next message of the peer must have; 0 when no layer is open.
    pub fn expected_words(&self) -> usize {
        match self.state {
            State::Ready(_) => 0,
            State::Opened(_) => self.masked.len(),
        }
    }

    /// A public word is a share of itself at the left party, and of zero at the right.
    fn constant(&self, word: u64) -> u64 {
        match self.party {
            Party::Left => word,
            Party::Right => 0,
        }
    }
}

impl Drop for Evaluation<'_> {
    fn drop(&mut self) {
        wipe(&mut self.memory);
        wipe(&mut self.masked);
    }
}
