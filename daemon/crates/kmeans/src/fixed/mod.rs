//! The exact fixed-point arithmetic of a joint run, in plaintext.
//!
//! Every step that the parties compute under encryption and secret sharing is defined here as a plain
//! function on integers; [`mod@reference`] puts them together as the whole run on the pooled rows. The secure
//! steps must give the same integers.
//!
//! Two grids are in use. The *wide* grid ([`WIDE_FRACTION_BITS`]) holds raw values while means and
//! deviations are found. The *run* grid ([`Grid`]) holds normalised values and centres.

mod grid;
mod moments;
pub mod reference;
pub mod sealed;
mod start;

pub use grid::{
    Assignment, COST_FRACTION_BITS, ClusterSums, Grid, GridRows, MAX_GRID, assign, cluster_costs,
    cluster_sums, moved_at_most, rounded_quotient,
};
pub use moments::{
    MAX_RAW, Missing, Moments, Normalise, RawRows, SHOWN_BITS, SHOWN_MEAN_PLACES, Scale, WIDE_FRACTION_BITS,
    WIDE_ONE, moments, normalise, scale_from_shown, shown_moments, to_wide,
};
pub use start::{GROWTH_ROUNDS, growth, largest, split};

/// The largest number of rows of one run over all hosts; the widths of all joint sums rest on it.
pub const MAX_ROWS: u64 = 1 << 31;

/// Why a host's rows cannot be put on the grid. Values are never part of the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FixedError {
    /// Raw values outside the wide grid.
    #[error("attribute {attribute}: {rows} rows lie outside ±2^40; change the unit of this attribute")]
    RawRange {
        /// The attribute's name.
        attribute: String,
        /// How many rows.
        rows: u64,
    },
    /// Normalised values outside the run grid.
    #[error(
        "attribute {attribute}: {rows} rows lie more than {reach} units from the origin after normalisation; \
         use another normalisation or remove the outliers"
    )]
    Range {
        /// The attribute's name.
        attribute: String,
        /// How many rows.
        rows: u64,
        /// How far rows may lie.
        reach: i64,
    },
    /// Missing values where the policy is to fail.
    #[error("attribute {attribute}: {rows} rows have no value; choose `--missing drop` or `--missing mean`")]
    Missing {
        /// The attribute's name.
        attribute: String,
        /// How many rows.
        rows: u64,
    },
    /// More attributes than the grid of a `sealed` run has room for.
    #[error("{dim} attributes are too many for a sealed run with this normalisation: choose at most {most}")]
    Attributes {
        /// How many attributes there are.
        dim: usize,
        /// How many there may be.
        most: usize,
    },
    /// A metric's cost is too large for the grid.
    #[error("the metric gave a cost above 2^46; normalise the attributes")]
    Cost,
    /// The metric failed.
    #[error(transparent)]
    Metric(#[from] crate::MetricError),
}
