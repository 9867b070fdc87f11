//! The plaintext twin of a two-party evaluation.

use super::{Circuit, Output, slot};
use crate::error::check_length;
use crate::{BitSlices, Error};

/// Words of lanes evaluated at a time, so that the slots of a usual circuit stay in the cache.
const BLOCK: usize = 16;

impl Circuit {
    /// Evaluates in the clear.
    ///
    /// # Errors
    /// [`Error::Length`] when `inputs` has not one wire for each input.
    pub fn evaluate_plain(&self, inputs: &BitSlices) -> Result<BitSlices, Error> {
        check_length("input wires of the circuit", inputs.bits(), self.inputs)?;
        let words = inputs.words();
        let mut out = vec![0; self.outputs.len() * words];
        for first in (0..words).step_by(BLOCK) {
            let block = BLOCK.min(words - first);
            self.evaluate_block(inputs, first, block, &mut out);
        }
        BitSlices::from_words(out, self.outputs.len(), inputs.lanes())
    }

    fn evaluate_block(&self, inputs: &BitSlices, first: usize, words: usize, out: &mut [u64]) {
        let mut memory = vec![0; self.slots * words];
        let mut results = vec![0; self.widest_layer() * words];
        for load in &self.loads {
            memory[load.slot as usize * words..][..words]
                .copy_from_slice(&inputs.wire(load.input as usize)[first..first + words]);
        }
        for layer in &self.layers {
            for (and, result) in layer.ands.iter().zip(results.chunks_exact_mut(words)) {
                let [x, y] = and.operands;
                let values = slot(&memory, x.slot, words).iter().zip(slot(&memory, y.slot, words));
                for (result, (left, right)) in result.iter_mut().zip(values) {
                    *result = (left ^ x.flip()) & (right ^ y.flip());
                }
            }
            for (and, result) in layer.ands.iter().zip(results.chunks_exact(words)) {
                memory[and.out as usize * words..][..words].copy_from_slice(result);
            }
            for xor in &layer.xors {
                xor.apply(&mut memory, words);
            }
        }
        for (wire, out) in self.outputs.iter().zip(out.chunks_exact_mut(inputs.words())) {
            let out = &mut out[first..first + words];
            match *wire {
                Output::Constant(value) => out.fill(if value { u64::MAX } else { 0 }),
                Output::Slot(operand) => {
                    for (out, value) in out.iter_mut().zip(slot(&memory, operand.slot, words)) {
                        *out = value ^ operand.flip();
                    }
                }
            }
        }
    }
}
