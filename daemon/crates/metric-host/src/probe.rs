//! The first load of a plugin, in a child process that may crash, hang or exit.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use kmeans::Metric;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, kill_process_group, pidfd_open,
    set_parent_process_death_signal, setrlimit,
};

use crate::library;

/// Begins the child's one line of result, so that a plugin's own chatter is told from it.
const RESULT: &str = "cloister-probe: ";
/// Follows if the plugin is sound.
const SOUND: &str = "sound ";
/// Follows if it is not, before the reason.
const UNSOUND: &str = "refused ";

/// Most bytes that a child may print.
const OUTPUT_MAX: usize = 64 * 1024;

/// Most bytes of a child's reason that are passed on.
const REASON_MAX: usize = 1024;

/// How to run a program that calls [`probe_child_main`].
#[derive(Debug, Clone)]
pub struct Probe {
    /// The program, started with no environment.
    pub program: PathBuf,
    /// Its arguments; the plugin's path is added as the last.
    pub args: Vec<OsString>,
    /// How long it may take; then it is killed.
    pub timeout: Duration,
}

/// What a trial run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// The metric's name.
    pub name: String,
    /// The plugin's version.
    pub version: String,
}

/// What happened to a trial run.
#[derive(Debug, thiserror::Error)]
pub enum ProbeFailure {
    /// The program did not start or could not be watched.
    #[error("did not start: {0}")]
    Start(#[from] io::Error),
    /// It took too long.
    #[error("did not end within {0:?} and was killed")]
    TimedOut(Duration),
    /// A signal ended it.
    #[error("was ended by signal {0}")]
    Signal(i32),
    /// It ended without a result.
    #[error("ended with status {0} and no result")]
    NoResult(i32),
    /// It printed more than a trial run has to say.
    #[error("printed more than {OUTPUT_MAX} bytes and was killed")]
    Output,
    /// It found the plugin unsound; these are its words.
    #[error("found: {0}")]
    Refused(String),
}

impl Probe {
    /// Runs the program on `file` and waits for its verdict.
    pub(crate) fn run(&self, file: &Path) -> Result<Sound, ProbeFailure> {
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .arg(file)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A group of its own, so that what the plugin starts ends with it.
            .process_group(0)
            .spawn()?;
        let watched = watch(&mut child, Instant::now() + self.timeout);
        // Before it is waited for, the child keeps its number, so this cannot hit another group.
        let status = end(&mut child)?;
        match watched? {
            Watched::Ended(output) => verdict(status, &output),
            Watched::TimedOut => Err(ProbeFailure::TimedOut(self.timeout)),
            Watched::Output => Err(ProbeFailure::Output),
        }
    }
}

enum Watched {
    Ended(Vec<u8>),
    TimedOut,
    Output,
}

/// Collects what the child prints until it ends, prints too much or the deadline is over.
fn watch(child: &mut Child, deadline: Instant) -> io::Result<Watched> {
    let mut stdout = child.stdout.take();
    let pid = Pid::from_child(child);
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let mut output = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Watched::TimedOut);
        }
        let mut ready = [PollFlags::empty(); 2];
        {
            let mut watched = vec![PollFd::new(&process, PollFlags::IN)];
            watched.extend(stdout.as_ref().map(|stdout| PollFd::new(stdout, PollFlags::IN)));
            match poll(&mut watched, Some(&timespec(left))) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for (ready, fd) in ready.iter_mut().zip(&watched) {
                *ready = fd.revents();
            }
        }
        if !ready[1].is_empty() {
            read_some(&mut stdout, &mut output)?;
        } else if !ready[0].is_empty() {
            // The child is gone and its pipe is empty; what it left running may still hold the other end.
            return Ok(Watched::Ended(output));
        }
        if output.len() > OUTPUT_MAX {
            return Ok(Watched::Output);
        }
    }
}

/// Reads what is there; forgets the pipe at its end.
fn read_some(stdout: &mut Option<ChildStdout>, output: &mut Vec<u8>) -> io::Result<()> {
    if let Some(pipe) = stdout {
        let mut piece = [0; 4096];
        match pipe.read(&mut piece)? {
            0 => *stdout = None,
            read => output.extend_from_slice(&piece[..read]),
        }
    }
    Ok(())
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

/// Kills the child's whole group and gives the child's status.
fn end(child: &mut Child) -> io::Result<ExitStatus> {
    match kill_process_group(Pid::from_child(child), Signal::KILL) {
        // No such group is left if the plugin moved the child out of it; the child itself is killed next.
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => return Err(error.into()),
    }
    child.kill()?;
    child.wait()
}

fn verdict(status: ExitStatus, output: &[u8]) -> Result<Sound, ProbeFailure> {
    if let Some(signal) = status.signal() {
        return Err(ProbeFailure::Signal(signal));
    }
    let output = String::from_utf8_lossy(output);
    let result = output.lines().rev().find_map(|line| line.strip_prefix(RESULT)).unwrap_or_default();
    if let Some(reason) = result.strip_prefix(UNSOUND) {
        return Err(ProbeFailure::Refused(
            reason.chars().filter(|c| !c.is_control()).take(REASON_MAX).collect(),
        ));
    }
    let sound = result.strip_prefix(SOUND).and_then(|words| words.split_once(' '));
    if let (true, Some((name, version))) = (status.success(), sound) {
        return Ok(Sound { name: name.to_owned(), version: version.to_owned() });
    }
    Err(ProbeFailure::NoResult(status.code().unwrap_or(-1)))
}

/// What the program behind a [`Probe`] does: loads the plugin at `file`, runs the conformance suite on it and
/// prints one line of result. Gives the code to exit with, 0 if the plugin is sound.
///
/// `file` is not examined for its owner and mode; that is the parent's part.
pub fn probe_child_main(file: &Path) -> ExitCode {
    // Measures of caution only: the trial run is as good without them where the system refuses.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let result = file
        .canonicalize()
        .map_err(|error| error.to_string())
        .and_then(|canonical| library::open(&canonical).map_err(|refusal| refusal.to_string()));
    let (line, code) = match &result {
        Ok(metric) => (format!("{SOUND}{} {}", metric.name(), metric.version()), ExitCode::SUCCESS),
        Err(reason) => (format!("{UNSOUND}{}", reason.replace('\n', " ")), ExitCode::FAILURE),
    };
    // The line break before it ends what the plugin may have printed.
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "\n{RESULT}{line}").and_then(|()| stdout.flush()) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}
