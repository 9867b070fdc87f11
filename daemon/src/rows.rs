//! A dataset's rows as a run takes them.

use control::{ErrorCode, Failure};
use kmeans::fixed::RawRows;
use table::{Limits, Selection};
use vault::Vault;

use crate::failure::{from_table, from_vault};

/// Rows, and what they were read from.
pub struct Loaded {
    /// The rows.
    pub rows: RawRows,
    /// SHA-256 of the very document that they are of.
    pub document: [u8; 32],
}

/// Reads the numeric attributes named, or all but the class, of a stored dataset.
pub fn load(vault: &Vault, name: &str, attributes: Option<&[String]>) -> Result<Loaded, Failure> {
    let reader = vault.reader(name).map_err(from_vault)?;
    let sha256 = reader.sha256();
    let document = table::read(reader, &Limits::default()).map_err(|error| {
        // The document was good when it was taken in, so the vault is at fault.
        let failure = from_table(&error);
        Failure::new(ErrorCode::Damaged, format!("dataset {name}: {}", failure.message))
    })?;
    let selection = attributes.map_or(Selection::Default, |names| Selection::Named(names.to_vec()));
    let rows = document.table.select(&selection).map_err(|error| {
        let failure = from_table(&error);
        Failure { message: format!("dataset {name}: {}", failure.message), ..failure }
    })?;
    let rows = RawRows { attributes: rows.names, values: rows.values };
    Ok(Loaded { rows, document: sha256 })
}
