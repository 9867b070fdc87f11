//! What a run shows: which clusters it withholds, and the labels.
//!
//! A centre is shown where it tells of enough rows of every host that has a part in it. It is a mean over the assignment
//! of the last round, and the labels tell of the assignment to the centres themselves; unless the run came to rest the
//! two differ, so both are judged: `kmeans::fixed::sealed::withheld`. Counts stay shared, and of each cluster one bit is
//! opened.

use std::ops::Range;

use sharing::{Builder, Circuit, RingVec, Wire, numbers};

use super::assign::Centres;
use super::task::Task;
use super::{Bits, Engine, Ring, tournament};
use crate::error::ProtocolError;
use crate::link::Place;

/// The assignment of the last round and the one to the final centres.
const ASSIGNMENTS: usize = 2;

/// What is known of a run's end before a centre is opened.
pub(crate) struct Revealed {
    /// Of each cluster whether it is withheld: opened to the compute parties, always false at the dealer.
    pub(crate) withheld: Vec<bool>,
    /// Shares of the index of the centre nearest to each row: as many wires as the largest index has bits, a lane a
    /// row. 0 where a row only fills up.
    pub(crate) labels: Bits,
}

/// Labels at the final `centres`, and which clusters are withheld; `last` are the matches of the last round, batch by
/// batch.
///
/// After the assignment of a batch, a circuit of the layers of [`tournament::one_hot`] and one more, and a lift; after all
/// batches a comparison, a circuit of ⌈log2(2·hosts + 2)⌉ + 1 layers at most, and an opening. With 5 clusters and 2 hosts
/// that is 4 exchanges and 8.
pub(crate) async fn reveal<E: Engine>(
    engine: &mut E,
    task: &Task,
    place: Place,
    rows: &E::Rows,
    centres: &Ring,
    last: &[Bits],
) -> Result<Revealed, ProtocolError> {
    let pass = task.over_rows();
    let batches: Vec<Range<usize>> = pass.batches().collect();
    if last.len() != batches.len() {
        return Err(ProtocolError::Defect("a reveal without a last round".into()));
    }
    let centres = Centres::prepare(engine, place, task, &pass, centres).await?;
    let (clusters, circuit) = (task.k() - 1, members(task.k()));
    let mut counts: Option<Ring> = None;
    let mut labels = Vec::new();
    for (range, last) in batches.into_iter().zip(last) {
        let matches = centres.nearest(engine, place, rows, range.clone(), false).await?.matches;
        let real = engine.columns(rows, range.clone(), task.dim()..task.dim() + 1)?;
        let mut sums = by_host(task, &range, &real)?;
        if clusters == 0 {
            labels.push(matches);
        } else {
            let inputs = Bits::concat([&real.parities()?, last, &matches])?;
            let outputs = engine.evaluate(place, &circuit, &inputs).await?;
            let belongs = outputs.part(0..ASSIGNMENTS * clusters)?;
            labels.push(outputs.part(ASSIGNMENTS * clusters..circuit.outputs())?);
            let belongs = engine.lift(place, &belongs, 1).await?;
            sums = Ring::concat([&by_host(task, &range, &belongs)?, &sums])?;
        }
        counts = Some(match counts {
            None => sums,
            Some(counts) => counts.add(&sums)?,
        });
    }
    let counts = counts.ok_or_else(|| ProtocolError::Defect("a run without rows".into()))?;
    let withheld = withheld(engine, task, place, &counts).await?;
    Ok(Revealed { withheld, labels: Bits::joined(&labels)? })
}

/// From whether a row is real and the matches of both assignments to whether it is one and belongs to a cluster, of all
/// but the last, in either of them; and to its label in the second.
fn members(clusters: usize) -> Circuit {
    let mut builder = Builder::new();
    let real = builder.input();
    let mut outputs = Vec::new();
    let mut label = Vec::new();
    for _ in 0..ASSIGNMENTS {
        let mut members = tournament::winners(&mut builder, clusters);
        members.pop();
        let mut rest = real;
        for member in &mut members {
            *member = builder.and(real, *member);
            rest = builder.xor(rest, *member);
        }
        outputs.extend_from_slice(&members);
        members.push(rest);
        label = tournament::index(&mut builder, &members);
    }
    outputs.extend(label);
    builder.finish(&outputs)
}

/// For each column of the lanes of `range` the sum of every host's rows in it.
fn by_host(task: &Task, range: &Range<usize>, columns: &Ring) -> Result<Ring, ProtocolError> {
    let (lanes, hosts) = (range.len(), task.hosts());
    let Some(own) = columns.own() else {
        return Ok(Ring::elsewhere(1, columns.len() / lanes * hosts.len()));
    };
    let place = |row: usize| row.clamp(range.start, range.end) - range.start;
    let sums = own.as_limbs().chunks_exact(lanes).flat_map(|column| {
        hosts.iter().map(|host| {
            let rows = &column[place(host.rows.start)..place(host.rows.end)];
            rows.iter().fold(0, |sum: u64, &value| sum.wrapping_add(value))
        })
    });
    Ok(Ring::held(RingVec::new(1, sums.collect())?))
}

/// Which clusters are withheld, by the `counts` of each host's rows: for either assignment those of all clusters but the
/// last, then those of all rows.
async fn withheld<E: Engine>(
    engine: &mut E,
    task: &Task,
    place: Place,
    counts: &Ring,
) -> Result<Vec<bool>, ProtocolError> {
    let (party, hosts, k) = (engine.party(), task.hosts().len(), task.k());
    let all_rows = counts.part(counts.len() - hosts..counts.len())?;
    // Counts are below 2^b, and minimums are held to as much: differences fit b bits and a sign.
    let most = 1 << task.count_bits();
    let minimums: Vec<u64> =
        task.hosts().iter().flat_map(|host| vec![host.min_cluster_rows.min(most); k]).collect();
    let minimums = Ring::public(party, 1, &minimums)?;
    let ones = |count: usize| Ring::public(party, 1, &vec![1; count]);
    // Host by host, from cluster by cluster.
    let turned: Vec<usize> = (0..hosts * k).map(|at| at % k * hosts + at / k).collect();
    let mut differences = Vec::new();
    for assignment in 0..ASSIGNMENTS {
        let all_but_last = assignment * (k - 1) * hosts..(assignment + 1) * (k - 1) * hosts;
        let mut last = all_rows.clone();
        for first in all_but_last.clone().step_by(hosts) {
            last = last.sub(&counts.part(first..first + hosts)?)?;
        }
        let counts = Ring::concat([&counts.part(all_but_last)?, &last])?;
        let of_hosts = counts.gathered(&turned)?;
        differences.push(of_hosts.sub(&minimums)?);
        differences.push(of_hosts.sub(&ones(hosts * k)?)?);
        differences.push(counts.sums_of(hosts)?.sub(&ones(k)?)?);
    }
    let below = engine.negative(place, &Ring::concat(&differences)?, task.count_bits() + 1).await?;
    let withheld = engine.evaluate(place, &verdict(hosts), &below.unstacked(k)?).await?;
    let opened = engine.open(place, &withheld).await?;
    Ok(opened.to_limbs(1)?.iter().map(|&bit| bit == 1).collect())
}

/// Whether a cluster is withheld. For either assignment a wire a host whether it has fewer rows than its minimum, a wire
/// a host whether it has none, and whether nobody has any.
fn verdict(hosts: usize) -> Circuit {
    let mut builder = Builder::new();
    let mut reasons: Vec<Wire> = Vec::new();
    for _ in 0..ASSIGNMENTS {
        let (fewer, none) = (builder.input_number(hosts), builder.input_number(hosts));
        for (fewer, none) in fewer.into_iter().zip(none) {
            let some = builder.not(none);
            reasons.push(builder.and(fewer, some));
        }
        reasons.push(builder.input());
    }
    let any = numbers::any(&mut builder, &reasons);
    builder.finish(&[any])
}

#[cfg(test)]
mod tests;
