//! The database, and the only place that knows which one it is: sled 0.34.7.
//!
//! What sled needs to be trusted with: segments of 2 MiB and values of 24 KiB at most, so that no page ever
//! spills into a file under `blobs/`, which sled would never reclaim; an `fsync` after its `flush`, which is no
//! barrier; a bounded cache; and a net below its panics on corrupt files.

use std::{
    fs::File,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::error::{Result, VaultError};

/// Largest value that may be stored, in bytes.
pub(crate) const VALUE_MOST: usize = 24 * 1024;

const SEGMENT: usize = 2 * 1024 * 1024;
const CACHE: u64 = 96 * 1024 * 1024;
/// Entries deleted in one batch; a batch is held in memory.
const DELETE_AT_ONCE: usize = 512;
/// How long to wait for a database closed in this very process to let go of its lock.
const CLOSING: Duration = Duration::from_secs(5);

/// The tables and what their keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Table {
    /// `"vault"`.
    Header,
    /// Slot id.
    Slots,
    /// A letter and the dataset's id, or the letter `n` and a name's tag.
    Catalog,
    /// Kind and the id's tag.
    Records,
    /// Owner id, record type, chunk (big-endian), piece (big-endian).
    Chunks,
}

const TABLES: [&str; 5] = ["header", "slots", "catalog", "records", "chunks"];

/// One change to one table.
pub(crate) struct Change {
    table: Table,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

impl Change {
    pub(crate) fn put(table: Table, key: Vec<u8>, value: Vec<u8>) -> Self {
        Self { table, key, value: Some(value) }
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The new value, or `None` where the entry is deleted.
    pub(crate) fn value(&self) -> Option<&[u8]> {
        self.value.as_deref()
    }

    pub(crate) fn delete(table: Table, key: Vec<u8>) -> Self {
        Self { table, key, value: None }
    }
}

/// An open database.
pub(crate) struct Store {
    // Declared, and so dropped, before the database that they belong to.
    tables: [sled::Tree; 5],
    db: sled::Db,
    dir: PathBuf,
    directory: File,
    log: File,
    /// The vault's lock, let go only after the database is closed.
    _lock: File,
}

impl Store {
    /// Opens the database in `dir`, or makes an empty one when there is none. `lock` is the vault's.
    pub(crate) fn open(dir: &Path, lock: File) -> Result<Self> {
        let db = guarded(dir, || open_database(dir))?;
        let tables = guarded(dir, || {
            let mut trees = Vec::with_capacity(TABLES.len());
            for name in TABLES {
                trees.push(db.open_tree(name)?);
            }
            Ok(<[sled::Tree; 5]>::try_from(trees).expect("one tree for each table"))
        })?;
        let directory = File::open(dir).map_err(|source| VaultError::io("open", dir, source))?;
        let log =
            File::open(dir.join("db")).map_err(|source| VaultError::io("open", dir.join("db"), source))?;
        Ok(Self { tables, db, dir: dir.into(), directory, log, _lock: lock })
    }

    /// The database's directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    fn tree(&self, table: Table) -> &sled::Tree {
        &self.tables[table as usize]
    }

    fn guarded<T>(&self, work: impl FnOnce() -> sled::Result<T>) -> Result<T> {
        guarded(&self.dir, work)
    }

    pub(crate) fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.guarded(|| self.tree(table).get(key))?.map(|value| value.to_vec()))
    }

    /// Stores one value. Not durable before [`Self::durable_flush`].
    ///
    /// # Panics
    /// When the value is larger than [`VALUE_MOST`]: a mistake of ours that would make a file that is never reclaimed.
    pub(crate) fn put(&self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        assert!(value.len() <= VALUE_MOST, "a stored value must not exceed {VALUE_MOST} bytes");
        self.guarded(|| self.tree(table).insert(key, value))?;
        Ok(())
    }

    /// Makes changes to one table all at once: after a crash all of them are there, or none.
    ///
    /// # Panics
    /// When they are for several tables, or a value is larger than [`VALUE_MOST`].
    pub(crate) fn apply(&self, changes: Vec<Change>) -> Result<()> {
        let Some(table) = changes.first().map(|change| change.table) else { return Ok(()) };
        let mut batch = sled::Batch::default();
        for change in changes {
            assert!(change.table == table, "a batch is atomic within one table");
            match change.value {
                Some(value) => {
                    assert!(value.len() <= VALUE_MOST, "a stored value must not exceed {VALUE_MOST} bytes");
                    batch.insert(change.key, value);
                }
                None => batch.remove(change.key),
            }
        }
        self.guarded(|| self.tree(table).apply_batch(batch))
    }

    /// Visits the entries whose keys start with `prefix`, in the order of their keys.
    pub(crate) fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut entries = self.guarded(|| Ok(self.tree(table).scan_prefix(prefix)))?;
        while let Some((key, value)) = self.guarded(|| entries.next().transpose())? {
            visit(&key, &value)?;
        }
        Ok(())
    }

    /// The first key that is not below `from`.
    pub(crate) fn first_key(&self, table: Table, from: &[u8]) -> Result<Option<Vec<u8>>> {
        let found = self.guarded(|| self.tree(table).range(from..).next().transpose())?;
        Ok(found.map(|(key, _)| key.to_vec()))
    }

    /// Deletes all entries whose keys start with `prefix`; in several steps, so not atomic.
    pub(crate) fn delete_prefix(&self, table: Table, prefix: &[u8]) -> Result<()> {
        loop {
            let mut batch = sled::Batch::default();
            let mut count = 0;
            self.guarded(|| {
                for key in self.tree(table).scan_prefix(prefix).keys().take(DELETE_AT_ONCE) {
                    batch.remove(key?);
                    count += 1;
                }
                Ok(())
            })?;
            if count == 0 {
                return Ok(());
            }
            self.guarded(|| self.tree(table).apply_batch(batch))?;
        }
    }

    /// Returns when everything written before is on the disk and survives the loss of power.
    ///
    /// sled's `flush` writes its log without `fsync`. The log is its only data file as long as no value
    /// exceeds [`VALUE_MOST`]; snapshots it syncs itself, their directory it does not.
    pub(crate) fn durable_flush(&self) -> Result<()> {
        self.guarded(|| self.db.flush())?;
        let synced = self.log.sync_all().and_then(|()| self.directory.sync_all());
        synced.map_err(|source| VaultError::io("sync", &self.dir, source))
    }

    /// Like [`Self::durable_flush`], for everything on the file system: for a database just made.
    pub(crate) fn sync_file_system(&self) -> Result<()> {
        self.guarded(|| self.db.flush())?;
        rustix::fs::syncfs(&self.directory).map_err(|source| VaultError::io("sync", &self.dir, source))
    }
}

fn open_database(dir: &Path) -> sled::Result<sled::Db> {
    let config = sled::Config::new().path(dir).segment_size(SEGMENT).cache_capacity(CACHE);
    let start = Instant::now();
    loop {
        match config.open() {
            // The vault's own lock is ours, so the holder can only be a database of this process that is
            // closing: sled lets go of its lock in the background after the last handle is dropped.
            Err(sled::Error::Io(error)) if is_lock_refusal(&error) && start.elapsed() < CLOSING => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened,
        }
    }
}

fn is_lock_refusal(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.to_string().contains("could not acquire lock")
}

/// Runs a call into sled, turning its errors, and its panics on files that it did not expect, into ours.
fn guarded<T>(dir: &Path, work: impl FnOnce() -> sled::Result<T>) -> Result<T> {
    // Nothing of ours is half-changed by a panic in there: sled's handles are all that the work touches.
    let outcome = catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
        VaultError::Corrupt { dir: dir.into(), detail: said.lines().next().unwrap_or_default().to_owned() }
    })?;
    outcome.map_err(|error| match error {
        sled::Error::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            VaultError::io("use the database in", dir, source)
        }
        other => VaultError::Corrupt { dir: dir.into(), detail: other.to_string() },
    })
}
