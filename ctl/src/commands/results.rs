use std::collections::BTreeMap;

use control::Request;
use control::facts::RunResult;

use super::{Identified, datasets};
use crate::cli::{ExportFormat, Results};
use crate::daemon::{Daemon, answer};
use crate::output::{self, Outcome, Output};
use crate::save::{self, Destination};
use crate::text;

/// So many attributes fit beside each other on most terminals.
const WIDE: usize = 8;

pub(super) fn run(daemon: &mut Daemon, command: Option<&Results>, output: &Output) -> Outcome {
    match command {
        None | Some(Results::List) => list(daemon, output),
        Some(Results::Show { id }) => show(daemon, id, output),
        Some(Results::Labels { id, output: path }) => {
            let request = Request::Labels { id: id.clone() };
            datasets::save(daemon, &request, "labels", id, path.as_deref(), output)
        }
        Some(Results::Export { id, format, output: path }) => {
            let result = ask(daemon, id)?;
            let text = match format {
                ExportFormat::Json => output::document("result", &result)?,
                ExportFormat::Csv => centres_csv(&result),
            };
            let path = save::named(path.as_deref());
            let mut destination = Destination::open(path)?;
            destination.write(text.as_bytes())?;
            destination.finish()?;
            let Some(path) = path else { return Ok(()) };
            let saved =
                datasets::Saved { name: id, file: path.display().to_string(), bytes: text.len() as u64 };
            output.done("export", &saved, &format!("wrote {}", saved.file))
        }
        Some(Results::Remove { id }) => {
            daemon.order(&Request::RemoveResult { id: id.clone() })?;
            output.done("removed", &Identified { id }, &format!("removed result {id}"))
        }
    }
}

fn ask(daemon: &mut Daemon, id: &str) -> Outcome<RunResult> {
    daemon.ask(&Request::ShowResult { id: id.to_owned() }, answer!(Result)).map(|result| *result)
}

fn list(daemon: &mut Daemon, output: &Output) -> Outcome {
    let results = daemon.ask(&Request::Results, answer!(Results))?;
    let columns = ["id", "dataset", "k", "metric", "privacy", "rounds", "converged", "started_unix"];
    output.list("results", &results, columns, |result| {
        [
            result.id.clone(),
            result.dataset.clone(),
            result.k.to_string(),
            result.metric.clone(),
            result.privacy.to_string(),
            result.rounds.to_string(),
            text::yes_no(result.converged),
            text::time(result.started_unix),
        ]
    })
}

pub(super) fn show(daemon: &mut Daemon, id: &str, output: &Output) -> Outcome {
    output.facts("result", &ask(daemon, id)?, people)
}

/// The centres in original units, `cluster` counted from 0 like the labels; empty fields where withheld.
fn centres_csv(result: &RunResult) -> String {
    let mut csv = "cluster".to_owned();
    for attribute in &result.attributes {
        csv += ",";
        csv += &text::csv_field(attribute);
    }
    csv += "\n";
    for (cluster, centre) in result.centres.iter().enumerate() {
        csv += &cluster.to_string();
        for index in 0..result.attributes.len() {
            csv += ",";
            if let Some(value) = centre.as_ref().and_then(|centre| centre.get(index)) {
                csv += &value.to_string();
            }
        }
        csv += "\n";
    }
    csv
}

fn people(result: &RunResult) -> String {
    let seconds: f64 = result.seconds.values().sum();
    let bytes: u64 = result.bytes.values().sum();
    let stopped = if result.converged { "converged" } else { "stopped at the limit" };
    let rows = [
        ("id", result.id.clone()),
        ("dataset", result.dataset.clone()),
        (
            "parties",
            format!("{}; third party {}", result.parties.hosts.join(", "), result.parties.third_party),
        ),
        ("started_unix", text::time(result.started_unix)),
        ("k", result.k.to_string()),
        ("metric", result.metric.clone()),
        ("privacy", result.privacy.to_string()),
        ("normalize", result.normalize.to_string()),
        ("seed", text::or_dash(result.seed)),
        ("rounds", format!("{}, {stopped}", result.rounds)),
        ("inertia", result.inertia.map_or_else(|| "not revealed".to_owned(), text::number)),
        ("own", format!("{} rows", result.own.rows)),
        ("seconds", text::number(seconds)),
        ("bytes", format!("{} in {} messages", text::bytes(bytes), result.messages)),
        ("peak_memory_bytes", text::bytes(result.peak_memory_bytes)),
    ];
    let summary = output::table(["result", ""], rows.map(|(key, value)| [key.to_owned(), value]));
    let centres =
        if result.attributes.len() <= WIDE { clusters_down(result) } else { clusters_across(result) };
    let scale = output::table(
        ["attribute", "mean", "deviation"],
        result.attributes.iter().enumerate().map(|(index, attribute)| {
            let at = |values: &[f64]| text::or_dash(values.get(index).copied().map(text::number));
            [attribute.clone(), at(&result.scale.mean), at(&result.scale.deviation)]
        }),
    );
    let phases = output::table(
        ["phase", "seconds", "bytes"],
        result.seconds.iter().map(|(phase, seconds)| {
            let bytes = result.bytes.get(phase).copied();
            [phase.clone(), text::number(*seconds), text::or_dash(bytes.map(text::bytes))]
        }),
    );
    let links = output::table(
        ["link", "sent", "received", "messages"],
        result.links.iter().map(|link| {
            let total = |bytes: &BTreeMap<String, u64>| text::bytes(bytes.values().sum());
            let messages = link.sent_messages + link.received_messages;
            [link.peer.clone(), total(&link.sent_bytes), total(&link.received_bytes), messages.to_string()]
        }),
    );
    format!("{summary}\n{centres}\n{scale}\n{phases}\n{links}")
}

fn own_size(result: &RunResult, cluster: usize) -> String {
    text::or_dash(result.own.sizes.get(cluster))
}

fn joint_size(result: &RunResult, cluster: usize) -> Option<String> {
    let sizes = result.sizes.as_ref()?;
    Some(sizes.get(cluster).copied().flatten().map_or_else(|| "withheld".to_owned(), |size| size.to_string()))
}

fn coordinate(result: &RunResult, cluster: usize, attribute: usize) -> String {
    match &result.centres[cluster] {
        Some(centre) => text::or_dash(centre.get(attribute).copied().map(text::number)),
        None => "withheld".to_owned(),
    }
}

/// A line for each cluster.
fn clusters_down(result: &RunResult) -> String {
    let mut columns = vec!["cluster".to_owned(), "own rows".to_owned()];
    columns.extend(result.sizes.as_ref().map(|_| "rows".to_owned()));
    columns.extend(result.attributes.iter().cloned());
    let rows = (0..result.centres.len()).map(|cluster| {
        let mut row = vec![cluster.to_string(), own_size(result, cluster)];
        row.extend(joint_size(result, cluster));
        row.extend((0..result.attributes.len()).map(|attribute| coordinate(result, cluster, attribute)));
        row
    });
    output::table(columns, rows)
}

/// A line for each attribute, where there are many.
fn clusters_across(result: &RunResult) -> String {
    let clusters = || 0..result.centres.len();
    let mut columns = vec!["cluster".to_owned()];
    columns.extend(clusters().map(|cluster| cluster.to_string()));
    let line = |name: &str, value: &dyn Fn(usize) -> String| {
        let mut row = vec![name.to_owned()];
        row.extend(clusters().map(value));
        row
    };
    let mut rows = vec![line("own rows", &|cluster| own_size(result, cluster))];
    if result.sizes.is_some() {
        rows.push(line("rows", &|cluster| text::or_dash(joint_size(result, cluster))));
    }
    for (index, attribute) in result.attributes.iter().enumerate() {
        rows.push(line(attribute, &|cluster| coordinate(result, cluster, index)));
    }
    output::table(columns, rows)
}
