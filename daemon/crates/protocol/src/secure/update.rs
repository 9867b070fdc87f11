//! Sums of rows by the cluster that they are assigned to.

use std::ops::Range;

use super::task::{Pass, Task};
use super::{Bits, Engine, Ring};
use crate::error::ProtocolError;
use crate::link::Place;

/// For each cluster of each start the sums of the rows of `range` that its matches assign to it: `k × starts` rows of
/// the columns to sum.
///
/// Of k − 1 clusters the rows are multiplied by the bit that they belong there. The last cluster has what is left of all
/// rows, whose sums each party takes of what it knows. Exchanges: the layers of the circuit from matches to bits, and
/// two.
pub(super) async fn cluster_sums<E: Engine>(
    engine: &mut E,
    place: Place,
    task: &Task,
    pass: &Pass,
    rows: &E::Rows,
    range: Range<usize>,
    matches: &Bits,
) -> Result<Ring, ProtocolError> {
    let mut rest = all(engine, rows, range.clone(), pass)?;
    if task.k() == 1 {
        return Ok(rest);
    }
    let belongs = engine.evaluate(place, task.one_hot(), matches).await?;
    let weights = engine.lift(place, &belongs, 1).await?;
    let sums = engine.weighted_sums(place, rows, range, pass.sums.clone(), &weights).await?;
    let cluster = rest.len();
    for first in (0..sums.len()).step_by(cluster) {
        rest = rest.sub(&sums.part(first..first + cluster)?)?;
    }
    Ring::concat([&sums, &rest])
}

/// The sums over all rows of `range`, once for each start. Free.
fn all<E: Engine>(
    engine: &E,
    rows: &E::Rows,
    range: Range<usize>,
    pass: &Pass,
) -> Result<Ring, ProtocolError> {
    // Column by column: all of them together would take the memory of the rows once more.
    let sums = pass
        .sums
        .clone()
        .map(|column| engine.columns(rows, range.clone(), column..column + 1)?.sums_of(range.len()));
    let sums = sums.collect::<Result<Vec<_>, ProtocolError>>()?;
    Ring::concat((0..pass.starts).flat_map(|_| &sums))
}
