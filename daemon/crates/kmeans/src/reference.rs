//! Metrics written as their definitions, to hold the fast plugins and the tests against.

use crate::points::first_not_finite;
use crate::{Metric, MetricError};

/// Squared Euclidean distance: the cost of row `x` at centre `c` is Σ (xᵢ − cᵢ)², summed in attribute order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SquaredEuclid;

/// Manhattan distance: the cost of row `x` at centre `c` is Σ |xᵢ − cᵢ|, summed in attribute order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manhattan;

impl Metric for SquaredEuclid {
    fn name(&self) -> &str {
        "reference-euclidean"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn assign(
        &self,
        rows: &[f64],
        dim: usize,
        centres: &[f64],
        labels: &mut [u32],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        assign(square, rows, dim, centres, labels, costs)
    }

    fn distances(
        &self,
        rows: &[f64],
        dim: usize,
        centre: &[f64],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        distances(square, rows, dim, centre, costs)
    }
}

impl Metric for Manhattan {
    fn name(&self) -> &str {
        "reference-manhattan"
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn assign(
        &self,
        rows: &[f64],
        dim: usize,
        centres: &[f64],
        labels: &mut [u32],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        assign(f64::abs, rows, dim, centres, labels, costs)
    }

    fn distances(
        &self,
        rows: &[f64],
        dim: usize,
        centre: &[f64],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        distances(f64::abs, rows, dim, centre, costs)
    }
}

fn square(difference: f64) -> f64 {
    difference * difference
}

fn cost(term: impl Fn(f64) -> f64, row: &[f64], centre: &[f64]) -> f64 {
    row.iter().zip(centre).fold(0.0, |sum, (x, c)| sum + term(x - c))
}

fn assign(
    term: impl Fn(f64) -> f64 + Copy,
    rows: &[f64],
    dim: usize,
    centres: &[f64],
    labels: &mut [u32],
    costs: &mut [f64],
) -> Result<(), MetricError> {
    if centres.is_empty() {
        return Err(MetricError::Shape("there is no centre"));
    }
    check(rows, dim, centres, costs.len())?;
    if labels.len() != costs.len() {
        return Err(MetricError::Shape("labels and costs differ in length"));
    }
    for ((row, label), least) in rows.chunks_exact(dim).zip(labels).zip(costs) {
        (*label, *least) = (0, f64::INFINITY);
        for (index, centre) in (0..).zip(centres.chunks_exact(dim)) {
            let cost = cost(term, row, centre);
            if cost < *least {
                (*label, *least) = (index, cost);
            }
        }
    }
    Ok(())
}

fn distances(
    term: impl Fn(f64) -> f64 + Copy,
    rows: &[f64],
    dim: usize,
    centre: &[f64],
    costs: &mut [f64],
) -> Result<(), MetricError> {
    if centre.len() != dim {
        return Err(MetricError::Shape("the centre is not one row long"));
    }
    check(rows, dim, centre, costs.len())?;
    for (row, out) in rows.chunks_exact(dim).zip(costs) {
        *out = cost(term, row, centre);
    }
    Ok(())
}

fn check(rows: &[f64], dim: usize, centres: &[f64], outputs: usize) -> Result<(), MetricError> {
    if dim == 0 || outputs.checked_mul(dim) != Some(rows.len()) {
        return Err(MetricError::Shape("the rows do not fit the outputs"));
    }
    if !centres.len().is_multiple_of(dim) {
        return Err(MetricError::Shape("the centres are not whole"));
    }
    if first_not_finite(rows).or(first_not_finite(centres)).is_some() {
        return Err(MetricError::NonFinite);
    }
    Ok(())
}
