use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Parties;
use crate::{Normalize, Privacy};

/// What a run would cost, found before anything of it has begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimateInfo {
    /// The dataset.
    pub dataset: String,
    /// Who would take part.
    pub parties: Parties,
    /// Each host's rows, in the order of `parties.hosts`, rounded up; those that a run would leave out count too.
    pub padded_rows: Vec<u64>,
    /// The attributes' names, in order.
    pub attributes: Vec<String>,
    /// How many clusters.
    pub k: u32,
    /// The metric plugin.
    pub metric: String,
    /// The privacy mode.
    pub privacy: Privacy,
    /// The normalisation.
    pub normalize: Normalize,
    /// How many starts.
    pub starts: u32,
    /// The most rounds.
    pub max_rounds: u32,
    /// The phases in their order: `round` is one round.
    pub phases: Vec<PhaseCost>,
    /// All phases together, with as many rounds as there may be.
    pub total: PhaseCost,
    /// Working memory by party, beside what the daemon needs anyway.
    pub memory_bytes: BTreeMap<String, u64>,
    /// The networks that the times are for.
    pub networks: Vec<Network>,
}

/// What one phase costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseCost {
    /// The phase, as in results; `total` for all.
    pub phase: String,
    /// Bytes over all links together.
    pub bytes: u64,
    /// Messages over all links together.
    pub messages: u64,
    /// Exchanges that follow one upon the other, each of which takes a network's delay.
    pub exchanges: u64,
    /// Time by network, in seconds.
    pub seconds: BTreeMap<String, f64>,
}

/// A network that times are estimated for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// What the estimate calls it.
    pub name: String,
    /// Bits a second in each direction.
    pub bits_per_second: f64,
    /// Milliseconds there and back.
    pub round_trip_ms: f64,
}
