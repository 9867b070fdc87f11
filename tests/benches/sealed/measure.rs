//! One run of three daemons, by their own reports.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use cloister_tests::fleet::Fleet;
use cloister_tests::party::Party;
use control::facts::{EstimateInfo, JobState, LinkTraffic, PhaseCost, RunResult};
use serde::Serialize;

use crate::network::Network;
use crate::options::Options;
use crate::plaintext;
use crate::shape::{Reference, Shape};

/// The phase that is measured.
const ROUND: &str = "round";

/// What one run cost.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measurement {
    pub(crate) network: Network,
    #[serde(flatten)]
    pub(crate) shape: Shape,
    /// Rounds that the run took.
    pub(crate) rounds: u32,
    /// Seconds a round, by the lead's clock.
    pub(crate) seconds: f64,
    /// Bytes a round by link, both directions together: lead to second host, lead to third party, second host to third
    /// party.
    pub(crate) link_bytes: [f64; 3],
    /// What the lead says beforehand; `None` if it says nothing.
    pub(crate) estimate: Option<Estimated>,
    /// The largest resident size of each daemon since it was started for the run, and of all turns: lead, second host,
    /// third party.
    pub(crate) peak_bytes: [u64; 3],
    /// Processor time of each daemon for the whole run.
    pub(crate) processor_seconds: [f64; 3],
    /// Seconds from the client's start to its end, by this program's clock.
    pub(crate) whole_seconds: f64,
    /// Seconds by phase at the lead, the rounds together.
    pub(crate) phases: BTreeMap<String, f64>,
    /// Bytes by phase, all links together.
    pub(crate) phase_bytes: BTreeMap<String, u64>,
    /// Seconds of a plaintext round over the pooled rows.
    pub(crate) plaintext_seconds: f64,
    pub(crate) reference: Option<Reference>,
    /// Comparisons a second and core.
    pub(crate) comparisons: f64,
}

impl Measurement {
    /// Bytes a round over all links.
    pub(crate) fn bytes(&self) -> f64 {
        self.link_bytes.iter().sum()
    }

    /// The faster of two turns, with the larger memory of both.
    pub(crate) fn best(self, other: Self) -> Self {
        let peak_bytes = [0, 1, 2].map(|party: usize| self.peak_bytes[party].max(other.peak_bytes[party]));
        let plaintext_seconds = self.plaintext_seconds.min(other.plaintext_seconds);
        let faster = if other.seconds < self.seconds { other } else { self };
        Measurement { peak_bytes, plaintext_seconds, ..faster }
    }
}

/// What a round costs by the estimate, over all links.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Estimated {
    pub(crate) bytes: u64,
    pub(crate) messages: u64,
    /// Those that follow one upon the other.
    pub(crate) exchanges: u64,
    /// Of this network, if it is one that is estimated.
    pub(crate) seconds: Option<f64>,
}

/// Bytes by phase over a host's link to `peer`, both directions together.
fn link_bytes(result: &RunResult, peer: &Party) -> BTreeMap<String, u64> {
    let mut bytes = BTreeMap::new();
    let to_peer = |link: &&LinkTraffic| link.peer == peer.name();
    for link in result.links.iter().filter(to_peer) {
        for (phase, &count) in link.sent_bytes.iter().chain(&link.received_bytes) {
            *bytes.entry(phase.clone()).or_default() += count;
        }
    }
    bytes
}

/// What the lead expects of a round.
fn estimate(lead: &Party, arguments: &[&str], network: Network) -> Option<Estimated> {
    let answer = lead.ctl(&[arguments, &["--estimate"]].concat());
    let estimate: EstimateInfo = serde_json::from_str(&answer.stdout).ok()?;
    let cost = estimate.phases.into_iter().find(|cost| cost.phase == ROUND)?;
    let seconds = cost.seconds.get(&network.name().to_lowercase()).copied();
    let PhaseCost { bytes, messages, exchanges, .. } = cost;
    Some(Estimated { bytes, messages, exchanges, seconds })
}

/// Runs once over rows that both hosts have. The daemons are started for it, so that what they held before does not
/// count; what they then hold is their own peak.
///
/// # Errors
/// What the client says of a run that did not end well.
pub(crate) fn measure(
    fleet: &mut Fleet,
    network: Network,
    shape: Shape,
    parts: &[Vec<f64>],
    options: &Options,
) -> Result<Measurement, String> {
    restart(fleet);
    let (dataset, k) = (shape.dataset(), shape.k.to_string());
    let (rounds, seed) = (options.rounds.to_string(), options.seed.to_string());
    let arguments = [
        "cluster",
        &dataset,
        "-k",
        &k,
        "--max-rounds",
        &rounds,
        "--tolerance",
        "0",
        "--seed",
        &seed,
        "--privacy",
        options.privacy.name(),
        "--json",
        "--quiet",
    ];
    let estimate = estimate(fleet.lead(), &arguments, network);
    let before = [0, 1, 2].map(|party: usize| processor_seconds(&fleet.parties[party]));
    let began = Instant::now();
    let answer = fleet.lead().ctl(&arguments);
    let whole_seconds = began.elapsed().as_secs_f64();
    if answer.code != Some(0) {
        return Err(answer.stderr);
    }
    let after = [0, 1, 2].map(|party: usize| processor_seconds(&fleet.parties[party]));
    let peak_bytes = [0, 1, 2].map(|party: usize| peak_bytes(&fleet.parties[party]));
    let [lead, second, third] = [0, 1, 2].map(|party: usize| &fleet.parties[party]);
    let shown: RunResult = answer.json();
    let job = second.job_ended(&shown.id);
    if job.state != JobState::Finished {
        return Err(format!("{} at {}", job.state, second.name()));
    }
    let seen = second.result(&shown.id);
    assert_eq!(lead.job_ended(&shown.id).state, JobState::Finished, "a result of a run that did not end");

    let links = [link_bytes(&shown, second), link_bytes(&shown, third), link_bytes(&seen, third)];
    let mut phase_bytes = BTreeMap::new();
    for (phase, bytes) in links.iter().flatten() {
        *phase_bytes.entry(phase.clone()).or_default() += bytes;
    }
    let a_round = |total: f64| total / f64::from(shown.rounds);
    let seconds = a_round(shown.seconds.get(ROUND).copied().unwrap_or(f64::NAN));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Measurement {
        network,
        shape,
        rounds: shown.rounds,
        seconds,
        link_bytes: links.map(|link| a_round(link.get(ROUND).copied().unwrap_or(0) as f64)),
        estimate,
        peak_bytes,
        processor_seconds: [0, 1, 2].map(|party: usize| after[party] - before[party]),
        whole_seconds,
        phases: shown.seconds,
        phase_bytes,
        plaintext_seconds: plaintext::seconds_a_round(parts, shape.dim, shape.k, options.rounds),
        reference: shape.reference(),
        comparisons: (shape.rows * (shape.k - 1)) as f64 / seconds / cores as f64,
    })
}

/// New processes over the same state.
fn restart(fleet: &mut Fleet) {
    fleet.parties.iter().for_each(Party::terminate);
    for party in &mut fleet.parties {
        party.wait();
        party.start();
    }
}

fn proc(party: &Party, file: &str) -> String {
    let id = party.pid().expect("a running daemon").as_raw_nonzero();
    fs::read_to_string(format!("/proc/{id}/{file}")).expect("what Linux knows of an own child")
}

/// The largest resident size of a daemon so far.
pub(crate) fn peak_bytes(party: &Party) -> u64 {
    let status = proc(party, "status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a living process");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number of kB") * 1024
}

/// User and system time of a daemon so far, in Linux's hundredths of a second.
fn processor_seconds(party: &Party) -> f64 {
    let stat = proc(party, "stat");
    // The name, in brackets, may have spaces; after it the state is field 3, the times are fields 14 and 15.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields[field - 3].parse::<f64>().expect("a number of ticks");
    (ticks(14) + ticks(15)) / 100.0
}
