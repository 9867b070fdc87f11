//! Lloyd's algorithm with several starts.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::assignment::Pass;
use crate::plus_plus;
use crate::points::{Points, check_centres};
use crate::splitmix::SplitMix64;
use crate::{KmeansError, Metric};

/// How to cluster: Lloyd's algorithm from several k-means++ starts.
///
/// A round assigns each row to its nearest centre and moves each centre to the mean of its rows, for every
/// metric: the mean is what the joint protocol computes. A metric other than squared Euclid may therefore
/// see its inertia rise in a round, or the centres move in a circle until `max_rounds`.
///
/// * Equal costs go to the smallest index; an empty cluster keeps its centre.
/// * The result is the same to the bit for every number of threads: work runs in the current rayon pool,
///   in blocks whose size depends on the input alone, and sums are taken in block order.
/// * It depends on `seed` through a generator that is **not cryptographic**.
///
/// Source: Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28, 1982.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lloyd {
    /// The number of clusters, from 1 to the number of rows.
    pub k: usize,
    /// How many starts to try, at least 1. The least inertia wins, the earliest start among equals; start
    /// `s` is the same however many there are, so more starts are never worse.
    pub starts: usize,
    /// The most rounds a start may take, at least 1.
    pub max_rounds: usize,
    /// Stop when no coordinate of any centre moved by more than this in a round, in units of the rows;
    /// 0 means until nothing moves at all.
    pub tolerance: f64,
    /// What the starts are drawn from.
    pub seed: u64,
}

/// The outcome of a clustering.
///
/// `Debug` shows the shape only, for centres and labels say much about rows.
#[derive(Clone, PartialEq)]
pub struct Clustering {
    /// The centres, row-major, `k × dim`.
    pub centres: Vec<f64>,
    /// Each row's nearest centre.
    pub labels: Vec<u32>,
    /// The sum of all rows' costs (times their weights) at these centres.
    pub inertia: f64,
    /// How many rounds the winning start took.
    pub rounds: usize,
    /// Whether the centres came to rest within the tolerance before `max_rounds` ran out.
    pub converged: bool,
    /// The number of attributes.
    pub dim: usize,
}

impl Clustering {
    /// The number of clusters, the empty ones too.
    pub fn k(&self) -> usize {
        self.centres.len() / self.dim
    }

    /// How many rows each cluster has; a row counts 1 whatever its weight.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.k()];
        for &label in &self.labels {
            counts[label as usize] += 1;
        }
        counts
    }
}

impl std::fmt::Debug for Clustering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clustering")
            .field("rows", &self.labels.len())
            .field("k", &self.k())
            .field("dim", &self.dim)
            .field("rounds", &self.rounds)
            .field("converged", &self.converged)
            .finish_non_exhaustive()
    }
}

impl Lloyd {
    /// `k` clusters by 10 starts of at most 300 rounds, until nothing moves, from seed 0.
    pub fn new(k: usize) -> Self {
        Lloyd { k, starts: 10, max_rounds: 300, tolerance: 0.0, seed: 0 }
    }

    /// Clusters `rows`, row-major, `n × dim`.
    pub fn run(&self, rows: &[f64], dim: usize, metric: &dyn Metric) -> Result<Clustering, KmeansError> {
        self.best_start(Points::new(rows, dim)?, metric)
    }

    /// Clusters `rows` (row-major, `n × dim`) of which row `i` counts `weights[i]` times.
    ///
    /// A weight is 0 or a positive normal number, such as the row count behind a local centre. Rows of weight
    /// 0 get a label and decide nothing.
    pub fn run_weighted(
        &self,
        rows: &[f64],
        weights: &[f64],
        dim: usize,
        metric: &dyn Metric,
    ) -> Result<Clustering, KmeansError> {
        self.best_start(Points::weighted(rows, weights, dim)?, metric)
    }

    /// Clusters `rows` (row-major, `n × dim`) from one given start, `centres` (row-major, `k × dim`).
    ///
    /// `starts` and `seed` play no part, and there may be more centres than rows.
    pub fn run_from(
        &self,
        rows: &[f64],
        dim: usize,
        centres: &[f64],
        metric: &dyn Metric,
    ) -> Result<Clustering, KmeansError> {
        let points = Points::new(rows, dim)?;
        self.check()?;
        let given = check_centres(centres, dim)?;
        if given != self.k {
            return Err(KmeansError::CentreCount { k: self.k, centres: given });
        }
        self.descend(&points, centres.to_vec(), metric)
    }

    fn check(&self) -> Result<(), KmeansError> {
        if self.k == 0 {
            return Err(KmeansError::NoClusters);
        }
        if self.max_rounds == 0 {
            return Err(KmeansError::NoRounds);
        }
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            return Err(KmeansError::Tolerance);
        }
        Ok(())
    }

    fn best_start(&self, points: Points<'_>, metric: &dyn Metric) -> Result<Clustering, KmeansError> {
        self.check()?;
        if self.starts == 0 {
            return Err(KmeansError::NoStarts);
        }
        if self.k > points.len() {
            return Err(KmeansError::TooFewRows { k: self.k, rows: points.len() });
        }
        let start = |index| {
            let mut generator = SplitMix64::for_start(self.seed, index);
            let centres = plus_plus::choose(&points, self.k, metric, &mut generator)?;
            self.descend(&points, centres, metric)
        };
        if points.len() <= points.block_rows(self.k) {
            // One block: a start has nothing to share out, so the starts themselves run side by side.
            let starts = (0..self.starts).into_par_iter().map(start);
            return starts.reduce_with(|a, b| Ok(better(a?, b?))).unwrap_or(Err(KmeansError::NoStarts));
        }
        let mut best = start(0)?;
        for index in 1..self.starts {
            best = better(best, start(index)?);
        }
        Ok(best)
    }

    /// Rounds from `centres` until they rest or `max_rounds` is reached.
    fn descend(
        &self,
        points: &Points<'_>,
        mut centres: Vec<f64>,
        metric: &dyn Metric,
    ) -> Result<Clustering, KmeansError> {
        let dim = points.dim;
        let mut pass = Pass::new(points, self.k);
        let mut rounds = 0;
        let mut shift = f64::INFINITY;
        while shift > self.tolerance && rounds < self.max_rounds {
            pass.run(points, &centres, metric)?;
            shift = move_to_means(&mut centres, &pass, dim);
            rounds += 1;
        }
        if shift > 0.0 {
            // The labels are those of the centres before the last move.
            pass.run(points, &centres, metric)?;
        }
        Ok(Clustering {
            centres,
            labels: pass.labels,
            inertia: pass.total.inertia,
            rounds,
            converged: shift <= self.tolerance,
            dim,
        })
    }
}

/// The one of less inertia; the earlier one among equals.
fn better(earlier: Clustering, later: Clustering) -> Clustering {
    if later.inertia < earlier.inertia { later } else { earlier }
}

/// Moves each centre to the mean of its rows and gives the largest move of any coordinate.
fn move_to_means(centres: &mut [f64], pass: &Pass, dim: usize) -> f64 {
    let mut shift: f64 = 0.0;
    let clusters = pass.total.sums.chunks_exact(dim).zip(&pass.total.weights);
    for (centre, (sums, &weight)) in centres.chunks_exact_mut(dim).zip(clusters) {
        if weight > 0.0 {
            for (coordinate, sum) in centre.iter_mut().zip(sums) {
                let mean = sum / weight;
                shift = shift.max((mean - *coordinate).abs());
                *coordinate = mean;
            }
        }
    }
    shift
}
