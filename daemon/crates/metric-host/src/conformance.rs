//! What every metric must do, whatever it measures.
//!
//! All data are made up here from a fixed seed, so a breach is the same on every machine and may be shown.
//! A metric may turn away numbers of attributes that it is not made for ([`MetricError::Shape`]), but not all.

mod edge;
mod grid;
mod sample;
mod secure;

use std::fmt;

use kmeans::{Metric, MetricError};

pub use secure::check_secure_form;

/// What a metric was put through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Numbers of attributes that the metric takes, of those that were tried.
    pub dims: usize,
    /// Batches whose every label and cost were compared.
    pub batches: usize,
}

/// A rule that the metric broke, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule} ({case})")]
pub struct Breach {
    /// The rule.
    pub rule: Rule,
    /// The made-up case that showed it.
    pub case: String,
}

/// What a metric promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Finite input of an accepted shape gives an answer.
    Answers,
    /// At least one number of attributes is accepted, and `assign` and `distances` accept the same.
    TakesSomeDimension,
    /// Costs are finite and at least zero.
    CostsAreFinite,
    /// A row equal to the centre costs nothing.
    ZeroAtSelf,
    /// Row and centre can be exchanged.
    Symmetric,
    /// `assign` gives the costs that `distances` gives, to the last bit.
    AssignAgreesWithDistances,
    /// `assign` gives the least cost's index, the lowest among equals.
    LowestIndexAmongEquals,
    /// A row's result does not depend on its batch, its place in it or its address.
    IndependentOfBatch,
    /// A row's result does not depend on the thread that asks.
    IndependentOfThread,
    /// Every output is written and nothing around the outputs is.
    WritesOutputsOnly,
    /// Values that are not finite are refused as such.
    RefusesNonFinite,
    /// Costs that overflow are refused, not given out wrong.
    RefusesOverflow,
    /// The costs are what the secure form says.
    SecureForm,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answers => "it must answer on finite values",
            Self::TakesSomeDimension => "it must take some number of attributes, in both functions alike",
            Self::CostsAreFinite => "costs must be finite and at least zero",
            Self::ZeroAtSelf => "a row equal to the centre must cost nothing",
            Self::Symmetric => "exchanging row and centre must not change the cost",
            Self::AssignAgreesWithDistances => {
                "`assign` and `distances` must give the same costs to the last bit"
            }
            Self::LowestIndexAmongEquals => {
                "`assign` must give the index of the least cost, the lowest among equals"
            }
            Self::IndependentOfBatch => "a row's result must not depend on its batch or its place there",
            Self::IndependentOfThread => "a row's result must not depend on the thread",
            Self::WritesOutputsOnly => "every output must be written, and nothing around the outputs",
            Self::RefusesNonFinite => "a value that is not finite must be answered with the error for it",
            Self::RefusesOverflow => "a cost that overflows must be answered with the error for it",
            Self::SecureForm => "the costs must be those of the declared secure form",
        })
    }
}

/// Holds `metric` to every [`Rule`] but [`Rule::SecureForm`].
///
/// # Errors
/// The first breach found.
pub fn check(metric: &dyn Metric) -> Result<Report, Breach> {
    let report = grid::check(metric)?;
    edge::non_finite(metric)?;
    edge::scales(metric)?;
    edge::threads(metric)?;
    Ok(report)
}

/// A breach of `rule` in `case`.
fn breach(rule: Rule, case: impl fmt::Display) -> Breach {
    Breach { rule, case: case.to_string() }
}

/// The breach behind an error on finite input, whose costs cannot overflow.
fn no_answer(error: &MetricError, case: impl fmt::Display) -> Breach {
    breach(Rule::Answers, format_args!("{case}: {error}"))
}
