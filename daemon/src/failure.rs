//! From the errors of the parts to the one error that a client sees.

use control::{ErrorCode, Failure};
use kmeans::fixed::FixedError;
use table::{ErrorKind, TableError};
use vault::{ErrorClass, VaultError};

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
        ErrorKind::UnknownAttribute | ErrorKind::DuplicateAttribute => ErrorCode::Usage,
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
