//! Costs of many rows against many centres, for metrics whose cost is a sum over the dimensions.
//!
//! The centres lie side by side in vector lanes and each lane adds its terms in the order of the
//! dimensions, with a separate rounding for every operation. So each cost is, bit for bit, what the plain
//! scalar loop gives, on every processor, wherever the row stands and however many there are.

mod block;
mod dispatch;
mod tile;

#[cfg(test)]
mod tests;

/// One dimension's part of a cost.
pub trait Term {
    /// The part for a row's value `x` and a centre's value `c`: at least zero, and infinite or NaN if one
    /// of them is not finite.
    fn term(x: f64, c: f64) -> f64;
}

/// A value is not finite, or a cost would not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotFinite;

/// Writes each row's nearest centre, the lowest index among equals, to `labels` and its cost to `costs`.
///
/// `rows` holds `labels.len() × dim` values and `centres` holds `k × dim`, both row after row; `costs` is as
/// long as `labels`; `dim` and `k` are at least 1 and `k` fits 32 bits.
///
/// # Errors
/// [`NotFinite`] if a value in `centres` or in a row is not finite, or a row's least cost overflows.
///
/// # Panics
/// If the lengths do not fit each other.
pub fn assign<T: Term>(
    rows: &[f64],
    dim: usize,
    centres: &[f64],
    labels: &mut [u32],
    costs: &mut [f64],
) -> Result<(), NotFinite> {
    dispatch::assign::<T>(dispatch::Isa::best(), rows, dim, centres, labels, costs)
}

/// Writes each row's cost at one `centre` (`dim` values) to `costs`.
///
/// `rows` holds `costs.len() × dim` values, row after row; `dim` is at least 1.
///
/// # Errors
/// [`NotFinite`] if a value in `centre` or in a row is not finite, or a cost overflows.
///
/// # Panics
/// If the lengths do not fit each other.
pub fn distances<T: Term>(
    rows: &[f64],
    dim: usize,
    centre: &[f64],
    costs: &mut [f64],
) -> Result<(), NotFinite> {
    dispatch::distances::<T>(dispatch::Isa::best(), rows, dim, centre, costs)
}
