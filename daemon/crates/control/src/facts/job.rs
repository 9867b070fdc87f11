use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Failure;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// It goes on.
    Running,
    /// It ended with a result.
    Finished,
    /// It ended without one.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// It ended without a result, but its parties kept what they need to go on: its lead can resume it.
    Interrupted,
}

impl JobState {
    /// The name in JSON and in print.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One job, running or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobInfo {
    /// Its id, the same at every party of the run.
    pub id: String,
    /// The dataset it works on.
    pub dataset: String,
    /// Where it stands.
    pub state: JobState,
    /// The step of the protocol it is in or ended in, for instance `normalise`.
    pub step: String,
    /// The round it is in, from 1; 0 before the first.
    pub round: u32,
    /// The most rounds it may take.
    pub max_rounds: u32,
    /// The party that asked for it.
    pub lead: String,
    /// When it began here.
    pub started_unix: u64,
    /// When it ended here.
    pub ended_unix: Option<u64>,
    /// The result it left here.
    pub result: Option<String>,
    /// Why it failed or was interrupted.
    pub failure: Option<Failure>,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The step of the protocol, for instance `round`.
    pub step: String,
    /// The round, from 1; 0 before the first.
    pub round: u32,
    /// The most rounds it may take.
    pub max_rounds: u32,
    /// A few words for people; no values.
    pub message: String,
    /// The part of the present step that is done, 0 to 1, where it can be known.
    pub fraction: Option<f64>,
}
