//! The daemon's commands, from a settings file to an exit code.

use std::fmt;
use std::path::Path;

use control::{ErrorCode, Failure};
use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, set_dumpable_behavior, umask};
use vault::{Vault, VaultError};

use crate::failure::{from_plugins, from_vault};
use crate::settings::{Problem, Settings};
use crate::{keys, lifecycle, startup};

/// Why a command ended without success.
#[derive(Debug)]
pub enum Stop {
    /// The settings cannot be used; all problems.
    Settings(Vec<Problem>),
    /// Something else; all that was found.
    Failures(Vec<Failure>),
}

impl Stop {
    /// The exit code: 2 for settings, else that of the first failure.
    pub fn exit_code(&self) -> u8 {
        match self {
            Stop::Settings(_) => ErrorCode::Usage.exit_code(),
            Stop::Failures(failures) => {
                failures.first().map_or(ErrorCode::Failed, |failure| failure.code).exit_code()
            }
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Settings(problems) => problems.iter().try_for_each(|problem| writeln!(f, "{problem}")),
            Stop::Failures(failures) => failures.iter().try_for_each(|failure| {
                writeln!(f, "cloisterd: {}", failure.message)?;
                if failure.hint.is_empty() { Ok(()) } else { writeln!(f, "  {}", failure.hint) }
            }),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failures(vec![failure])
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
    let settings = Settings::load(config).map_err(Stop::Settings)?;
    keys::make_state_dir(&settings)?;
    let dir = keys::vault_dir(&settings);
    let vault = if Vault::exists(&dir) {
        Vault::open(&dir, &keys::unlock(&settings)?)
    } else {
        let unlock = keys::unlock_or_create(&settings)?;
        eprintln!("making the vault in {}", dir.display());
        Vault::create(&dir, &unlock)
    }
    .map_err(from_vault)?;
    let identity = match keys::identity(&vault)? {
        Some(identity) => identity,
        None => {
            eprintln!("making the identity");
            keys::create_identity(&vault)?
        }
    };
    match keys::paillier(&vault)? {
        Some(key) => keys::check_paillier(&settings, &key)?,
        None => {
            eprintln!("making a Paillier key of {} bits", settings.paillier.bits);
            keys::create_paillier(&vault, settings.paillier.bits)?;
        }
    }
    println!("{}", identity.fingerprint());
    Ok(())
}

/// Prints the fingerprint on standard output.
///
/// # Errors
/// [`Stop`].
pub fn fingerprint(config: &Path) -> Result<(), Stop> {
    let settings = Settings::load(config).map_err(Stop::Settings)?;
    let vault = startup::open_vault(&settings)?;
    let identity = keys::identity(&vault)?.ok_or_else(startup::not_initialised)?;
    println!("{}", identity.fingerprint());
    Ok(())
}

/// Looks for everything that keeps the daemon from serving as its settings say.
///
/// # Errors
/// [`Stop`] with every problem that was found.
pub fn check(config: &Path) -> Result<(), Stop> {
    let settings = Settings::load(config).map_err(Stop::Settings)?;
    let mut failures = Vec::new();
    failures.extend(keys::check_state_dir(&settings).err());
    check_vault(&settings, &mut failures);
    check_plugins(&settings, &mut failures);
    if failures.is_empty() {
        println!("OK");
        Ok(())
    } else {
        Err(Stop::Failures(failures))
    }
}

fn check_vault(settings: &Settings, failures: &mut Vec<Failure>) {
    let unlock = match keys::unlock(settings) {
        Ok(unlock) => unlock,
        Err(failure) => return failures.push(failure),
    };
    let vault = match Vault::open(keys::vault_dir(settings), &unlock) {
        Ok(vault) => vault,
        // A daemon at work is the usual case before a reload; it watches over its vault itself.
        Err(VaultError::Locked { dir }) => {
            eprintln!("the vault in {} is in use by a running daemon and was not examined", dir.display());
            return;
        }
        Err(error) => return failures.push(from_vault(error)),
    };
    match keys::identity(&vault) {
        Ok(identity) => failures.extend(identity.is_none().then(startup::not_initialised)),
        Err(failure) => failures.push(failure),
    }
    match keys::paillier(&vault) {
        Ok(Some(key)) => failures.extend(keys::check_paillier(settings, &key).err()),
        Ok(None) => failures.push(startup::not_initialised()),
        Err(failure) => failures.push(failure),
    }
    match vault.damage() {
        Ok(damage) => failures.extend(damage.into_iter().map(from_vault)),
        Err(error) => failures.push(from_vault(error)),
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
    let settings = Settings::load(config).map_err(Stop::Settings)?;
    lifecycle::run(settings, config)?;
    Ok(())
}
