//! One run of three daemons, by their own reports.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use cloister_tests::fleet::Fleet;
use cloister_tests::party::Party;
use control::facts::JobState;
use serde::{Deserialize, Serialize};

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
    /// Sequential exchanges a round, by the lead's estimate; `None` if it gives none.
    pub(crate) exchanges: Option<u64>,
    /// Messages a round over all links, by the lead's estimate.
    pub(crate) messages: Option<u64>,
    /// The largest resident size of each daemon since it was started for the run: lead, second host, third party.
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
}

/// What this needs of a host's result.
#[derive(Deserialize)]
struct Report {
    id: String,
    rounds: u32,
    seconds: BTreeMap<String, f64>,
    links: Vec<Traffic>,
}

#[derive(Deserialize)]
struct Traffic {
    peer: String,
    sent_bytes: BTreeMap<String, u64>,
    received_bytes: BTreeMap<String, u64>,
}

impl Report {
    /// Bytes by phase over the link to `peer`, both directions together.
    fn link(&self, peer: &Party) -> BTreeMap<String, u64> {
        let mut bytes = BTreeMap::new();
        for link in self.links.iter().filter(|link| link.peer == peer.name()) {
            for (phase, &count) in link.sent_bytes.iter().chain(&link.received_bytes) {
                *bytes.entry(phase.clone()).or_default() += count;
            }
        }
        bytes
    }
}

/// What this needs of an estimate.
#[derive(Deserialize)]
struct Estimate {
    phases: Vec<Cost>,
}

#[derive(Deserialize)]
struct Cost {
    phase: String,
    messages: u64,
    exchanges: u64,
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
    let estimated = fleet.lead().ctl(&[&arguments[..], &["--estimate"]].concat());
    let estimate: Option<Estimate> = serde_json::from_str(&estimated.stdout).ok();
    let cost = estimate.and_then(|estimate| estimate.phases.into_iter().find(|cost| cost.phase == ROUND));
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
    let shown: Report = answer.json();
    let job = second.job_ended(&shown.id);
    if job.state != JobState::Finished {
        return Err(format!("{} at {}", job.state, second.name()));
    }
    let seen: Report = second.json(&["results", "show", &shown.id]);
    assert_eq!(lead.job_ended(&shown.id).state, JobState::Finished, "a result of a run that did not end");

    let links = [shown.link(second), shown.link(third), seen.link(third)];
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
        exchanges: cost.as_ref().map(|cost| cost.exchanges),
        messages: cost.as_ref().map(|cost| cost.messages),
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
