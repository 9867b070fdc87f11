//! Values at the ends of the number line, and several threads at once.

use std::fmt::Arguments;
use std::thread;

use kmeans::{Metric, MetricError};

use super::sample::{self, Sample};
use super::{Breach, Rule, breach, no_answer};

/// More than a vector of rows, so that full tiles and rests both meet the odd value.
const ROWS: usize = 19;
const CENTRES: usize = 6;
const DIMS: [usize; 4] = [1, 2, 5, 9];

/// The numbers of attributes in [`DIMS`] that the metric takes.
fn dims(metric: &dyn Metric) -> impl Iterator<Item = usize> {
    DIMS.into_iter().filter(|&dim| {
        !matches!(sample::distances(metric, &vec![0.0; dim], &vec![0.0; dim]), Err(MetricError::Shape(_)))
    })
}

/// Every place of a batch and of the centres holds NaN or an infinity once.
pub(super) fn non_finite(metric: &dyn Metric) -> Result<(), Breach> {
    for dim in dims(metric) {
        let mut sample = Sample::new(1000 + dim as u64);
        let mut rows = sample.values(ROWS * dim);
        let mut centres = sample.values(CENTRES * dim);
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for place in 0..rows.len() {
                let good = std::mem::replace(&mut rows[place], bad);
                let case = format_args!("{dim} attributes, {bad} in row {}", place / dim);
                refused(sample::assign(metric, &rows, dim, &centres), case)?;
                refused(sample::distances(metric, &rows, &centres[..dim]), case)?;
                rows[place] = good;
            }
            for place in 0..centres.len() {
                let good = std::mem::replace(&mut centres[place], bad);
                let centre = place / dim;
                let case = format_args!("{dim} attributes, {bad} in centre {centre}");
                refused(sample::assign(metric, &rows, dim, &centres), case)?;
                refused(sample::distances(metric, &rows, &centres[centre * dim..][..dim]), case)?;
                centres[place] = good;
            }
        }
    }
    Ok(())
}

fn refused<T>(answer: Result<T, MetricError>, case: Arguments<'_>) -> Result<(), Breach> {
    match answer {
        Err(MetricError::NonFinite) => Ok(()),
        Ok(_) => Err(breach(Rule::RefusesNonFinite, format_args!("{case}: no error"))),
        Err(error) => Err(breach(Rule::RefusesNonFinite, format_args!("{case}: {error}"))),
    }
}

/// Values so large or small that squares leave the range: an answer must be sound, or the error for it.
pub(super) fn scales(metric: &dyn Metric) -> Result<(), Breach> {
    for dim in dims(metric) {
        for scale in [1e-320, 1e-200, 1e-150, 1e100, 1e150, 1e200, 2e307] {
            let mut sample = Sample::new(2000 + dim as u64);
            let scaled = |values: Vec<f64>| values.into_iter().map(|value| value * scale).collect::<Vec<_>>();
            let rows = scaled(sample.values(ROWS * dim));
            let centres = scaled(sample.values(CENTRES * dim));
            check_scaled(metric, &rows, dim, &centres, scale)?;
        }
    }
    Ok(())
}

fn check_scaled(
    metric: &dyn Metric,
    rows: &[f64],
    dim: usize,
    centres: &[f64],
    scale: f64,
) -> Result<(), Breach> {
    let mut table = vec![None; ROWS * CENTRES];
    for (r, row) in rows.chunks_exact(dim).enumerate() {
        for (c, centre) in centres.chunks_exact(dim).enumerate() {
            let case = format_args!("{dim} attributes around {scale:e}, row {r}, centre {c}");
            table[r * CENTRES + c] = match sample::distances(metric, row, centre) {
                Ok(cost) if (0.0..f64::INFINITY).contains(&cost[0]) => Some(cost[0]),
                Err(MetricError::NonFinite) => None,
                Ok(cost) => return Err(breach(Rule::CostsAreFinite, format_args!("{case}: {}", cost[0]))),
                Err(error) => return Err(breach(Rule::RefusesOverflow, format_args!("{case}: {error}"))),
            };
        }
    }
    let case = format_args!("{dim} attributes around {scale:e}");
    match sample::assign(metric, rows, dim, centres) {
        Ok((labels, costs)) => {
            for (r, (label, cost)) in labels.into_iter().zip(costs).enumerate() {
                let at = |c: usize| table[r * CENTRES + c].unwrap_or(f64::INFINITY);
                if (label, cost) != sample::least((0..CENTRES).map(at)) {
                    return Err(breach(Rule::AssignAgreesWithDistances, format_args!("{case}, row {r}")));
                }
            }
            Ok(())
        }
        // Right if some cost overflows.
        Err(MetricError::NonFinite) if table.contains(&None) => Ok(()),
        Err(error) => Err(no_answer(&error, case)),
    }
}

/// Four threads at once, each with other batches, against one thread with one batch.
pub(super) fn threads(metric: &dyn Metric) -> Result<(), Breach> {
    for dim in dims(metric) {
        let mut sample = Sample::new(3000 + dim as u64);
        let rows = sample.values(64 * ROWS * dim);
        let centres = sample.values(CENTRES * dim);
        let case = format_args!("{dim} attributes");
        let at_once =
            sample::assign(metric, &rows, dim, &centres).map_err(|error| no_answer(&error, case))?;
        let in_pieces = |rows_each: usize| {
            let (mut labels, mut costs) = (Vec::new(), Vec::new());
            for piece in rows.chunks(rows_each * dim) {
                let answer = sample::assign(metric, piece, dim, &centres)?;
                labels.extend(answer.0);
                costs.extend(answer.1);
            }
            Ok((labels, costs))
        };
        let in_pieces = &in_pieces;
        let answers: Vec<Result<_, MetricError>> = thread::scope(|scope| {
            let threads: Vec<_> =
                [1, 7, 8, 100].into_iter().map(|each| scope.spawn(move || in_pieces(each))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or(Err(MetricError::Shape("a thread ended early"))))
                .collect()
        });
        for answer in answers {
            let (labels, costs) = answer.map_err(|error| no_answer(&error, case))?;
            let same_costs = costs.iter().map(|c| c.to_bits()).eq(at_once.1.iter().map(|c| c.to_bits()));
            if labels != at_once.0 || !same_costs {
                return Err(breach(Rule::IndependentOfThread, case));
            }
        }
    }
    Ok(())
}
