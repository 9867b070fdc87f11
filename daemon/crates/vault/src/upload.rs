//! Taking a dataset in: written as it comes, read back to be validated, and visible only once it is durable.

use std::{
    io::{self, Read, Write},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    catalog::{DataKey, Manifest},
    dataset::{DatasetInfo, UploadMeta},
    envelope::RecordType,
    error::{Result, VaultError},
    id::Id,
    name,
    store::Table,
    stream::{StreamAddress, StreamOf, StreamReader, StreamWriter},
    vault::Vault,
};

/// Largest schema, in bytes.
const SCHEMA_MOST: usize = 16 * 1024 * 1024;
const FORMAT_MOST: usize = 32;
const FILE_NAME_MOST: usize = 255;

/// A dataset on its way in. Dropped before [`Upload::commit`] it leaves nothing behind.
///
/// After an error in writing it takes nothing more: drop it and start again.
pub struct Upload {
    vault: Vault,
    id: Id,
    name: String,
    meta: UploadMeta,
    key: DataKey,
    content: StreamWriter,
    broken: bool,
    committed: bool,
}

impl Vault {
    /// Starts an upload.
    ///
    /// # Errors
    /// [`VaultError::BadName`], [`VaultError::Exists`] when the name is taken, or a failure of the store.
    pub fn upload(&self, name: &str, meta: UploadMeta) -> Result<Upload> {
        name::check_dataset(name)?;
        name::check_text("format name", &meta.format, FORMAT_MOST)?;
        name::check_text("file name", &meta.file_name, FILE_NAME_MOST)?;
        self.refuse_taken(name)?;
        let id = Id::random()?;
        let key = DataKey::generate()?;
        let at = self.dataset_stream(id, RecordType::Content, key.version);
        let content = StreamWriter::new(self.store().clone(), key.key.duplicate(), at, !meta.gzip)?;
        let name = name.to_owned();
        Ok(Upload { vault: self.clone(), id, name, meta, key, content, broken: false, committed: false })
    }

    fn refuse_taken(&self, name: &str) -> Result<()> {
        if self.is_taken(name)? { Err(VaultError::Exists { name: name.to_owned() }) } else { Ok(()) }
    }

    pub(crate) fn dataset_stream(&self, id: Id, record: RecordType, key_version: u32) -> StreamAddress {
        StreamAddress { vault: self.id(), record, owner: id, key_version, context: Vec::new() }
    }
}

impl Upload {
    /// Bytes written so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.content.bytes()
    }

    /// Reads back what was written so far, from where it is stored, so that what is validated is what will be kept.
    ///
    /// # Errors
    /// [`VaultError::UploadBroken`] after an error in writing.
    pub fn reader(&self) -> Result<UploadReader<'_>> {
        if self.broken {
            return Err(VaultError::UploadBroken);
        }
        let stored = self.content.read_back(StreamOf::Content(self.name.clone()))?;
        Ok(UploadReader { stored, pending: self.content.pending() })
    }

    /// Makes the dataset visible under its name, with a schema of 16 MiB at most that the vault does not look into.
    /// When this returns, the dataset is durable; when it fails, nothing is left.
    ///
    /// # Errors
    /// [`VaultError::Exists`] when another upload took the name meanwhile, [`VaultError::TooLarge`] for the
    /// schema, [`VaultError::UploadBroken`] after an error in writing, or a failure of the store.
    pub fn commit(mut self, schema: Vec<u8>, rows: u64) -> Result<DatasetInfo> {
        if self.broken {
            return Err(VaultError::UploadBroken);
        }
        if schema.len() > SCHEMA_MOST {
            let (bytes, limit) = (schema.len() as u64, SCHEMA_MOST as u64);
            return Err(VaultError::TooLarge { what: "the schema", bytes, limit });
        }
        let content = self.content.finish()?;
        let at = self.vault.dataset_stream(self.id, RecordType::Schema, self.key.version);
        let mut writer = StreamWriter::new(self.vault.store().clone(), self.key.key.duplicate(), at, true)?;
        writer.write(&schema)?;
        let manifest = Manifest {
            name: self.name.clone(),
            format: self.meta.format.clone(),
            gzip: self.meta.gzip,
            file_name: self.meta.file_name.clone(),
            rows,
            created_unix: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            content,
            schema: writer.finish()?,
        };
        let entries = self.vault.catalog_entries(self.id, &self.key, &manifest)?;
        // The chunks first: once the entries below are on the disk, all that they speak of is.
        self.vault.store().durable_flush()?;
        {
            let mut census = self.vault.census(Table::Catalog);
            self.vault.refuse_taken(&self.name)?;
            self.vault.change(&mut census, Table::Catalog, entries)?;
        }
        if let Err(error) = self.vault.store().durable_flush() {
            // Not acknowledged, so it must not stay; on a disk that refuses, the attempt is all there is.
            let _ = self.vault.unlist(&mut self.vault.census(Table::Catalog), &self.name, Some(self.id));
            return Err(error);
        }
        self.committed = true;
        Ok(manifest.into_info(self.id, schema))
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.broken {
            return Err(VaultError::UploadBroken.into_io());
        }
        self.content.write(bytes).map_err(|error| {
            self.broken = true;
            error.into_io()
        })?;
        Ok(bytes.len())
    }

    /// Does nothing: only [`Upload::commit`] makes anything durable.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.committed {
            // What cannot be deleted now is swept when the vault is next opened; without its key it is noise.
            let _ = self.vault.delete_chunks(self.id);
        }
    }
}

/// What an [`Upload`] holds so far. Its errors hold a [`VaultError`].
pub struct UploadReader<'a> {
    stored: StreamReader,
    pending: &'a [u8],
}

impl Read for UploadReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.stored.read(out)? {
            0 => self.pending.read(out),
            count => Ok(count),
        }
    }
}
