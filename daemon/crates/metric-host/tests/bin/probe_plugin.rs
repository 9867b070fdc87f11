//! Loads one plugin file as `cloisterd probe-plugin FILE` does.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args_os().nth(1) {
        Some(file) => metric_host::probe_child_main(Path::new(&file)),
        None => ExitCode::from(2),
    }
}
