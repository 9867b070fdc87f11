//! Which of the shared centres is nearest to a row.

use std::ops::Range;

use kmeans::fixed::sealed::Form;
use sharing::RingVec;

use super::task::{Pass, Task};
use super::tournament::{self, Outcome};
use super::{Engine, Ring};
use crate::error::ProtocolError;
use crate::link::Place;

/// Centres made ready for any number of batches.
pub(super) struct Centres<'a> {
    task: &'a Task,
    pass: &'a Pass,
    form: Prepared,
}

/// A centre's elements are `dim`.
enum Prepared {
    /// Σ c² − 2·Σ x·c, the squared distance without Σ x², which is the same at all centres: −2·c and Σ c².
    SquaredEuclid { factor: Ring, norms: Ring },
    /// Σ |x − c|.
    Manhattan { centres: Ring },
}

impl<'a> Centres<'a> {
    /// `centres` are `k × starts × dim` elements. One exchange for Euclid, none for Manhattan.
    pub(super) async fn prepare<E: Engine>(
        engine: &mut E,
        place: Place,
        task: &'a Task,
        pass: &'a Pass,
        centres: &Ring,
    ) -> Result<Self, ProtocolError> {
        let form = match task.form() {
            Form::SquaredEuclid => Prepared::SquaredEuclid {
                factor: centres.neg().shifted_left(1),
                norms: engine.multiply(place, centres, centres).await?.sums_of(task.dim())?,
            },
            Form::Manhattan => Prepared::Manhattan { centres: centres.clone() },
        };
        Ok(Centres { task, pass, form })
    }

    /// The matches that settle which centre is nearest to each row of `range`: the first of equally near ones. The lanes
    /// are all rows for the first start, then for the next one. With `least`, the score at that centre too.
    pub(super) async fn nearest<E: Engine>(
        &self,
        engine: &mut E,
        place: Place,
        rows: &E::Rows,
        range: Range<usize>,
        least: bool,
    ) -> Result<Outcome, ProtocolError> {
        let scores = match &self.form {
            // One centre needs no score to be the nearest.
            _ if self.task.k() == 1 && !least => {
                Ring::public(engine.party(), 1, &vec![0; range.len() * self.pass.starts])?
            }
            Prepared::SquaredEuclid { factor, norms } => {
                let products = engine.product(place, rows, range, 0..self.task.dim(), factor).await?;
                products.plus_in_columns(norms)?
            }
            Prepared::Manhattan { centres } => self.manhattan(engine, place, rows, range, centres).await?,
        };
        tournament::play(engine, place, self.task.score_width(), scores, self.task.k(), least).await
    }

    async fn manhattan<E: Engine>(
        &self,
        engine: &mut E,
        place: Place,
        rows: &E::Rows,
        range: Range<usize>,
        centres: &Ring,
    ) -> Result<Ring, ProtocolError> {
        let dim = self.task.dim();
        let mut scores: Option<Ring> = None;
        for first in (0..dim).step_by(self.pass.attributes) {
            let attributes = first..dim.min(first + self.pass.attributes);
            let values = engine.columns(rows, range.clone(), attributes.clone())?;
            let difference = differences(&values, range.len(), attributes, centres, dim)?;
            let negative = engine.negative(place, &difference, self.task.difference_width()).await?;
            let magnitude = engine.choose(place, &negative, &difference.neg(), &difference).await?;
            drop(difference);
            let sums = magnitude.sum_of_columns(range.len() * centres.len() / dim)?;
            scores = Some(match scores {
                None => sums,
                Some(scores) => scores.add(&sums)?,
            });
        }
        scores.ok_or_else(|| ProtocolError::Defect("rows without attributes".into()))
    }
}

/// The differences of rows and centres in some of the `dim` attributes: attribute by attribute, centre by centre.
///
/// `values` are these attributes of the rows, a column of `rows` elements each; `centres` are of all attributes.
fn differences(
    values: &Ring,
    rows: usize,
    attributes: Range<usize>,
    centres: &Ring,
    dim: usize,
) -> Result<Ring, ProtocolError> {
    let len = values.len() * (centres.len() / dim);
    let (Some(values), Some(centres)) = (values.own(), centres.own()) else {
        return Ok(Ring::elsewhere(1, len));
    };
    let mut words = Vec::with_capacity(len);
    for (attribute, values) in attributes.zip(values.as_limbs().chunks_exact(rows)) {
        for centre in centres.as_limbs().chunks_exact(dim) {
            words.extend(values.iter().map(|value| value.wrapping_sub(centre[attribute])));
        }
    }
    Ok(Ring::held(RingVec::new(1, words)?))
}
