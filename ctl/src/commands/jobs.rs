use control::facts::{JobInfo, JobState};
use control::{ErrorCode, Failure, Request, Response};

use super::{Identified, results};
use crate::cli::Jobs;
use crate::daemon::{Daemon, answer};
use crate::interrupt::{self, Leave};
use crate::output::{self, Outcome, Output, Stop};
use crate::progress::Progress;
use crate::text;

pub(super) const COLUMNS: [&str; 10] =
    ["id", "dataset", "state", "step", "round", "max_rounds", "lead", "started_unix", "result", "failure"];

/// So much of a failure's message stands in the list; `jobs watch` prints all of it.
const SHORT: usize = 80;

pub(super) fn row(job: &JobInfo) -> [String; 10] {
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
        job.failure.as_ref().map(|failure| text::shortened(&failure.message, SHORT)).unwrap_or_default(),
    ]
}

pub(super) fn run(daemon: &mut Daemon, command: Option<&Jobs>, output: &Output) -> Outcome {
    match command {
        None | Some(Jobs::List) => {
            let jobs = daemon.ask(&Request::Jobs, answer!(Jobs))?;
            output.list("jobs", &jobs, COLUMNS, row)
        }
        Some(Jobs::Watch { id }) => follow(daemon, id, output),
        Some(Jobs::Cancel { id }) => {
            daemon.order(&Request::CancelJob { id: id.clone() })?;
            output.done("cancelled", &Identified { id }, &format!("told job {id} to stop"))
        }
        Some(Jobs::Resume { id, detach }) => {
            let id = daemon.ask(&Request::ResumeJob { id: id.clone() }, |response| match response {
                Response::JobStarted { id } => Ok(id),
                other => Err(other),
            })?;
            if *detach {
                return output.done("job", &Identified { id: &id }, &format!("job {id} goes on"));
            }
            output.note(&format!("job {id} goes on; Ctrl-C leaves it running"));
            follow(daemon, &id, output)
        }
    }
}

/// Shows a job's progress until it ends, then its result.
pub(super) fn follow(daemon: &mut Daemon, id: &str, output: &Output) -> Outcome {
    let document = match output.json() {
        true => Some(output::document("job", &Identified { id })?),
        false => None,
    };
    interrupt::set(Leave::Detach { id: id.to_owned(), document });
    daemon.send(&Request::WatchJob { id: id.to_owned() })?;
    let mut progress = Progress::job(output);
    let result = loop {
        match daemon.next() {
            Ok(Response::Progress(step)) => progress.step(&step),
            Ok(Response::Finished { result }) => break result,
            Err(Stop::Failed(failure)) => {
                drop(progress);
                return Err(explained(daemon, id, failure).into());
            }
            Err(stop) => return Err(stop),
            Ok(other) => {
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

/// A run that was cancelled here failed by somebody's wish: says whose, where the daemon itself gives no advice.
fn explained(daemon: &mut Daemon, id: &str, failure: Failure) -> Failure {
    if !failure.hint.is_empty() || failure.code != ErrorCode::Failed {
        return failure;
    }
    let state = match daemon.ask(&Request::Jobs, answer!(Jobs)) {
        // `id` may be a prefix; a watched one is the prefix of one job.
        Ok(jobs) => jobs.into_iter().find(|job| job.id.starts_with(id)).map(|job| job.state),
        // What ended the run matters more than what ended the conversation.
        Err(_) => None,
    };
    match state {
        Some(JobState::Cancelled) => failure.with_hint(
            "somebody at this party cancelled it or stopped the daemon; `cloisterctl jobs list` shows the job",
        ),
        _ => failure.with_hint("`cloisterctl jobs list` shows the job and how far it came"),
    }
}
