//! A writer is killed with SIGKILL, over and over, at every step and in between: what it had acknowledged is
//! whole, everything else is absent, and the vault opens.
//!
//! The program starts itself as the writer. The writer says on its standard output what it is about to do and
//! what has been acknowledged; the parent kills it at a given line, or the writer does so itself.

mod scratch;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use rustix::process::{Signal, getpid, kill_process};
use scratch::noise;
use vault::{MasterSecret, RecordKind, Unlock, UploadMeta, Vault, VaultError};

const DIR: &str = "VAULT_CRASH_DIR";
const SUICIDE: &str = "VAULT_CRASH_AT";
/// Portions that an upload is written in.
const PORTION: usize = 96 * 1024;
const ROUNDS: usize = 48;

fn main() -> ExitCode {
    if let Ok(dir) = std::env::var(DIR) {
        write(Path::new(&dir), std::env::var(SUICIDE).ok().map(|line| line.parse().unwrap()));
        return ExitCode::SUCCESS;
    }
    // One vault through all the crashes, so that leftovers meet leftovers.
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("vault");
    MasterSecret::create_file(scratch.path().join("key")).unwrap();
    let mut state = Acknowledged::default();
    let mut lines = 0;
    for round in 0..ROUNDS {
        // Primes spread the points over the writer's lines; odd rounds die exactly there, even ones a little later.
        let line = 1 + (round * 7) % 53;
        let exact = round % 2 == 1;
        let events = run(&dir, line, exact);
        lines += events.len();
        state.follow(&events);
        check(&dir, &mut state, round);
    }
    assert!(
        lines > 800,
        "the writers were killed after {lines} lines in all: too early to have done anything"
    );
    println!(
        "crash: {ROUNDS} writers killed, nothing acknowledged lost, {} datasets kept",
        state.datasets.len()
    );
    ExitCode::SUCCESS
}

/// Starts a writer, which is killed at `line`, and returns what it said.
fn run(dir: &Path, line: usize, exact: bool) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(DIR, dir).stdout(Stdio::piped());
    if exact {
        command.env(SUICIDE, line.to_string());
    }
    let mut child = command.spawn().unwrap();
    let mut events = Vec::new();
    for event in BufReader::new(child.stdout.take().unwrap()).lines() {
        events.push(event.unwrap());
        if events.len() == line && !exact {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success(), "the writer ended by itself: {events:?}");
    events
}

fn say(event: &str, said: &mut usize, die_at: Option<usize>) {
    // One system call, so that a line is said whole or not at all.
    std::io::stdout().write_all(format!("{event}\n").as_bytes()).unwrap();
    *said += 1;
    if Some(*said) == die_at {
        kill_process(getpid(), Signal::KILL).unwrap();
    }
}

/// Works on the vault for ever. Every name is used once; its content follows from it.
fn write(dir: &Path, die_at: Option<usize>) {
    let mut said = 0;
    let mut say = |event: String| say(&event, &mut said, die_at);
    let unlock = unlock(dir);
    say("open".into());
    let vault =
        if Vault::exists(dir) { Vault::open(dir, &unlock) } else { Vault::create(dir, &unlock) }.unwrap();
    let first = vault.datasets().unwrap().iter().map(|info| number(&info.name) + 1).max().unwrap_or(0);
    for number in first.. {
        let name = format!("d{number}");
        let bytes = content(number);
        let mut upload = vault.upload(&name, meta()).unwrap();
        for portion in bytes.chunks(PORTION) {
            upload.write_all(portion).unwrap();
            say(format!("wrote {name}"));
        }
        say(format!("committing {name}"));
        upload.commit(name.clone().into_bytes(), number).unwrap();
        say(format!("committed {name}"));

        let version = number + 1;
        say(format!("recording {version}"));
        vault.put_record(RecordKind::Job, "small", &version.to_be_bytes()).unwrap();
        vault.put_record(RecordKind::Result, "large", &content(version)).unwrap();
        say(format!("recorded {version}"));

        if number % 2 == 1 {
            let victim = format!("d{}", number - 1);
            say(format!("removing {victim}"));
            vault.remove(&victim).unwrap();
            say(format!("removed {victim}"));
        }
    }
}

fn unlock(dir: &Path) -> Unlock {
    MasterSecret::read_file(dir.with_file_name("key")).unwrap().into()
}

fn meta() -> UploadMeta {
    UploadMeta { format: "csv".into(), gzip: false, file_name: "rows.csv".into() }
}

fn number(name: &str) -> u64 {
    name[1..].parse().unwrap()
}

fn content(number: u64) -> Vec<u8> {
    noise(1000 + (number as usize % 5) * 130_000, number)
}

/// What must be there, and what may be: the step during which the writer died is either done or not.
#[derive(Default)]
struct Acknowledged {
    datasets: BTreeSet<String>,
    /// The version of the records.
    version: u64,
    /// Datasets that may be there or not.
    open: BTreeSet<String>,
    /// A version that may be there instead.
    open_version: Option<u64>,
}

impl Acknowledged {
    fn follow(&mut self, events: &[String]) {
        for event in events {
            let (what, which) = event.split_once(' ').unwrap_or((event, ""));
            match what {
                "committing" | "removing" => {
                    self.open.insert(which.into());
                }
                "committed" => {
                    self.open.remove(which);
                    self.datasets.insert(which.into());
                }
                "removed" => {
                    self.open.remove(which);
                    self.datasets.remove(which);
                }
                "recording" => self.open_version = Some(which.parse().unwrap()),
                "recorded" => {
                    self.open_version = None;
                    self.version = which.parse().unwrap();
                }
                "open" | "wrote" => {}
                _ => panic!("unknown event {event:?}"),
            }
        }
    }
}

fn check(dir: &Path, state: &mut Acknowledged, round: usize) {
    if !Vault::exists(dir) {
        assert!(state.datasets.is_empty(), "round {round}: the vault is gone");
        return;
    }
    let vault = Vault::open(dir, &unlock(dir)).unwrap_or_else(|error| panic!("round {round}: {error}"));
    assert_eq!(vault.damage().unwrap().len(), 0, "round {round}");
    let present: BTreeMap<String, u64> =
        vault.datasets().unwrap().into_iter().map(|info| (info.name, info.rows)).collect();
    for name in state.datasets.difference(&state.open) {
        assert!(present.contains_key(name), "round {round}: {name} was acknowledged and is lost");
    }
    for (name, rows) in &present {
        assert!(
            state.datasets.contains(name) || state.open.contains(name),
            "round {round}: {name} was not acknowledged and is there"
        );
        let mut bytes = Vec::new();
        vault.reader(name).unwrap().read_to_end(&mut bytes).unwrap();
        assert!(*rows == number(name) && bytes == content(number(name)), "round {round}: {name} differs");
    }
    for name in &state.open {
        if !present.contains_key(name) {
            assert!(matches!(vault.reader(name), Err(VaultError::NotFound { .. })), "round {round}: {name}");
        }
    }
    let small = vault.get_record(RecordKind::Job, "small").unwrap();
    let small = small.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
    assert!(
        small == state.version || Some(small) == state.open_version,
        "round {round}: record of version {small}"
    );
    if let Some(large) = vault.get_record(RecordKind::Result, "large").unwrap() {
        let may_be = [Some(state.version), state.open_version];
        assert!(
            may_be.into_iter().flatten().any(|version| large == content(version)),
            "round {round}: large record"
        );
    } else {
        assert_eq!(state.version, 0, "round {round}: the large record is lost");
    }
    // The records' two steps are told by one line: settle both for the next round.
    let version = state.open_version.take().unwrap_or(state.version);
    if small != state.version || version != state.version {
        vault.put_record(RecordKind::Job, "small", &version.to_be_bytes()).unwrap();
        vault.put_record(RecordKind::Result, "large", &content(version)).unwrap();
        state.version = version;
    }
    drop(vault);

    let owners = chunk_owners(dir);
    let bodies = usize::from(state.version > 0);
    assert!(
        owners <= present.len() + bodies,
        "round {round}: {owners} owners of chunks, leftovers were not swept"
    );
    state.datasets = present.into_keys().collect();
    state.open.clear();
}

fn chunk_owners(dir: &Path) -> usize {
    let raw = scratch::raw(dir);
    let owners: BTreeSet<Vec<u8>> =
        raw.open_tree("chunks").unwrap().iter().keys().map(|key| key.unwrap()[..16].to_vec()).collect();
    owners.len()
}
