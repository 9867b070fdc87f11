//! The course of a run between setup and end, as whoever has no rows goes through it: the third party to deal, the tally
//! to count. The same steps in the same order as at the hosts.

use std::future::Future;

use kmeans::fixed::sealed::Form;

use crate::error::ProtocolError;
use crate::link::{Place, Step};
use crate::operation::Operation;
use crate::plan::{Plan, Privacy};
use crate::schedule::Schedule;
use crate::sealed::{REVEAL, ROWS, START, Shape};
use crate::secure::clustering::{self, Task};
use crate::secure::{Engine, Ring};

/// Who goes through a run without rows.
pub(crate) trait Follower: Send {
    /// What it knows of a matrix.
    type Rows: Send + Sync;
    /// The engine of a sealed run's programs.
    type Engine<'e>: Engine<Rows = Self::Rows>
    where
        Self: 'e;

    /// The engine for a while.
    fn engine(&mut self) -> Self::Engine<'_>;

    /// One joint operation.
    fn serve<O: Operation>(
        &mut self,
        operation: &O,
    ) -> impl Future<Output = Result<(), ProtocolError>> + Send;

    /// After a main round: whether another one follows.
    fn proceeds(&mut self, place: Place) -> impl Future<Output = Result<bool, ProtocolError>> + Send;
}

/// Goes through a run; gives the number of main rounds, those before a resumption included.
pub(crate) async fn follow<F: Follower>(follower: &mut F, plan: &Plan) -> Result<u32, ProtocolError> {
    let schedule = Schedule::new(plan)?;
    follower.serve(&schedule.headcount()).await?;
    if let Some(moments) = schedule.moments() {
        follower.serve(&moments).await?;
    }
    let rounds = match plan.privacy {
        Privacy::Open => {
            let rounds = open(follower, plan, &schedule).await?;
            follower.serve(&schedule.withheld()).await?;
            rounds
        }
        Privacy::Sealed(form) => sealed(follower, plan, form).await?,
    };
    for shown in [schedule.sizes(), schedule.inertia()].into_iter().flatten() {
        follower.serve(&shown).await?;
    }
    Ok(rounds)
}

/// Start and rounds in mode `open`.
async fn open<F: Follower>(
    follower: &mut F,
    plan: &Plan,
    schedule: &Schedule<'_>,
) -> Result<u32, ProtocolError> {
    for step in schedule.growth() {
        if let Some(largest) = schedule.largest(&step) {
            follower.serve(&largest).await?;
        }
        for round in 0..step.rounds {
            let nothing = vec![0; plan.starts * step.size * plan.dim];
            follower.serve(&schedule.start_centres(&step, round, &nothing)).await?;
        }
    }
    if let Some(least) = schedule.least() {
        follower.serve(&least).await?;
    }
    let nothing = vec![0; plan.k * plan.dim];
    let mut round = 0;
    loop {
        let centres = schedule.centres(round, &nothing);
        follower.serve(&centres).await?;
        round += 1;
        if !follower.proceeds(centres.place()).await? || round == plan.max_rounds {
            return Ok(round);
        }
    }
}

/// Start, rounds, and what the reveal begins with, in mode `sealed`: the programs that the compute parties run.
async fn sealed<F: Follower>(follower: &mut F, plan: &Plan, form: Form) -> Result<u32, ProtocolError> {
    let (task, shape) = (Task::new(plan, form)?, Shape(plan));
    let mut engine = follower.engine();
    let mut centres = Ring::elsewhere(1, plan.k * plan.dim);
    if plan.resume.is_none() {
        let points = engine.introduce(START, &shape.points(), shape.point_columns(), None).await?;
        centres = clustering::start(&mut engine, &task, START, &points).await?;
    }
    let rows = engine.introduce(ROWS, &shape.rows(), shape.row_columns(), None).await?;
    drop(engine);
    let mut round = plan.resume.unwrap_or(0);
    let (mut last, mut more) = (Vec::new(), round < plan.max_rounds);
    while more {
        let place = Place { step: Step::Round, round };
        let moved = clustering::round(&mut follower.engine(), &task, place, &rows, &centres).await?;
        (centres, last) = (moved.centres, moved.matches);
        round += 1;
        more = follower.proceeds(place).await? && round < plan.max_rounds;
    }
    clustering::reveal(&mut follower.engine(), &task, REVEAL, &rows, &centres, &last).await?;
    Ok(round)
}
