use serde::{Deserialize, Serialize};

use super::{JobInfo, PeerInfo};
use crate::Role;

/// The state of one daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusInfo {
    /// The party's name.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// Its release.
    pub version: String,
    /// The fingerprint others pin.
    pub fingerprint: String,
    /// Where it listens for peers, `address:port`.
    pub listen: String,
    /// The length of its Paillier modulus in bits.
    pub paillier_bits: u32,
    /// Whether settings allow keys too short for real data.
    pub test_keys: bool,
    /// How long it has been up, in seconds.
    pub uptime_seconds: u64,
    /// The default metric.
    pub metric: String,
    /// How many datasets it keeps.
    pub datasets: u64,
    /// How many results it keeps.
    pub results: u64,
    /// Jobs that are running.
    pub jobs: Vec<JobInfo>,
    /// Its peers, and whether they answer.
    pub peers: Vec<PeerInfo>,
    /// What an operator should know, in words.
    pub warnings: Vec<String>,
}
