//! What every host does in a run, whatever its role in the joint operations.

use std::future::Future;

use kmeans::Metric;
use kmeans::fixed::{
    Assignment, GridRows, RawRows, Scale, assign, cluster_costs, cluster_sums, moments, moved_at_most,
    normalise, split,
};
use sharing::BitSlices;

use crate::checkpoint::Checkpoint;
use crate::error::{Misbehaviour, ProtocolError};
use crate::link::{Place, Step};
use crate::operation::{Centres, Largest, Operation};
use crate::party::PartyId;
use crate::plan::Plan;
use crate::schedule::Schedule;

/// What a host brings to a run.
pub struct HostInput<'a> {
    /// Its rows of the run's attributes.
    pub rows: &'a RawRows,
    /// The metric that all hosts agreed on.
    pub metric: &'a dyn Metric,
    /// Clusters with fewer rows of this host, but not none, are withheld. The plan of a run in mode `sealed` says as much of
    /// this host, or more.
    pub min_cluster_rows: u64,
    /// Told of every step and round.
    pub progress: &'a (dyn Fn(Place) + Send + Sync),
    /// Where a resumed run goes on: what [`keep`](Self::keep) was given after the round that the plan names.
    pub resume: Option<Checkpoint>,
    /// Given the state after the start and after every main round of a run in mode `sealed`.
    pub keep: &'a (dyn Fn(&Checkpoint) + Send + Sync),
}

/// What a host has after a run. It does not print: labels are the host's own.
#[derive(Clone, PartialEq)]
pub struct Outcome {
    /// The centre of each cluster, `dim` grid integers; a withheld cluster has none.
    pub centres: Vec<Option<Vec<i64>>>,
    /// The scale of each attribute.
    pub scale: Vec<Scale>,
    /// Main rounds made.
    pub rounds: u32,
    /// Whether the stop test ended it.
    pub converged: bool,
    /// Joint cluster sizes, where all policies show them; in mode `sealed` only if no cluster is withheld.
    pub sizes: Option<Vec<u64>>,
    /// Joint inertia in steps of 2^-16, likewise.
    pub inertia: Option<u128>,
    /// The labels of this host's rows that took part.
    pub labels: Vec<u32>,
    /// Those rows' indices in the input.
    pub kept: Vec<usize>,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outcome")
            .field("rounds", &self.rounds)
            .field("converged", &self.converged)
            .finish_non_exhaustive()
    }
}

/// A host's way to a joint result: its role's part of the secure computation.
pub(crate) trait JointHost: Send {
    /// Puts in `own` (`slots × limbs` words) and gives what the operation opens.
    fn joint<O: Operation>(
        &mut self,
        operation: &O,
        own: Vec<u64>,
    ) -> impl Future<Output = Result<BitSlices, ProtocolError>> + Send;

    /// After a main round: tells the third party whether another one follows.
    fn proceed(&mut self, place: Place, more: bool)
    -> impl Future<Output = Result<(), ProtocolError>> + Send;
}

/// A host's rows after the first steps of a run.
pub(crate) struct Prepared {
    /// The scale of each attribute.
    pub(crate) scale: Vec<Scale>,
    /// The rows that take part, on the run's grid.
    pub(crate) rows: GridRows,
    /// Those rows' indices in the input.
    pub(crate) kept: Vec<usize>,
}

/// 1. Agree and 2. Normalise, the same in both modes. A resumed run has its scale from before.
pub(crate) async fn prepare<J: JointHost>(
    joint: &mut J,
    plan: &Plan,
    schedule: &Schedule<'_>,
    input: &HostInput<'_>,
) -> Result<Prepared, ProtocolError> {
    let (rows, kept) = input.rows.prepare(plan.missing)?;

    // 1. Agree: the public row counts are padded, so whether k is too large is found together.
    if joint.joint(&schedule.headcount(), vec![rows.rows() as u64]).await?.wire(0)[0] != 0 {
        return Err(ProtocolError::TooFewRows { k: plan.k });
    }

    // 2. Normalise.
    (input.progress)(Place { step: Step::Normalise, round: 0 });
    let scale = match (&input.resume, schedule.moments()) {
        (Some(checkpoint), _) => checkpoint.scale.clone(),
        (None, Some(operation)) => {
            let opened = joint.joint(&operation, operation.own(&moments(&rows))).await?;
            schedule.scale(&operation.shown(&opened)?)?
        }
        (None, None) => schedule.scale(&[])?,
    };
    Ok(Prepared { rows: normalise(&rows, &scale)?, scale, kept })
}

/// A run, protocol.md section 5 in mode `open`.
pub(crate) async fn run<J: JointHost>(
    joint: &mut J,
    plan: &Plan,
    input: HostInput<'_>,
) -> Result<Outcome, ProtocolError> {
    let schedule = Schedule::new(plan)?;
    let Prepared { scale, rows, kept } = prepare(joint, plan, &schedule, &input).await?;
    let mut host = Host { joint, plan, schedule: &schedule, rows, metric: input.metric };

    // 4. Start.
    let mut centres = host.start(input.progress).await?;

    // 5. Rounds until 6. stop.
    let (mut rounds, mut converged) = (0, false);
    while rounds < plan.max_rounds && !converged {
        let place = Place { step: Step::Round, round: rounds };
        (input.progress)(place);
        let operation = schedule.centres(rounds, &centres);
        let next = host.round(&operation, 1).await?;
        converged = moved_at_most(&centres, &next, plan.dim, plan.normalise.grid(), plan.tolerance);
        centres = next;
        rounds += 1;
        host.joint.proceed(place, !converged && rounds < plan.max_rounds).await?;
    }

    // 7. Reveal.
    (input.progress)(Place { step: Step::Reveal, round: 0 });
    host.reveal(
        centres,
        input.min_cluster_rows,
        Outcome {
            centres: Vec::new(),
            scale,
            rounds,
            converged,
            sizes: None,
            inertia: None,
            labels: Vec::new(),
            kept,
        },
    )
    .await
}

struct Host<'a, J> {
    joint: &'a mut J,
    plan: &'a Plan,
    schedule: &'a Schedule<'a>,
    rows: GridRows,
    metric: &'a dyn Metric,
}

impl<J: JointHost> Host<'_, J> {
    /// The centres that the main rounds begin with: the best of several starts grown side by side.
    async fn start(&mut self, progress: &(dyn Fn(Place) + Send + Sync)) -> Result<Vec<i64>, ProtocolError> {
        let (plan, schedule, dim) = (self.plan, self.schedule, self.plan.dim);
        let mut centres = vec![0; plan.starts * dim];
        for step in schedule.growth() {
            if step.from > 0 {
                let chosen = match schedule.largest(&step) {
                    None => vec![true; plan.starts * step.from],
                    Some(operation) => self.chosen(&operation, &centres).await?,
                };
                let per_start = centres.chunks_exact(step.from * dim).zip(chosen.chunks_exact(step.from));
                let grown = per_start
                    .enumerate()
                    .map(|(start, (centres, chosen))| split(centres, dim, chosen, plan.seed, start));
                centres = grown.collect::<Vec<_>>().concat();
            }
            for round in 0..step.rounds {
                let operation = schedule.start_centres(&step, round, &centres);
                progress(operation.place);
                centres = self.round(&operation, plan.starts).await?;
            }
        }
        let best = match schedule.least() {
            None => 0,
            Some(operation) => {
                let costs = self.costs(&centres, plan.k)?;
                let inertias = costs.iter().map(|costs| costs.iter().sum());
                let index = self.joint.joint(&operation, limbs(inertias)).await?.to_limbs(1)?[0] as usize;
                if index >= plan.starts {
                    return Err(out_of_range(operation.place));
                }
                index
            }
        };
        Ok(centres[best * plan.k * dim..][..plan.k * dim].to_vec())
    }

    /// Which clusters of every start are split: the costliest.
    async fn chosen(&mut self, operation: &Largest, centres: &[i64]) -> Result<Vec<bool>, ProtocolError> {
        let costs = self.costs(centres, operation.clusters)?;
        let opened = self.joint.joint(operation, limbs(costs.into_iter().flatten())).await?;
        let chosen: Vec<bool> = opened.to_limbs(1)?.iter().map(|&bit| bit == 1).collect();
        let right = |start: &[bool]| start.iter().filter(|&&bit| bit).count() == operation.count;
        match chosen.chunks(operation.clusters).all(right) {
            true => Ok(chosen),
            false => Err(out_of_range(operation.place)),
        }
    }

    /// Assigns this host's rows for every start and gives the joint centres.
    async fn round(&mut self, operation: &Centres<'_>, starts: usize) -> Result<Vec<i64>, ProtocolError> {
        let dim = self.plan.dim;
        let mut own = Vec::with_capacity(operation.slots());
        for centres in operation.previous.chunks_exact(operation.previous.len() / starts) {
            let k = centres.len() / dim;
            let sums = cluster_sums(&self.rows, &self.assign(centres)?.labels, k);
            for (sums, &count) in sums.sums.chunks_exact(dim).zip(&sums.counts) {
                own.extend(sums.iter().map(|&sum| sum as u64));
                own.push(count);
            }
        }
        let opened = self.joint.joint(operation, own).await?;
        Ok(opened.to_signed_limbs(1)?.iter().map(|&limb| limb as i64).collect())
    }

    async fn reveal(
        &mut self,
        centres: Vec<i64>,
        min_cluster_rows: u64,
        mut outcome: Outcome,
    ) -> Result<Outcome, ProtocolError> {
        let k = self.plan.k;
        let assignment = self.assign(&centres)?;
        let counts = cluster_sums(&self.rows, &assignment.labels, k).counts;
        let few = counts.iter().map(|&count| u64::from((1..min_cluster_rows).contains(&count))).collect();
        let withheld = self.joint.joint(&self.schedule.withheld(), few).await?.to_limbs(1)?;
        let shown = |(centre, &withheld): (&[i64], &u64)| (withheld == 0).then(|| centre.to_vec());
        outcome.centres = centres.chunks_exact(self.plan.dim).zip(&withheld).map(shown).collect();
        if let Some(operation) = self.schedule.sizes() {
            let own = limbs(counts.iter().map(|&count| u128::from(count)));
            let opened = self.joint.joint(&operation, own).await?.to_limbs(2)?;
            outcome.sizes = Some(opened.chunks_exact(2).map(|limbs| limbs[0]).collect());
        }
        if let Some(operation) = self.schedule.inertia() {
            let own = limbs([cluster_costs(&assignment, k).iter().sum()].into_iter());
            let opened = self.joint.joint(&operation, own).await?.to_limbs(2)?;
            outcome.inertia = Some(u128::from(opened[1]) << 64 | u128::from(opened[0]));
        }
        outcome.labels = assignment.labels;
        Ok(outcome)
    }

    fn assign(&self, centres: &[i64]) -> Result<Assignment, ProtocolError> {
        Ok(assign(&self.rows, centres, self.metric)?)
    }

    /// This host's costs by cluster, start by start.
    fn costs(&self, centres: &[i64], clusters: usize) -> Result<Vec<Vec<u128>>, ProtocolError> {
        let per_start = centres.chunks_exact(clusters * self.plan.dim);
        per_start.map(|centres| Ok(cluster_costs(&self.assign(centres)?, clusters))).collect()
    }
}

/// Numbers as two limbs each.
pub(crate) fn limbs(values: impl Iterator<Item = u128>) -> Vec<u64> {
    values.flat_map(|value| [value as u64, (value >> 64) as u64]).collect()
}

/// Only a misbehaving compute party leads to such an opened value; the lead speaks for both.
pub(crate) fn out_of_range(place: Place) -> ProtocolError {
    ProtocolError::Misbehaviour { peer: PartyId::LEAD, place, what: Misbehaviour::Range }
}
