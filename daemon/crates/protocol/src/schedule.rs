//! Which joint operations a run consists of, with their places: the same for hosts and third party.

use kmeans::fixed::{GROWTH_ROUNDS, Normalise, Scale, scale_from_shown, sealed};
use num_bigint::BigUint;

use crate::error::ProtocolError;
use crate::link::{Place, Step};
use crate::operation::{Centres, Division, Headcount, JointMoments, Largest, Least, Shown, Withheld};
use crate::plan::{Plan, Privacy};

/// The operations of one run.
pub(crate) struct Schedule<'a> {
    plan: &'a Plan,
    division: Division,
}

/// One step of the start's growth.
pub(crate) struct Growth {
    /// Centres before it; 0 at the first step.
    pub(crate) from: usize,
    /// Centres after it.
    pub(crate) size: usize,
    /// Rounds that settle them.
    pub(crate) rounds: u32,
    /// The place of the step's first operation, within [`Step::Start`].
    first: u32,
}

impl<'a> Schedule<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Result<Self, ProtocolError> {
        let division = Division::new(plan.count_bits(), plan.k * plan.dim)?;
        Ok(Schedule { plan, division })
    }

    pub(crate) fn headcount(&self) -> Headcount {
        Headcount { k: self.plan.k }
    }

    /// The joint moments, unless the scale is public or known from before.
    pub(crate) fn moments(&self) -> Option<JointMoments> {
        let needed = self.plan.normalise.needs_moments(self.plan.missing) && self.plan.resume.is_none();
        needed.then_some(JointMoments {
            deviations: self.plan.normalise == Normalise::ZScore,
            dim: self.plan.dim,
            count_bits: self.plan.count_bits(),
        })
    }

    /// The scale of each attribute from what was shown of its moments, on the run's grid.
    pub(crate) fn scale(&self, shown: &[(i128, BigUint)]) -> Result<Vec<Scale>, ProtocolError> {
        let plan = self.plan;
        let scale = scale_from_shown(&plan.normalise, plan.dim, shown);
        Ok(match plan.privacy {
            Privacy::Open => scale,
            Privacy::Sealed(_) => {
                let grid = sealed::grid(&plan.normalise, plan.dim)?;
                scale.into_iter().map(|scale| scale.on(grid)).collect()
            }
        })
    }

    /// From no centre to one in a single round (it is the mean), then step by step to k.
    pub(crate) fn growth(&self) -> Vec<Growth> {
        let (mut from, mut first) = (0, 0);
        self.plan
            .growth()
            .into_iter()
            .map(|size| {
                let rounds = if from == 0 { 1 } else { GROWTH_ROUNDS };
                let step = Growth { from, size, rounds, first };
                (from, first) = (size, first + 1 + rounds);
                step
            })
            .collect()
    }

    /// Which clusters to split before `step`, where there is a choice: the only cluster is split in any case.
    pub(crate) fn largest(&self, step: &Growth) -> Option<Largest> {
        (step.from > 1).then(|| Largest {
            place: Place { step: Step::Start, round: step.first },
            starts: self.plan.starts,
            clusters: step.from,
            count: step.size - step.from,
            count_bits: self.plan.count_bits(),
        })
    }

    /// The centres of all starts after a growth step's round; `previous` is `starts × size × dim`.
    pub(crate) fn start_centres<'b>(&'b self, step: &Growth, round: u32, previous: &'b [i64]) -> Centres<'b> {
        self.centres_at(Place { step: Step::Start, round: step.first + 1 + round }, previous)
    }

    /// The best start, if there are several.
    pub(crate) fn least(&self) -> Option<Least> {
        let round = self.growth().last().map_or(0, |last| last.first + 1 + last.rounds);
        (self.plan.starts > 1).then_some(Least {
            place: Place { step: Step::Start, round },
            starts: self.plan.starts,
            count_bits: self.plan.count_bits(),
        })
    }

    /// The centres after a main round.
    pub(crate) fn centres<'b>(&'b self, round: u32, previous: &'b [i64]) -> Centres<'b> {
        self.centres_at(Place { step: Step::Round, round }, previous)
    }

    pub(crate) fn withheld(&self) -> Withheld {
        Withheld { clusters: self.plan.k }
    }

    pub(crate) fn sizes(&self) -> Option<Shown> {
        self.plan.reveal_sizes.then_some(Shown { round: 1, values: self.plan.k })
    }

    pub(crate) fn inertia(&self) -> Option<Shown> {
        self.plan.reveal_inertia.then_some(Shown { round: 2, values: 1 })
    }

    fn centres_at<'b>(&'b self, place: Place, previous: &'b [i64]) -> Centres<'b> {
        Centres { place, dim: self.plan.dim, previous, division: &self.division }
    }
}
