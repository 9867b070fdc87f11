//! One pass over the rows: each row's nearest centre, and each cluster's sums.

use rayon::prelude::*;

use crate::points::{Points, TILE, check_centres};
use crate::{KmeansError, Metric, MetricError};

/// Rows assigned to given centres, with what the next centres are made of.
///
/// `Debug` shows the shape only.
#[derive(Clone, PartialEq)]
pub struct Assignment {
    /// Each row's nearest centre; the smallest index among equals.
    pub labels: Vec<u32>,
    /// Each cluster's sum of rows, row-major, `k × dim`.
    pub sums: Vec<f64>,
    /// Each cluster's number of rows.
    pub counts: Vec<u64>,
    /// The sum of all rows' costs.
    pub inertia: f64,
}

impl std::fmt::Debug for Assignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Assignment")
            .field("rows", &self.labels.len())
            .field("k", &self.counts.len())
            .finish_non_exhaustive()
    }
}

/// Assigns `rows` (row-major, `n × dim`) to the nearest of `centres` (row-major, `k × dim`).
///
/// The result is the same to the bit for every number of threads of the current rayon pool. No rows give
/// no labels.
pub fn assign(
    rows: &[f64],
    dim: usize,
    centres: &[f64],
    metric: &dyn Metric,
) -> Result<Assignment, KmeansError> {
    let points = Points::new(rows, dim)?;
    let k = check_centres(centres, dim)?;
    let mut pass = Pass::new(&points, k);
    pass.run(&points, centres, metric)?;
    let Pass { labels, total, .. } = pass;
    // Sums of ones, exact up to 2^53.
    let counts = total.weights.iter().map(|&weight| weight as u64).collect();
    Ok(Assignment { labels, sums: total.sums, counts, inertia: total.inertia })
}

/// The buffers of a pass, kept from round to round.
pub(crate) struct Pass {
    pub(crate) labels: Vec<u32>,
    pub(crate) total: Sums,
    blocks: Vec<Sums>,
    block_rows: usize,
}

/// Sums over some rows.
pub(crate) struct Sums {
    /// Σ weight × row by cluster, row-major, `k × dim`.
    pub(crate) sums: Vec<f64>,
    /// Σ weight by cluster.
    pub(crate) weights: Vec<f64>,
    /// Σ weight × cost.
    pub(crate) inertia: f64,
}

impl Pass {
    pub(crate) fn new(points: &Points<'_>, k: usize) -> Self {
        let block_rows = points.block_rows(k);
        let blocks = points.len().div_ceil(block_rows);
        Pass {
            labels: vec![0; points.len()],
            total: Sums::new(k, points.dim),
            blocks: (0..blocks).map(|_| Sums::new(k, points.dim)).collect(),
            block_rows,
        }
    }

    /// Fills labels and total for `centres`, all finite when this returns `Ok`.
    pub(crate) fn run(
        &mut self,
        points: &Points<'_>,
        centres: &[f64],
        metric: &dyn Metric,
    ) -> Result<(), KmeansError> {
        let (dim, block_rows) = (points.dim, self.block_rows);
        let outcomes: Vec<Result<(), KmeansError>> = self
            .blocks
            .par_iter_mut()
            .zip(self.labels.par_chunks_mut(block_rows))
            .zip(points.rows.par_chunks(block_rows * dim))
            .enumerate()
            .map(|(index, ((sums, labels), rows))| {
                let weights = points.weights.map(|weights| &weights[index * block_rows..][..labels.len()]);
                sums.fill(Points { rows, weights, dim }, centres, labels, metric)
            })
            .collect();
        self.total.clear();
        // In block order: neither sums nor the error reported may depend on which thread was first.
        for (block, outcome) in self.blocks.iter().zip(outcomes) {
            outcome?;
            self.total.merge(block);
        }
        if self.total.inertia.is_finite() && self.total.sums.iter().all(|sum| sum.is_finite()) {
            Ok(())
        } else {
            Err(KmeansError::Overflow)
        }
    }
}

impl Sums {
    fn new(k: usize, dim: usize) -> Self {
        Sums { sums: vec![0.0; k * dim], weights: vec![0.0; k], inertia: 0.0 }
    }

    fn clear(&mut self) {
        self.sums.fill(0.0);
        self.weights.fill(0.0);
        self.inertia = 0.0;
    }

    fn merge(&mut self, other: &Sums) {
        add(&mut self.sums, &other.sums);
        add(&mut self.weights, &other.weights);
        self.inertia += other.inertia;
    }

    /// The sums over one block, tile by tile and within a tile in row order.
    fn fill(
        &mut self,
        block: Points<'_>,
        centres: &[f64],
        labels: &mut [u32],
        metric: &dyn Metric,
    ) -> Result<(), KmeansError> {
        self.clear();
        let dim = block.dim;
        let mut costs = [0.0; TILE];
        for (tile, (rows, labels)) in block.rows.chunks(TILE * dim).zip(labels.chunks_mut(TILE)).enumerate() {
            let costs = &mut costs[..labels.len()];
            metric.assign(rows, dim, centres, labels, costs)?;
            check_costs(metric, costs)?;
            let weights = block.weights.map(|weights| &weights[tile * TILE..][..labels.len()]);
            for (index, (row, &label)) in rows.chunks_exact(dim).zip(&*labels).enumerate() {
                let cluster = label as usize;
                let Some(weight) = self.weights.get_mut(cluster) else {
                    return Err(broken(metric, "named a centre that does not exist"));
                };
                let sum = &mut self.sums[cluster * dim..][..dim];
                match weights {
                    None => {
                        *weight += 1.0;
                        self.inertia += costs[index];
                        add(sum, row);
                    }
                    Some(weights) => {
                        *weight += weights[index];
                        self.inertia += weights[index] * costs[index];
                        for (sum, x) in sum.iter_mut().zip(row) {
                            *sum += weights[index] * x;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn add(sums: &mut [f64], terms: &[f64]) {
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum += term;
    }
}

/// Holds a metric to its promise of finite costs of at least zero.
pub(crate) fn check_costs(metric: &dyn Metric, costs: &[f64]) -> Result<(), KmeansError> {
    // No early exit: the compiler vectorises this, and a breach is rare. NaN fails every comparison.
    if costs.iter().fold(true, |good, &cost| good & (0.0..f64::INFINITY).contains(&cost)) {
        Ok(())
    } else if costs.iter().all(|&cost| cost >= 0.0) {
        Err(KmeansError::Overflow)
    } else {
        Err(broken(metric, "gave a cost that is negative or not a number"))
    }
}

fn broken(metric: &dyn Metric, what: &str) -> KmeansError {
    MetricError::Broken { name: metric.name().to_owned(), what: what.to_owned() }.into()
}
