use control::facts::JobInfo;
use control::{ErrorCode, Failure, Request, Response};

use super::{Identified, results};
use crate::cli::Jobs;
use crate::daemon::{Daemon, answer};
use crate::interrupt::{self, Leave};
use crate::output::{Outcome, Output};
use crate::progress::Progress;
use crate::text;

pub(super) const COLUMNS: [&str; 9] =
    ["id", "dataset", "state", "step", "round", "max_rounds", "lead", "started_unix", "result"];

pub(super) fn row(job: &JobInfo) -> [String; 9] {
    [
        job.id.clone(),
        job.dataset.clone(),
        job.state.to_string(),
        job.step.clone(),
        job.round.to_string(),
        job.max_rounds.to_string(),
        job.lead.clone(),
        text::time(job.started_unix),
        text::or_dash(job.result.as_ref()),
    ]
}

pub(super) fn run(daemon: &mut Daemon, command: Option<&Jobs>, output: &Output) -> Outcome {
    match command {
        None | Some(Jobs::List) => {
            let jobs = daemon.ask(&Request::Jobs, answer!(Jobs))?;
            output.list("jobs", &jobs, COLUMNS, row)
        }
        Some(Jobs::Watch { id }) => {
            interrupt::set(Leave::Detach { id: id.clone(), document: None });
            follow(daemon, id, output)
        }
        Some(Jobs::Cancel { id }) => {
            daemon.order(&Request::CancelJob { id: id.clone() })?;
            output.done("cancelled", &Identified { id }, &format!("told job {id} to stop"))
        }
    }
}

/// Shows a job's progress until it ends, then its result.
pub(super) fn follow(daemon: &mut Daemon, id: &str, output: &Output) -> Outcome {
    daemon.send(&Request::WatchJob { id: id.to_owned() })?;
    let mut progress = Progress::job(output);
    let result = loop {
        match daemon.next()? {
            Response::Progress(step) => progress.step(&step),
            Response::Finished { result } => break result,
            other => {
                let message = format!("the daemon answered a watched job with \"{}\"", other.kind());
                return Err(Failure::new(ErrorCode::PeerFailed, message)
                    .with_hint("client and daemon should be of one release")
                    .into());
            }
        }
    };
    drop(progress);
    interrupt::set(Leave::Quietly);
    match result {
        Some(result) => results::show(daemon, &result, output),
        None => output.done(
            "job",
            &Identified { id },
            &format!("job {id} has finished; this party keeps no result"),
        ),
    }
}
