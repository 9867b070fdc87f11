//! What a host brings to the start: a summary of its rows, and centres to start from.

use super::start::{MARGIN, seeds};
use crate::fixed::{FixedError, GridRows};
use crate::{KmeansError, Lloyd, Metric, assign};

/// Rounds behind the summary: it need not be at rest.
const SUMMARY_ROUNDS: usize = 10;
/// Starts and rounds of the k centres among the summary's points: these are few, so both cost little.
const SEED_STARTS: usize = 10;
const SEED_ROUNDS: usize = 100;

/// A host's local centres on the grid with the numbers of rows behind them. As secret as its rows.
///
/// The first `k` are the host's own clustering, in such an order that those in front are a good clustering in fewer
/// clusters; starts begin at them, and they weigh nothing. The others are the summary: every row counts at one of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct LocalCentres {
    /// `p × dim` grid integers.
    pub points: Vec<i64>,
    /// `p` counts; together the host's number of rows. Copies that make the number up weigh nothing.
    pub weights: Vec<u64>,
}

/// Clusters a host's own rows by its metric into the `count` points that it brings to the start; `count` is
/// [`points`](super::points)`(k)`.
///
/// A host without rows brings the origin, without weight.
pub fn local_centres(
    rows: &GridRows,
    count: usize,
    seed: u64,
    metric: &dyn Metric,
) -> Result<LocalCentres, FixedError> {
    let (dim, k) = (rows.dim, seeds(count));
    if rows.rows() == 0 {
        return Ok(LocalCentres { points: vec![0; count * dim], weights: vec![0; count] });
    }
    let summary = Summary::of(rows, count - k, seed, metric).map_err(of_own_rows)?;
    let seeds = summary.seeds(k, seed, metric).map_err(of_own_rows)?;
    let mut local = LocalCentres { points: Vec::with_capacity(count * dim), weights: vec![0; k] };
    local.points.extend(seeds.chunks_exact(dim).cycle().take(k).flatten().map(|&x| on_grid(x, rows)));
    let found = summary.points.chunks_exact(dim);
    local.points.extend(found.cycle().take(count - k).flatten().map(|&x| on_grid(x, rows)));
    local.weights.extend(&summary.weights);
    local.weights.resize(count, 0);
    Ok(local)
}

/// A few points that stand for many rows, each with at least one row.
struct Summary {
    points: Vec<f64>,
    weights: Vec<u64>,
    dim: usize,
}

impl Summary {
    fn of(rows: &GridRows, most: usize, seed: u64, metric: &dyn Metric) -> Result<Self, KmeansError> {
        let (dim, k) = (rows.dim, most.min(rows.rows()));
        let lloyd = Lloyd { k, starts: 1, max_rounds: SUMMARY_ROUNDS, tolerance: 0.0, seed };
        let found = lloyd.run(&rows.values, dim, metric)?;
        let counts = assign(&rows.values, dim, &found.centres, metric)?.counts;
        let full = || counts.iter().zip(found.centres.chunks_exact(dim)).filter(|(count, _)| **count > 0);
        Ok(Summary {
            points: full().flat_map(|(_, point)| point).copied().collect(),
            weights: full().map(|(&count, _)| count).collect(),
            dim,
        })
    }

    /// At most `k` centres: first the one that serves all points best, then in turn the one that lowers the cost most.
    fn seeds(&self, k: usize, seed: u64, metric: &dyn Metric) -> Result<Vec<f64>, KmeansError> {
        let weights: Vec<f64> = self.weights.iter().map(|&weight| weight as f64).collect();
        let k = k.min(weights.len());
        let lloyd = Lloyd { k, starts: SEED_STARTS, max_rounds: SEED_ROUNDS, tolerance: 0.0, seed };
        let found = lloyd.run_weighted(&self.points, &weights, self.dim, metric)?.centres;
        let mut left = Vec::with_capacity(k);
        for centre in found.chunks_exact(self.dim) {
            let mut costs = vec![0.0; weights.len()];
            metric.distances(&self.points, self.dim, centre, &mut costs)?;
            left.push((centre, costs));
        }
        let mut least = vec![f64::INFINITY; weights.len()];
        let mut ordered = Vec::with_capacity(found.len());
        while !left.is_empty() {
            let cost = |costs: &[f64]| -> f64 {
                costs.iter().zip(&least).zip(&weights).map(|((cost, least), w)| w * cost.min(*least)).sum()
            };
            let totals: Vec<f64> = left.iter().map(|(_, costs)| cost(costs)).collect();
            let best =
                (1..totals.len()).fold(0, |best, at| if totals[at] < totals[best] { at } else { best });
            let (centre, costs) = left.remove(best);
            ordered.extend_from_slice(centre);
            least.iter_mut().zip(costs).for_each(|(least, cost)| *least = least.min(cost));
        }
        Ok(ordered)
    }
}

/// The nearest grid integer within the reach of starts.
fn on_grid(x: f64, rows: &GridRows) -> i64 {
    let most = rows.grid.most() - MARGIN;
    ((x * rows.grid.one() as f64).round() as i64).clamp(-most, most)
}

/// Rows on the grid are finite and small: what can fail is the metric.
fn of_own_rows(error: KmeansError) -> FixedError {
    match error {
        KmeansError::Metric(error) => FixedError::Metric(error),
        _ => FixedError::Cost,
    }
}
