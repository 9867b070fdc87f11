//! Why a clustering was refused or broke off.

use crate::MetricError;

/// Why k-means gave no result.
///
/// Positions count from 1, as people count rows; values are never shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KmeansError {
    /// Rows have no attributes.
    #[error("rows without attributes cannot be clustered: choose at least one numeric attribute")]
    NoAttributes,
    /// The values do not divide into rows.
    #[error("{values} values do not make whole rows of {dim} attributes")]
    RaggedRows {
        /// How many values were given.
        values: usize,
        /// How many attributes a row has.
        dim: usize,
    },
    /// `k` is zero.
    #[error("k is 0: ask for at least one cluster")]
    NoClusters,
    /// There are fewer rows than clusters.
    #[error("k is {k}, but there are only {rows} rows: choose k of at most {rows}")]
    TooFewRows {
        /// The number of clusters asked for.
        k: usize,
        /// The number of rows there are.
        rows: usize,
    },
    /// `starts` is zero.
    #[error("starts is 0: ask for at least one start")]
    NoStarts,
    /// `max_rounds` is zero.
    #[error("max_rounds is 0: allow at least one round")]
    NoRounds,
    /// The tolerance is negative or not finite.
    #[error("the tolerance must be a finite number of at least 0")]
    Tolerance,
    /// A value among the rows is NaN or infinite.
    #[error("row {row}, attribute {attribute} is not a finite number: drop the row or fill the value in")]
    NonFiniteRow {
        /// The row, from 1.
        row: usize,
        /// The attribute, from 1.
        attribute: usize,
    },
    /// The starting centres do not make whole rows, or there are none.
    #[error("{values} values do not make whole centres of {dim} attributes, at least one")]
    RaggedCentres {
        /// How many values were given.
        values: usize,
        /// How many attributes a centre has.
        dim: usize,
    },
    /// The number of starting centres is not `k`.
    #[error("k is {k}, but {centres} starting centres were given")]
    CentreCount {
        /// The number of clusters asked for.
        k: usize,
        /// The number of centres given.
        centres: usize,
    },
    /// A value among the starting centres is NaN or infinite.
    #[error("centre {centre}, attribute {attribute} is not a finite number")]
    NonFiniteCentre {
        /// The centre, from 1.
        centre: usize,
        /// The attribute, from 1.
        attribute: usize,
    },
    /// There is not one weight for each row.
    #[error("{weights} weights were given for {rows} rows: give one for each row")]
    WeightCount {
        /// How many weights were given.
        weights: usize,
        /// How many rows there are.
        rows: usize,
    },
    /// A weight is negative, NaN, infinite, or too small to divide by.
    #[error("the weight of row {row} is not 0 or a positive normal number")]
    Weight {
        /// The row, from 1.
        row: usize,
    },
    /// No row has a positive weight.
    #[error("every weight is 0: at least one row must count")]
    NoWeight,
    /// A sum or cost is beyond what `f64` holds.
    #[error("a sum over the rows is too large for 64-bit floating point: scale the attributes down")]
    Overflow,
    /// The metric failed.
    #[error(transparent)]
    Metric(#[from] MetricError),
}
