//! Random circuits against gate-by-gate evaluation: folding, sharing of gates, layers and slots.

use proptest::collection::vec;
use proptest::prelude::*;
use sharing::{BitSlices, Builder, Stream};

use crate::parties::{evaluate, seed};

#[derive(Clone, Copy, Debug)]
enum Gate {
    Not,
    Xor,
    And,
    Or,
}

fn gate() -> impl Strategy<Value = (Gate, usize, usize)> {
    let kind = prop_oneof![Just(Gate::Not), Just(Gate::Xor), Just(Gate::And), Just(Gate::Or)];
    (kind, any::<usize>(), any::<usize>())
}

proptest! {
    #[test]
    fn equal_their_gates(
        number: u64,
        inputs in 1_usize..6,
        lanes in prop_oneof![Just(1_usize), Just(63), Just(64), Just(65), Just(200), Just(64 * 40 + 1)],
        gates in vec(gate(), 0..120),
        outputs in vec(any::<usize>(), 1..20),
    ) {
        let words = lanes.div_ceil(64);
        let data = Stream::new(seed(number, "inputs")).words(inputs * words);
        let given = BitSlices::from_words(data, inputs, lanes).unwrap();
        let mut b = Builder::new();
        let mut wires = b.input_number(inputs);
        wires.extend([b.constant(false), b.constant(true)]);
        let mut values: Vec<Vec<u64>> = (0..inputs).map(|wire| given.wire(wire).to_vec()).collect();
        values.extend([vec![0; words], vec![u64::MAX; words]]);
        let mut levels = vec![0; wires.len()];
        for (gate, x, y) in gates {
            // Mostly recent wires, so that circuits get deep.
            let (x, y) = (x % wires.len(), wires.len() - 1 - y % wires.len().min(8));
            let word = |w: usize| match gate {
                Gate::Not => !values[x][w],
                Gate::Xor => values[x][w] ^ values[y][w],
                Gate::And => values[x][w] & values[y][w],
                Gate::Or => values[x][w] | values[y][w],
            };
            let value = (0..words).map(word).collect();
            let (wire, level) = match gate {
                Gate::Not => (b.not(wires[x]), levels[x]),
                Gate::Xor => (b.xor(wires[x], wires[y]), levels[x].max(levels[y])),
                Gate::And => (b.and(wires[x], wires[y]), levels[x].max(levels[y]) + 1),
                Gate::Or => (b.or(wires[x], wires[y]), levels[x].max(levels[y]) + 1),
            };
            wires.push(wire);
            values.push(value);
            levels.push(level);
        }
        let outputs: Vec<_> = outputs.into_iter().map(|output| output % wires.len()).collect();
        let circuit = b.finish(&outputs.iter().map(|&output| wires[output]).collect::<Vec<_>>());
        prop_assert!(circuit.depth() <= outputs.iter().map(|&output| levels[output]).max().unwrap());
        let found = evaluate(&circuit, number, &given);
        let expected = outputs.iter().flat_map(|&output| values[output].clone()).collect();
        let expected = BitSlices::from_words(expected, outputs.len(), lanes).unwrap();
        prop_assert!(found == expected);
    }
}

#[test]
fn folding_sharing_and_dead_gates_cost_nothing() {
    let mut b = Builder::new();
    let (x, y, unused) = (b.input(), b.input(), b.input());
    let zero = b.constant(false);
    let folded = [b.and(x, zero), b.and(x, b.not(x)), b.xor(x, x), b.xor(b.not(x), x), b.and(x, b.not(zero))];
    let dead = b.and(unused, y);
    let _ = b.and(dead, x);
    let once = b.and(x, y);
    let twice = b.and(y, x);
    let xor = b.xor(x, y);
    let back = b.xor(xor, b.not(x));
    assert_eq!((once, back), (twice, b.not(y)));
    let circuit = b.finish(&[folded[0], folded[1], folded[2], folded[3], folded[4], once, twice, back]);
    assert_eq!((circuit.and_count(), circuit.depth(), circuit.inputs(), circuit.outputs()), (1, 1, 3, 8));
    assert_eq!(circuit.width(), 3, "two inputs and an AND; the third input is not loaded");
    let inputs = BitSlices::from_limbs(&[0, 1, 2, 3, 4], 1, 3).unwrap();
    let values = evaluate(&circuit, 1, &inputs).to_limbs(1).unwrap();
    let expected = [0b1000_1000, 0b1001_1000, 0b0000_1000, 0b0111_1000, 0b1000_1000];
    assert_eq!(values, expected);
}

#[test]
fn slots_are_used_again() {
    let mut b = Builder::new();
    let x = b.input_number(2);
    let mut wire = x[0];
    for _ in 0..1000 {
        let next = b.and(wire, x[1]);
        wire = b.xor(next, x[0]);
        wire = b.not(wire);
    }
    let circuit = b.finish(&[wire]);
    assert_eq!((circuit.depth(), circuit.and_count()), (1000, 1000));
    assert!(circuit.width() <= 5, "{} slots", circuit.width());
}
