//! `cloisterctl`, the client of a Cloister daemon.
//!
//! Data go to standard output, progress and messages to standard error; the exit code is that of
//! [`control::ErrorCode`].

mod cli;
mod commands;
mod daemon;
mod interrupt;
mod later;
mod output;
mod progress;
mod save;
mod text;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use control::{ErrorCode, Failure};

use cli::Cli;
use output::{Output, Stop};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return no_command(&error, &arguments),
    };
    let output = Output::new(cli.json, cli.quiet);
    interrupt::install();
    match commands::run(cli, &output) {
        Ok(()) | Err(Stop::ReaderGone) => ExitCode::SUCCESS,
        Err(Stop::Failed(failure)) => {
            output.failure(&failure);
            ExitCode::from(failure.code.exit_code())
        }
    }
}

/// Help and version are answers; everything else is a usage error, in JSON where that was asked for.
fn no_command(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A reader that is gone wants no help.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let json = arguments.iter().any(|argument| argument == "--json");
    let unavailable = later::asked_for(error);
    if !json && unavailable.is_none() {
        let _ = error.print();
        return ExitCode::from(ErrorCode::Usage.exit_code());
    }
    let failure = unavailable.unwrap_or_else(|| {
        let whole = error.render().to_string();
        // Its first paragraph; usage and tips follow.
        let first: Vec<&str> = whole.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        Failure::new(ErrorCode::Usage, first.join(" ").trim_start_matches("error: "))
            .with_hint("see cloisterctl --help")
    });
    Output::new(json, false).failure(&failure);
    ExitCode::from(failure.code.exit_code())
}
