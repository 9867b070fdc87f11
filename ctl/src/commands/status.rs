use control::Request;
use control::facts::StatusInfo;

use super::{jobs, peers};
use crate::daemon::{Daemon, answer};
use crate::output::{self, Outcome, Output};
use crate::text;

#[derive(serde::Serialize)]
struct Items {
    /// One daemon today; the list leaves room for several.
    items: [Box<StatusInfo>; 1],
}

pub(super) fn status(daemon: &mut Daemon, output: &Output) -> Outcome {
    let items = [daemon.ask(&Request::Status, answer!(Status))?];
    output.facts("status", &Items { items }, |Items { items: [status] }| people(status))
}

fn people(status: &StatusInfo) -> String {
    let paillier = if status.test_keys { "test_keys = true: NOT for real data" } else { "no" };
    let rows = [
        ("name", status.name.clone()),
        ("role", status.role.to_string()),
        ("version", status.version.clone()),
        ("fingerprint", status.fingerprint.clone()),
        ("listen", status.listen.clone()),
        ("paillier_bits", status.paillier_bits.to_string()),
        ("test_keys", paillier.to_owned()),
        ("uptime_seconds", status.uptime_seconds.to_string()),
        ("metric", status.metric.clone()),
        ("datasets", status.datasets.to_string()),
        ("results", status.results.to_string()),
        ("jobs", status.jobs.len().to_string()),
        ("peers", status.peers.len().to_string()),
    ];
    let mut text = output::table(["status", ""], rows.map(|(key, value)| [key.to_owned(), value]));
    for warning in &status.warnings {
        text += &format!("\nwarning: {}\n", text::printable(warning));
    }
    if !status.peers.is_empty() {
        text += "\n";
        text += &output::table(peers::COLUMNS, status.peers.iter().map(peers::row));
    }
    if !status.jobs.is_empty() {
        text += "\n";
        text += &output::table(jobs::COLUMNS, status.jobs.iter().map(jobs::row));
    }
    text
}
