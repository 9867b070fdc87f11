//! Clearing away what interrupted work left behind: chunks that belong to nothing.

use std::collections::HashSet;

use crate::{error::Result, id::Id, store::Table, vault::Vault};

/// Deletes the chunks of unfinished uploads, unfinished removals and replaced records. While anything is
/// damaged nothing is deleted: the missing owner of a chunk may be the damaged record.
pub(crate) fn sweep(vault: &Vault) -> Result<()> {
    if !vault.damage()?.is_empty() {
        return Ok(());
    }
    let mut owners: HashSet<Id> = vault.dataset_ids()?.into_iter().collect();
    owners.extend(vault.record_bodies()?.0);
    let mut from = Vec::new();
    while let Some(key) = vault.store().first_key(Table::Chunks, &from)? {
        let Some(owner) = key.get(..Id::BYTES).and_then(Id::from_slice) else {
            // No key of ours is so short; it says nothing about where to go on, except past itself.
            from = [key.as_slice(), &[0]].concat();
            continue;
        };
        if !owners.contains(&owner) {
            vault.delete_chunks(owner)?;
        }
        match next(owner) {
            Some(after) => from = after.0.to_vec(),
            None => break,
        }
    }
    Ok(())
}

/// The id after this one.
fn next(id: Id) -> Option<Id> {
    u128::from_be_bytes(id.0).checked_add(1).map(|value| Id(value.to_be_bytes()))
}
