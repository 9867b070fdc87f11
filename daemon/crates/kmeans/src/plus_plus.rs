//! k-means++: starting centres that are far from each other.

use rayon::prelude::*;

use crate::assignment::check_costs;
use crate::points::{Points, TILE};
use crate::splitmix::SplitMix64;
use crate::{KmeansError, Metric};

/// Draws `k` starting centres among the rows (row-major, `k × dim`).
///
/// The first is drawn in proportion to the weights, each further one in proportion to weight × cost at the
/// nearest centre so far. Each time 2 + ⌊ln k⌋ candidates are drawn and the one that leaves the least
/// inertia is kept, the first among equals. When every row lies on a centre already, rows are drawn by
/// weight again; such doubles lose every tie, their clusters stay empty and they keep their place.
///
/// Source: Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007; the
/// candidates are the greedy variant of its section 5 and of scikit-learn.
pub(crate) fn choose(
    points: &Points<'_>,
    k: usize,
    metric: &dyn Metric,
    generator: &mut SplitMix64,
) -> Result<Vec<f64>, KmeansError> {
    let candidates = 2 + (k as f64).ln() as usize;
    let weights = points.weights.map(|weights| Masses::of(weights.to_vec(), points.block_rows(k)));
    let by_weight = |generator: &mut SplitMix64| match &weights {
        Some(weights) => weights.draw(generator),
        None => generator.below(points.len()),
    };

    let mut centres = Vec::with_capacity(k * points.dim);
    let first = points.row(by_weight(generator));
    centres.extend_from_slice(first);
    if k == 1 {
        return Ok(centres);
    }
    let mut nearest = Masses::of(vec![f64::INFINITY; points.len()], points.block_rows(k));
    let (mut trial, mut best) = (nearest.clone(), nearest.clone());
    trial.lower(&nearest, points, first, metric)?;
    std::mem::swap(&mut trial, &mut nearest);

    while centres.len() < k * points.dim {
        if nearest.total == 0.0 {
            centres.extend_from_slice(points.row(by_weight(generator)));
            continue;
        }
        let mut chosen = nearest.draw(generator);
        best.lower(&nearest, points, points.row(chosen), metric)?;
        for _ in 1..candidates {
            let candidate = nearest.draw(generator);
            trial.lower(&nearest, points, points.row(candidate), metric)?;
            if trial.total < best.total {
                chosen = candidate;
                std::mem::swap(&mut trial, &mut best);
            }
        }
        centres.extend_from_slice(points.row(chosen));
        std::mem::swap(&mut best, &mut nearest);
    }
    Ok(centres)
}

/// One mass of at least zero for each row, with sums by block.
#[derive(Clone)]
struct Masses {
    masses: Vec<f64>,
    block_sums: Vec<f64>,
    block_rows: usize,
    total: f64,
}

impl Masses {
    fn of(masses: Vec<f64>, block_rows: usize) -> Self {
        let block_sums: Vec<f64> = masses.chunks(block_rows).map(|block| block.iter().sum()).collect();
        let total = block_sums.iter().sum();
        Masses { masses, block_sums, block_rows, total }
    }

    /// Becomes `before` after `centre` joined the centres.
    fn lower(
        &mut self,
        before: &Masses,
        points: &Points<'_>,
        centre: &[f64],
        metric: &dyn Metric,
    ) -> Result<(), KmeansError> {
        let (dim, block_rows) = (points.dim, self.block_rows);
        let outcomes: Vec<Result<(), KmeansError>> = self
            .masses
            .par_chunks_mut(block_rows)
            .zip(&mut self.block_sums)
            .zip(before.masses.par_chunks(block_rows))
            .zip(points.rows.par_chunks(block_rows * dim))
            .enumerate()
            .map(|(index, (((masses, sum), before), rows))| {
                let weights = points.weights.map(|weights| &weights[index * block_rows..][..masses.len()]);
                *sum = lower_block(masses, before, Points { rows, weights, dim }, centre, metric)?;
                Ok(())
            })
            .collect();
        // In block order: neither the total nor the error reported may depend on the threads.
        self.total = 0.0;
        for (sum, outcome) in self.block_sums.iter().zip(outcomes) {
            outcome?;
            self.total += sum;
        }
        if self.total.is_finite() { Ok(()) } else { Err(KmeansError::Overflow) }
    }

    /// Draws a row in proportion to the masses; the total is positive.
    fn draw(&self, generator: &mut SplitMix64) -> usize {
        let (block, left) = find(&self.block_sums, generator.unit() * self.total);
        let start = block * self.block_rows;
        let end = self.masses.len().min(start + self.block_rows);
        start + find(&self.masses[start..end], left).0
    }
}

/// The masses of one block after `centre` joined the centres; gives their sum in row order.
fn lower_block(
    masses: &mut [f64],
    before: &[f64],
    block: Points<'_>,
    centre: &[f64],
    metric: &dyn Metric,
) -> Result<f64, KmeansError> {
    let mut sum = 0.0;
    let mut costs = [0.0; TILE];
    let tiles = masses.chunks_mut(TILE).zip(before.chunks(TILE)).zip(block.rows.chunks(TILE * block.dim));
    for (tile, ((masses, before), rows)) in tiles.enumerate() {
        let costs = &mut costs[..masses.len()];
        metric.distances(rows, block.dim, centre, costs)?;
        check_costs(metric, costs)?;
        if let Some(weights) = block.weights {
            for (cost, weight) in costs.iter_mut().zip(&weights[tile * TILE..]) {
                *cost *= weight;
            }
        }
        for ((mass, before), cost) in masses.iter_mut().zip(before).zip(costs) {
            *mass = before.min(*cost);
            sum += *mass;
        }
    }
    Ok(sum)
}

/// The first place where the running sum of `masses` exceeds `target`, and what of `target` is left there.
///
/// Rounding may leave `target` above the last running sum; the last positive mass is meant then. A place
/// of mass zero is never given as long as some mass is positive.
fn find(masses: &[f64], target: f64) -> (usize, f64) {
    let mut left = target;
    let mut last = (0, 0.0);
    for (index, &mass) in masses.iter().enumerate() {
        if left < mass {
            return (index, left);
        }
        if mass > 0.0 {
            last = (index, left);
        }
        left -= mass;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::SquaredEuclid;

    #[test]
    fn find_skips_zero_masses_and_survives_rounding() {
        let masses = [0.0, 1.0, 0.0, 2.0, 0.0];
        assert_eq!(find(&masses, 0.0), (1, 0.0));
        assert_eq!(find(&masses, 0.5), (1, 0.5));
        assert_eq!(find(&masses, 1.0), (3, 0.0));
        assert_eq!(find(&masses, 2.5), (3, 1.5));
        assert_eq!(find(&masses, 3.0).0, 3);
    }

    #[test]
    fn draws_are_in_proportion_to_the_masses() {
        let masses: Vec<f64> = (0..600).map(|row| f64::from(row % 3)).collect();
        let masses = Masses::of(masses, 256);
        let mut generator = SplitMix64::new(5);
        let mut hits = [0u32; 3];
        for _ in 0..9_000 {
            hits[masses.draw(&mut generator) % 3] += 1;
        }
        assert_eq!(hits[0], 0);
        // Six standard deviations of a binomial with n = 9000, p = 1/3.
        assert!(hits[1].abs_diff(3000) < 269, "{hits:?}");
    }

    #[test]
    fn distant_groups_get_a_centre_each() {
        let rows: Vec<f64> = (0..300).map(|row| f64::from(row % 3) * 1e6 + f64::from(row) * 1e-3).collect();
        let points = Points::new(&rows, 1).unwrap();
        for seed in 0..20 {
            let mut centres = choose(&points, 3, &SquaredEuclid, &mut SplitMix64::new(seed)).unwrap();
            centres.sort_by(f64::total_cmp);
            let groups: Vec<f64> = centres.iter().map(|centre| (centre / 1e6).round()).collect();
            assert_eq!(groups, [0.0, 1.0, 2.0], "seed {seed}");
        }
    }

    #[test]
    fn rows_without_weight_are_never_chosen() {
        let rows = [0.0, 1.0, 2.0, 3.0, 4.0];
        let weights = [0.0, 1.0, 0.0, 3.0, 0.0];
        let points = Points::weighted(&rows, &weights, 1).unwrap();
        for seed in 0..50 {
            let centres = choose(&points, 4, &SquaredEuclid, &mut SplitMix64::new(seed)).unwrap();
            assert!(centres.iter().all(|centre| [1.0, 3.0].contains(centre)), "seed {seed}");
            assert!(centres.contains(&1.0) && centres.contains(&3.0), "seed {seed}");
        }
    }
}
