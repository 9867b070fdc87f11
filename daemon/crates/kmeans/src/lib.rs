//! Plaintext k-means over a [`Metric`], and the exact fixed-point reference of everything that the
//! protocol computes.

mod assignment;
mod error;
pub mod fixed;
mod lloyd;
mod metric;
mod plus_plus;
mod points;
pub mod reference;
mod splitmix;

pub use assignment::{Assignment, assign};
pub use error::KmeansError;
pub use lloyd::{Clustering, Lloyd};
pub use metric::{Metric, MetricError};
