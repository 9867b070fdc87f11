//! The same rows in one place, in the clear.

use std::time::Instant;

use cloister_tests::expected::euclidean;
use kmeans::Lloyd;

/// Seconds that a round of plaintext k-means takes over all rows with all cores: the least of some turns, for whatever
/// else the machine does only ever adds.
pub(crate) fn seconds_a_round(parts: &[Vec<f64>], dim: usize, k: usize, rounds: u32) -> f64 {
    let rows = parts.concat();
    // Rows that are far from each other as well as any.
    let step = rows.len() / dim / k;
    let centres: Vec<f64> =
        (0..k).flat_map(|centre| rows[centre * step * dim..][..dim].iter().copied()).collect();
    let lloyd = Lloyd { max_rounds: rounds as usize, ..Lloyd::new(k) };
    let metric = euclidean();
    let turns = (20_000_000 / (rows.len() * k)).clamp(3, 100);
    let turn = || {
        let began = Instant::now();
        let found = lloyd.run_from(&rows, dim, &centres, &metric).expect("rows that can be clustered");
        // The rows are assigned once more, to the last centres.
        began.elapsed().as_secs_f64() / (found.rounds + usize::from(!found.converged)) as f64
    };
    (0..turns).map(|_| turn()).fold(f64::INFINITY, f64::min)
}
