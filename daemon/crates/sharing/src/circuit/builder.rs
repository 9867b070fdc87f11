//! Building a circuit gate by gate.

use std::collections::HashMap;

use super::{Circuit, schedule};

/// A wire of a [`Builder`]: the result of a gate or its negation, which costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wire(u32);

impl Wire {
    /// The constant 0.
    pub const ZERO: Wire = Wire(0);
    /// The constant 1.
    pub const ONE: Wire = Wire(1);

    fn new(node: usize) -> Self {
        Self(u32::try_from(node).ok().and_then(|node| node.checked_mul(2)).expect("circuit below 2^31 gates"))
    }

    /// The gate whose result or negated result this is.
    pub(super) fn node(self) -> usize {
        (self.0 >> 1) as usize
    }

    pub(super) fn inverted(self) -> bool {
        self.0 & 1 == 1
    }

    fn inverted_if(self, condition: bool) -> Self {
        Self(self.0 ^ u32::from(condition))
    }

    /// The result without negation.
    fn plain(self) -> Self {
        Self(self.0 & !1)
    }
}

/// A gate; its operands are earlier gates.
#[derive(Clone, Copy)]
pub(super) enum Gate {
    Zero,
    Input(u32),
    And(Wire, Wire),
    /// Of two wires without negation.
    Xor(Wire, Wire),
}

/// Collects gates into a circuit.
///
/// Constants are folded and a gate that exists already is shared, so the number circuits may be written plainly and
/// still cost little at public operands. A wire belongs to the builder that made it.
pub struct Builder {
    gates: Vec<Gate>,
    inputs: u32,
    ands: HashMap<(Wire, Wire), Wire>,
    xors: HashMap<(Wire, Wire), Wire>,
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

impl Builder {
    /// A builder without gates.
    pub fn new() -> Self {
        Self { gates: vec![Gate::Zero], inputs: 0, ands: HashMap::new(), xors: HashMap::new() }
    }

    /// The next input wire.
    pub fn input(&mut self) -> Wire {
        self.inputs += 1;
        self.push(Gate::Input(self.inputs - 1))
    }

    /// The next `bits` input wires: a number, least significant bit first.
    pub fn input_number(&mut self, bits: usize) -> Vec<Wire> {
        (0..bits).map(|_| self.input()).collect()
    }

    /// A public bit.
    pub fn constant(&self, value: bool) -> Wire {
        Wire::ZERO.inverted_if(value)
    }

    /// The low `bits` bits of a public number, least significant first.
    pub fn constant_number(&self, value: u64, bits: usize) -> Vec<Wire> {
        (0..bits).map(|bit| self.constant(bit < 64 && value >> bit & 1 == 1)).collect()
    }

    /// `!x`; free.
    pub fn not(&self, x: Wire) -> Wire {
        x.inverted_if(true)
    }

    /// `x ^ y`; local to each party.
    pub fn xor(&mut self, x: Wire, y: Wire) -> Wire {
        let inverted = x.inverted() ^ y.inverted();
        let (x, y) = (x.plain().min(y.plain()), x.plain().max(y.plain()));
        self.plain_xor(x, y).inverted_if(inverted)
    }

    /// `x & y`; a triple and a place in a layer, unless an operand is constant or both are the same gate.
    pub fn and(&mut self, x: Wire, y: Wire) -> Wire {
        let (x, y) = (x.min(y), x.max(y));
        match (x, y) {
            (Wire::ZERO, _) => Wire::ZERO,
            (Wire::ONE, _) => y,
            _ if x == y => x,
            _ if x.node() == y.node() => Wire::ZERO,
            _ => match self.ands.get(&(x, y)) {
                Some(&wire) => wire,
                None => {
                    let wire = self.push(Gate::And(x, y));
                    self.ands.insert((x, y), wire);
                    wire
                }
            },
        }
    }

    /// `x | y`, at the cost of an AND.
    pub fn or(&mut self, x: Wire, y: Wire) -> Wire {
        let neither = self.and(self.not(x), self.not(y));
        self.not(neither)
    }

    /// The circuit from all inputs to `outputs`; gates that no output needs are left out.
    ///
    /// # Panics
    /// When an output is a wire of another, larger builder.
    pub fn finish(self, outputs: &[Wire]) -> Circuit {
        schedule::schedule(&self.gates, self.inputs as usize, outputs)
    }

    fn plain_xor(&mut self, x: Wire, y: Wire) -> Wire {
        if x == y {
            return Wire::ZERO;
        }
        if x == Wire::ZERO {
            return y;
        }
        // x ^ (x ^ z) = z, which carry-free sums and chained selections meet often.
        for (one, other) in [(x, y), (y, x)] {
            if let Gate::Xor(left, right) = self.gates[other.node()] {
                if left == one {
                    return right;
                }
                if right == one {
                    return left;
                }
            }
        }
        match self.xors.get(&(x, y)) {
            Some(&wire) => wire,
            None => {
                let wire = self.push(Gate::Xor(x, y));
                self.xors.insert((x, y), wire);
                wire
            }
        }
    }

    fn push(&mut self, gate: Gate) -> Wire {
        self.gates.push(gate);
        Wire::new(self.gates.len() - 1)
    }
}
