//! How far a step is, by what has gone over this party's links and what will have at its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use protocol::{PartyId, Place, Plan, Step};

use super::costs::Spent;
use super::report;
use crate::jobs::Reporter;

/// How often to look.
const LOOK: Duration = Duration::from_millis(250);

/// What the steps of a run take of one party's links.
struct Expected(BTreeMap<Step, u64>);

impl Expected {
    fn of(plan: &Plan, me: PartyId) -> Self {
        let mut bytes: BTreeMap<Step, u64> = BTreeMap::new();
        // Of a plan that cannot be estimated nothing is said.
        for way in protocol::estimate(plan).map_or_else(|_| Vec::new(), |estimate| estimate.traffic) {
            if way.from == me || way.to == me {
                *bytes.entry(way.step).or_default() += way.bytes;
            }
        }
        Expected(bytes)
    }

    /// The part of a step (of the rounds, of one) that `bytes` are; never all of it while it goes on.
    fn part(&self, step: Step, bytes: u64) -> Option<f64> {
        let all = self.0.get(&step).copied().filter(|&all| all > 0)?;
        Some((bytes as f64 / all as f64).min(0.99))
    }
}

/// Tells a job how far its present step is, again and again, until the task is aborted.
pub(crate) async fn tell(reporter: Reporter, spent: Arc<Spent>, plan: Plan, me: PartyId) {
    let expected = Expected::of(&plan, me);
    let (mut last, mut before) = (spent.place(), 0);
    loop {
        tokio::time::sleep(LOOK).await;
        let mut place = spent.place();
        if me == PartyId::THIRD_PARTY {
            // Its role tells of no steps; it does what the messages of the others are for.
            let Some(step) = spent.last_step() else { continue };
            place = Place { step, round: 0 };
        }
        let bytes = spent.bytes_of(place.step);
        if place != last {
            // Something of a round may have gone already when it is first looked at.
            before = if place.step == last.step { bytes } else { 0 };
            last = place;
        }
        let mut progress = report::progress(place, plan.max_rounds);
        if me != PartyId::THIRD_PARTY {
            progress.fraction = expected.part(place.step, bytes - before);
            reporter.refine(progress);
            continue;
        }
        progress.message = "dealing randomness".into();
        progress.round = 0;
        reporter.progress(progress);
    }
}

#[cfg(test)]
mod tests {
    use kmeans::fixed::Normalise;

    use super::super::descriptor::tests::descriptor;
    use super::*;

    #[test]
    fn a_step_is_told_by_its_part() {
        let plan = descriptor(Normalise::ZScore).plan();
        for me in [PartyId::LEAD, PartyId::SECOND, PartyId::THIRD_PARTY] {
            let expected = Expected::of(&plan, me);
            let all = expected.0[&Step::Round];
            assert_eq!(expected.part(Step::Round, 0), Some(0.0));
            let half = expected.part(Step::Round, all / 2).unwrap();
            assert!((half - 0.5).abs() < 0.01, "{half}");
            assert_eq!(expected.part(Step::Round, 3 * all), Some(0.99));
        }
        assert_eq!(Expected(BTreeMap::new()).part(Step::Round, 1), None);
    }
}
