use serde::{Deserialize, Serialize};

use crate::Role;

/// How a peer came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeerOrigin {
    /// From the settings file; it can be removed there only.
    Settings,
    /// Added at run time.
    Added,
}

impl PeerOrigin {
    /// The name in JSON and in print.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Added => "added",
        }
    }
}

/// One peer, and whether it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerInfo {
    /// Its name here.
    pub name: String,
    /// What it does in runs with us.
    pub role: Role,
    /// `host:port`.
    pub address: String,
    /// The pinned fingerprint.
    pub fingerprint: String,
    /// The datasets it may use.
    pub datasets: Vec<String>,
    /// How it came to be known.
    pub origin: PeerOrigin,
    /// Whether it answered when last asked; `None` if it was not asked.
    pub answers: Option<bool>,
    /// The round trip of that answer in milliseconds.
    pub rtt_ms: Option<f64>,
    /// The release it runs, by its own word.
    pub version: Option<String>,
    /// Why it did not answer.
    pub problem: Option<String>,
}
