//! Jobs: what runs, how far it is, how it ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use control::facts::{JobInfo, JobState, Progress};
use control::{ErrorCode, Failure};
use tokio::sync::watch;
use vault::{RecordKind, Vault};

use crate::failure::from_vault;

/// Ended jobs that are kept; the oldest go first.
const KEPT: usize = 200;
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
    cancel: watch::Sender<bool>,
}

/// Seconds since 1970.
pub fn now_unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl Jobs {
    /// The ended jobs in the vault. One that was running when the daemon died has failed.
    pub fn load(vault: Arc<Vault>) -> Result<Arc<Self>, Failure> {
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
                info.state = JobState::Failed;
                info.ended_unix = Some(now_unix());
                info.failure = Some(
                    Failure::new(ErrorCode::Failed, "the daemon stopped while the job ran")
                        .with_hint("start the run again"),
                );
                jobs.keep(&info)?;
            }
            jobs.locked().push(Job::new(info));
        }
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
        }
        let job = Job::new(info.clone());
        let cancelled = job.cancel.subscribe();
        jobs.push(job);
        Ok(RunningJob { jobs: Arc::clone(self), id: info.id, cancelled, over: AtomicBool::new(false) })
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

    /// Tells a job to stop.
    pub fn cancel(&self, id: &str) -> Result<(), Failure> {
        self.with(id, |job| {
            let state = job.view.borrow().info.state;
            match state {
                JobState::Running => {
                    job.cancel.send_replace(true);
                    Ok(())
                }
                ended => Err(Failure::new(ErrorCode::Failed, format!("job {id} is over already ({ended})"))),
            }
        })?
    }

    /// Tells all jobs to stop.
    pub fn cancel_all(&self) {
        for job in self.locked().iter() {
            job.cancel.send_replace(true);
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

impl Job {
    fn new(info: JobInfo) -> Self {
        let progress = Progress {
            step: info.step.clone(),
            round: info.round,
            max_rounds: info.max_rounds,
            message: String::new(),
            fraction: None,
        };
        Job { view: watch::Sender::new(JobView { info, progress }), cancel: watch::Sender::new(false) }
    }
}

/// A job that is going on. Dropping it without an end makes it failed.
pub struct RunningJob {
    jobs: Arc<Jobs>,
    id: String,
    cancelled: watch::Receiver<bool>,
    over: AtomicBool,
}

impl RunningJob {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Says how far it is.
    pub fn progress(&self, progress: Progress) {
        self.update(|view| {
            view.info.step.clone_from(&progress.step);
            view.info.round = progress.round;
            view.progress = progress;
        });
    }

    /// Waits until somebody cancels it.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut cancelled = self.cancelled.clone();
        async move {
            if cancelled.wait_for(|&cancelled| cancelled).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Whether somebody cancelled it.
    pub fn is_cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }

    /// It ended well.
    pub fn finish(&self, result: Option<String>) -> Result<(), Failure> {
        self.end(JobState::Finished, result, None)
    }

    /// It ended without a result.
    pub fn fail(&self, failure: Failure) -> Result<(), Failure> {
        let state = if self.is_cancelled() { JobState::Cancelled } else { JobState::Failed };
        self.end(state, None, Some(failure))
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
        let kept = self.jobs.keep(&info);
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
mod tests {
    use vault::{MasterSecret, Unlock};

    use super::*;

    fn info(id: &str) -> JobInfo {
        JobInfo {
            id: id.into(),
            dataset: "people".into(),
            state: JobState::Running,
            step: "agree".into(),
            round: 3,
            max_rounds: 9,
            lead: "a".into(),
            started_unix: 1,
            ended_unix: None,
            result: None,
            failure: None,
        }
    }

    #[test]
    fn a_finished_job_is_done_and_a_failed_one_shows_where() {
        let folder = tempfile::tempdir().unwrap();
        let unlock: Unlock = MasterSecret::from_bytes(&[7; 32]).unwrap().into();
        let vault = Arc::new(Vault::create(folder.path().join("vault"), &unlock).unwrap());
        let jobs = Jobs::load(Arc::clone(&vault)).unwrap();
        jobs.begin(info("one")).unwrap().finish(Some("r".into())).unwrap();
        jobs.begin(info("two")).unwrap().fail(Failure::new(ErrorCode::PeerFailed, "b left")).unwrap();
        drop(jobs.begin(info("three")).unwrap());
        // The same now and after a restart.
        for jobs in [&jobs, &Jobs::load(vault).unwrap()] {
            for (id, state, step) in [
                ("one", JobState::Finished, "done"),
                ("two", JobState::Failed, "agree"),
                ("three", JobState::Failed, "agree"),
            ] {
                let view = jobs.watch(id).unwrap().borrow().clone();
                assert_eq!((view.info.state, view.info.step.as_str()), (state, step), "{id}");
                assert_eq!((view.progress.step.as_str(), view.info.round), (step, 3), "{id}");
            }
        }
    }
}
