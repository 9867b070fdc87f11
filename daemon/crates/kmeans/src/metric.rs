//! What k-means asks of a distance.

use std::fmt::Debug;

/// A distance metric over rows of `f64`.
///
/// A *cost* is what a row adds to the inertia when it belongs to a centre: the squared distance for
/// Euclid, the distance itself for Manhattan. Costs are finite and at least zero.
///
/// An implementation promises that the cost of a row depends on that row and on the centre alone: not on
/// the row's place in a batch, the batch's size, or the thread that asks. Ties go to the smallest index.
pub trait Metric: Send + Sync + Debug {
    /// The name that runs and settings use, `[a-z0-9_-]{1,32}`.
    fn name(&self) -> &str;

    /// The implementation's version; hosts agree on name and version before a run.
    fn version(&self) -> &str;

    /// Writes each row's nearest centre to `labels` and its cost to `costs`.
    ///
    /// `rows` is row-major, `labels.len() × dim` long; `centres` is row-major, `k × dim` long.
    fn assign(
        &self,
        rows: &[f64],
        dim: usize,
        centres: &[f64],
        labels: &mut [u32],
        costs: &mut [f64],
    ) -> Result<(), MetricError>;

    /// Writes each row's cost with respect to one `centre` (`dim` long) to `costs`.
    fn distances(
        &self,
        rows: &[f64],
        dim: usize,
        centre: &[f64],
        costs: &mut [f64],
    ) -> Result<(), MetricError>;
}

/// Why a metric gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    /// The slices handed in do not fit each other.
    #[error("the metric was called with slices that do not fit: {0}")]
    Shape(&'static str),
    /// A row or centre holds a value that is not finite.
    #[error("the metric met a value that is not finite")]
    NonFinite,
    /// The metric broke its contract; it must not be used again.
    #[error("metric {name}: {what}")]
    Broken {
        /// The metric's name.
        name: String,
        /// What it did.
        what: String,
    },
}
