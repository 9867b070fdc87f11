//! The passphrase, from a file that the environment names or from the terminal.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use control::{ErrorCode, Failure};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use vault::Passphrase;
use zeroize::Zeroizing;

/// Names the file that holds the passphrase.
const VARIABLE: &str = "CLOISTER_PASSPHRASE_FILE";
/// The longest passphrase, in bytes.
const LONGEST: usize = 4096;
/// The shortest that a new vault takes, in bytes; Argon2id does the rest.
const SHORTEST: usize = 12;

/// The passphrase of a vault that there is.
pub(super) fn read() -> Result<Passphrase, Failure> {
    let words = match std::env::var_os(VARIABLE) {
        Some(path) => from_file(Path::new(&path))?,
        None => Terminal::open()?.ask("Passphrase: ")?,
    };
    Ok(take(words))
}

/// The passphrase of a vault that is to be made; on a terminal it is asked for twice.
pub(super) fn choose() -> Result<Passphrase, Failure> {
    let words = match std::env::var_os(VARIABLE) {
        Some(path) => from_file(Path::new(&path))?,
        None => {
            let mut terminal = Terminal::open()?;
            let words = terminal.ask("New passphrase: ")?;
            if *terminal.ask("The same again: ")? != *words {
                return Err(Failure::new(ErrorCode::Usage, "the two passphrases differ"));
            }
            words
        }
    };
    if words.len() < SHORTEST {
        let message = format!("a passphrase has at least {SHORTEST} characters");
        return Err(Failure::new(ErrorCode::Usage, message).with_hint("five random words are a good one"));
    }
    Ok(take(words))
}

fn take(mut words: Zeroizing<String>) -> Passphrase {
    Passphrase::new(std::mem::take(&mut *words))
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed = |what: String| {
        Failure::new(ErrorCode::Failed, format!("{VARIABLE} names {}, which {what}", path.display()))
    };
    let file = File::open(path).map_err(|error| failed(format!("cannot be opened: {error}")))?;
    let meta = file.metadata().map_err(|error| failed(format!("cannot be examined: {error}")))?;
    if !meta.is_file() || meta.mode() & 0o077 != 0 {
        let failure = Failure { code: ErrorCode::Refused, ..failed("is not a file of mode 0600".into()) };
        return Err(failure.with_hint("chmod 0600 it"));
    }
    line(file).map_err(|error| failed(format!("cannot be used: {error}")))
}

/// The first line, without its end; more than one is refused.
fn line(input: impl Read) -> io::Result<Zeroizing<String>> {
    let mut words = Zeroizing::new(String::with_capacity(LONGEST + 3));
    let mut limited = BufReader::with_capacity(1, input.take(LONGEST as u64 + 3));
    limited.read_line(&mut words)?;
    while words.ends_with(['\n', '\r']) {
        words.pop();
    }
    match words.len() {
        0 => Err(io::Error::other("it is empty")),
        1..=LONGEST => Ok(words),
        _ => Err(io::Error::other("it is too long")),
    }
}

/// The terminal, with its echo off until this is dropped.
struct Terminal {
    file: File,
    before: Termios,
}

impl Terminal {
    fn open() -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            let message =
                format!("keys.master is \"passphrase\", and there is no terminal to ask on ({error})");
            Failure::new(ErrorCode::Failed, message)
                .with_hint(format!("name a file of mode 0600 that holds it in {VARIABLE}"))
        };
        let file = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(failed)?;
        let before = tcgetattr(&file).map_err(|error| failed(error.into()))?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO;
        tcsetattr(&file, OptionalActions::Flush, &quiet).map_err(|error| failed(error.into()))?;
        Ok(Self { file, before })
    }

    fn ask(&mut self, question: &str) -> Result<Zeroizing<String>, Failure> {
        let failed = |error: io::Error| Failure::new(ErrorCode::Failed, format!("the passphrase: {error}"));
        self.file.write_all(question.as_bytes()).map_err(failed)?;
        let words = line(&self.file).map_err(failed);
        // The line break that was typed did not show.
        self.file.write_all(b"\n").map_err(failed)?;
        words
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A terminal that has gone needs no echo.
        let _ = tcsetattr(&self.file, OptionalActions::Flush, &self.before);
    }
}
