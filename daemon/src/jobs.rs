//! Jobs: what runs, how far it is, how it ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use control::facts::{JobInfo, JobState, Progress};
use control::{ErrorCode, Failure};
use protocol::PartyId;
use tokio::sync::watch;
use vault::{RecordKind, Vault};

use crate::failure::from_vault;
use crate::session::keep;

/// Ended jobs that are kept; the oldest go first.
const KEPT: usize = 200;
/// How long what is kept of an interrupted job waits for the job to go on, in seconds: seven days.
const WAITS: u64 = 7 * 24 * 60 * 60;
/// The step of a job that has finished.
const DONE: &str = "done";
/// The longest record of a job.
const RECORD_LIMIT: usize = 1 << 20;

/// A job as its watchers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct JobView {
    /// The facts.
    pub info: JobInfo,
    /// How far it is.
    pub progress: Progress,
}

/// All jobs of this daemon.
pub struct Jobs {
    vault: Arc<Vault>,
    jobs: Mutex<Vec<Job>>,
}

struct Job {
    view: watch::Sender<JobView>,
    stop: watch::Sender<Option<StoppedBy>>,
}

/// Who told a running job to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoppedBy {
    /// Somebody who does not want it any more.
    Operator,
    /// The daemon, which itself is told to stop.
    Daemon,
}

/// Seconds since 1970.
pub fn now_unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Jobs {
    /// The ended jobs in the vault. One that was running when the daemon died was interrupted, if enough of it was
    /// kept to go on; else it has failed.
    pub fn load(vault: Arc<Vault>, now: u64) -> Result<Arc<Self>, Failure> {
        let mut infos: Vec<JobInfo> = Vec::new();
        for id in vault.list_records(RecordKind::Job).map_err(from_vault)? {
            let Some(record) = vault.get_record(RecordKind::Job, &id).map_err(from_vault)? else { continue };
            infos.push(transport::codec::decode(&record, RECORD_LIMIT).map_err(|error| {
                Failure::new(ErrorCode::Damaged, format!("the record of job {id}: {error}"))
            })?);
        }
        infos.sort_by_key(|info| info.started_unix);
        let jobs = Jobs { vault, jobs: Mutex::new(Vec::new()) };
        for mut info in infos {
            if info.state == JobState::Running {
                let failure = Failure::new(ErrorCode::Failed, "the daemon stopped while the job ran");
                let (state, hint) = match keep::agreed(&jobs.vault, &info.id) {
                    Ok(Some(agreed)) => (JobState::Interrupted, resume_hint(&info, agreed.me)),
                    _ => (JobState::Failed, "start the run again".into()),
                };
                info.state = state;
                info.ended_unix = Some(now);
                info.failure = Some(failure.with_hint(hint));
                jobs.keep(&info)?;
            }
            jobs.locked().push(Job::new(info));
        }
        jobs.expire(now)?;
        let interrupted = jobs.list().into_iter().filter(|info| info.state == JobState::Interrupted);
        keep::forget_others(&jobs.vault, &interrupted.map(|info| info.id).collect::<Vec<_>>())?;
        Ok(Arc::new(jobs))
    }

    /// Enters a job that begins now. Its id must be new, or an earlier job and its result would be touched.
    pub fn begin(self: &Arc<Self>, info: JobInfo) -> Result<RunningJob, Failure> {
        let mut jobs = self.locked();
        let results = self.vault.list_records(RecordKind::Result).map_err(from_vault)?;
        if results.contains(&info.id) || jobs.iter().any(|job| job.view.borrow().info.id == info.id) {
            return Err(Failure::new(ErrorCode::Refused, format!("the job id {} was used before", info.id)));
        }
        self.keep(&info)?;
        while jobs.len() >= KEPT {
            // A lead's many runs push out its own history first, not that of others.
            let ended = |job: &Job| job.view.borrow().info.state != JobState::Running;
            let own = |job: &Job| ended(job) && job.view.borrow().info.lead == info.lead;
            let Some(oldest) = jobs.iter().position(own).or_else(|| jobs.iter().position(ended)) else {
                break;
            };
            let id = jobs.remove(oldest).view.borrow().info.id.clone();
            self.vault.remove_record(RecordKind::Job, &id).map_err(from_vault)?;
            keep::forget(&self.vault, &id)?;
        }
        let job = Job::new(info.clone());
        let stop = job.stop.subscribe();
        jobs.push(job);
        Ok(self.running_job(info, stop))
    }

    /// Lets an interrupted job run again.
    pub fn resume(self: &Arc<Self>, id: &str) -> Result<RunningJob, Failure> {
        let jobs = self.locked();
        let job = jobs.iter().find(|job| job.view.borrow().info.id == id);
        let job = job.ok_or_else(|| Failure::new(ErrorCode::NotFound, format!("no job has the id {id}")))?;
        let mut info = job.view.borrow().info.clone();
        if info.state != JobState::Interrupted {
            let message = format!("job {id} is {}; only an interrupted one can be resumed", info.state);
            return Err(Failure::new(ErrorCode::Refused, message));
        }
        (info.state, info.ended_unix, info.failure) = (JobState::Running, None, None);
        info.step = "agree".into();
        self.keep(&info)?;
        job.stop.send_replace(None);
        let stop = job.stop.subscribe();
        job.view.send_modify(|view| {
            view.progress.step.clone_from(&info.step);
            view.info = info.clone();
        });
        Ok(self.running_job(info, stop))
    }

    /// Gives up what has been interrupted for too long at `now`, in seconds since 1970, and forgets what is kept of it;
    /// where that fails, the first error, after all others.
    ///
    /// Counted from the last interruption: a run that its parties have let go on since the first is not abandoned, and
    /// how many times they do so is limited.
    pub fn expire(&self, now: u64) -> Result<(), Failure> {
        let mut expired = Ok(());
        for job in self.locked().iter() {
            let mut info = job.view.borrow().info.clone();
            let since = info.ended_unix.unwrap_or(now);
            if info.state != JobState::Interrupted || now.saturating_sub(since) < WAITS {
                continue;
            }
            let days = WAITS / (24 * 60 * 60);
            let failure = Failure::new(ErrorCode::Failed, format!("not resumed within {days} days"));
            info.state = JobState::Failed;
            info.failure = Some(failure.with_hint("start the run again"));
            match self.keep(&info).and_then(|()| keep::forget(&self.vault, &info.id)) {
                Ok(()) => {
                    tracing::info!(job = info.id, "an interrupted job has expired");
                    job.view.send_modify(|view| view.info = info);
                }
                Err(failure) => expired = expired.and(Err(failure)),
            }
        }
        expired
    }

    fn running_job(self: &Arc<Self>, info: JobInfo, stop: watch::Receiver<Option<StoppedBy>>) -> RunningJob {
        let over = AtomicBool::new(false);
        RunningJob { jobs: Arc::clone(self), id: info.id, started_unix: info.started_unix, stop, over }
    }

    /// One job by its whole id.
    pub fn get(&self, id: &str) -> Option<JobInfo> {
        self.locked().iter().map(|job| job.view.borrow().info.clone()).find(|info| info.id == id)
    }

    /// One job. `id` may be a unique prefix.
    pub fn find(&self, id: &str) -> Result<JobInfo, Failure> {
        self.with(id, |job| job.view.borrow().info.clone())
    }

    /// All jobs, the newest first.
    pub fn list(&self) -> Vec<JobInfo> {
        self.locked().iter().rev().map(|job| job.view.borrow().info.clone()).collect()
    }

    /// The running ones.
    pub fn running(&self) -> Vec<JobInfo> {
        self.list().into_iter().filter(|info| info.state == JobState::Running).collect()
    }

    /// Follows a job; the receiver holds its present state at once. `id` may be a unique prefix.
    pub fn watch(&self, id: &str) -> Result<watch::Receiver<JobView>, Failure> {
        self.with(id, |job| job.view.subscribe())
    }

    /// Tells a job to stop; gives an interrupted one up.
    pub fn cancel(&self, id: &str) -> Result<(), Failure> {
        self.with(id, |job| {
            let mut info = job.view.borrow().info.clone();
            match info.state {
                JobState::Running => {
                    job.stop.send_replace(Some(StoppedBy::Operator));
                    Ok(())
                }
                JobState::Interrupted => {
                    info.state = JobState::Cancelled;
                    let failure = Failure::new(ErrorCode::Failed, "the interrupted run was given up");
                    info.failure = Some(failure.with_hint("start the run again"));
                    self.keep(&info)?;
                    keep::forget(&self.vault, &info.id)?;
                    job.view.send_modify(|view| view.info = info);
                    Ok(())
                }
                ended => Err(Failure::new(ErrorCode::Failed, format!("job {id} is over already ({ended})"))),
            }
        })?
    }

    /// Tells all jobs to stop because the daemon does.
    pub fn stop_all(&self) {
        for job in self.locked().iter() {
            // Who wants it cancelled is not overruled.
            job.stop.send_if_modified(|stop| {
                let news = stop.is_none();
                stop.get_or_insert(StoppedBy::Daemon);
                news
            });
        }
    }

    fn with<T>(&self, id: &str, act: impl FnOnce(&Job) -> T) -> Result<T, Failure> {
        let jobs = self.locked();
        let mut found = jobs.iter().filter(|job| !id.is_empty() && job.view.borrow().info.id.starts_with(id));
        match (found.next(), found.next()) {
            (Some(job), None) => Ok(act(job)),
            (Some(_), Some(_)) => {
                Err(Failure::new(ErrorCode::NotFound, format!("several jobs begin with {id}"))
                    .with_hint("give more of the id"))
            }
            _ => Err(Failure::new(ErrorCode::NotFound, format!("no job has the id {id}"))
                .with_hint("`cloisterctl jobs list` shows them")),
        }
    }

    fn keep(&self, info: &JobInfo) -> Result<(), Failure> {
        let record = transport::codec::encode(info)
            .map_err(|error| Failure::new(ErrorCode::Failed, format!("the job cannot be kept: {error}")))?;
        self.vault.put_record(RecordKind::Job, &info.id, &record).map_err(from_vault)
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an interrupted job can go on, as its party `me` sees it.
fn resume_hint(info: &JobInfo, me: PartyId) -> String {
    let command = format!("`cloisterctl jobs resume {}`", info.id);
    match me {
        PartyId::LEAD => format!("when all parties are back, go on with {command}"),
        _ => format!("when all parties are back, {} goes on with {command}", info.lead),
    }
}

impl Job {
    fn new(info: JobInfo) -> Self {
        let progress = Progress {
            step: info.step.clone(),
            round: info.round,
            max_rounds: info.max_rounds,
            message: String::new(),
            fraction: None,
        };
        Job { view: watch::Sender::new(JobView { info, progress }), stop: watch::Sender::new(None) }
    }
}

/// A job that is going on. Dropping it without an end makes it failed.
pub struct RunningJob {
    jobs: Arc<Jobs>,
    id: String,
    started_unix: u64,
    stop: watch::Receiver<Option<StoppedBy>>,
    over: AtomicBool,
}

impl RunningJob {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it first began.
    pub fn started_unix(&self) -> u64 {
        self.started_unix
    }

    /// Says how far it is.
    pub fn progress(&self, progress: Progress) {
        self.reporter().progress(progress);
    }

    /// Who else may say how far it is, as long as it runs.
    pub fn reporter(&self) -> Reporter {
        Reporter { jobs: Arc::clone(&self.jobs), id: self.id.clone() }
    }

    /// Waits until it is told to stop.
    pub fn stopped(&self) -> impl Future<Output = StoppedBy> + Send + use<> {
        let mut stop = self.stop.clone();
        async move {
            // A job that is not in the list any more is not told to stop either.
            let told = stop.wait_for(Option::is_some).await.ok().and_then(|told| *told);
            match told {
                Some(by) => by,
                None => std::future::pending().await,
            }
        }
    }

    /// Whether it was told to stop, and by whom.
    pub fn is_stopped(&self) -> Option<StoppedBy> {
        *self.stop.borrow()
    }

    /// It ended well.
    pub fn finish(&self, result: Option<String>) -> Result<(), Failure> {
        self.end(JobState::Finished, result, None)
    }

    /// It ended without a result.
    pub fn fail(&self, failure: Failure) -> Result<(), Failure> {
        let state = if self.is_stopped().is_some() { JobState::Cancelled } else { JobState::Failed };
        self.end(state, None, Some(failure))
    }

    /// It ended without a result, and what is kept of it is enough to go on. `me` is this party's place in it.
    pub fn interrupt(&self, failure: Failure, me: PartyId) -> Result<(), Failure> {
        if self.is_stopped() == Some(StoppedBy::Operator) {
            return self.end(JobState::Cancelled, None, Some(failure));
        }
        let resume = self.jobs.find(&self.id).map(|info| resume_hint(&info, me)).unwrap_or_default();
        let hint = match failure.code {
            // Where something else than a lost party is in the way, that comes first.
            ErrorCode::PeerFailed | ErrorCode::Failed => resume,
            _ if failure.hint.is_empty() => resume,
            _ => format!("{}; {resume}", failure.hint),
        };
        self.end(JobState::Interrupted, None, Some(failure.with_hint(hint)))
    }

    fn end(&self, state: JobState, result: Option<String>, failure: Option<Failure>) -> Result<(), Failure> {
        self.over.store(true, Ordering::Relaxed);
        // Durable before a watcher hears of it.
        let Ok(receiver) = self.jobs.watch(&self.id) else { return Ok(()) };
        let mut info = receiver.borrow().info.clone();
        (info.state, info.result, info.failure) = (state, result, failure);
        info.ended_unix = Some(now_unix());
        // One that failed or was cancelled keeps the step in which it did.
        if state == JobState::Finished {
            info.step = DONE.into();
        }
        let mut kept = self.jobs.keep(&info);
        if state != JobState::Interrupted {
            kept = kept.and(keep::forget(&self.jobs.vault, &self.id));
        }
        self.update(|view| {
            view.progress.step.clone_from(&info.step);
            view.info = info;
        });
        kept
    }

    fn update(&self, change: impl FnOnce(&mut JobView)) {
        // A job that is not in the list has no watchers.
        let _ = self.jobs.with(&self.id, |job| job.view.send_modify(change));
    }
}

/// Says how far a job is.
pub struct Reporter {
    jobs: Arc<Jobs>,
    id: String,
}

impl Reporter {
    /// Says so; of a job that is over, nothing.
    pub fn progress(&self, progress: Progress) {
        let change = |view: &mut JobView| {
            if view.info.state == JobState::Running {
                view.info.step.clone_from(&progress.step);
                view.info.round = progress.round;
                view.progress = progress;
            }
        };
        // A job that is not in the list has no watchers.
        let _ = self.jobs.with(&self.id, |job| job.view.send_modify(change));
    }

    /// Says more of the step and round that it was last said to be in; of another one, nothing.
    pub fn refine(&self, progress: Progress) {
        let refine = |view: &mut JobView| {
            let known = &view.progress;
            let same = (&known.step, known.round) == (&progress.step, progress.round);
            let news = same && view.info.state == JobState::Running && *known != progress;
            if news {
                view.progress = progress;
            }
            news
        };
        let _ = self.jobs.with(&self.id, |job| job.view.send_if_modified(refine));
    }
}

impl Drop for RunningJob {
    fn drop(&mut self) {
        if !self.over.load(Ordering::Relaxed) {
            let failure = Failure::new(ErrorCode::Failed, "the job ended unexpectedly")
                .with_hint("the daemon's log says more; start the run again");
            let _ = self.end(JobState::Failed, None, Some(failure));
        }
    }
}

#[cfg(test)]
mod tests;
