//! `cloisterd`: the daemon of every party.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use daemon::commands;

#[derive(Parser)]
#[command(name = "cloisterd", version, about = "The Cloister daemon: private joint k-means")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make what is missing of master key, vault, identity and Paillier key; print the fingerprint.
    Init(Config),
    /// Print the fingerprint that peers pin.
    Fingerprint(Config),
    /// Validate settings, permissions, keys and plugins; say every problem.
    Check(Config),
    /// Serve until SIGTERM; SIGHUP reloads.
    Run(Config),
    /// Try one plugin file in this process.
    #[command(hide = true)]
    ProbePlugin { file: PathBuf },
}

#[derive(Args)]
struct Config {
    /// The settings file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

fn main() -> ExitCode {
    commands::confine();
    let ended = match Cli::parse().command {
        Command::Init(Config { config }) => commands::init(&config),
        Command::Fingerprint(Config { config }) => commands::fingerprint(&config),
        Command::Check(Config { config }) => commands::check(&config),
        Command::Run(Config { config }) => commands::run(&config),
        Command::ProbePlugin { file } => return metric_host::probe_child_main(&file),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            eprint!("{stop}");
            ExitCode::from(stop.exit_code())
        }
    }
}
