//! A run in mode `sealed` at a host: protocol.md section 5, everything between the inputs and the reveal on shares.

use std::future::Future;

use kmeans::fixed::sealed::{LocalCentres, local_centres, points};
use kmeans::fixed::{GridRows, cluster_costs};
use sharing::BitSlices;
use zeroize::Zeroizing;

use crate::checkpoint::Checkpoint;
use crate::error::ProtocolError;
use crate::host::{self, HostInput, JointHost, Outcome, Prepared, limbs};
use crate::link::{Place, Step};
use crate::party::PartyId;
use crate::plan::Plan;
use crate::schedule::Schedule;
use crate::secure::Segment;

/// Where the points are introduced and the start is computed.
pub(crate) const START: Place = Place { step: Step::Start, round: 0 };
/// Where the rows are introduced.
pub(crate) const ROWS: Place = Place { step: Step::Start, round: 1 };
/// Where labels, withheld clusters and centres are revealed.
pub(crate) const REVEAL: Place = Place { step: Step::Reveal, round: 0 };

/// What a host's role does on shares.
pub(crate) trait SealedHost: JointHost {
    /// Introduces the points of all hosts, this one's being `own`, and finds the centres that the rounds begin at.
    fn start(&mut self, own: Zeroizing<Vec<u64>>) -> impl Future<Output = Result<(), ProtocolError>> + Send;

    /// Introduces the rows of all hosts, this one's being `own`.
    fn introduce(
        &mut self,
        own: Zeroizing<Vec<u64>>,
    ) -> impl Future<Output = Result<(), ProtocolError>> + Send;

    /// One main round; whether it moved no centre farther than the tolerance.
    fn round(&mut self, place: Place) -> impl Future<Output = Result<bool, ProtocolError>> + Send;

    /// This host's share of the centres.
    fn share(&self) -> Vec<u64>;

    /// Goes on from a share that was kept.
    fn resume(&mut self, share: Zeroizing<Vec<u64>>) -> Result<(), ProtocolError>;

    /// Which clusters are withheld, and the labels of this host's rows and padding: the bits of each.
    fn reveal(&mut self) -> impl Future<Output = Result<(Vec<bool>, BitSlices), ProtocolError>> + Send;

    /// All centres, with zeros for those that are withheld.
    fn centres(&mut self, withheld: &[bool]) -> impl Future<Output = Result<Vec<i64>, ProtocolError>> + Send;
}

/// The matrices of a run: whose rows lie where.
pub(crate) struct Shape<'a>(pub(crate) &'a Plan);

impl Shape<'_> {
    /// Columns of a row: its values, and a 1.
    pub(crate) fn row_columns(&self) -> usize {
        self.0.dim + 1
    }

    /// Columns of a point: its values, the same times its weight, and the weight.
    pub(crate) fn point_columns(&self) -> usize {
        2 * self.0.dim + 1
    }

    /// Each host's rows.
    pub(crate) fn rows(&self) -> Vec<Segment> {
        self.segments(|host| self.0.rows[host] as usize)
    }

    /// Each host's points.
    pub(crate) fn points(&self) -> Vec<Segment> {
        self.segments(|_| points(self.0.k))
    }

    /// The lead and the second host know their own; both have a share of what a further host brings.
    fn segments(&self, rows: impl Fn(usize) -> usize) -> Vec<Segment> {
        let segment = |host| Segment { rows: rows(host), left: host != 1, right: host != 0 };
        (0..self.0.hosts).map(segment).collect()
    }

    /// The lanes of a host's rows among all rows.
    pub(crate) fn lanes(&self, host: PartyId) -> std::ops::Range<usize> {
        let host = usize::from(host.0);
        let first = self.0.rows[..host].iter().sum::<u64>() as usize;
        first..first + self.0.rows[host] as usize
    }
}

/// A run, protocol.md section 5 in mode `sealed`.
pub(crate) async fn run<H: SealedHost>(
    host: &mut H,
    plan: &Plan,
    me: PartyId,
    mut input: HostInput<'_>,
) -> Result<Outcome, ProtocolError> {
    let schedule = Schedule::new(plan)?;
    let resume = input.resume.take();
    check_resumed(plan, me, resume.as_ref())?;
    check_policy(plan.min_cluster_rows.get(usize::from(me.0)), input.min_cluster_rows)?;
    input.resume = resume;
    let Prepared { scale, rows, kept } = host::prepare(host, plan, &schedule, &input).await?;
    let checkpoint = |round, host: &H| Checkpoint { round, centres: host.share(), scale: scale.clone() };

    // 3. Local k-means and 4. Start.
    (input.progress)(START);
    match &input.resume {
        Some(kept) => host.resume(kept.share())?,
        None => {
            let local = local_centres(&rows, points(plan.k), plan.seed, input.metric)?;
            host.start(point_matrix(&local, plan.dim)).await?;
            (input.keep)(&checkpoint(0, host));
        }
    }
    (input.progress)(ROWS);
    host.introduce(row_matrix(&rows, plan.rows[usize::from(me.0)] as usize)).await?;

    // 5. Rounds until 6. stop. What is kept is what a further round begins at.
    let (mut rounds, mut converged) = (plan.resume.unwrap_or(0), false);
    while rounds < plan.max_rounds && !converged {
        let place = Place { step: Step::Round, round: rounds };
        (input.progress)(place);
        converged = host.round(place).await?;
        rounds += 1;
        let more = !converged && rounds < plan.max_rounds;
        if more {
            (input.keep)(&checkpoint(rounds, host));
        }
        host.proceed(place, more).await?;
    }

    // 7. Reveal.
    (input.progress)(REVEAL);
    let (withheld, labels) = host.reveal().await?;
    let labels = labels.to_limbs(1)?;
    let (own, padding) = labels.split_at(rows.rows());
    if own.iter().any(|&label| label >= plan.k as u64) || padding.iter().any(|&label| label != 0) {
        return Err(host::out_of_range(REVEAL));
    }
    let labels = own.iter().map(|&label| label as u32).collect();
    let mut outcome =
        Outcome { centres: Vec::new(), scale, rounds, converged, sizes: None, inertia: None, labels, kept };
    reveal(host, plan, &schedule, &rows, &input, &withheld, &mut outcome).await?;
    Ok(outcome)
}

/// What is shown at the end beside the labels: the centres of clusters that are not withheld; and sizes and inertia if none
/// is, since of what adds up to a known sum (sizes to all rows, size times centre to nothing after `z-score`) what is
/// left out follows.
async fn reveal<H: SealedHost>(
    host: &mut H,
    plan: &Plan,
    schedule: &Schedule<'_>,
    rows: &GridRows,
    input: &HostInput<'_>,
    withheld: &[bool],
    outcome: &mut Outcome,
) -> Result<(), ProtocolError> {
    let most = outcome.scale.first().map_or(0, |scale| scale.grid.most());
    let opened = host.centres(withheld).await?;
    if opened.iter().any(|centre| centre.unsigned_abs() > most.unsigned_abs()) {
        return Err(host::out_of_range(REVEAL));
    }
    let shown = |(centre, &withheld): (&[i64], &bool)| (!withheld).then(|| centre.to_vec());
    outcome.centres = opened.chunks_exact(plan.dim).zip(withheld).map(shown).collect();

    // The third party need not know whether a cluster is withheld, so the sums are made in any case: of zeros.
    let all = !withheld.contains(&true);
    if let Some(operation) = schedule.sizes() {
        let mut own = vec![0u128; plan.k];
        if all {
            outcome.labels.iter().for_each(|&label| own[label as usize] += 1);
        }
        let opened = host.joint(&operation, limbs(own.into_iter())).await?.to_limbs(2)?;
        outcome.sizes = all.then(|| opened.chunks_exact(2).map(|limbs| limbs[0]).collect());
    }
    if let Some(operation) = schedule.inertia() {
        let own = match all {
            true => {
                let assignment = kmeans::fixed::assign(rows, &opened, input.metric)?;
                cluster_costs(&assignment, plan.k).iter().sum()
            }
            false => 0,
        };
        let opened = host.joint(&operation, limbs([own].into_iter())).await?.to_limbs(2)?;
        outcome.inertia = all.then_some(u128::from(opened[1]) << 64 | u128::from(opened[0]));
    }
    Ok(())
}

/// Holds what the plan says of this host to its policy: clusters are withheld by the plan's minimums.
fn check_policy(planned: Option<&u64>, own: u64) -> Result<(), ProtocolError> {
    match planned {
        Some(&planned) if planned >= own => Ok(()),
        _ => Err(ProtocolError::Defect("the plan withholds less than this host's policy asks for".into())),
    }
}

/// Holds what is resumed to what the plan says of it.
fn check_resumed(plan: &Plan, me: PartyId, kept: Option<&Checkpoint>) -> Result<(), ProtocolError> {
    let computes = [PartyId::LEAD, PartyId::SECOND].contains(&me);
    let share = if computes { plan.k * plan.dim } else { 0 };
    let fits = match (plan.resume, kept) {
        (None, None) => true,
        (Some(round), Some(kept)) => {
            (kept.round, kept.centres.len(), kept.scale.len()) == (round, share, plan.dim)
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(ProtocolError::Checkpoint) }
}

/// The rows with a 1 each, then zeros up to the padded number.
fn row_matrix(rows: &GridRows, padded: usize) -> Zeroizing<Vec<u64>> {
    let integers = Zeroizing::new(rows.to_integers());
    let mut words = Zeroizing::new(Vec::with_capacity(padded * (rows.dim + 1)));
    for row in integers.chunks_exact(rows.dim) {
        words.extend(row.iter().map(|&value| value as u64));
        words.push(1);
    }
    words.resize(padded * (rows.dim + 1), 0);
    words
}

/// The points with their weighted values and weights.
fn point_matrix(local: &LocalCentres, dim: usize) -> Zeroizing<Vec<u64>> {
    let mut words = Zeroizing::new(Vec::with_capacity(local.weights.len() * (2 * dim + 1)));
    for (point, &weight) in local.points.chunks_exact(dim).zip(&local.weights) {
        words.extend(point.iter().map(|&value| value as u64));
        words.extend(point.iter().map(|&value| (value as u64).wrapping_mul(weight)));
        words.push(weight);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_withholds_less_than_this_hosts_policy_is_refused() {
        for (planned, own, fits) in [(5, 5, true), (6, 5, true), (4, 5, false), (0, 1, false)] {
            assert_eq!(check_policy(Some(&planned), own).is_ok(), fits, "{planned} for {own}");
        }
        assert!(check_policy(None, 0).is_err());
    }
}
