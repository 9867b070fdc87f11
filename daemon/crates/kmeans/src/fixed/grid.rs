//! Normalised values on the run grid: assignment, sums, centres.

use std::fmt;

use rayon::prelude::*;

use super::FixedError;
use crate::Metric;

/// The run grid of a run: how fine normalised values and centres are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Grid {
    fraction_bits: u32,
    magnitude_bits: u32,
}

impl Grid {
    /// Steps of 2^-20 within ±2^11: for values whose normalisation keeps them small.
    pub const FINE: Grid = Grid { fraction_bits: 20, magnitude_bits: 31 };
    /// Steps of 2^-16 within ±2^15: for values in their own units.
    pub const COARSE: Grid = Grid { fraction_bits: 16, magnitude_bits: 31 };

    /// Steps of 2^-`fraction_bits` within ±2^(`magnitude_bits` − `fraction_bits`); none unless `fraction_bits` ≤
    /// `magnitude_bits` ≤ 31.
    pub fn new(fraction_bits: u32, magnitude_bits: u32) -> Option<Grid> {
        (fraction_bits <= magnitude_bits && magnitude_bits <= 31)
            .then_some(Grid { fraction_bits, magnitude_bits })
    }

    /// Fractional bits: a step is 2^-this.
    pub fn fraction_bits(self) -> u32 {
        self.fraction_bits
    }

    /// Values are below 2^this in magnitude, in steps.
    pub fn magnitude_bits(self) -> u32 {
        self.magnitude_bits
    }

    /// The largest magnitude of a value, in steps.
    pub fn most(self) -> i64 {
        (1 << self.magnitude_bits) - 1
    }

    /// One, in steps.
    pub fn one(self) -> i64 {
        1 << self.fraction_bits
    }

    /// The largest magnitude of a value, in units.
    pub fn reach(self) -> i64 {
        self.most() >> self.fraction_bits
    }

    /// Grid integers as the exact `f64` that metrics take.
    pub fn to_f64(self, grid: &[i64]) -> Vec<f64> {
        grid.iter().map(|&value| value as f64 / self.one() as f64).collect()
    }
}

/// Fractional bits of costs and inertias.
pub const COST_FRACTION_BITS: u32 = 16;
/// The largest magnitude on any run grid: values and centres are 32-bit integers.
pub const MAX_GRID: i64 = i32::MAX as i64;
/// Costs stay below this, so that [`super::MAX_ROWS`] of them stay below 2^93.
const MAX_COST: f64 = (1u64 << 46) as f64;
/// Rows that one thread takes at a time.
const BLOCK: usize = 4096;

/// One host's rows on the run grid, as the exact `f64` multiples of its step that metrics take.
#[derive(Clone, PartialEq)]
pub struct GridRows {
    /// The grid.
    pub grid: Grid,
    /// Number of attributes.
    pub dim: usize,
    /// `rows × dim` values.
    pub values: Vec<f64>,
}

// Shapes only: what is printed may end in a log.
impl fmt::Debug for GridRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GridRows").field("rows", &self.rows()).field("dim", &self.dim).finish_non_exhaustive()
    }
}

impl GridRows {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.dim).unwrap_or(0)
    }

    /// The values as grid integers, which they are exactly.
    pub fn to_integers(&self) -> Vec<i64> {
        let one = self.grid.one() as f64;
        self.values.iter().map(|value| (value * one) as i64).collect()
    }
}

/// `S/N` rounded half up, `⌊(2S + N) / 2N⌋`, for `N > 0`.
pub fn rounded_quotient(sum: i128, count: i128) -> i128 {
    (2 * sum + count).div_euclid(2 * count)
}

/// Which centre each row belongs to, and what it costs there.
#[derive(Clone, Default, PartialEq)]
pub struct Assignment {
    /// The index of the nearest centre, a row each.
    pub labels: Vec<u32>,
    /// The cost, a row each, with [`COST_FRACTION_BITS`] fractional bits.
    pub costs: Vec<u64>,
}

// Shapes only: what is printed may end in a log.
impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assignment").field("rows", &self.labels.len()).finish_non_exhaustive()
    }
}

/// Assigns every row to the nearest of `centres` (`k × dim` grid integers).
pub fn assign(rows: &GridRows, centres: &[i64], metric: &dyn Metric) -> Result<Assignment, FixedError> {
    let centres = rows.grid.to_f64(centres);
    let mut labels = vec![0u32; rows.rows()];
    let mut costs = vec![0u64; rows.rows()];
    rows.values
        .par_chunks(BLOCK * rows.dim)
        .zip(labels.par_chunks_mut(BLOCK))
        .zip(costs.par_chunks_mut(BLOCK))
        .try_for_each(|((values, labels), costs)| {
            let mut exact = vec![0.0; labels.len()];
            metric.assign(values, rows.dim, &centres, labels, &mut exact)?;
            for (cost, &exact) in costs.iter_mut().zip(&exact) {
                if exact >= MAX_COST {
                    return Err(FixedError::Cost);
                }
                *cost = (exact * f64::from(1u32 << COST_FRACTION_BITS)).round() as u64;
            }
            Ok(())
        })?;
    Ok(Assignment { labels, costs })
}

/// Sums and counts of rows by cluster.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClusterSums {
    /// `k × dim` sums, each below 2^62 in magnitude for [`super::MAX_ROWS`] rows.
    pub sums: Vec<i64>,
    /// `k` counts.
    pub counts: Vec<u64>,
}

// Shapes only: what is printed may end in a log.
impl fmt::Debug for ClusterSums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterSums").field("k", &self.counts.len()).finish_non_exhaustive()
    }
}

/// Sums `rows` by their label. Integer sums do not depend on their order.
pub fn cluster_sums(rows: &GridRows, labels: &[u32], k: usize) -> ClusterSums {
    let mut total = ClusterSums { sums: vec![0; k * rows.dim], counts: vec![0; k] };
    let one = rows.grid.one() as f64;
    for (row, &label) in rows.values.chunks_exact(rows.dim).zip(labels) {
        let label = label as usize;
        total.counts[label] += 1;
        for (sum, &value) in total.sums[label * rows.dim..][..rows.dim].iter_mut().zip(row) {
            *sum += (value * one) as i64;
        }
    }
    total
}

/// Sums costs by label.
pub fn cluster_costs(assignment: &Assignment, k: usize) -> Vec<u128> {
    let mut total = vec![0u128; k];
    for (&label, &cost) in assignment.labels.iter().zip(&assignment.costs) {
        total[label as usize] += u128::from(cost);
    }
    total
}

/// Whether no centre moved by more than `tolerance` (in normalised units, Euclidean).
pub fn moved_at_most(old: &[i64], new: &[i64], dim: usize, grid: Grid, tolerance: f64) -> bool {
    let limit = (tolerance * grid.one() as f64).min(1e18) as u128;
    old.chunks_exact(dim).zip(new.chunks_exact(dim)).all(|(old, new)| {
        let shift: u128 = old.iter().zip(new).map(|(&a, &b)| u128::from(a.abs_diff(b)).pow(2)).sum();
        shift <= limit * limit
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_round_half_up() {
        for (sum, count, expected) in
            [(1, 2, 1), (-1, 2, 0), (-3, 2, -1), (7, 3, 2), (-7, 3, -2), (0, 5, 0), (5, 5, 1)]
        {
            assert_eq!(rounded_quotient(sum, count), expected, "{sum}/{count}");
        }
    }

    #[test]
    fn the_stop_test_is_exact_at_its_limit() {
        for grid in [Grid::FINE, Grid::COARSE] {
            let one = grid.one();
            let old = [0, 0, 10 * one, 0];
            let new = [3 * one, 4 * one, 10 * one, 0];
            assert!(moved_at_most(&old, &new, 2, grid, 5.0));
            assert!(!moved_at_most(&old, &new, 2, grid, 4.9999));
            assert!(moved_at_most(&old, &old, 2, grid, 0.0));
            assert!(!moved_at_most(&old, &[1, 0, 10 * one, 0], 2, grid, 0.0));
        }
    }
}
