use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Normalize, Privacy};

/// One result in short, as in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultInfo {
    /// Its id, the id of the job that made it.
    pub id: String,
    /// The dataset.
    pub dataset: String,
    /// How many clusters.
    pub k: u32,
    /// The metric plugin.
    pub metric: String,
    /// The privacy mode.
    pub privacy: Privacy,
    /// How many rounds it took.
    pub rounds: u32,
    /// Whether it stopped by itself.
    pub converged: bool,
    /// When the run began.
    pub started_unix: u64,
}

/// One result in full, as this host may know it. Names are a contract with programs outside the project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Its id, the id of the job that made it.
    pub id: String,
    /// The dataset.
    pub dataset: String,
    /// Who took part.
    pub parties: Parties,
    /// When the run began.
    pub started_unix: u64,
    /// How many clusters.
    pub k: u32,
    /// The metric plugin.
    pub metric: String,
    /// The privacy mode.
    pub privacy: Privacy,
    /// The normalisation.
    pub normalize: Normalize,
    /// The seed of the public choices.
    pub seed: Option<u64>,
    /// How many rounds it took.
    pub rounds: u32,
    /// Whether it stopped by itself, not at the round limit.
    pub converged: bool,
    /// The attributes' names, in order; d of them.
    pub attributes: Vec<String>,
    /// k centres of d values in original units; `None` where withheld.
    pub centres: Vec<Option<Vec<f64>>>,
    /// What was applied to each attribute before the run.
    pub scale: Scale,
    /// Joint rows per cluster; `None` as a whole unless every host's policy reveals them, `None` for one cluster
    /// where its centre is withheld.
    pub sizes: Option<Vec<Option<u64>>>,
    /// Joint inertia in scaled units; `None` unless every host's policy reveals it.
    pub inertia: Option<f64>,
    /// This host's rows alone.
    pub own: Own,
    /// Time by phase, in seconds.
    pub seconds: BTreeMap<String, f64>,
    /// Bytes sent and received by phase.
    pub bytes: BTreeMap<String, u64>,
    /// Messages sent and received.
    pub messages: u64,
    /// The same bytes and messages by the party at the other end, in the order of `parties`.
    pub links: Vec<LinkTraffic>,
    /// The largest resident size of the daemon so far.
    pub peak_memory_bytes: u64,
}

/// What went over the link to one other party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTraffic {
    /// The other party by name.
    pub peer: String,
    /// Bytes sent by phase.
    pub sent_bytes: BTreeMap<String, u64>,
    /// Bytes received by phase.
    pub received_bytes: BTreeMap<String, u64>,
    /// Messages sent.
    pub sent_messages: u64,
    /// Messages received.
    pub received_messages: u64,
}

/// Who took part in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parties {
    /// The hosts by name, the lead first.
    pub hosts: Vec<String>,
    /// The third party by name.
    pub third_party: String,
}

/// The map from original to scaled values: `(x - mean) / deviation`, d values each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// What was subtracted; zeros where nothing was.
    pub mean: Vec<f64>,
    /// What was divided by; ones where nothing was.
    pub deviation: Vec<f64>,
}

/// What a host knows of its own rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// How many took part.
    pub rows: u64,
    /// How many of them are in each cluster.
    pub sizes: Vec<u64>,
}
