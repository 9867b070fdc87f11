//! From the errors of the parts to the one error that a client sees.

use std::io;

use control::{ErrorCode, Failure};
use kmeans::fixed::FixedError;
use metric_host::HostError;
use table::{ErrorKind, TableError};
use vault::{ErrorClass, VaultError};

use crate::settings::Problem;

/// An error of the vault.
pub fn from_vault(error: VaultError) -> Failure {
    let code = match (&error, error.class()) {
        (VaultError::Exists { .. } | VaultError::BadName { .. }, _) => ErrorCode::Usage,
        (_, ErrorClass::NotFound) => ErrorCode::NotFound,
        (_, ErrorClass::Refused) => ErrorCode::Refused,
        (_, ErrorClass::Integrity) => ErrorCode::Damaged,
        (_, ErrorClass::Failed) => ErrorCode::Failed,
    };
    Failure::new(code, error.to_string())
}

/// An error of a document or of a choice of its attributes.
pub fn from_table(error: &TableError) -> Failure {
    let code = match error.kind {
        ErrorKind::Io => ErrorCode::Failed,
        ErrorKind::UnknownAttribute => ErrorCode::NotFound,
        ErrorKind::DuplicateAttribute => ErrorCode::Usage,
        _ => ErrorCode::BadData,
    };
    Failure::new(code, error.to_string())
}

/// An error of this host's own rows.
pub fn from_rows(error: &FixedError) -> Failure {
    let code = match error {
        FixedError::Metric(_) => ErrorCode::Failed,
        _ => ErrorCode::BadData,
    };
    Failure::new(code, error.to_string())
}

/// An error of reading or writing stored data.
pub fn from_storage(error: io::Error) -> Failure {
    match error.downcast::<VaultError>() {
        Ok(error) => from_vault(error),
        Err(error) => {
            Failure::new(ErrorCode::Failed, format!("stored data cannot be read or written: {error}"))
        }
    }
}

/// An error of the plugin directory.
pub fn from_plugins(error: &HostError) -> Failure {
    Failure::new(ErrorCode::Failed, error.to_string())
        .with_hint("plugins.dir in the settings names the directory; it and its files must belong to root or to the daemon's user")
}

/// What is wrong with the settings, all in one.
pub fn from_problems(problems: &[Problem]) -> Failure {
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    Failure::new(ErrorCode::Usage, lines.join("; "))
        .with_hint("conf/host.toml and conf/third-party.toml explain every key")
}
