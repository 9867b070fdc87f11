//! A whole `sealed` run in plaintext on all hosts' rows: what the protocol must give, bit for bit.

use super::{
    Form, assign, best_start, grid, local_centres, points, start::move_to_means, starts, stop_limit,
};
use crate::Metric;
use crate::fixed::reference::{Outcome, Parameters, joint_moments};
use crate::fixed::{self, FixedError, GridRows, RawRows, normalise, scale_from_shown};

/// Runs on the rows of all hosts.
///
/// `metric` is the plugin whose secure form is `form`: it clusters each host's own rows for the start and gives the
/// costs behind the inertia; all labels come from `form`.
pub fn run(
    hosts: &[RawRows],
    form: Form,
    parameters: &Parameters,
    metric: &dyn Metric,
) -> Result<Outcome, FixedError> {
    let Parameters { k, seed, .. } = *parameters;
    let hosts = hosts
        .iter()
        .map(|rows| rows.prepare(parameters.missing).map(|(rows, _)| rows))
        .collect::<Result<Vec<_>, _>>()?;
    let counts: Vec<u64> = hosts.iter().map(|rows| rows.rows() as u64).collect();
    let dim = hosts[0].dim();
    let grid = grid(&parameters.normalise, dim)?;
    let shown = match parameters.normalise.needs_moments(parameters.missing) {
        true => joint_moments(&hosts),
        false => Vec::new(),
    };
    let scale = scale_from_shown(&parameters.normalise, dim, &shown);
    let scale: Vec<_> = scale.into_iter().map(|scale| scale.on(grid)).collect();
    let hosts = hosts.iter().map(|rows| normalise(rows, &scale)).collect::<Result<Vec<_>, _>>()?;

    let local = hosts
        .iter()
        .map(|rows| local_centres(rows, points(k), seed, metric))
        .collect::<Result<Vec<_>, _>>()?;
    let mut centres = best_start(form, &local, dim, &starts(seed, &counts, k, parameters.starts));

    let rows: Vec<Vec<i64>> = hosts.iter().map(GridRows::to_integers).collect();
    let limit = stop_limit(grid, dim, parameters.tolerance);
    let (mut rounds, mut converged, mut before) = (0, false, centres.clone());
    while rounds < parameters.max_rounds && !converged {
        before.copy_from_slice(&centres);
        round(form, &rows, dim, &mut centres);
        converged = at_rest(&before, &centres, dim, limit);
        rounds += 1;
    }

    let labels_at =
        |centres: &[i64]| rows.iter().map(|rows| assign(form, rows, dim, centres)).collect::<Vec<_>>();
    let (labels, last_round) = (labels_at(&centres), labels_at(&before));
    let mut sizes = vec![0; k];
    labels.iter().flatten().for_each(|&label| sizes[label as usize] += 1);
    let mut inertia = 0;
    for rows in &hosts {
        inertia +=
            fixed::assign(rows, &centres, metric)?.costs.iter().map(|&cost| u128::from(cost)).sum::<u128>();
    }
    Ok(Outcome { centres, scale, rounds, converged, sizes, inertia, labels, last_round })
}

/// One round: assign, sum, divide; an empty cluster keeps its centre.
pub fn round(form: Form, hosts: &[Vec<i64>], dim: usize, centres: &mut [i64]) {
    let mut sums = vec![0i64; centres.len()];
    let mut counts = vec![0u64; centres.len() / dim];
    for rows in hosts {
        for (row, label) in rows.chunks_exact(dim).zip(assign(form, rows, dim, centres)) {
            let label = label as usize;
            counts[label] += 1;
            sums[label * dim..][..dim].iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
    }
    move_to_means(&sums, &counts, dim, centres);
}

/// Whether no centre's squared shift is above `limit` squared steps.
pub fn at_rest(old: &[i64], new: &[i64], dim: usize, limit: u64) -> bool {
    old.chunks_exact(dim).zip(new.chunks_exact(dim)).all(|(old, new)| {
        let shift: u64 = old.iter().zip(new).map(|(&a, &b)| a.abs_diff(b).pow(2)).sum();
        shift <= limit
    })
}
