//! Whether a metric is the one that a protocol would compute in its place.

use kmeans::{Metric, MetricError};

use super::sample::{self, Sample};
use super::{Breach, Rule, breach, no_answer};
use crate::loaded::SecureForm;

const DIMS: [usize; 5] = [1, 2, 3, 17, 64];
const ROWS: usize = 32;

/// Compares the costs of `metric` with the formula of its declared `form`.
///
/// # Errors
/// [`Rule::SecureForm`] if they differ by more than rounding, [`Rule::Answers`] if there is no answer.
pub fn check_secure_form(metric: &dyn Metric, form: SecureForm) -> Result<(), Breach> {
    let term: fn(f64, f64) -> f64 = match form {
        SecureForm::None => return Ok(()),
        SecureForm::SquaredEuclidean => |x, c| (x - c) * (x - c),
        SecureForm::Manhattan => |x, c| (x - c).abs(),
    };
    for dim in DIMS {
        let mut sample = Sample::new(4000 + dim as u64);
        let (rows, centre) = (sample.values(ROWS * dim), sample.values(dim));
        let case = format_args!("{dim} attributes");
        let costs = match sample::distances(metric, &rows, &centre) {
            Ok(costs) => costs,
            // A protocol takes every number of attributes, and so must this.
            Err(MetricError::Shape(_)) => {
                return Err(breach(Rule::SecureForm, format_args!("{case} refused")));
            }
            Err(error) => return Err(no_answer(&error, case)),
        };
        for (row, cost) in rows.chunks_exact(dim).zip(costs) {
            let formula: f64 = row.iter().zip(&centre).map(|(&x, &c)| term(x, c)).sum();
            if !sample::close(cost, formula) {
                return Err(breach(Rule::SecureForm, format_args!("{case}: {cost}, not {formula}")));
            }
        }
    }
    Ok(())
}
