//! What a run would cost, before any of it begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use control::facts::{EstimateInfo, Network, PhaseCost};
use control::{ClusterRequest, ErrorCode, Failure};
use protocol::{Estimate, PartyId, Step};

use super::ask::{Proposal, ask};
use super::descriptor::{Descriptor, Purpose};
use super::lead::{Prepared, prepare};
use super::policy::check_contributions;
use super::report;
use crate::node::Node;

/// The networks that times are told for.
const NETWORKS: [(&str, protocol::Network); 2] =
    [("lan", protocol::Network::LAN), ("wan", protocol::Network::WAN)];
/// Bytes of a sealed round's messages that all parties make and take in a second: three daemons on two cores of a small
/// server took 0.12 s for the 43 MB of a round over 100 000 rows (d = 2, k = 5). Encryption, a second or so at the
/// beginning of a run, is not in it.
const COMPUTED_PER_SECOND: f64 = 350e6;

/// Asks all parties whether they would take part, and with how many rows, and tells what the run would cost.
pub fn estimate(node: &Arc<Node>, request: &ClusterRequest) -> Result<EstimateInfo, Failure> {
    let Prepared { proposal, settings, .. } = prepare(node, request, Purpose::Estimate)?;
    let Proposal { purpose, invitation, own, parties, .. } = proposal;
    let invitation = Arc::new(invitation);
    let timeout = settings.network.timeout;
    let asked = ask(node, purpose, &invitation, own, parties, timeout);
    let (contributions, _) = node.runtime.block_on(asked)?;
    let descriptor = Descriptor { invitation: Arc::unwrap_or_clone(invitation), contributions, resume: None };
    check_contributions(&settings, &descriptor, PartyId::LEAD)?;
    let found = protocol::estimate(&descriptor.plan())
        .map_err(|error| Failure::new(ErrorCode::Usage, error.to_string()))?;
    Ok(told(&descriptor, &found))
}

fn told(descriptor: &Descriptor, found: &Estimate) -> EstimateInfo {
    let invitation = &descriptor.invitation;
    let phases: Vec<PhaseCost> = found.exchanges.iter().map(|&(step, _)| phase(found, step)).collect();
    let memory = |(party, member): (PartyId, &super::descriptor::Member)| {
        let bytes = match party {
            PartyId::THIRD_PARTY => found.third_party_memory,
            _ => found.host_memory,
        };
        (member.name.clone(), bytes)
    };
    EstimateInfo {
        dataset: invitation.dataset.clone(),
        parties: report::parties(invitation),
        padded_rows: descriptor.plan().rows,
        attributes: invitation.attributes.clone(),
        k: invitation.k as u32,
        metric: invitation.metric.0.clone(),
        privacy: report::privacy(invitation),
        normalize: report::normalize(&invitation.normalise),
        starts: invitation.starts as u32,
        max_rounds: invitation.max_rounds,
        total: total(&phases, invitation.max_rounds),
        phases,
        memory_bytes: invitation.parties().into_iter().map(memory).collect(),
        networks: NETWORKS
            .map(|(name, network)| Network {
                name: name.into(),
                bits_per_second: network.bits_per_second,
                round_trip_ms: 2e3 * network.latency,
            })
            .into(),
    }
}

/// One phase; of the rounds, one.
fn phase(found: &Estimate, step: Step) -> PhaseCost {
    let traffic = || found.traffic.iter().filter(|traffic| traffic.step == step);
    let exchanges = found.exchanges.iter().filter(|(of, _)| *of == step).map(|(_, count)| count).sum();
    let bytes = traffic().map(|traffic| traffic.bytes).sum();
    // Each way of each link has the network's speed: the busiest is waited for.
    let mut ways: BTreeMap<(PartyId, PartyId), u64> = BTreeMap::new();
    for way in traffic() {
        *ways.entry((way.from, way.to)).or_default() += way.bytes;
    }
    let busiest = ways.into_values().max().unwrap_or(0) as f64;
    let seconds = NETWORKS.map(|(name, network)| {
        let delay = exchanges as f64 * network.latency;
        let computed = bytes as f64 / COMPUTED_PER_SECOND;
        (name.to_owned(), delay + 8.0 * busiest / network.bits_per_second + computed)
    });
    PhaseCost {
        phase: step.name().to_owned(),
        bytes,
        messages: traffic().map(|traffic| traffic.messages).sum(),
        exchanges,
        seconds: seconds.into(),
    }
}

/// All phases with as many rounds as there may be.
fn total(phases: &[PhaseCost], max_rounds: u32) -> PhaseCost {
    let times = |cost: &PhaseCost| if cost.phase == Step::Round.name() { u64::from(max_rounds) } else { 1 };
    let mut total = PhaseCost {
        phase: "total".into(),
        bytes: 0,
        messages: 0,
        exchanges: 0,
        seconds: NETWORKS.map(|(name, _)| (name.to_owned(), 0.0)).into(),
    };
    for cost in phases {
        total.bytes += times(cost) * cost.bytes;
        total.messages += times(cost) * cost.messages;
        total.exchanges += times(cost) * cost.exchanges;
        for (network, seconds) in &cost.seconds {
            *total.seconds.entry(network.clone()).or_default() += times(cost) as f64 * seconds;
        }
    }
    total
}
