//! What the daemon answers.

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::bytes;
use crate::facts::{
    DatasetInfo, DatasetSummary, EstimateInfo, JobInfo, PeerInfo, PluginInfo, Progress, ResultInfo,
    RunResult, StatusInfo,
};

/// One response; which request it answers stands at [`Request`](crate::Request).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Response {
    /// The request failed; it is over.
    Failed(Failure),
    /// It is done, and there is nothing to say about it.
    Done,
    /// Send the document.
    Ready,
    /// The next piece of a document, at most [`CHUNK_BYTES`](crate::CHUNK_BYTES).
    Chunk(#[serde(with = "bytes")] Vec<u8>),
    /// The state of the daemon.
    Status(Box<StatusInfo>),
    /// Every dataset in short.
    Datasets(Vec<DatasetSummary>),
    /// One dataset in full.
    Dataset(Box<DatasetInfo>),
    /// A job runs under this id.
    JobStarted {
        /// The id, the same at every party.
        id: String,
    },
    /// What a run would cost.
    Estimate(Box<EstimateInfo>),
    /// Jobs, running and ended.
    Jobs(Vec<JobInfo>),
    /// How far a watched job is.
    Progress(Progress),
    /// A watched job ended well.
    Finished {
        /// The result it left at this party; the third party keeps none.
        result: Option<String>,
    },
    /// Every result in short.
    Results(Vec<ResultInfo>),
    /// One result in full.
    Result(Box<RunResult>),
    /// Every peer.
    Peers(Vec<PeerInfo>),
    /// One peer.
    Peer(Box<PeerInfo>),
    /// Every plugin.
    Plugins(Vec<PluginInfo>),
    /// One plugin.
    Plugin(Box<PluginInfo>),
    /// The settings were read again.
    Reloaded {
        /// What changed and what needs a restart, one line each.
        notes: Vec<String>,
    },
}

impl Response {
    /// The variant's name, for messages about an answer that does not fit its request.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Failed(_) => "failed",
            Self::Done => "done",
            Self::Ready => "ready",
            Self::Chunk(_) => "chunk",
            Self::Status(_) => "status",
            Self::Datasets(_) => "datasets",
            Self::Dataset(_) => "dataset",
            Self::JobStarted { .. } => "job started",
            Self::Estimate(_) => "estimate",
            Self::Jobs(_) => "jobs",
            Self::Progress(_) => "progress",
            Self::Finished { .. } => "finished",
            Self::Results(_) => "results",
            Self::Result(_) => "result",
            Self::Peers(_) => "peers",
            Self::Peer(_) => "peer",
            Self::Plugins(_) => "plugins",
            Self::Plugin(_) => "plugin",
            Self::Reloaded { .. } => "reloaded",
        }
    }
}

impl From<Failure> for Response {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
