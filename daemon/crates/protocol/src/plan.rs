//! The public shape of a run: what every party knows of it, and nothing else.

use kmeans::fixed::sealed::{self, Form};
use kmeans::fixed::{FixedError, Missing, Normalise, growth};
use serde::{Deserialize, Serialize};

/// The most hosts of one run.
pub const MAX_HOSTS: usize = 16;
/// The most clusters.
pub const MAX_CLUSTERS: usize = 1024;
/// The most attributes.
pub const MAX_ATTRIBUTES: usize = 1024;
/// The most starts side by side; each shows joint centres of its own.
pub const MAX_STARTS: usize = 16;
/// The most numbers in one joint sum, and so the memory of a round.
pub const MAX_SLOTS: usize = 1 << 20;
/// The most pairs of clusters compared at a time, and so the memory of a comparison.
pub const MAX_PAIRS: usize = 1 << 22;
/// The most values of all hosts' rows in a sealed run, and so the memory of a compute party.
pub const MAX_VALUES: usize = 1 << 28;
/// The most values of the points of a sealed run's start.
pub const MAX_POINT_VALUES: usize = 1 << 24;
/// The most distances in a round of a sealed run's start.
pub const MAX_SCORES: usize = 1 << 26;
/// The most main rounds.
pub const MAX_ROUNDS: u32 = 10_000;

/// What the hosts see between the start of a run and its reveal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Privacy {
    /// The joint centres of every round.
    Open,
    /// One stop bit a round; the distance is computed on shares, in this form.
    Sealed(Form),
}

/// The public parameters of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the hosts see.
    pub privacy: Privacy,
    /// Number of hosts, the lead and the second among them.
    pub hosts: usize,
    /// Each host's rows, in the order of the hosts, padded to a multiple of 64.
    pub rows: Vec<u64>,
    /// Each host's minimum: a cluster of which it has fewer rows, but some, is withheld.
    pub min_cluster_rows: Vec<u64>,
    /// Number of attributes.
    pub dim: usize,
    /// Number of clusters.
    pub k: usize,
    /// Starts side by side.
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
    /// Whether joint sizes are shown at the end.
    pub reveal_sizes: bool,
    /// Whether the joint inertia is shown at the end.
    pub reveal_inertia: bool,
    /// The size of the third party's modulus.
    pub key_bits: u32,
    /// In mode `sealed`: the number of main rounds after which a resumed run goes on.
    pub resume: Option<u32>,
}

/// Why a plan cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {limit}")]
pub struct PlanError {
    /// Which parameter.
    pub what: &'static str,
    /// What it must be.
    pub limit: String,
}

impl Plan {
    /// Checks every parameter against its limit.
    pub fn check(&self) -> Result<(), PlanError> {
        let between = |what, value: usize, low: usize, high: usize| match (low..=high).contains(&value) {
            true => Ok(()),
            false => Err(PlanError { what, limit: format!("from {low} to {high}") }),
        };
        between("the number of hosts", self.hosts, 2, MAX_HOSTS)?;
        let rows = (2, (kmeans::fixed::MAX_ROWS - 1) as usize);
        between("the number of row counts", self.rows.len(), self.hosts, self.hosts)?;
        between("the number of minimum cluster rows", self.min_cluster_rows.len(), self.hosts, self.hosts)?;
        between("the number of rows of all hosts", self.rows_bound() as usize, rows.0, rows.1)?;
        between("the number of attributes", self.dim, 1, MAX_ATTRIBUTES)?;
        between("k", self.k, 1, MAX_CLUSTERS)?;
        between("the number of starts", self.starts, 1, MAX_STARTS)?;
        between("the round limit", self.max_rounds as usize, 1, MAX_ROUNDS as usize)?;
        between("starts × k × (attributes + 1)", self.starts * self.k * (self.dim + 1), 2, MAX_SLOTS)?;
        between("starts × k²", self.starts * self.k * self.k, 1, MAX_PAIRS)?;
        if !(self.tolerance.is_finite() && self.tolerance >= 0.0) {
            return Err(PlanError { what: "the tolerance", limit: "a number of at least 0".into() });
        }
        if let Normalise::Range(bounds) = &self.normalise {
            between("the number of bounds", bounds.len(), self.dim, self.dim)?;
            let limit = kmeans::fixed::MAX_RAW;
            if !bounds.iter().all(|(low, high)| low < high && low.abs() < limit && high.abs() < limit) {
                return Err(PlanError { what: "bounds", limit: "low < high, both within ±2^40".into() });
            }
        }
        match self.privacy {
            Privacy::Open if self.resume.is_some() => {
                Err(PlanError { what: "a run to be resumed", limit: "one in mode sealed".into() })
            }
            Privacy::Open => Ok(()),
            Privacy::Sealed(_) => self.check_sealed(),
        }
    }

    /// The limits of a run on shares: bounds of numbers, and of memory.
    fn check_sealed(&self) -> Result<(), PlanError> {
        if let Err(error) = sealed::grid(&self.normalise, self.dim) {
            let limit = match error {
                FixedError::Attributes { most, .. } => {
                    format!("at most {most} in mode sealed with this normalisation; leave some out")
                }
                other => other.to_string(),
            };
            return Err(PlanError { what: "the number of attributes", limit });
        }
        if self.rows.iter().any(|rows| !rows.is_multiple_of(64)) {
            return Err(PlanError {
                what: "each number of rows",
                limit: "padded to a multiple of 64".into(),
            });
        }
        if self.resume.is_some_and(|round| round >= self.max_rounds) {
            return Err(PlanError { what: "the round to resume", limit: "below the round limit".into() });
        }
        let at_most = |what, factors: &[usize], most: usize| {
            let product = factors.iter().fold(1, |all: usize, &factor| all.saturating_mul(factor));
            match product <= most {
                true => Ok(()),
                false => Err(PlanError { what, limit: format!("at most {most} in mode sealed") }),
            }
        };
        let points = self.hosts * sealed::points(self.k);
        let rows = self.rows_bound() as usize;
        at_most("rows × (attributes + 1)", &[rows, self.dim + 1], MAX_VALUES)?;
        at_most(
            "the points of the start × (2 × attributes + 1)",
            &[points, 2 * self.dim + 1],
            MAX_POINT_VALUES,
        )?;
        at_most("starts × k × the points of the start", &[self.starts, self.k, points], MAX_SCORES)
    }

    /// A bound on the rows of all hosts together.
    pub fn rows_bound(&self) -> u64 {
        self.rows.iter().fold(0, |sum, &rows| sum.saturating_add(rows))
    }

    /// Bits of a joint count.
    pub(crate) fn count_bits(&self) -> usize {
        (u64::BITS - self.rows_bound().leading_zeros()) as usize
    }

    /// The numbers of centres that the start goes through.
    pub(crate) fn growth(&self) -> Vec<usize> {
        growth(self.k)
    }
}
