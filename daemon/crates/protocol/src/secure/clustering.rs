//! The programs of a sealed run between the hosts' inputs and the reveal.

use kmeans::fixed::sealed::START_ROUNDS;

use super::assign::Centres;
use super::start::best;
use super::task::Pass;
pub(crate) use super::task::Task;
use super::update::cluster_sums;
use super::{Bits, Engine, Ring, division, stop, tournament};
use crate::error::ProtocolError;
use crate::link::Place;

/// The centres that the main rounds begin at: `k × dim` elements of one limb.
///
/// A point's columns are its `dim` values, the same times its weight, and the weight.
pub(crate) async fn start<E: Engine>(
    engine: &mut E,
    task: &Task,
    place: Place,
    points: &E::Rows,
) -> Result<Ring, ProtocolError> {
    best(engine, place, task, points, START_ROUNDS).await
}

/// The centres after one more round, and whether no centre moved farther than the tolerance: opened to the compute
/// parties, and always false at the dealer.
///
/// A row's columns are its `dim` values and a 1; in a row that only fills up, all are 0.
pub(crate) async fn round<E: Engine>(
    engine: &mut E,
    task: &Task,
    place: Place,
    rows: &E::Rows,
    centres: &Ring,
) -> Result<(Ring, bool), ProtocolError> {
    let moved = means(engine, place, task, &task.over_rows(), rows, centres).await?;
    let stop = stop::at_rest(engine, place, centres, &moved, task.dim(), task.limit()).await?;
    Ok((moved, stop))
}

/// The index of the centre nearest to each row: as many wires as the largest index has bits, a lane a row.
pub(crate) async fn labels<E: Engine>(
    engine: &mut E,
    task: &Task,
    place: Place,
    rows: &E::Rows,
    centres: &Ring,
) -> Result<Bits, ProtocolError> {
    let pass = task.over_rows();
    let centres = Centres::prepare(engine, place, task, &pass, centres).await?;
    let circuit = tournament::index(task.k());
    let mut labels = Vec::new();
    for range in pass.batches() {
        let matches = centres.nearest(engine, place, rows, range, false).await?.matches;
        labels.push(engine.evaluate(place, &circuit, &matches).await?);
    }
    Bits::joined(&labels)
}

/// The rounded means of the rows nearest to each of `centres`; a centre without rows stays. For each start of the pass.
pub(super) async fn means<E: Engine>(
    engine: &mut E,
    place: Place,
    task: &Task,
    pass: &Pass,
    rows: &E::Rows,
    centres: &Ring,
) -> Result<Ring, ProtocolError> {
    let prepared = Centres::prepare(engine, place, task, pass, centres).await?;
    let mut total: Option<Ring> = None;
    for range in pass.batches() {
        let matches = prepared.nearest(engine, place, rows, range.clone(), false).await?.matches;
        let sums = cluster_sums(engine, place, task, pass, rows, range, &matches).await?;
        total = Some(match total {
            None => sums,
            Some(total) => total.add(&sums)?,
        });
    }
    let total = total.ok_or_else(|| ProtocolError::Defect("a run without rows".into()))?;
    let width = task.dim() + 1;
    let (sums, counts): (Vec<usize>, Vec<usize>) = (0..total.len()).partition(|at| at % width < task.dim());
    let (sums, counts) = (total.gathered(&sums)?, total.gathered(&counts)?);
    division::centres(engine, place, task.count_bits(), &sums, &counts, centres).await
}

#[cfg(test)]
mod tests;
