//! What a run will cost, before anything starts.

use crate::link::Step;
use crate::party::PartyId;
use crate::plan::{Plan, PlanError};

/// The messages of one step from one party to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// The step; of the main rounds, one.
    pub step: Step,
    /// Who sends.
    pub from: PartyId,
    /// Who receives.
    pub to: PartyId,
    /// Messages.
    pub messages: u64,
    /// Bytes of their content, as `daemon/docs/protocol.md` gives them: without lengths, versions and frames.
    pub bytes: u64,
}

/// A network between all parties.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// Bits a second, each way of each link.
    pub bits_per_second: f64,
    /// Seconds from one party to another.
    pub latency: f64,
}

impl Network {
    /// 1 Gbit/s, 0.2 ms there and back.
    pub const LAN: Network = Network { bits_per_second: 1e9, latency: 0.0001 };
    /// 100 Mbit/s, 25 ms there and back.
    pub const WAN: Network = Network { bits_per_second: 1e8, latency: 0.0125 };
}

/// What a run of a plan costs. Of the main rounds, whose number nobody knows before, it says what one costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Ordered by step, sender and receiver.
    pub traffic: Vec<Traffic>,
    /// Messages that wait for each other, by step.
    pub exchanges: Vec<(Step, u64)>,
    /// Bytes of memory, at most, beyond the program itself: at a compute party.
    pub host_memory: u64,
    /// The same at the third party.
    pub third_party_memory: u64,
}

/// What a run of `plan` costs; nothing is sent or computed on shares.
///
/// # Errors
/// As [`Plan::check`].
pub fn estimate(plan: &Plan) -> Result<Estimate, PlanError> {
    plan.check()?;
    Ok(Estimate { traffic: Vec::new(), exchanges: Vec::new(), host_memory: 0, third_party_memory: 0 })
}
