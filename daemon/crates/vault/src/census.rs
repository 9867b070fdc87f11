//! A census of a table: how many entries it has, and a sum over all of them, sealed.
//!
//! Each entry is sealed on its own, so a change to it is noticed. That one was taken away whole, or put back from an
//! older copy of the database, only shows when all are held against what was last written. The sum is the exclusive
//! or of `HMAC-SHA256(index-mac, entry)`, a keyed set hash (Clarke et al., Incremental Multiset Hash Functions,
//! Asiacrypt 2003, MSet-XOR-Hash; entries differ by their keys), so a change costs two MACs however large the
//! table is. It is written in the same atomic batch as the change.

use serde::{Deserialize, Serialize};

use crate::{
    codec,
    envelope::{self, Address, RecordType},
    error::{Flaw, Place, Result, VaultError},
    hierarchy::Hierarchy,
    id::Id,
    store::{Change, Store, Table},
    vault::Vault,
};

/// No entry's key is so short or starts like this.
const KEY: &[u8] = &[0];
const CENSUS_MOST: usize = 256;

/// What a table must hold.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Census {
    /// Number of changes so far.
    generation: u64,
    entries: u64,
    sum: [u8; 32],
    /// The table was found in disagreement, and nobody has accepted that since.
    disputed: bool,
}

impl Census {
    /// Of an empty table.
    pub(crate) fn empty() -> Self {
        Self { generation: 0, entries: 0, sum: [0; 32], disputed: false }
    }

    /// The census stored for a table, or one of what is there, disputed, when the two disagree.
    pub(crate) fn load(store: &Store, keys: &Hierarchy, vault: Id, table: Table) -> Result<Self> {
        let stored = store.get(table, KEY)?;
        let stored: Option<Self> = stored
            .and_then(|sealed| {
                envelope::open_plain(&keys.census, &address(vault, table), &sealed, CENSUS_MOST).ok()
            })
            .and_then(|plain| codec::decode(&plain).ok());
        let found = Self::count(store, keys, table)?;
        Ok(match stored {
            Some(stored) if stored.agrees(&found) => stored,
            Some(stored) => Self { generation: stored.generation, disputed: true, ..found },
            None => Self { disputed: true, ..found },
        })
    }

    fn agrees(&self, other: &Self) -> bool {
        (self.entries, self.sum) == (other.entries, other.sum)
    }

    fn count(store: &Store, keys: &Hierarchy, table: Table) -> Result<Self> {
        let mut census = Self::empty();
        store.scan(table, &[], |key, value| {
            if key != KEY {
                census.entries += 1;
                census.toggle(keys, table, key, value);
            }
            Ok(())
        })?;
        Ok(census)
    }

    fn toggle(&mut self, keys: &Hierarchy, table: Table, key: &[u8], value: &[u8]) {
        let mac = keys.index_mac.mac(&[b"census", &[table as u8], key, value]);
        self.sum.iter_mut().zip(mac).for_each(|(sum, byte)| *sum ^= byte);
    }

    /// The change that stores this census.
    pub(crate) fn sealed(&self, keys: &Hierarchy, vault: Id, table: Table) -> Result<Change> {
        let sealed = envelope::seal_plain(&keys.census, &address(vault, table), &codec::encode(self))?;
        Ok(Change::put(table, KEY.to_vec(), sealed))
    }
}

fn address(vault: Id, table: Table) -> Address<'static> {
    let owner = Id([table as u8; Id::BYTES]);
    Address { vault, record: RecordType::Census, owner, key_version: 1, index: 0, context: &[] }
}

impl Vault {
    /// Makes changes to a table together with its census, all at once. Not durable before the store's flush.
    pub(crate) fn change(&self, census: &mut Census, table: Table, mut changes: Vec<Change>) -> Result<()> {
        let mut next = census.clone();
        next.generation += 1;
        for change in &changes {
            if let Some(old) = self.store().get(table, change.key())? {
                next.entries = next.entries.saturating_sub(1);
                next.toggle(self.keys(), table, change.key(), &old);
            }
            if let Some(new) = change.value() {
                next.entries += 1;
                next.toggle(self.keys(), table, change.key(), new);
            }
        }
        changes.push(next.sealed(self.keys(), self.id(), table)?);
        self.store().apply(changes)?;
        *census = next;
        Ok(())
    }

    /// The complaint about a table that does not hold what it must, if it does not.
    pub(crate) fn census_damage(&self, census: &Census, table: Table) -> Result<Option<VaultError>> {
        let found = Census::count(self.store(), self.keys(), table)?;
        let place = if table == Table::Catalog { Place::DatasetList } else { Place::RecordList };
        let sound = !census.disputed && census.agrees(&found);
        Ok((!sound).then(|| place.damaged(Flaw::Altered)))
    }

    /// Takes the lists of datasets and records, as they are found, for right from now on: after whoever is
    /// responsible has looked at what is missing and restored what can be. Damaged entries stay damaged.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn accept_losses(&self) -> Result<()> {
        for table in [Table::Catalog, Table::Records] {
            let mut census = self.census(table);
            let found = Census::count(self.store(), self.keys(), table)?;
            let next = Census { generation: census.generation + 1, ..found };
            self.store().apply(vec![next.sealed(self.keys(), self.id(), table)?])?;
            *census = next;
        }
        self.store().durable_flush()
    }
}
