//! What was found, for people.

use std::fs;

use comfy_table::{CellAlignment, Table, presets};

use crate::measure::Measurement;
use crate::network::Network;
use crate::shape::{GOAL, MOST_EXCHANGES, MOST_MEMORY};

/// What the columns of [`rounds`] are.
pub(crate) const LEGEND: &str = "\
speed/ref: how many times as fast as the reference; MB/ref: part of its bytes; s/plain: how many times as long as
plaintext k-means takes in this run with all cores; estimated, exchanges and messages: by `cloisterctl cluster --estimate`
before the run, all links; peak: the largest of all turns, everything else: of the fastest;
Mcmp/s/core: millions of n (k - 1) comparisons";

fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(heads).add_rows(rows);
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table.to_string()
}

fn or_dash<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or("-".into(), show)
}

fn megabytes(bytes: f64) -> String {
    format!("{:.2}", bytes / 1e6)
}

/// The reference is for the loopback alone.
fn compared(found: &Measurement) -> Option<(f64, f64)> {
    let reference = found.reference.filter(|_| found.network == Network::Loopback)?;
    Some((reference.seconds / found.seconds, found.bytes() / reference.bytes))
}

/// A round of every run.
pub(crate) fn rounds(all: &[Measurement]) -> String {
    let heads = [
        "network",
        "n",
        "d",
        "k",
        "rounds",
        "s/round",
        "s estimated",
        "speed/ref",
        "s/plain",
        "MB/round",
        "MB/ref",
        "MB estimated",
        "L-G MB",
        "L-T MB",
        "G-T MB",
        "exchanges",
        "messages",
        "Mcmp/s/core",
        "peak MB L",
        "G",
        "T",
    ];
    let row = |found: &Measurement| {
        let (compared, estimate) = (compared(found), found.estimate.as_ref());
        let mut row = vec![
            found.network.name().into(),
            found.shape.rows.to_string(),
            found.shape.dim.to_string(),
            found.shape.k.to_string(),
            found.rounds.to_string(),
            format!("{:.4}", found.seconds),
            or_dash(estimate.and_then(|estimate| estimate.seconds), |seconds| format!("{seconds:.4}")),
            or_dash(compared, |(faster, _)| format!("{faster:.2}")),
            format!("{:.0}", found.seconds / found.plaintext_seconds),
            megabytes(found.bytes()),
            or_dash(compared, |(_, part)| format!("{part:.2}")),
        ];
        row.push(or_dash(estimate, |estimate| megabytes(estimate.bytes as f64)));
        row.extend(found.link_bytes.map(megabytes));
        row.push(or_dash(estimate, |estimate| estimate.exchanges.to_string()));
        row.push(or_dash(estimate, |estimate| estimate.messages.to_string()));
        row.push(format!("{:.2}", found.comparisons / 1e6));
        row.extend(found.peak_bytes.map(|bytes| format!("{:.0}", bytes as f64 / 1e6)));
        row
    };
    table(&heads, all.iter().map(row))
}

/// The phases of every run.
pub(crate) fn phases(all: &[Measurement]) -> String {
    let phases = ["setup", "normalise", "start", "round", "reveal"];
    let heads: Vec<String> = ["network", "n", "d", "k"]
        .into_iter()
        .map(Into::into)
        .chain(phases.iter().map(|phase| format!("{phase} s")))
        .chain(["client s".into()])
        .chain(phases.iter().map(|phase| format!("{phase} MB")))
        .chain(["L", "G", "T"].iter().map(|party| format!("CPU s {party}")))
        .collect();
    let row = |found: &Measurement| {
        let mut row = vec![
            found.network.name().into(),
            found.shape.rows.to_string(),
            found.shape.dim.to_string(),
            found.shape.k.to_string(),
        ];
        let seconds = phases.iter().map(|&phase| found.phases.get(phase));
        row.extend(seconds.map(|seconds| or_dash(seconds, |seconds| format!("{seconds:.2}"))));
        row.push(format!("{:.2}", found.whole_seconds));
        let bytes = phases.iter().map(|&phase| found.phase_bytes.get(phase));
        row.extend(bytes.map(|bytes| or_dash(bytes, |&bytes| megabytes(bytes as f64))));
        row.extend(found.processor_seconds.map(|seconds| format!("{seconds:.2}")));
        row
    };
    table(&heads.iter().map(String::as_str).collect::<Vec<_>>(), all.iter().map(row))
}

/// What the project wants, and whether it is so here.
pub(crate) fn goals(all: &[Measurement]) -> Vec<String> {
    let mark = |reached: bool| if reached { "reached" } else { "MISSED" };
    let mut goals = Vec::new();
    for found in all {
        let shape = format!("n={} d={} k={}", found.shape.rows, found.shape.dim, found.shape.k);
        if let Some((faster, part)) = compared(found) {
            let (speed, bytes) = GOAL;
            goals.push(format!(
                "{shape}: {speed} times the reference's speed: {faster:.2}, {}",
                mark(faster >= speed)
            ));
            goals.push(format!("{shape}: {bytes:.2} of its bytes: {part:.2}, {}", mark(part <= bytes)));
        }
        if let (5, Network::Loopback, Some(estimate)) = (found.shape.k, found.network, &found.estimate) {
            let exchanges = estimate.exchanges;
            let reached = mark(exchanges <= MOST_EXCHANGES);
            goals
                .push(format!("{shape}: at most {MOST_EXCHANGES} exchanges a round: {exchanges}, {reached}"));
        }
        if found.shape.rows == 1_000_000 {
            let most = found.peak_bytes.iter().max().copied().unwrap_or(0);
            goals.push(format!(
                "{shape}: at most {} MB a party: {}, {}",
                MOST_MEMORY / 1_000_000,
                most / 1_000_000,
                mark(most <= MOST_MEMORY)
            ));
        }
    }
    goals
}

/// The machine, in a line.
pub(crate) fn machine() -> String {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    format!("{}, {cores} cores, load before the runs {load}", model.trim_start_matches([' ', '\t', ':']))
}
