//! The circuits; the whole program is held to its definition with the rounds, in `clustering/tests.rs`.

use sharing::BitSlices;

use super::super::plain::numbers;
use super::*;

fn wires(values: &[u64]) -> BitSlices {
    BitSlices::concat(
        &values.iter().map(|&bit| BitSlices::from_limbs(&[bit], 1, 1).unwrap()).collect::<Vec<_>>(),
    )
    .unwrap()
}

#[test]
fn a_row_that_only_fills_up_belongs_nowhere_and_has_no_label() {
    for clusters in 2..9u64 {
        let circuit = members(clusters as usize);
        let matches = 2 * (clusters - 1);
        assert_eq!(circuit.inputs() as u64, 1 + matches);
        for number in 0..1u64 << matches {
            let inputs: Vec<u64> = (0..=matches).map(|at| (number << 1) >> at & 1).collect();
            let evaluated = |real| {
                let inputs = wires(&[&[real], &inputs[1..]].concat());
                let outputs = Bits::held(circuit.evaluate_plain(&inputs).unwrap());
                numbers(&outputs)[0]
            };
            assert_eq!(evaluated(0), 0, "padding");
            let outputs = evaluated(1);
            let (in_last, rest) = (outputs & ((1 << (clusters - 1)) - 1), outputs >> (clusters - 1));
            let (in_labels, label) = (rest & ((1 << (clusters - 1)) - 1), rest >> (clusters - 1));
            assert!(in_last.count_ones() <= 1 && in_labels.count_ones() <= 1);
            let last = in_labels == 0;
            assert_eq!(label, if last { clusters - 1 } else { u64::from(in_labels.trailing_zeros()) });
        }
    }
}

#[test]
fn a_cluster_is_withheld_for_any_reason() {
    for hosts in 2..5usize {
        let circuit = verdict(hosts);
        let inputs = ASSIGNMENTS * (2 * hosts + 1);
        assert_eq!((circuit.inputs(), circuit.outputs()), (inputs, 1));
        let judged = |set: &[usize]| {
            let values: Vec<u64> = (0..inputs).map(|at| u64::from(set.contains(&at))).collect();
            circuit.evaluate_plain(&wires(&values)).unwrap().wire(0)[0] == 1
        };
        assert!(!judged(&[]));
        for assignment in 0..ASSIGNMENTS {
            let first = assignment * (2 * hosts + 1);
            assert!(judged(&[first + 2 * hosts]), "nobody has rows");
            for host in 0..hosts {
                let (fewer, none) = (first + host, first + hosts + host);
                assert!(judged(&[fewer]) && !judged(&[none]) && !judged(&[fewer, none]), "host {host}");
            }
        }
    }
}

#[test]
fn the_circuits_are_shallow() {
    for (clusters, ands, depth) in [(2, 2, 1), (3, 6, 2), (5, 14, 3), (8, 26, 3), (10, 42, 3)] {
        let circuit = members(clusters);
        assert_eq!((circuit.and_count(), circuit.depth()), (ands, depth), "{clusters}");
    }
    for (hosts, depth) in [(2, 4), (3, 4), (4, 5), (16, 7)] {
        assert_eq!(verdict(hosts).depth(), depth, "{hosts}");
    }
}
