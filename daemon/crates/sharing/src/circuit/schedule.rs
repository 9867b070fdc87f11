//! From gates to layers and slots.

use super::builder::Gate;
use super::{And, Circuit, Layer, Load, Operand, Output, Wire, Xor};

/// Never freed: an output.
const KEPT: u32 = u32::MAX;

/// Puts every gate that an output needs into the first AND layer in which its operands are known (which makes the
/// depth least), and gives its result a slot from then to its last use.
pub(super) fn schedule(gates: &[Gate], inputs: usize, outputs: &[Wire]) -> Circuit {
    let live = live(gates, outputs);
    let levels = levels(gates, &live);
    let depth = (0..gates.len()).filter(|&node| live[node]).map(|node| levels[node]).max().unwrap_or(0);
    let mut by_level = vec![(Vec::new(), Vec::new()); depth as usize + 1];
    let mut loads = Vec::new();
    for (node, gate) in gates.iter().enumerate().filter(|&(node, _)| live[node]) {
        let (ands, xors) = &mut by_level[levels[node] as usize];
        match *gate {
            Gate::Zero => {}
            Gate::Input(input) => loads.push((input, node)),
            Gate::And(x, y) => ands.push((node, x, y)),
            Gate::Xor(x, y) => xors.push((node, x, y)),
        }
    }

    // A step is a layer's ANDs together, or one exclusive or.
    let mut last_use = vec![0_u32; gates.len()];
    let mut step = 0;
    for (ands, xors) in &by_level {
        step += 1;
        for &(_, x, y) in ands {
            last_use[x.node()] = step;
            last_use[y.node()] = step;
        }
        for &(_, x, y) in xors {
            step += 1;
            last_use[x.node()] = step;
            last_use[y.node()] = step;
        }
    }
    for output in outputs {
        last_use[output.node()] = KEPT;
    }

    let mut slots = Slots { of_node: vec![KEPT; gates.len()], free: Vec::new(), count: 0 };
    let loads: Vec<_> =
        loads.into_iter().map(|(input, node)| Load { input, slot: slots.allocate(node) }).collect();
    let mut step = 0;
    let mut layers = Vec::with_capacity(by_level.len());
    for (ands, xors) in by_level {
        step += 1;
        // All ANDs of a layer are read before any is written, so results may take the place of operands.
        let operands: Vec<_> = ands.iter().map(|&(_, x, y)| [slots.operand(x), slots.operand(y)]).collect();
        for &(_, x, y) in &ands {
            slots.release_after(step, [x, y], &last_use);
        }
        let results = ands.iter().map(|&(node, ..)| slots.allocate(node));
        let ands = operands.into_iter().zip(results).map(|(operands, out)| And { operands, out }).collect();
        let mut layer = Layer { ands, xors: Vec::with_capacity(xors.len()) };
        for (node, x, y) in xors {
            step += 1;
            let out = slots.allocate(node);
            layer.xors.push(Xor { operands: [slots.of_node[x.node()], slots.of_node[y.node()]], out });
            slots.release_after(step, [x, y], &last_use);
        }
        layers.push(layer);
    }
    let outputs = outputs
        .iter()
        .map(|&wire| match gates[wire.node()] {
            Gate::Zero => Output::Constant(wire.inverted()),
            _ => Output::Slot(slots.operand(wire)),
        })
        .collect();
    Circuit { inputs, loads, layers, outputs, slots: slots.count as usize }
}

/// Which gates the outputs need.
fn live(gates: &[Gate], outputs: &[Wire]) -> Vec<bool> {
    let mut live = vec![false; gates.len()];
    for output in outputs {
        live[output.node()] = true;
    }
    for node in (0..gates.len()).rev() {
        if let (true, Gate::And(x, y) | Gate::Xor(x, y)) = (live[node], gates[node]) {
            live[x.node()] = true;
            live[y.node()] = true;
        }
    }
    live
}

/// The AND layer of each gate: 0 for what the inputs give without an AND.
fn levels(gates: &[Gate], live: &[bool]) -> Vec<u32> {
    let mut levels = vec![0_u32; gates.len()];
    for (node, gate) in gates.iter().enumerate().filter(|&(node, _)| live[node]) {
        levels[node] = match gate {
            Gate::Zero | Gate::Input(_) => 0,
            Gate::And(x, y) => levels[x.node()].max(levels[y.node()]) + 1,
            Gate::Xor(x, y) => levels[x.node()].max(levels[y.node()]),
        };
    }
    levels
}

/// Slots handed out, and those free again.
struct Slots {
    of_node: Vec<u32>,
    free: Vec<u32>,
    count: u32,
}

impl Slots {
    fn allocate(&mut self, node: usize) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.count += 1;
            self.count - 1
        });
        self.of_node[node] = slot;
        slot
    }

    fn operand(&self, wire: Wire) -> Operand {
        Operand { slot: self.of_node[wire.node()], inverted: wire.inverted() }
    }

    /// Frees the slots of those wires whose last use was `step`, each once.
    fn release_after(&mut self, step: u32, wires: [Wire; 2], last_use: &[u32]) {
        for wire in wires {
            let slot = self.of_node[wire.node()];
            if last_use[wire.node()] == step && slot != KEPT {
                self.free.push(slot);
                self.of_node[wire.node()] = KEPT;
            }
        }
    }
}
