//! The result does not depend on the number of threads, to the bit.

use kmeans::reference::{Manhattan, SquaredEuclid};
use kmeans::{Clustering, Lloyd, Metric, assign};

/// Rows whose sums round differently in every order: magnitudes from 1e-8 to 1e8.
fn uneven_rows(n: usize, dim: usize) -> Vec<f64> {
    let mut state: u64 = 0x1234_5678_9abc_def1;
    let mut next = || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..n * dim)
        .map(|_| {
            let bits = next();
            let magnitude = 10f64.powi((bits % 17) as i32 - 8);
            ((bits >> 11) as f64 / (1u64 << 53) as f64 - 0.5) * magnitude
        })
        .collect()
}

fn bits(clustering: &Clustering) -> (Vec<u64>, &[u32], u64, usize, bool) {
    let centres = clustering.centres.iter().map(|centre| centre.to_bits()).collect();
    (centres, &clustering.labels, clustering.inertia.to_bits(), clustering.rounds, clustering.converged)
}

fn check(n: usize, dim: usize, k: usize, metric: &dyn Metric) {
    let rows = uneven_rows(n, dim);
    let weights: Vec<f64> = uneven_rows(n, 1).iter().map(|weight| weight.abs()).collect();
    let lloyd = Lloyd { starts: 3, max_rounds: 8, ..Lloyd::new(k) };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let plain = lloyd.run(&rows, dim, metric).unwrap();
            let weighted = lloyd.run_weighted(&rows, &weights, dim, metric).unwrap();
            let from = lloyd.run_from(&rows, dim, &plain.centres, metric).unwrap();
            let pass = assign(&rows, dim, &plain.centres, metric).unwrap();
            (plain, weighted, from, pass)
        })
    };
    let one = run(1);
    assert!(one.0.counts().iter().filter(|&&count| count > 0).count() > k / 2);
    for threads in [2, 4, 7] {
        let many = run(threads);
        assert_eq!(bits(&one.0), bits(&many.0), "{threads} threads");
        assert_eq!(bits(&one.1), bits(&many.1), "{threads} threads, weighted");
        assert_eq!(bits(&one.2), bits(&many.2), "{threads} threads, from centres");
        assert_eq!(one.3.inertia.to_bits(), many.3.inertia.to_bits());
        let of = |sums: &[f64]| sums.iter().map(|sum| sum.to_bits()).collect::<Vec<_>>();
        assert_eq!(of(&one.3.sums), of(&many.3.sums));
    }
}

#[test]
fn many_blocks() {
    // 64 blocks of 313 rows, the last one short; tiles of 256 and 57 rows.
    check(20_001, 5, 7, &SquaredEuclid);
}

#[test]
fn a_few_blocks() {
    check(1_111, 3, 4, &Manhattan);
}

#[test]
fn one_block_with_starts_side_by_side() {
    check(255, 2, 6, &SquaredEuclid);
    check(1, 1, 1, &SquaredEuclid);
}

#[test]
fn blocks_as_large_as_k() {
    check(900, 2, 400, &Manhattan);
}
