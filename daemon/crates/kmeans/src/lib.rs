//! Plaintext k-means over a [`Metric`], and the exact fixed-point reference of everything that the
//! protocol computes.

mod metric;

pub use metric::{Metric, MetricError};
