//! Boolean circuits: built once, evaluated over many lanes.
//!
//! A circuit is made of AND, exclusive or and NOT. On exclusive-or shares the last two are local; an AND costs a
//! triple and four words of traffic, and all ANDs of a layer cost one exchange together. So a circuit is measured by
//! [`and_count`](Circuit::and_count) and [`depth`](Circuit::depth).

mod builder;
mod evaluation;
mod plain;
mod schedule;

use core::fmt;

pub use builder::{Builder, Wire};
pub use evaluation::Evaluation;

/// A circuit, scheduled in AND layers over memory slots that are reused after their last use.
///
/// It is public: it holds no input.
#[derive(Clone)]
pub struct Circuit {
    inputs: usize,
    /// Which slot takes which input; inputs without effect on the outputs are not loaded.
    loads: Vec<Load>,
    layers: Vec<Layer>,
    outputs: Vec<Output>,
    slots: usize,
}

#[derive(Clone, Copy)]
struct Load {
    input: u32,
    slot: u32,
}

/// ANDs that read their operands together and write their results together, then local gates in order.
#[derive(Clone, Default)]
struct Layer {
    ands: Vec<And>,
    xors: Vec<Xor>,
}

#[derive(Clone, Copy)]
struct And {
    operands: [Operand; 2],
    out: u32,
}

/// `out = operands[0] ^ operands[1]`, three different slots.
#[derive(Clone, Copy)]
struct Xor {
    operands: [u32; 2],
    out: u32,
}

/// A slot, possibly negated.
#[derive(Clone, Copy)]
struct Operand {
    slot: u32,
    inverted: bool,
}

#[derive(Clone, Copy)]
enum Output {
    Constant(bool),
    Slot(Operand),
}

impl Circuit {
    /// Input wires.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Output wires.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// AND gates: words of triples that one word of lanes uses.
    pub fn and_count(&self) -> usize {
        self.layers.iter().map(|layer| layer.ands.len()).sum()
    }

    /// AND layers: exchanges that an evaluation takes.
    pub fn depth(&self) -> usize {
        self.layers.len() - 1
    }

    /// Wires kept in memory at a time, at most; an evaluation holds this many words for each word of lanes.
    pub fn width(&self) -> usize {
        self.slots
    }

    /// AND gates of the widest layer.
    pub fn widest_layer(&self) -> usize {
        self.layers.iter().map(|layer| layer.ands.len()).max().unwrap_or(0)
    }

    /// Words of triples for `lanes` lanes.
    pub fn triple_words(&self, lanes: usize) -> usize {
        self.and_count() * lanes.div_ceil(64)
    }

    /// Words that a party sends in each exchange, in order, for `lanes` lanes: all that an observer of the lengths
    /// learns.
    pub fn message_words(&self, lanes: usize) -> impl Iterator<Item = usize> + '_ {
        let words = lanes.div_ceil(64);
        self.layers.iter().skip(1).map(move |layer| 2 * layer.ands.len() * words)
    }
}

/// Its measures; the gates would fill pages.
impl fmt::Debug for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circuit")
            .field("inputs", &self.inputs())
            .field("outputs", &self.outputs())
            .field("and_count", &self.and_count())
            .field("depth", &self.depth())
            .finish_non_exhaustive()
    }
}

impl Operand {
    /// All ones when negated.
    fn flip(self) -> u64 {
        if self.inverted { u64::MAX } else { 0 }
    }
}

impl Xor {
    /// Computes the gate in a memory of `words` words a slot.
    fn apply(&self, memory: &mut [u64], words: usize) {
        let span = |slot: u32| slot as usize * words..(slot as usize + 1) * words;
        let [left, right] = self.operands;
        let Ok([out, left, right]) = memory.get_disjoint_mut([span(self.out), span(left), span(right)])
        else {
            unreachable!("the schedule gives the operands and the result of a gate three slots");
        };
        for ((out, left), right) in out.iter_mut().zip(left).zip(right) {
            *out = *left ^ *right;
        }
    }
}

/// The words of `slot`.
fn slot(memory: &[u64], slot: u32, words: usize) -> &[u64] {
    &memory[slot as usize * words..][..words]
}
