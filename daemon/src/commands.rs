//! The daemon's commands, from a settings file to an exit code.

use std::fmt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use control::{ErrorCode, Failure};
use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, set_dumpable_behavior, umask};
use vault::Vault;

use crate::failure::{from_plugins, from_vault};
use crate::settings::{Examined, Problem, Settings};
use crate::startup::Opened;
use crate::{keys, lifecycle, peers, running, startup};

/// Why a command ended without success: at least one of both kinds.
#[derive(Debug, Default)]
pub struct Stop {
    /// What is wrong with the settings; all problems.
    pub problems: Vec<Problem>,
    /// Everything else that was found.
    pub failures: Vec<Failure>,
}

impl Stop {
    /// The exit code: 2 for settings, else that of the first failure.
    pub fn exit_code(&self) -> u8 {
        if !self.problems.is_empty() {
            return ErrorCode::Usage.exit_code();
        }
        self.failures.first().map_or(ErrorCode::Failed, |failure| failure.code).exit_code()
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problems.iter().try_for_each(|problem| writeln!(f, "{problem}"))?;
        self.failures.iter().try_for_each(|failure| {
            writeln!(f, "cloisterd: {}", failure.message)?;
            if failure.hint.is_empty() { Ok(()) } else { writeln!(f, "  {}", failure.hint) }
        })
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop { failures: vec![failure], ..Stop::default() }
    }
}

impl From<Vec<Problem>> for Stop {
    fn from(problems: Vec<Problem>) -> Self {
        Stop { problems, ..Stop::default() }
    }
}

/// Keeps what this process writes and holds from others on the machine; to be called first.
pub fn confine() {
    umask(Mode::RWXG | Mode::RWXO);
    // Where the system refuses, memory is as well protected as that of any other process of this user.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Makes what is missing of state directory, master key, vault, identity and Paillier key, and prints the
/// fingerprint on standard output. Never overwrites anything.
///
/// # Errors
/// [`Stop`].
pub fn init(config: &Path) -> Result<(), Stop> {
    let settings = Settings::load(config)?;
    keys::make_state_dir(&settings)?;
    let dir = keys::vault_dir(&settings);
    let vault = if Vault::exists(&dir) {
        match startup::try_vault(&settings)? {
            Opened::Vault(vault) => vault,
            // A daemon that runs has everything.
            Opened::InUse => {
                let keys = running::own_keys(&settings)?;
                keys::check_paillier(&settings, keys.paillier_bits)?;
                println!("{}", keys.fingerprint);
                return Ok(());
            }
        }
    } else {
        let unlock = keys::unlock_or_create(&settings)?;
        eprintln!("making the vault in {}", dir.display());
        Vault::create(&dir, &unlock).map_err(from_vault)?
    };
    let identity = match keys::identity(&vault)? {
        Some(identity) => identity,
        None => {
            eprintln!("making the identity");
            keys::create_identity(&vault)?
        }
    };
    match keys::paillier(&vault)? {
        Some(key) => keys::check_paillier(&settings, key.public().bits())?,
        None => {
            eprintln!("making a Paillier key of {} bits", settings.paillier.bits);
            keys::create_paillier(&vault, settings.paillier.bits)?;
        }
    }
    println!("{}", identity.fingerprint());
    Ok(())
}

/// Prints the fingerprint on standard output, from the vault or from the running daemon that holds it.
///
/// # Errors
/// [`Stop`].
pub fn fingerprint(config: &Path) -> Result<(), Stop> {
    let settings = Settings::load(config)?;
    let fingerprint = match startup::try_vault(&settings)? {
        Opened::Vault(vault) => keys::identity(&vault)?.ok_or_else(startup::not_initialised)?.fingerprint(),
        Opened::InUse => running::own_keys(&settings)?.fingerprint,
    };
    println!("{fingerprint}");
    Ok(())
}

/// Looks for everything that keeps the daemon from serving as its settings say. Keys, vault and plugins are looked
/// at as long as the settings' problems leave no doubt where they are and what they must be.
///
/// # Errors
/// [`Stop`] with every problem that was found.
pub fn check(config: &Path) -> Result<(), Stop> {
    let Examined { settings, problems } = Settings::examine(config);
    let mut failures = Vec::new();
    if let Some(settings) = settings.filter(|_| problems.iter().all(Problem::is_apart_from_state)) {
        failures.extend(keys::check_state_dir(&settings).err());
        check_vault(&settings, &mut failures);
        check_plugins(&settings, &mut failures);
        if let Some(note) = settings.without_effect() {
            eprintln!("note: {note}");
        }
    }
    if problems.is_empty() && failures.is_empty() {
        println!("OK");
        Ok(())
    } else {
        Err(Stop { problems, failures })
    }
}

fn check_vault(settings: &Settings, failures: &mut Vec<Failure>) {
    let vault = match startup::try_vault(settings) {
        Ok(Opened::Vault(vault)) => vault,
        Ok(Opened::InUse) => return check_beside(settings, failures),
        Err(failure) => return failures.push(failure),
    };
    match keys::identity(&vault) {
        Ok(Some(own)) => failures.extend(peers::check_not_own(settings, &own.fingerprint()).err()),
        Ok(None) => failures.push(startup::not_initialised()),
        Err(failure) => failures.push(failure),
    }
    match keys::paillier(&vault) {
        Ok(Some(key)) => failures.extend(keys::check_paillier(settings, key.public().bits()).err()),
        Ok(None) => failures.push(startup::not_initialised()),
        Err(failure) => failures.push(failure),
    }
    match vault.damage() {
        Ok(damage) => failures.extend(damage.into_iter().map(from_vault)),
        Err(error) => failures.push(from_vault(error)),
    }
}

/// A daemon at work is the usual case before a reload. It watches over its vault itself, and knows its keys.
fn check_beside(settings: &Settings, failures: &mut Vec<Failure>) {
    let dir = keys::vault_dir(settings);
    eprintln!("the vault in {} is in use by a running daemon and was not examined", dir.display());
    match running::own_keys(settings) {
        Ok(own) => {
            failures.extend(peers::check_not_own(settings, &own.fingerprint).err());
            failures.extend(keys::check_paillier(settings, own.paillier_bits).err());
        }
        // The socket's place or the name may be what is to change.
        Err(failure) => eprintln!("note: {}", failure.message),
    }
}

fn check_plugins(settings: &Settings, failures: &mut Vec<Failure>) {
    let metrics = match startup::load_metrics(settings) {
        Ok(metrics) => metrics,
        Err(error) => return failures.push(from_plugins(&error)),
    };
    let rejected = metrics.rejected();
    failures.extend(rejected.iter().map(|rejected| Failure::new(ErrorCode::BadData, rejected.to_string())));
    failures.extend(startup::check_default_metric(settings, &metrics).err());
}

/// Serves until it is told to stop.
///
/// # Errors
/// [`Stop`], before anything is served or after a listener has failed.
pub fn run(config: &Path) -> Result<(), Stop> {
    share_one_heap();
    let settings = Settings::load(config)?;
    lifecycle::run(settings, config)?;
    Ok(())
}

/// Starts this program over with one heap for all threads, unless its environment says how many.
///
/// The C library reads that at the start only. With a heap for each thread it keeps what batches of rows have freed once
/// a thread, a third more at a million rows (`cargo bench -p cloister-tests --bench sealed -- --million`).
fn share_one_heap() {
    const HEAPS: &str = "MALLOC_ARENA_MAX";
    if std::env::var_os(HEAPS).is_some() {
        return;
    }
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    // Gives back control only when it fails, and then the daemon runs all the same.
    let error = Command::new("/proc/self/exe").arg0(name).args(arguments).env(HEAPS, "1").exec();
    eprintln!("cloisterd takes more memory than it needs: {error}");
}
