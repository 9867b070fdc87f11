//! The programs of a sealed run between the hosts' inputs and the reveal.

use kmeans::fixed::sealed::START_ROUNDS;

use super::assign::Centres;
pub(crate) use super::reveal::{Revealed, reveal};
use super::start::best;
use super::task::Pass;
pub(crate) use super::task::Task;
use super::update::cluster_sums;
use super::{Bits, Engine, Ring, division, stop};
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

/// One more round.
///
/// A row's columns are its `dim` values and a 1; in a row that only fills up, all are 0.
pub(crate) async fn round<E: Engine>(
    engine: &mut E,
    task: &Task,
    place: Place,
    rows: &E::Rows,
    centres: &Ring,
) -> Result<Round, ProtocolError> {
    let Moved { centres: moved, matches } =
        means(engine, place, task, &task.over_rows(), rows, centres).await?;
    let at_rest = stop::at_rest(engine, place, centres, &moved, task.dim(), task.limit()).await?;
    Ok(Round { centres: moved, matches, at_rest })
}

/// What a round gives.
pub(crate) struct Round {
    /// The centres after it.
    pub(crate) centres: Ring,
    /// The matches that assigned the rows to the centres before it, batch by batch: a bit a row and cluster.
    pub(crate) matches: Vec<Bits>,
    /// Whether no centre moved farther than the tolerance: opened to the compute parties, always false at the dealer.
    pub(crate) at_rest: bool,
}

/// Centres that moved, and the matches behind their rows, batch by batch.
pub(super) struct Moved {
    pub(super) centres: Ring,
    matches: Vec<Bits>,
}

/// The rounded means of the rows nearest to each of `centres`; a centre without rows stays. For each start of the pass.
pub(super) async fn means<E: Engine>(
    engine: &mut E,
    place: Place,
    task: &Task,
    pass: &Pass,
    rows: &E::Rows,
    centres: &Ring,
) -> Result<Moved, ProtocolError> {
    let prepared = Centres::prepare(engine, place, task, pass, centres).await?;
    let mut total: Option<Ring> = None;
    let mut matches = Vec::new();
    for range in pass.batches() {
        let of_batch = prepared.nearest(engine, place, rows, range.clone(), false).await?.matches;
        let sums = cluster_sums(engine, place, task, pass, rows, range, &of_batch).await?;
        matches.push(of_batch);
        total = Some(match total {
            None => sums,
            Some(total) => total.add(&sums)?,
        });
    }
    let total = total.ok_or_else(|| ProtocolError::Defect("a run without rows".into()))?;
    let width = task.dim() + 1;
    let (sums, counts): (Vec<usize>, Vec<usize>) = (0..total.len()).partition(|at| at % width < task.dim());
    let (sums, counts) = (total.gathered(&sums)?, total.gathered(&counts)?);
    let centres = division::centres(engine, place, task.count_bits(), &sums, &counts, centres).await?;
    Ok(Moved { centres, matches })
}

#[cfg(test)]
mod tests;
