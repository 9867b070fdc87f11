//! Making, opening and closing a vault, and the datasets in it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::fs::FlockOperation;
use sha2::{Digest, Sha256};

use crate::{
    catalog::Entry,
    census::Census,
    dataset::{DatasetInfo, DatasetReader},
    envelope::RecordType,
    error::{Flaw, Place, Result, VaultError},
    hierarchy::Hierarchy,
    id::Id,
    key::Key,
    name,
    secret::Unlock,
    slot,
    store::{Change, Store, Table},
    stream::{StreamOf, StreamReader},
    sweep,
};

const FORMAT: u16 = 1;
const MAGIC: &[u8; 16] = b"cloister vault\r\n";
const HEADER_KEY: &[u8] = b"vault";
/// Directory of the database within the vault's.
const DATABASE: &str = "store";
/// The same while it is being made.
const PARTIAL: &str = "store.partial";
const LOCK: &str = "lock";
const SCHEMA_MOST: u64 = 16 * 1024 * 1024;

/// An open vault. Clones are handles to the same one; any number of threads may use it at once.
///
/// All calls block on the disk. The vault closes when its last handle, upload and reader are dropped.
#[derive(Clone)]
pub struct Vault {
    open: Arc<OpenVault>,
}

struct OpenVault {
    id: Id,
    keys: Hierarchy,
    store: Arc<Store>,
    catalog: Mutex<Census>,
    records: Mutex<Census>,
}

impl Vault {
    /// Makes a vault in `dir` (made too, mode 0700, if need be) that `unlock` opens, and opens it. Durable when
    /// this returns; interrupted, it leaves no vault.
    ///
    /// # Errors
    /// [`VaultError::VaultExists`], [`VaultError::Locked`], or a failure of the file system.
    pub fn create(dir: impl AsRef<Path>, unlock: &Unlock) -> Result<Self> {
        let dir = dir.as_ref();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|source| VaultError::io("create", dir, source))?;
        let lock = lock(dir)?;
        if Self::exists(dir) {
            return Err(VaultError::VaultExists { dir: dir.into() });
        }
        let partial = dir.join(PARTIAL);
        match fs::remove_dir_all(&partial) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(VaultError::io("clear", &partial, source));
            }
            _ => {}
        }
        let vault = Id::random()?;
        let master = Key::random()?;
        {
            let second = lock.try_clone().map_err(|source| VaultError::io("lock", dir, source))?;
            let store = Store::open(&partial, second)?;
            store.apply(vec![slot::create(vault, unlock, &master)?])?;
            store.apply(vec![Change::put(Table::Header, HEADER_KEY.to_vec(), header(vault))])?;
            let keys = Hierarchy::derive(&master, vault);
            for table in [Table::Catalog, Table::Records] {
                store.apply(vec![Census::empty().sealed(&keys, vault, table)?])?;
            }
            store.sync_file_system()?;
        }
        fs::rename(&partial, database(dir))
            .and_then(|()| File::open(dir)?.sync_all())
            .map_err(|source| VaultError::io("put in place", &partial, source))?;
        drop(master);
        Self::open_locked(dir, lock, unlock)
    }

    /// Opens the vault in `dir`. Leftovers of interrupted work are cleared away, unless something is damaged.
    ///
    /// A damaged dataset or record does not keep a vault from opening: see [`Self::damage`].
    ///
    /// # Errors
    /// [`VaultError::NoVault`], [`VaultError::Locked`], [`VaultError::WrongKey`], [`VaultError::NoSlot`],
    /// [`VaultError::Format`], [`VaultError::Damaged`] for header and slots, [`VaultError::Corrupt`], or a failure of
    /// the file system.
    pub fn open(dir: impl AsRef<Path>, unlock: &Unlock) -> Result<Self> {
        let dir = dir.as_ref();
        if !Self::exists(dir) {
            return Err(VaultError::NoVault { dir: dir.into() });
        }
        Self::open_locked(dir, lock(dir)?, unlock)
    }

    /// Whether there is a vault in `dir`.
    #[must_use]
    pub fn exists(dir: impl AsRef<Path>) -> bool {
        database(dir.as_ref()).is_dir()
    }

    fn open_locked(dir: &Path, lock: File, unlock: &Unlock) -> Result<Self> {
        let store = Store::open(&database(dir), lock)?;
        let id = read_header(store.get(Table::Header, HEADER_KEY)?.as_deref())?;
        let master = slot::unlock(&store, id, unlock)?;
        let keys = Hierarchy::derive(&master, id);
        drop(master);
        let census = |table| Census::load(&store, &keys, id, table).map(Mutex::new);
        let (catalog, records) = (census(Table::Catalog)?, census(Table::Records)?);
        let vault = Self { open: Arc::new(OpenVault { id, keys, store: Arc::new(store), catalog, records }) };
        sweep::sweep(&vault)?;
        Ok(vault)
    }

    /// The vault's identifier, drawn when it was created.
    #[must_use]
    pub fn id(&self) -> Id {
        self.open.id
    }

    /// All sound datasets, by name. Those that are damaged are in [`Self::damage`].
    ///
    /// # Errors
    /// A failure of the store.
    pub fn datasets(&self) -> Result<Vec<DatasetInfo>> {
        let mut infos = Vec::new();
        for name in self.names()? {
            match self.dataset(&name) {
                Ok(info) => infos.push(info),
                // Damage is told elsewhere; a dataset removed since its name was read is no error.
                Err(VaultError::Damaged(_) | VaultError::NotFound { .. } | VaultError::Removed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(infos)
    }

    /// One dataset.
    ///
    /// # Errors
    /// [`VaultError::NotFound`], [`VaultError::Damaged`], or a failure of the store.
    pub fn dataset(&self, name: &str) -> Result<DatasetInfo> {
        let Entry { id, key, manifest } = self.find_present(name)?;
        let at = self.dataset_stream(id, RecordType::Schema, key.version);
        let of = StreamOf::Schema(name.to_owned());
        let schema = StreamReader::new(self.store().clone(), key.key, at, manifest.schema.clone(), of)
            .and_then(|reader| reader.read_all(SCHEMA_MOST));
        let mut schema = self.unless_removed(id, name, schema)?;
        Ok(manifest.into_info(id, std::mem::take(&mut *schema)))
    }

    /// A dataset's document.
    ///
    /// # Errors
    /// [`VaultError::NotFound`], [`VaultError::Damaged`], or a failure of the store.
    pub fn reader(&self, name: &str) -> Result<DatasetReader> {
        let Entry { id, key, manifest } = self.find_present(name)?;
        let at = self.dataset_stream(id, RecordType::Content, key.version);
        let of = StreamOf::Content(name.to_owned());
        let sha256 = manifest.content.sha256;
        let stream = StreamReader::new(self.store().clone(), key.key, at, manifest.content, of)?;
        Ok(DatasetReader::new(stream, self.clone(), id, name.to_owned(), sha256))
    }

    /// Removes a dataset, damaged or not. Its data key goes first and durably: from then on nothing can read it.
    /// Its chunks follow; the file keeps its size and uses the room again.
    ///
    /// # Errors
    /// [`VaultError::NotFound`] or a failure of the store.
    pub fn remove(&self, name: &str) -> Result<()> {
        name::check_dataset(name)?;
        let id = {
            let mut census = self.census(Table::Catalog);
            let id = match self.find_id(name) {
                Ok(id) => Some(id),
                Err(VaultError::Damaged(_)) => self.find_id_by_manifest(name)?,
                Err(VaultError::NotFound { name: missing }) => match self.find_id_by_manifest(name)? {
                    Some(id) => Some(id),
                    None => return Err(VaultError::NotFound { name: missing }),
                },
                Err(error) => return Err(error),
            };
            self.unlist(&mut census, name, id)?;
            id
        };
        self.store().durable_flush()?;
        if let Some(id) = id {
            // Without its key what remains is noise; a failure here is made good when the vault is next opened.
            let _ = self.delete_chunks(id);
        }
        Ok(())
    }

    /// Everything in catalogue and records that fails its check, each a [`VaultError::Damaged`]. Chunks are not
    /// read: a dataset is checked whole by reading it to its end.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn damage(&self) -> Result<Vec<VaultError>> {
        let mut found = self.catalog_damage()?;
        found.extend(self.record_bodies()?.1);
        Ok(found)
    }

    fn find_present(&self, name: &str) -> Result<Entry> {
        name::check_dataset(name)?;
        loop {
            let id = self.find_id(name)?;
            match self.find(name) {
                // Removed between two looks into the catalogue, and perhaps another of the same name put in.
                Err(VaultError::Damaged(_)) if !matches!(self.find_id(name), Ok(now) if now == id) => {}
                outcome => return outcome,
            }
        }
    }

    fn unless_removed<T>(&self, id: Id, name: &str, outcome: Result<T>) -> Result<T> {
        outcome.map_err(|error| match error {
            VaultError::Damaged(_) if self.is_removed(id) => VaultError::Removed { name: name.to_owned() },
            error => error,
        })
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.open.store
    }

    pub(crate) fn keys(&self) -> &Hierarchy {
        &self.open.keys
    }

    /// The census of the catalogue or of the records, held while that table is looked into and then changed.
    pub(crate) fn census(&self, table: Table) -> MutexGuard<'_, Census> {
        let census = if table == Table::Catalog { &self.open.catalog } else { &self.open.records };
        // A census is replaced whole, so one whose holder panicked is still the last good one.
        census.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn database(dir: &Path) -> PathBuf {
    dir.join(DATABASE)
}

/// Takes the vault's lock, which lasts as long as the file is open and dies with the process.
fn lock(dir: &Path) -> Result<File> {
    let path = dir.join(LOCK);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(|source| VaultError::io("open", &path, source))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(VaultError::Locked { dir: dir.into() }),
        Err(source) => Err(VaultError::io("lock", &path, source)),
    }
}

/// Magic, format, vault id, and the SHA-256 of these.
fn header(vault: Id) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&FORMAT.to_be_bytes());
    bytes.extend_from_slice(&vault.0);
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);
    bytes
}

fn read_header(stored: Option<&[u8]>) -> Result<Id> {
    let damaged = |flaw| Place::Header.damaged(flaw);
    let stored = stored.ok_or_else(|| damaged(Flaw::Missing))?;
    // The version comes first: another format may have another length.
    let rest = stored.strip_prefix(MAGIC).ok_or_else(|| damaged(Flaw::Format))?;
    let (format, rest) = rest.split_first_chunk::<2>().ok_or_else(|| damaged(Flaw::Length))?;
    let (id, digest) = rest.split_first_chunk::<{ Id::BYTES }>().ok_or_else(|| damaged(Flaw::Length))?;
    let sound = *digest == Sha256::digest(&stored[..stored.len() - digest.len()])[..];
    match u16::from_be_bytes(*format) {
        FORMAT if sound => Ok(Id(*id)),
        found if found > FORMAT && sound => Err(VaultError::Format { found, supported: FORMAT }),
        _ => Err(damaged(Flaw::Authentication)),
    }
}
