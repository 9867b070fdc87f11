use control::facts::{EstimateInfo, PhaseCost};

use crate::output;
use crate::text;

/// What a run would cost, for people.
pub(super) fn people(estimate: &EstimateInfo) -> String {
    let rows: Vec<String> = estimate
        .parties
        .hosts
        .iter()
        .zip(&estimate.padded_rows)
        .map(|(host, rows)| format!("{host} up to {rows}"))
        .collect();
    let run = [
        ("dataset", estimate.dataset.clone()),
        ("rows", rows.join(", ")),
        ("third party", estimate.parties.third_party.clone()),
        ("attributes", estimate.attributes.len().to_string()),
        ("k", estimate.k.to_string()),
        ("metric", estimate.metric.clone()),
        ("privacy", estimate.privacy.to_string()),
        ("normalize", estimate.normalize.to_string()),
        ("starts", estimate.starts.to_string()),
        ("max_rounds", estimate.max_rounds.to_string()),
    ];
    let run = output::table(["estimate", ""], run.map(|(key, value)| [key.to_owned(), value]));

    let names: Vec<&str> = estimate.networks.iter().map(|network| network.name.as_str()).collect();
    let mut columns = ["phase", "bytes", "messages", "exchanges"].map(str::to_owned).to_vec();
    columns.extend(names.iter().map(|name| format!("seconds ({name})")));
    let line = |cost: &PhaseCost, phase: String| {
        let mut line =
            vec![phase, text::bytes(cost.bytes), cost.messages.to_string(), cost.exchanges.to_string()];
        let seconds = |name: &&str| text::or_dash(cost.seconds.get(*name).copied().map(rounded));
        line.extend(names.iter().map(seconds));
        line
    };
    let phase = |cost: &PhaseCost| match cost.phase.as_str() {
        "round" => "a round".to_owned(),
        phase => phase.to_owned(),
    };
    let all = format!("{} rounds", estimate.max_rounds);
    let lines = estimate.phases.iter().map(|cost| line(cost, phase(cost)));
    let costs = output::table(columns, lines.chain([line(&estimate.total, all)]));

    let memory = output::table(
        ["party", "memory"],
        estimate.memory_bytes.iter().map(|(party, bytes)| [party.clone(), text::bytes(*bytes)]),
    );
    let networks: String = estimate
        .networks
        .iter()
        .map(|network| {
            let (megabits, delay) = (network.bits_per_second / 1e6, network.round_trip_ms);
            format!("{}: {} Mbit/s, {} ms there and back\n", network.name, text::number(megabits), delay)
        })
        .collect();
    format!("{run}\n{costs}\n{memory}\n{networks}")
}

/// Three digits: an estimate has no more.
fn rounded(seconds: f64) -> String {
    text::number(format!("{seconds:.2e}").parse().unwrap_or(seconds))
}
