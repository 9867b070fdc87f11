//! Ctrl-C and SIGTERM: a partial file is removed, a job that is being followed goes on without us.

use std::io::Write;
use std::path::PathBuf;
use std::process;
use std::sync::{Mutex, PoisonError};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::output;

/// What a shell reports for a program ended by a signal: this and the signal's number, 130 for Ctrl-C.
const BY_SIGNAL: i32 = 128;

/// What has to happen before an interrupted command ends.
pub(crate) enum Leave {
    /// Nothing.
    Quietly,
    /// This file is not complete.
    Remove(PathBuf),
    /// This job goes on.
    Detach {
        /// The job.
        id: String,
        /// Programs get a document that names the job, on standard output; people are told on standard error.
        document: Option<String>,
    },
}

static LEAVE: Mutex<Leave> = Mutex::new(Leave::Quietly);

/// Says what Ctrl-C means from now on.
pub(crate) fn set(leave: Leave) {
    *LEAVE.lock().unwrap_or_else(PoisonError::into_inner) = leave;
}

/// Waits for Ctrl-C beside the command. Where that cannot be arranged, Ctrl-C keeps its usual meaning.
pub(crate) fn install() {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            leave(signal);
        }
    });
}

fn leave(signal: i32) -> ! {
    let leave = LEAVE.lock().unwrap_or_else(PoisonError::into_inner);
    match &*leave {
        Leave::Quietly => {}
        Leave::Remove(path) => {
            // Nothing is left to do about a file that cannot be removed.
            let _ = std::fs::remove_file(path);
        }
        Leave::Detach { id, document } => {
            if let Some(document) = document {
                let _ = output::raw(document.as_bytes());
            } else {
                let _ = writeln!(
                    std::io::stderr(),
                    "\njob {id} goes on; watch it with: cloisterctl jobs watch {id}\n\
                     stop it with: cloisterctl jobs cancel {id}"
                );
            }
        }
    }
    process::exit(BY_SIGNAL + signal)
}
