//! A whole `open` run in plaintext on all hosts' rows: what the protocol must give, bit for bit.

use std::fmt;

use num_bigint::BigUint;

use super::{
    Assignment, ClusterSums, FixedError, GROWTH_ROUNDS, GridRows, Missing, Moments, Normalise, RawRows,
    Scale, assign, cluster_costs, cluster_sums, growth, largest, moments, moved_at_most, normalise,
    rounded_quotient, scale_from_shown, shown_moments, split,
};
use crate::Metric;

/// What a run is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// Number of clusters.
    pub k: usize,
    /// Number of starts side by side.
    pub starts: usize,
    /// Fixes the directions of the splits.
    pub seed: u64,
    /// The most main rounds.
    pub max_rounds: u32,
    /// The run stops when no centre moves farther, in normalised units.
    pub tolerance: f64,
    /// How attributes are made comparable.
    pub normalise: Normalise,
    /// What to do with missing values.
    pub missing: Missing,
}

/// What a run gives.
#[derive(Clone, PartialEq)]
pub struct Outcome {
    /// `k × dim` grid integers.
    pub centres: Vec<i64>,
    /// The scale of each attribute.
    pub scale: Vec<Scale>,
    /// Main rounds made.
    pub rounds: u32,
    /// Whether the stop test ended it.
    pub converged: bool,
    /// Joint cluster sizes at the final centres.
    pub sizes: Vec<u64>,
    /// Joint inertia at the final centres, in steps of 2^-16.
    pub inertia: u128,
    /// Each host's labels of its kept rows.
    pub labels: Vec<Vec<u32>>,
    /// The same in the last round: each centre is the mean of its rows there.
    pub last_round: Vec<Vec<u32>>,
}

// Shapes only: what is printed may end in a log.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("k", &self.sizes.len())
            .field("rounds", &self.rounds)
            .field("converged", &self.converged)
            .finish_non_exhaustive()
    }
}

/// Runs on the rows of all hosts.
pub fn run(hosts: &[RawRows], parameters: &Parameters, metric: &dyn Metric) -> Result<Outcome, FixedError> {
    let hosts = hosts
        .iter()
        .map(|rows| rows.prepare(parameters.missing).map(|(rows, _)| rows))
        .collect::<Result<Vec<_>, _>>()?;
    let dim = hosts[0].dim();
    let shown = if parameters.normalise.needs_moments(parameters.missing) {
        joint_moments(&hosts)
    } else {
        Vec::new()
    };
    let scale = scale_from_shown(&parameters.normalise, dim, &shown);
    let hosts = hosts.iter().map(|rows| normalise(rows, &scale)).collect::<Result<Vec<_>, _>>()?;

    let mut centres = best_start(&hosts, dim, parameters, metric)?;
    let (mut rounds, mut converged, mut before) = (0, false, centres.clone());
    while rounds < parameters.max_rounds && !converged {
        let next = round(&hosts, &centres, dim, metric)?;
        converged = moved_at_most(&centres, &next, dim, parameters.normalise.grid(), parameters.tolerance);
        before = std::mem::replace(&mut centres, next);
        rounds += 1;
    }

    let assignments = assign_all(&hosts, &centres, metric)?;
    let (sums, costs) = totals(&hosts, &assignments, parameters.k);
    Ok(Outcome {
        centres,
        scale,
        rounds,
        converged,
        sizes: sums.counts,
        inertia: costs.iter().sum(),
        labels: labels(assignments),
        last_round: labels(assign_all(&hosts, &before, metric)?),
    })
}

fn labels(assignments: Vec<Assignment>) -> Vec<Vec<u32>> {
    assignments.into_iter().map(|assignment| assignment.labels).collect()
}

pub(super) fn joint_moments(hosts: &[RawRows]) -> Vec<(i128, BigUint)> {
    let own: Vec<Vec<Moments>> = hosts.iter().map(moments).collect();
    (0..hosts[0].dim())
        .map(|a| shown_moments(&own.iter().fold(Moments::default(), |total, host| total.add(&host[a]))))
        .collect()
}

fn best_start(
    hosts: &[GridRows],
    dim: usize,
    parameters: &Parameters,
    metric: &dyn Metric,
) -> Result<Vec<i64>, FixedError> {
    let mut best: Option<(u128, Vec<i64>)> = None;
    for start in 0..parameters.starts {
        let mut centres = round(hosts, &vec![0; dim], dim, metric)?;
        for sizes in growth(parameters.k).windows(2) {
            let costs = totals(hosts, &assign_all(hosts, &centres, metric)?, sizes[0]).1;
            let chosen = largest(&costs, sizes[1] - sizes[0]);
            centres = split(&centres, dim, &chosen, parameters.seed, start);
            for _ in 0..GROWTH_ROUNDS {
                centres = round(hosts, &centres, dim, metric)?;
            }
        }
        let inertia = totals(hosts, &assign_all(hosts, &centres, metric)?, parameters.k).1.iter().sum();
        if best.as_ref().is_none_or(|(least, _)| inertia < *least) {
            best = Some((inertia, centres));
        }
    }
    Ok(best.expect("a run has at least one start").1)
}

/// One round: assign, sum, divide; an empty cluster keeps its centre.
fn round(
    hosts: &[GridRows],
    centres: &[i64],
    dim: usize,
    metric: &dyn Metric,
) -> Result<Vec<i64>, FixedError> {
    let sums = totals(hosts, &assign_all(hosts, centres, metric)?, centres.len() / dim).0;
    Ok(centres
        .iter()
        .enumerate()
        .map(|(at, &old)| match sums.counts[at / dim] {
            0 => old,
            count => rounded_quotient(i128::from(sums.sums[at]), i128::from(count)) as i64,
        })
        .collect())
}

fn assign_all(
    hosts: &[GridRows],
    centres: &[i64],
    metric: &dyn Metric,
) -> Result<Vec<Assignment>, FixedError> {
    hosts.iter().map(|rows| assign(rows, centres, metric)).collect()
}

/// Joint sums, counts and costs by cluster.
fn totals(hosts: &[GridRows], assignments: &[Assignment], k: usize) -> (ClusterSums, Vec<u128>) {
    let mut joint = ClusterSums { sums: vec![0; k * hosts[0].dim], counts: vec![0; k] };
    let mut costs = vec![0; k];
    for (rows, assignment) in hosts.iter().zip(assignments) {
        let own = cluster_sums(rows, &assignment.labels, k);
        joint.sums.iter_mut().zip(own.sums).for_each(|(joint, own)| *joint += own);
        joint.counts.iter_mut().zip(own.counts).for_each(|(joint, own)| *joint += own);
        costs.iter_mut().zip(cluster_costs(assignment, k)).for_each(|(joint, own)| *joint += own);
    }
    (joint, costs)
}
