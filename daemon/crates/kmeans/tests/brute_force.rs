//! Lloyd's algorithm against its definition, and against every partition of a few rows.

use kmeans::reference::{Manhattan, SquaredEuclid};
use kmeans::{Clustering, Lloyd, Metric, assign};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// What one coordinate's difference adds to a cost.
type Term = fn(f64) -> f64;

/// Lloyd's algorithm as its definition says, one row after the other, for whole numbers: their sums are
/// exact, so no order of summation can hide behind rounding.
fn by_definition(
    rows: &[f64],
    dim: usize,
    mut centres: Vec<f64>,
    rounds: usize,
    term: Term,
) -> (Vec<f64>, Vec<u32>, f64) {
    let nearest = |row: &[f64], centres: &[f64]| {
        let mut least = (0, f64::INFINITY);
        for (index, centre) in centres.chunks(dim).enumerate() {
            let mut cost = 0.0;
            for (x, c) in row.iter().zip(centre) {
                cost += term(x - c);
            }
            if cost < least.1 {
                least = (index, cost);
            }
        }
        least
    };
    for _ in 0..rounds {
        let labels: Vec<usize> = rows.chunks(dim).map(|row| nearest(row, &centres).0).collect();
        for cluster in 0..centres.len() / dim {
            let mut count = 0.0;
            let mut sums = vec![0.0; dim];
            for (row, &label) in rows.chunks(dim).zip(&labels) {
                if label == cluster {
                    count += 1.0;
                    for (sum, x) in sums.iter_mut().zip(row) {
                        *sum += x;
                    }
                }
            }
            if count > 0.0 {
                for (index, sum) in sums.into_iter().enumerate() {
                    centres[cluster * dim + index] = sum / count;
                }
            }
        }
    }
    let last: Vec<(usize, f64)> = rows.chunks(dim).map(|row| nearest(row, &centres)).collect();
    let inertia = last.iter().map(|(_, cost)| cost).sum();
    (centres, last.into_iter().map(|(label, _)| label as u32).collect(), inertia)
}

fn square(x: f64) -> f64 {
    x * x
}

/// The least inertia of any partition of `rows` into at most `k` clusters around their means.
fn least_inertia(rows: &[f64], dim: usize, k: usize) -> f64 {
    let n = rows.len() / dim;
    let mut least = f64::INFINITY;
    for partition in 0..k.pow(n as u32) {
        let labels: Vec<usize> = (0..n).map(|row| partition / k.pow(row as u32) % k).collect();
        let mut inertia = 0.0;
        for cluster in 0..k {
            let members =
                || rows.chunks(dim).zip(&labels).filter(|(_, l)| **l == cluster).map(|(row, _)| row);
            let count = members().count() as f64;
            for index in 0..dim {
                let mean = members().map(|row| row[index]).sum::<f64>() / count;
                inertia += members().map(|row| square(row[index] - mean)).sum::<f64>();
            }
        }
        least = least.min(inertia);
    }
    least
}

/// Few different values, so that ties and duplicates are frequent.
fn whole_numbers(rows: std::ops::Range<usize>) -> impl Strategy<Value = (Vec<f64>, usize)> {
    (rows, 1usize..4).prop_flat_map(|(n, dim)| {
        let value = (-4i32..5).prop_map(f64::from);
        (prop::collection::vec(value, n * dim), Just(dim))
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn rounds_follow_the_definition(
        (rows, dim) in whole_numbers(1..40),
        starts in prop::collection::vec(-5i32..6, 1..8 * 3),
        weights in prop::collection::vec(0u32..4, 40),
        rounds in 1usize..6,
    ) {
        let n = rows.len() / dim;
        let k = (starts.len() / dim).max(1);
        let centres: Vec<f64> = (0..k * dim).map(|i| f64::from(starts[i % starts.len()])).collect();
        let lloyd = Lloyd { max_rounds: rounds, ..Lloyd::new(k) };
        let metrics: [(&dyn Metric, Term); 2] = [(&SquaredEuclid, square), (&Manhattan, f64::abs)];
        for (metric, term) in metrics {
            let found = lloyd.run_from(&rows, dim, &centres, metric).unwrap();
            let (expected, labels, inertia) =
                by_definition(&rows, dim, centres.clone(), found.rounds, term);
            prop_assert_eq!(&found.centres, &expected);
            prop_assert_eq!(&found.labels, &labels);
            prop_assert!((found.inertia - inertia).abs() <= 1e-12 * inertia);
            prop_assert!(found.converged || found.rounds == rounds);
            if found.converged {
                let (still, ..) = by_definition(&rows, dim, expected, 1, term);
                prop_assert_eq!(&found.centres, &still);
            }
        }

        // Weights mean repetition: the same starts over rows written out as often as they count.
        let weights: Vec<f64> = weights[..n].iter().map(|&weight| f64::from(weight)).collect();
        prop_assume!(weights.iter().any(|&weight| weight > 0.0));
        let k = k.min(n);
        let lloyd = Lloyd { starts: 3, max_rounds: rounds, ..Lloyd::new(k) };
        let found = lloyd.run_weighted(&rows, &weights, dim, &SquaredEuclid).unwrap();
        let repeated: Vec<f64> = rows
            .chunks(dim)
            .zip(&weights)
            .flat_map(|(row, &weight)| row.repeat(weight as usize))
            .collect();
        let pass = assign(&repeated, dim, &found.centres, &SquaredEuclid).unwrap();
        prop_assert!((pass.inertia - found.inertia).abs() <= 1e-12 * pass.inertia);
        if found.converged {
            for (cluster, (sums, &count)) in pass.sums.chunks(dim).zip(&pass.counts).enumerate() {
                for (centre, sum) in found.centres[cluster * dim..].iter().zip(sums).filter(|_| count > 0) {
                    prop_assert_eq!(*centre, sum / count as f64);
                }
            }
        }
    }

    #[test]
    fn no_clustering_beats_the_best_partition((rows, dim) in whole_numbers(1..8), k in 1usize..4, seed: u64) {
        let k = k.min(rows.len() / dim);
        let best = least_inertia(&rows, dim, k);
        let found = Lloyd { starts: 20, seed, ..Lloyd::new(k) }.run(&rows, dim, &SquaredEuclid).unwrap();
        prop_assert!(found.converged);
        prop_assert!(found.inertia >= best - 1e-9);
        // Lloyd stops at local optima, yet one mean leaves no choice, and as many centres as rows no cost.
        if k == 1 || k == rows.len() / dim {
            prop_assert!((found.inertia - best).abs() < 1e-9, "{} is not {}", found.inertia, best);
        }
    }

    #[test]
    fn more_starts_are_never_worse((rows, dim) in whole_numbers(6..30), seed: u64) {
        let inertia = |starts| {
            Lloyd { starts, seed, ..Lloyd::new(4) }.run(&rows, dim, &SquaredEuclid).unwrap().inertia
        };
        let by_starts: Vec<f64> = (1..6).map(inertia).collect();
        prop_assert!(by_starts.is_sorted_by(|fewer, more| fewer >= more), "{:?}", by_starts);
    }
}

#[test]
fn several_starts_find_the_best_partition() {
    let sets: [(&[f64], usize); 3] = [
        (&[0.0, 1.0, 2.0, 10.0, 11.0, 12.0, 20.0, 21.0], 1),
        (&[0.0, 0.0, 0.0, 1.0, 4.0, 0.0, 4.0, 1.0, 9.0, 9.0, 9.0, 8.0, 0.0, 9.0], 2),
        (&[3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0, 5.0, 8.0, 9.0, 7.0, 9.0], 3),
    ];
    for (rows, dim) in sets {
        for k in 1..=4 {
            let best = least_inertia(rows, dim, k);
            let found = Lloyd { starts: 50, ..Lloyd::new(k) }.run(rows, dim, &SquaredEuclid).unwrap();
            assert!(
                (found.inertia - best).abs() < 1e-9,
                "k = {k}, dim = {dim}: {} for {best}",
                found.inertia
            );
        }
    }
}

fn one_round(rows: &[f64], centres: &[f64]) -> Clustering {
    let k = centres.len();
    Lloyd { max_rounds: 1, ..Lloyd::new(k) }.run_from(rows, 1, centres, &SquaredEuclid).unwrap()
}

#[test]
fn an_empty_cluster_keeps_its_centre() {
    let found = one_round(&[0.0, 2.0], &[1.0, 100.0, -7.5]);
    assert_eq!(found.centres, [1.0, 100.0, -7.5]);
    assert_eq!(found.counts(), [2, 0, 0]);
    assert!(found.converged);
}

#[test]
fn ties_go_to_the_smallest_index() {
    let found = one_round(&[1.0, 1.0, 5.0], &[0.0, 2.0, 2.0, 5.0]);
    assert_eq!(found.centres, [1.0, 2.0, 2.0, 5.0]);
    assert_eq!(found.labels, [0, 0, 3]);
}

#[test]
fn duplicates_may_be_fewer_than_clusters() {
    let rows = [7.0, 7.0, 7.0, 7.0, 1.0];
    let found = Lloyd::new(4).run(&rows, 1, &SquaredEuclid).unwrap();
    assert_eq!(found.inertia, 0.0);
    assert!(found.converged);
    assert!(found.centres.iter().all(|centre| rows.contains(centre)));
    let mut counts = found.counts();
    counts.sort_unstable();
    assert_eq!(counts, [0, 0, 1, 4]);

    let found = Lloyd::new(3).run(&[2.0; 6], 2, &Manhattan).unwrap();
    assert_eq!((found.centres, found.labels, found.inertia), (vec![2.0; 6], vec![0; 3], 0.0));
}

#[test]
fn as_many_clusters_as_rows_cost_nothing() {
    let rows: Vec<f64> = (0..600).map(|i| f64::from(i * i % 601)).collect();
    let found = Lloyd { starts: 1, ..Lloyd::new(300) }.run(&rows, 2, &SquaredEuclid).unwrap();
    assert_eq!(found.inertia, 0.0);
    assert_eq!(found.counts(), vec![1; 300]);
}

#[test]
fn the_tolerance_bounds_the_largest_move() {
    // From 0, the centre of the right group moves to 10 and the left one by 1; then nothing moves.
    let (rows, start) = ([-2.0, -2.0, 10.0], [-1.0, 5.0]);
    let rounds = |tolerance| {
        let lloyd = Lloyd { tolerance, max_rounds: 2, ..Lloyd::new(2) };
        let found = lloyd.run_from(&rows, 1, &start, &SquaredEuclid).unwrap();
        assert_eq!((found.centres.as_slice(), found.inertia), ([-2.0, 10.0].as_slice(), 0.0));
        (found.rounds, found.converged)
    };
    assert_eq!(rounds(5.0), (1, true));
    assert_eq!(rounds(4.999), (2, true));
    assert_eq!(rounds(0.0), (2, true));
    assert!(!one_round(&rows, &start).converged);
}

#[test]
fn no_rows_have_no_labels() {
    let pass = assign(&[], 2, &[1.0, 2.0], &SquaredEuclid).unwrap();
    assert_eq!((pass.labels.len(), pass.counts, pass.sums, pass.inertia), (0, vec![0], vec![0.0; 2], 0.0));
}

#[test]
fn debug_output_shows_no_values() {
    let rows = [12345.0, 12345.0];
    let found = Lloyd::new(1).run(&rows, 1, &SquaredEuclid).unwrap();
    let pass = assign(&rows, 1, &found.centres, &SquaredEuclid).unwrap();
    let shown = format!("{found:?} {pass:?}");
    assert!(shown.contains("rows: 2") && shown.contains("k: 1"), "{shown}");
    assert!(!shown.contains("12345") && !shown.contains("24690"), "{shown}");
}

#[test]
fn settings_survive_serde() {
    let lloyd = Lloyd { seed: u64::MAX, tolerance: 1e-4, ..Lloyd::new(5) };
    let text = serde_json::to_string(&lloyd).unwrap();
    assert_eq!(serde_json::from_str::<Lloyd>(&text).unwrap(), lloyd);
}
