//! The daemon's keys: what opens the vault, and what is kept in it.

mod passphrase;

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use control::{ErrorCode, Failure};
use getrandom::SysRng;
use paillier::{KeySize, SecretKey};
use rand_core::UnwrapErr;
use transport::Identity;
use vault::{MasterSecret, RecordKind, Unlock, Vault, VaultError};

use crate::failure::from_vault;
use crate::settings::{MasterKey, Settings};

/// The record's id of this daemon's own keys.
const OWN: &str = "own";

/// Bits that let others change what is in a directory.
const OTHERS_WRITE: u32 = 0o022;

/// Where the vault is.
pub(crate) fn vault_dir(settings: &Settings) -> PathBuf {
    settings.state_dir.join("vault")
}

/// Makes the state directory, for this user alone, if it is missing.
pub(crate) fn make_state_dir(settings: &Settings) -> Result<(), Failure> {
    let dir = &settings.state_dir;
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| {
        Failure::new(ErrorCode::Failed, format!("state_dir {} cannot be made: {error}", dir.display()))
            .with_hint("make it for the daemon's user, or name another in the settings")
    })?;
    check_state_dir(settings)
}

/// The state directory must be this user's, and no other user may put anything into it.
pub(crate) fn check_state_dir(settings: &Settings) -> Result<(), Failure> {
    let dir = &settings.state_dir;
    let wrong = |what: String, hint: String| {
        Err(Failure::new(ErrorCode::Failed, format!("state_dir {} {what}", dir.display())).with_hint(hint))
    };
    let meta = match fs::metadata(dir) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return wrong("does not exist".into(), "`cloisterd init` makes it".into());
        }
        Err(error) => return wrong(format!("cannot be examined: {error}"), "check its permissions".into()),
    };
    let me = rustix::process::geteuid().as_raw();
    if !meta.is_dir() {
        wrong("is not a directory".into(), "name another in the settings".into())
    } else if meta.uid() != me {
        let hint = "run cloisterd as its owner, or change the owner with chown".into();
        wrong(format!("belongs to user {}, not to this process's user {me}", meta.uid()), hint)
    } else if meta.mode() & OTHERS_WRITE != 0 {
        let hint = format!("chmod 0700 {}", dir.display());
        wrong(format!("may be written to by others (mode {:04o})", meta.mode() & 0o7777), hint)
    } else {
        Ok(())
    }
}

/// Reads what opens the vault, from where the settings say.
pub(crate) fn unlock(settings: &Settings) -> Result<Unlock, Failure> {
    match &settings.keys.master {
        MasterKey::File(path) => MasterSecret::read_file(path)
            .map(Unlock::from)
            .map_err(|error| unusable_key(settings, path, error)),
        MasterKey::Credential(name) => {
            let path = credential(name)?;
            MasterSecret::read_credential(&path)
                .map(Unlock::from)
                .map_err(|error| unusable_key(settings, &path, error))
        }
        MasterKey::Passphrase => passphrase::read().map(Unlock::from),
    }
}

/// As [`unlock`] for a vault that is to be made: a key file that is missing is made, a passphrase asked for twice.
pub(crate) fn unlock_or_create(settings: &Settings) -> Result<Unlock, Failure> {
    match &settings.keys.master {
        MasterKey::File(path) if !path.exists() => {
            eprintln!("making the master key in {}", path.display());
            MasterSecret::create_file(path).map(Unlock::from).map_err(from_vault)
        }
        MasterKey::Passphrase => passphrase::choose().map(Unlock::from),
        _ => unlock(settings),
    }
}

/// Why the key file cannot be used. One that is missing beside a vault is not to be made but to be found again.
fn unusable_key(settings: &Settings, path: &Path, error: VaultError) -> Failure {
    let (shown, dir) = (path.display(), vault_dir(settings));
    match (&error, fs::symlink_metadata(path)) {
        (_, Err(gone)) if gone.kind() == io::ErrorKind::NotFound && Vault::exists(&dir) => {
            let message = format!(
                "the master key is lost: {shown} does not exist, and nothing else opens the vault in {}",
                dir.display()
            );
            Failure::new(ErrorCode::Failed, message).with_hint(
                "put the key back from the safe place where its copy is kept; a new one opens nothing",
            )
        }
        // It is there, and its owner or mode forbids its use.
        (VaultError::KeyFile { .. }, Ok(_)) => Failure::new(ErrorCode::Refused, error.to_string()),
        (VaultError::Io { source, .. }, _) if source.kind() == io::ErrorKind::PermissionDenied => {
            Failure::new(ErrorCode::Refused, error.to_string())
                .with_hint("run cloisterd as the user to whom the key belongs")
        }
        _ => from_vault(error),
    }
}

fn credential(name: &str) -> Result<PathBuf, Failure> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or_else(|| {
        let message =
            format!("keys.master names the credential {name}, but CREDENTIALS_DIRECTORY is not set");
        let hint = format!(
            "start cloisterd by systemd with LoadCredentialEncrypted={name}:…, by hand with `systemd-run \
             -p LoadCredentialEncrypted=…`, or use keys.master = \"file:/path\""
        );
        Failure::new(ErrorCode::Failed, message).with_hint(hint)
    })?;
    Ok(PathBuf::from(folder).join(name))
}

/// The identity in the vault.
pub(crate) fn identity(vault: &Vault) -> Result<Option<Identity>, Failure> {
    let Some(bytes) = vault.get_secret_record(RecordKind::Identity, OWN).map_err(from_vault)? else {
        return Ok(None);
    };
    Identity::from_bytes(&bytes)
        .map(Some)
        .map_err(|error| Failure::new(ErrorCode::Damaged, error.to_string()))
}

/// Makes and keeps an identity.
pub(crate) fn create_identity(vault: &Vault) -> Result<Identity, Failure> {
    let identity =
        Identity::generate().map_err(|error| Failure::new(ErrorCode::Failed, error.to_string()))?;
    vault.put_record(RecordKind::Identity, OWN, &identity.to_bytes()).map_err(from_vault)?;
    Ok(identity)
}

/// The Paillier key in the vault.
pub(crate) fn paillier(vault: &Vault) -> Result<Option<SecretKey>, Failure> {
    let Some(bytes) = vault.get_secret_record(RecordKind::PaillierKey, OWN).map_err(from_vault)? else {
        return Ok(None);
    };
    SecretKey::from_bytes(&bytes)
        .map(Some)
        .map_err(|error| Failure::new(ErrorCode::Damaged, format!("the stored Paillier key: {error}")))
}

/// Makes and keeps a Paillier key.
pub(crate) fn create_paillier(vault: &Vault, bits: u32) -> Result<SecretKey, Failure> {
    let size = KeySize::from_bits(bits).map_err(|error| Failure::new(ErrorCode::Usage, error.to_string()))?;
    // A generator that fails once would leave a key that somebody can guess: stop the process instead.
    let key = SecretKey::generate(size, &mut UnwrapErr(SysRng));
    vault.put_record(RecordKind::PaillierKey, OWN, &key.to_bytes()).map_err(from_vault)?;
    Ok(key)
}

/// The stored key must be of the length that the settings promise.
pub(crate) fn check_paillier(settings: &Settings, stored: u32) -> Result<(), Failure> {
    let wanted = settings.paillier.bits;
    if stored == wanted {
        return Ok(());
    }
    Err(Failure::new(
        ErrorCode::Usage,
        format!("paillier.bits is {wanted}, but the stored key has {stored} bits"),
    )
    .with_hint(format!(
        "set paillier.bits = {stored}, or start with an empty state_dir and `cloisterd init`"
    )))
}
