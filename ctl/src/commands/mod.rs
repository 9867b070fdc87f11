//! One function a command: ask the daemon, print what it says.

mod cluster;
mod datasets;
mod estimate;
mod jobs;
mod peers;
mod plugins;
mod results;
mod status;

use clap::CommandFactory;
use control::{ErrorCode, Failure, Request};

use crate::cli::{Cli, Command, ExportFormat, Results};
use crate::daemon::{self, Daemon};
use crate::output::{self, Outcome, Output};
use crate::save;

/// Does what the command line says.
pub(crate) fn run(cli: Cli, output: &Output) -> Outcome {
    if output.json() {
        one_document(&cli.command)?;
    }
    let connect = || Daemon::connect(&daemon::socket(&cli)?);
    match &cli.command {
        Command::Status => status::status(&mut connect()?, output),
        Command::Upload(upload) => datasets::upload(connect, upload, output),
        Command::Datasets => datasets::list(&mut connect()?, output),
        Command::Show { name } => datasets::show(&mut connect()?, name, output),
        Command::Retrieve(retrieve) => datasets::retrieve(&mut connect()?, retrieve, output),
        Command::Remove { name } => datasets::remove(&mut connect()?, name, output),
        Command::Cluster(cluster) => cluster::cluster(connect, cluster, output),
        Command::Jobs { command } => jobs::run(&mut connect()?, command.as_ref(), output),
        Command::Results { command } => results::run(&mut connect()?, command.as_ref(), output),
        Command::Peers { command } => peers::run(&mut connect()?, command.as_ref(), output),
        Command::Plugins { command } => plugins::run(&mut connect()?, command.as_ref(), output),
        Command::Reload => reload(&mut connect()?, output),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "cloisterctl", &mut script);
            output::raw(&script)
        }
    }
}

/// Holds that what goes to standard output under `--json` is one JSON document: other documents need a file.
fn one_document(command: &Command) -> Result<(), Failure> {
    let (what, path) = match command {
        Command::Retrieve(retrieve) => ("retrieve", &retrieve.output),
        Command::Results { command: Some(Results::Labels { output, .. }) } => ("results labels", output),
        Command::Results { command: Some(Results::Export { format: ExportFormat::Csv, output, .. }) } => {
            ("results export --format csv", output)
        }
        _ => return Ok(()),
    };
    if save::named(path.as_deref()).is_some() {
        return Ok(());
    }
    Err(Failure::new(ErrorCode::Usage, format!("--json needs -o FILE with {what}"))
        .with_hint("name a file with -o, or leave --json out to have the document on standard output"))
}

/// What a command did to something with a name.
#[derive(serde::Serialize)]
struct Named<'a> {
    name: &'a str,
}

/// What a command did to something with an id.
#[derive(serde::Serialize)]
struct Identified<'a> {
    id: &'a str,
}

#[derive(serde::Serialize)]
struct Notes {
    notes: Vec<String>,
}

fn reload(daemon: &mut Daemon, output: &Output) -> Outcome {
    let notes = daemon.ask(&Request::Reload, |response| match response {
        control::Response::Reloaded { notes } => Ok(notes),
        other => Err(other),
    })?;
    let mut sentence = "settings read again".to_owned();
    if !output.json() {
        for note in &notes {
            output.note(note);
        }
        if notes.is_empty() {
            sentence += ", nothing changed";
        }
    }
    output.done("reload", &Notes { notes }, &sentence)
}
