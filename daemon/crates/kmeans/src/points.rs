//! Checked input, and how it is cut into blocks.

use crate::KmeansError;

/// How many rows one call of the metric gets. Tile, labels and costs stay in the cache while the rows are
/// added to their clusters, and the metric's preparation of the centres is spread over enough rows.
pub(crate) const TILE: usize = 256;

/// The most blocks that rows are cut into: a bound on partial sums kept, and on useful threads.
const MOST_BLOCKS: usize = 64;

/// Finite rows with their weights.
#[derive(Clone, Copy)]
pub(crate) struct Points<'a> {
    pub(crate) rows: &'a [f64],
    /// One weight a row; without weights every row counts 1.
    pub(crate) weights: Option<&'a [f64]>,
    pub(crate) dim: usize,
}

impl<'a> Points<'a> {
    pub(crate) fn new(rows: &'a [f64], dim: usize) -> Result<Self, KmeansError> {
        if dim == 0 {
            return Err(KmeansError::NoAttributes);
        }
        if !rows.len().is_multiple_of(dim) {
            return Err(KmeansError::RaggedRows { values: rows.len(), dim });
        }
        if let Some(at) = first_not_finite(rows) {
            return Err(KmeansError::NonFiniteRow { row: at / dim + 1, attribute: at % dim + 1 });
        }
        Ok(Points { rows, weights: None, dim })
    }

    pub(crate) fn weighted(rows: &'a [f64], weights: &'a [f64], dim: usize) -> Result<Self, KmeansError> {
        let points = Points::new(rows, dim)?;
        if weights.len() != points.len() {
            return Err(KmeansError::WeightCount { weights: weights.len(), rows: points.len() });
        }
        // A subnormal weight would lose the row's digits in weight × value, and the mean with them.
        let counts = |&weight: &f64| weight == 0.0 || (weight.is_normal() && weight > 0.0);
        if let Some(at) = weights.iter().position(|weight| !counts(weight)) {
            return Err(KmeansError::Weight { row: at + 1 });
        }
        let total: f64 = weights.iter().sum();
        if !total.is_finite() {
            return Err(KmeansError::Overflow);
        }
        if !weights.is_empty() && total == 0.0 {
            return Err(KmeansError::NoWeight);
        }
        Ok(Points { weights: Some(weights), ..points })
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() / self.dim
    }

    /// One row.
    pub(crate) fn row(&self, index: usize) -> &'a [f64] {
        &self.rows[index * self.dim..][..self.dim]
    }

    /// Rows a block when each block keeps partial sums for `k` clusters.
    ///
    /// Sums are taken block by block and the blocks' sums in block order, so this must depend on the
    /// input alone and never on the number of threads. With at least `k` rows a block, all partial sums
    /// together are no larger than about the rows themselves.
    pub(crate) fn block_rows(&self, k: usize) -> usize {
        self.len().div_ceil(MOST_BLOCKS).max(TILE).max(k)
    }
}

/// Checks centres against `dim` and gives their number.
pub(crate) fn check_centres(centres: &[f64], dim: usize) -> Result<usize, KmeansError> {
    if dim == 0 {
        return Err(KmeansError::NoAttributes);
    }
    if centres.is_empty() || !centres.len().is_multiple_of(dim) {
        return Err(KmeansError::RaggedCentres { values: centres.len(), dim });
    }
    if let Some(at) = first_not_finite(centres) {
        return Err(KmeansError::NonFiniteCentre { centre: at / dim + 1, attribute: at % dim + 1 });
    }
    Ok(centres.len() / dim)
}

/// Where the first NaN or infinity is.
pub(crate) fn first_not_finite(values: &[f64]) -> Option<usize> {
    // Without an early exit the compiler vectorises the look for any; finding where is rare.
    if values.iter().fold(true, |finite, value| finite & value.is_finite()) {
        return None;
    }
    values.iter().position(|value| !value.is_finite())
}
