//! The start: several weighted k-means side by side over the points that hosts bring, and the best of them.

use std::ops::Range;

use super::assign::Centres;
use super::clustering::means;
use super::task::{Pass, Task};
use super::tournament;
use super::widen::widen;
use super::{Engine, Ring};
use crate::error::ProtocolError;
use crate::link::Place;

/// Scores are at least −2^61, and below 2^63 − 2^61.
const BELOW: usize = 61;
/// An inertia's limbs.
const LIMBS: usize = 2;

/// The best start's centres after `rounds` rounds, `k × dim` elements.
pub(super) async fn best<E: Engine>(
    engine: &mut E,
    place: Place,
    task: &Task,
    points: &E::Rows,
    rounds: u32,
) -> Result<Ring, ProtocolError> {
    let pass = task.over_points();
    let mut centres = first_centres(engine, task, points)?;
    for _ in 0..rounds {
        centres = means(engine, place, task, &pass, points, &centres).await?.centres;
    }
    if pass.starts == 1 {
        return Ok(centres);
    }
    let inertias = inertias(engine, place, task, &pass, points, &centres).await?;
    select(engine, place, task, inertias, &centres).await
}

/// The centres that the starts begin at: `k × starts × dim` elements.
fn first_centres<E: Engine>(engine: &E, task: &Task, points: &E::Rows) -> Result<Ring, ProtocolError> {
    let point = |at: usize| engine.columns(points, at..at + 1, 0..task.dim());
    let places = (0..task.k()).flat_map(|centre| task.starts().iter().map(move |start| start[centre]));
    let centres = places.map(point).collect::<Result<Vec<_>, _>>()?;
    Ring::concat(&centres)
}

/// The inertia of each start, up to what is the same for all: every point's weight times its least score.
async fn inertias<E: Engine>(
    engine: &mut E,
    place: Place,
    task: &Task,
    pass: &Pass,
    points: &E::Rows,
    centres: &Ring,
) -> Result<Ring, ProtocolError> {
    let centres = Centres::prepare(engine, place, task, pass, centres).await?;
    let mut total: Option<Ring> = None;
    for range in pass.batches() {
        let outcome = centres.nearest(engine, place, points, range.clone(), true).await?;
        let least = outcome.least.ok_or_else(|| ProtocolError::Defect("no least score".into()))?;
        let sums = weighed(engine, place, pass, points, range, least).await?;
        total = Some(match total {
            None => sums,
            Some(total) => total.add(&sums)?,
        });
    }
    total.ok_or_else(|| ProtocolError::Defect("a start without points".into()))
}

/// For each start the sum of the points' `scores` times their weights. Two exchanges.
async fn weighed<E: Engine>(
    engine: &mut E,
    place: Place,
    pass: &Pass,
    points: &E::Rows,
    range: Range<usize>,
    scores: Ring,
) -> Result<Ring, ProtocolError> {
    let lanes = range.len();
    let weights = engine.columns(points, range, pass.sums.end - 1..pass.sums.end)?;
    let narrow = Ring::concat([&scores, &weights])?;
    let wide = widen(engine, place, &narrow, BELOW, LIMBS).await?;
    let scores = wide.part(0..scores.len())?;
    let weights = wide.columns(lanes, &vec![pass.starts; pass.starts])?;
    engine.multiply(place, &scores, &weights).await?.sums_of(lanes)
}

/// The centres of the start with the least inertia, the first of equal ones.
async fn select<E: Engine>(
    engine: &mut E,
    place: Place,
    task: &Task,
    inertias: Ring,
    centres: &Ring,
) -> Result<Ring, ProtocolError> {
    let (starts, dim) = (inertias.len(), task.dim());
    let matches =
        tournament::play(engine, place, task.inertia_width(), inertias, starts, false).await?.matches;
    let is_best = engine.evaluate(place, &tournament::one_hot(starts), &matches).await?;
    let is_best = engine.lift(place, &is_best, 1).await?;

    // The last start's centres, and for each other start its bit times what its centres have more.
    let of_start = |start: usize| {
        let places: Vec<usize> =
            (0..task.k() * dim).map(|at| (at / dim * starts + start) * dim + at % dim).collect();
        centres.gathered(&places)
    };
    let last = of_start(starts - 1)?;
    let more = (0..starts - 1).map(|start| of_start(start)?.sub(&last)).collect::<Result<Vec<_>, _>>()?;
    let places: Vec<usize> = (0..(starts - 1) * last.len()).map(|at| at / last.len()).collect();
    let chosen = engine.multiply(place, &is_best.gathered(&places)?, &Ring::concat(&more)?).await?;
    last.add(&chosen.sum_of_columns(last.len())?)
}
