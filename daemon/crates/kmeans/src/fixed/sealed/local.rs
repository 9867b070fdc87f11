//! What a host brings to the start: a summary of its rows.

use crate::fixed::{FixedError, GridRows};
use crate::{KmeansError, Lloyd, Metric, assign};

/// Local starts, and rounds of each: the summary need not be the best there is.
const LOCAL_STARTS: usize = 3;
const LOCAL_ROUNDS: usize = 20;

/// A host's local centres on the grid with the numbers of rows behind them. As secret as its rows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct LocalCentres {
    /// `p × dim` grid integers.
    pub points: Vec<i64>,
    /// `p` counts; together the host's number of rows. Of weight 0 are copies that make the number up.
    pub weights: Vec<u64>,
}

/// Clusters a host's own rows into `count` points by its metric.
pub fn local_centres(
    rows: &GridRows,
    count: usize,
    seed: u64,
    metric: &dyn Metric,
) -> Result<LocalCentres, FixedError> {
    let (dim, n) = (rows.dim, rows.rows());
    let mut centres = LocalCentres { points: vec![0; count * dim], weights: vec![0; count] };
    if n == 0 {
        return Ok(centres);
    }
    let k = count.min(n);
    let local = Lloyd { k, starts: LOCAL_STARTS, max_rounds: LOCAL_ROUNDS, tolerance: 0.0, seed };
    let found = local.run(&rows.values, dim, metric).map_err(of_own_rows)?;
    let counts = assign(&rows.values, dim, &found.centres, metric).map_err(of_own_rows)?.counts;
    for point in 0..count {
        let of = point % k;
        for (to, from) in centres.points[point * dim..][..dim].iter_mut().zip(&found.centres[of * dim..]) {
            *to = (from * rows.grid.one() as f64).round() as i64;
        }
        centres.weights[point] = if point < k { counts[of] } else { 0 };
    }
    Ok(centres)
}

/// Rows on the grid are finite and small: what can fail is the metric.
fn of_own_rows(error: KmeansError) -> FixedError {
    match error {
        KmeansError::Metric(error) => FixedError::Metric(error),
        _ => FixedError::Cost,
    }
}
