//! A dataset's rows as a run takes them.

use control::{ErrorCode, Failure};
use kmeans::fixed::RawRows;
use table::{Limits, Selection};
use vault::Vault;

use crate::failure::{from_table, from_vault};

/// Reads the numeric attributes named, or all but the class, of a stored dataset.
pub fn load(vault: &Vault, name: &str, attributes: Option<&[String]>) -> Result<RawRows, Failure> {
    let reader = vault.reader(name).map_err(from_vault)?;
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
    Ok(RawRows { attributes: rows.names, values: rows.values })
}
