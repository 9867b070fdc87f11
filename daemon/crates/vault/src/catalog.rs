//! The catalogue: for each dataset its wrapped data key, its manifest, and an entry that leads from its name to it.
//!
//! The three are written in one atomic batch and removed in one. Names are in no database key: the name's entry
//! stands under a tag made with a secret key.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::{
    census::Census,
    codec,
    dataset::DatasetInfo,
    envelope::{self, Address, OVERHEAD, RecordType},
    error::{Flaw, Part, Place, Result, VaultError},
    id::Id,
    key::Key,
    store::{Change, Table},
    stream::StreamSummary,
    vault::Vault,
};

const DATA_KEY: u8 = b'k';
const MANIFEST: u8 = b'm';
const NAME: u8 = b'n';

/// A manifest's strings are limited, so it is far smaller.
const MANIFEST_MOST: usize = 4096;
const NAME_MOST: usize = Id::BYTES + 64;
const WRAPPED: usize = Key::BYTES + OVERHEAD;

/// A dataset's data key and its version.
pub(crate) struct DataKey {
    pub(crate) key: Key,
    pub(crate) version: u32,
}

impl DataKey {
    pub(crate) fn generate() -> Result<Self> {
        Ok(Self { key: Key::random()?, version: 1 })
    }

    fn check(&self, vault: Id, dataset: Id) -> [u8; 32] {
        self.key.mac(&[b"cloister data key check", &vault.0, &dataset.0, &self.version.to_be_bytes()])
    }
}

/// All that is kept about a dataset, sealed under its data key.
#[derive(Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    pub(crate) format: String,
    pub(crate) gzip: bool,
    pub(crate) file_name: String,
    pub(crate) rows: u64,
    pub(crate) created_unix: u64,
    pub(crate) content: StreamSummary,
    pub(crate) schema: StreamSummary,
}

impl Manifest {
    pub(crate) fn into_info(self, id: Id, schema: Vec<u8>) -> DatasetInfo {
        DatasetInfo {
            id,
            name: self.name,
            format: self.format,
            gzip: self.gzip,
            file_name: self.file_name,
            bytes: self.content.bytes,
            stored_bytes: self.content.stored,
            chunks: self.content.chunks,
            rows: self.rows,
            schema,
            sha256: self.content.sha256,
            created_unix: self.created_unix,
        }
    }
}

/// A dataset found in the catalogue.
pub(crate) struct Entry {
    pub(crate) id: Id,
    pub(crate) key: DataKey,
    pub(crate) manifest: Manifest,
}

fn entry_key(letter: u8, id: Id) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + Id::BYTES);
    key.push(letter);
    key.extend_from_slice(&id.0);
    key
}

impl Vault {
    fn name_tag(&self, name: &str) -> Id {
        self.keys().tag("dataset", &[name.as_bytes()])
    }

    fn address(&self, record: RecordType, owner: Id, key_version: u32) -> Address<'static> {
        Address { vault: self.id(), record, owner, key_version, index: 0, context: &[] }
    }

    /// The three entries of a new dataset, for one batch.
    pub(crate) fn catalog_entries(&self, id: Id, key: &DataKey, manifest: &Manifest) -> Result<Vec<Change>> {
        let wrap_at = self.address(RecordType::DataKey, id, key.version);
        let mut wrapped = key.version.to_be_bytes().to_vec();
        wrapped.extend(envelope::seal_plain(&self.keys().dek_wrap, &wrap_at, key.key.as_ref())?);
        wrapped.extend(key.check(self.id(), id));

        let manifest_at = self.address(RecordType::Manifest, id, key.version);
        let sealed = envelope::seal_plain(&key.key, &manifest_at, &codec::encode(manifest))?;

        let tag = self.name_tag(&manifest.name);
        let mut entry = id.0.to_vec();
        entry.extend_from_slice(manifest.name.as_bytes());
        let name_at = self.address(RecordType::Name, tag, 1);
        let named = envelope::seal_plain(&self.keys().names, &name_at, &entry)?;

        Ok(vec![
            Change::put(Table::Catalog, entry_key(DATA_KEY, id), wrapped),
            Change::put(Table::Catalog, entry_key(MANIFEST, id), sealed),
            Change::put(Table::Catalog, entry_key(NAME, tag), named),
        ])
    }

    pub(crate) fn is_taken(&self, name: &str) -> Result<bool> {
        Ok(self.store().get(Table::Catalog, &entry_key(NAME, self.name_tag(name)))?.is_some())
    }

    /// Whether a dataset's key is gone, which removal does first.
    pub(crate) fn is_removed(&self, id: Id) -> bool {
        matches!(self.store().get(Table::Catalog, &entry_key(DATA_KEY, id)), Ok(None))
    }

    /// The dataset of this name.
    pub(crate) fn find(&self, name: &str) -> Result<Entry> {
        let id = self.find_id(name)?;
        let entry = self.load(id, Some(name))?;
        if entry.manifest.name != name {
            return Err(named(name, Part::Name).damaged(Flaw::Inconsistent));
        }
        Ok(entry)
    }

    pub(crate) fn find_id(&self, name: &str) -> Result<Id> {
        let tag = self.name_tag(name);
        let not_found = || VaultError::NotFound { name: name.to_owned() };
        let sealed = self.store().get(Table::Catalog, &entry_key(NAME, tag))?.ok_or_else(not_found)?;
        let (id, stored) =
            self.open_name(tag, &sealed).map_err(|flaw| named(name, Part::Name).damaged(flaw))?;
        if stored == name { Ok(id) } else { Err(named(name, Part::Name).damaged(Flaw::Inconsistent)) }
    }

    fn open_name(&self, tag: Id, sealed: &[u8]) -> std::result::Result<(Id, String), Flaw> {
        let at = self.address(RecordType::Name, tag, 1);
        let entry = envelope::open_plain(&self.keys().names, &at, sealed, NAME_MOST)?;
        let (id, name) = entry.split_first_chunk::<{ Id::BYTES }>().ok_or(Flaw::Length)?;
        let name = std::str::from_utf8(name).map_err(|_| Flaw::Inconsistent)?;
        if self.name_tag(name) != tag {
            return Err(Flaw::Inconsistent);
        }
        Ok((Id(*id), name.to_owned()))
    }

    /// The dataset of this id; `name` is for messages.
    fn load(&self, id: Id, name: Option<&str>) -> Result<Entry> {
        let place = |part| name.map_or_else(|| Place::unnamed(&id, part), |name| named(name, part));
        let wrapped = self.store().get(Table::Catalog, &entry_key(DATA_KEY, id))?;
        let key = self.unwrap(id, wrapped.as_deref()).map_err(|flaw| place(Part::DataKey).damaged(flaw))?;
        let sealed = self.store().get(Table::Catalog, &entry_key(MANIFEST, id))?;
        let at = self.address(RecordType::Manifest, id, key.version);
        let manifest = sealed
            .ok_or(Flaw::Missing)
            .and_then(|sealed| envelope::open_plain(&key.key, &at, &sealed, MANIFEST_MOST))
            .and_then(|plain| codec::decode(&plain))
            .map_err(|flaw| place(Part::Manifest).damaged(flaw))?;
        Ok(Entry { id, key, manifest })
    }

    fn unwrap(&self, id: Id, stored: Option<&[u8]>) -> std::result::Result<DataKey, Flaw> {
        let stored = stored.ok_or(Flaw::Missing)?;
        if stored.len() != 4 + WRAPPED + 32 {
            return Err(Flaw::Length);
        }
        let (version, rest) = stored.split_first_chunk::<4>().ok_or(Flaw::Length)?;
        let (wrapped, check) = rest.split_at(WRAPPED);
        let version = u32::from_be_bytes(*version);
        let at = self.address(RecordType::DataKey, id, version);
        let plain = envelope::open_plain(&self.keys().dek_wrap, &at, wrapped, Key::BYTES)?;
        let key = DataKey { key: Key::from_slice(&plain).ok_or(Flaw::Length)?, version };
        if !bool::from(key.check(self.id(), id).ct_eq(check)) {
            return Err(Flaw::Authentication);
        }
        Ok(key)
    }

    /// Names of the datasets whose name entries are sound, in order.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        self.store().scan(Table::Catalog, &[NAME], |key, sealed| {
            let tag = Id::from_slice(&key[1..]);
            names.extend(tag.and_then(|tag| self.open_name(tag, sealed).ok()).map(|(_, name)| name));
            Ok(())
        })?;
        names.sort_unstable();
        Ok(names)
    }

    /// Ids of everything that the catalogue has a key or a manifest for.
    pub(crate) fn dataset_ids(&self) -> Result<Vec<Id>> {
        let mut ids = Vec::new();
        for letter in [DATA_KEY, MANIFEST] {
            self.store().scan(Table::Catalog, &[letter], |key, _| {
                ids.extend(Id::from_slice(&key[1..]));
                Ok(())
            })?;
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Everything in the catalogue that fails its check.
    pub(crate) fn catalog_damage(&self) -> Result<Vec<VaultError>> {
        // Held throughout, so that a dataset on its way in or out is not taken for a damaged one.
        let census = self.census(Table::Catalog);
        let mut found = Vec::new();
        let mut reached = Vec::new();
        for name in self.names()? {
            let outcome = self.find_id(&name).and_then(|id| {
                reached.push(id);
                self.find(&name)
            });
            found.extend(outcome.err());
        }
        // A name entry that cannot be read may belong to a dataset that still can: its manifest has the name.
        let mut unreadable = Vec::new();
        self.store().scan(Table::Catalog, &[NAME], |key, sealed| {
            let tag = Id::from_slice(&key[1..]).unwrap_or(Id([0; Id::BYTES]));
            unreadable.extend(self.open_name(tag, sealed).err().map(|flaw| (tag, flaw)));
            Ok(())
        })?;
        let flaw = unreadable.first().map_or(Flaw::Missing, |(_, flaw)| *flaw);
        for id in self.dataset_ids()? {
            if !reached.contains(&id) {
                found.push(match self.load(id, None) {
                    Ok(entry) => named(&entry.manifest.name, Part::Name).damaged(flaw),
                    Err(error) => error,
                });
            }
        }
        if found.is_empty() {
            found.extend(
                unreadable.into_iter().map(|(tag, flaw)| Place::unnamed(&tag, Part::Name).damaged(flaw)),
            );
        }
        if found.is_empty() {
            found.extend(self.census_damage(&census, Table::Catalog)?);
        }
        only_damage(found)
    }

    /// Takes a dataset out of the catalogue, data key and all. Not durable before the store's flush.
    pub(crate) fn unlist(&self, census: &mut Census, name: &str, id: Option<Id>) -> Result<()> {
        let mut changes = vec![Change::delete(Table::Catalog, entry_key(NAME, self.name_tag(name)))];
        for letter in [DATA_KEY, MANIFEST] {
            changes.extend(id.map(|id| Change::delete(Table::Catalog, entry_key(letter, id))));
        }
        self.change(census, Table::Catalog, changes)
    }

    /// The id of the dataset whose manifest bears this name, for one whose name entry is damaged.
    pub(crate) fn find_id_by_manifest(&self, name: &str) -> Result<Option<Id>> {
        for id in self.dataset_ids()? {
            if matches!(self.load(id, None), Ok(entry) if entry.manifest.name == name) {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    pub(crate) fn delete_chunks(&self, owner: Id) -> Result<()> {
        self.store().delete_prefix(Table::Chunks, &owner.0)
    }
}

fn named(name: &str, part: Part) -> Place {
    Place::Dataset { name: name.to_owned(), part }
}

/// Passes a list of damage through, unless one of its errors is something else, such as a failing disk.
pub(crate) fn only_damage(found: Vec<VaultError>) -> Result<Vec<VaultError>> {
    let (damage, mut other): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|error| matches!(error, VaultError::Damaged(_)));
    other.pop().map_or(Ok(damage), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    /// From `tests/vectors.py`.
    #[test]
    fn a_data_keys_check_is_the_known_one() {
        let key = Key::from_slice(&std::array::from_fn::<u8, 32, _>(|i| i as u8)).unwrap();
        let (vault, dataset) =
            (Id(std::array::from_fn(|i| 0x40 + i as u8)), Id(std::array::from_fn(|i| 0x80 + i as u8)));
        let digits = "1095a979fa42a7b1af80db47e7b6adb2d32b5f0324d51580863022df24f4fd25";
        assert_eq!(hex(&DataKey { key, version: 1 }.check(vault, dataset)), digits);
    }
}
