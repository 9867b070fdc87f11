//! What the vault tells about a dataset, and reading one back.

use std::io::{self, Read};

use crate::{error::VaultError, id::Id, stream::StreamReader, vault::Vault};

/// What the uploader says about a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadMeta {
    /// The format's name, 32 bytes at most: "xrff" or "csv".
    pub format: String,
    /// Whether the document is compressed with gzip; then it is not compressed again.
    pub gzip: bool,
    /// Name of the file it came from, 255 bytes at most.
    pub file_name: String,
}

/// A stored dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetInfo {
    /// Identifier, never used again.
    pub id: Id,
    /// Name, unique in the vault.
    pub name: String,
    /// The format's name, as uploaded.
    pub format: String,
    /// Whether the document is compressed with gzip.
    pub gzip: bool,
    /// Name of the file it came from.
    pub file_name: String,
    /// Length of the document in bytes.
    pub bytes: u64,
    /// Bytes that its chunks take once compressed and sealed; the database's own overhead is not in it.
    pub stored_bytes: u64,
    /// Number of chunks.
    pub chunks: u64,
    /// Number of rows, as given at commit.
    pub rows: u64,
    /// The schema as given at commit.
    pub schema: Vec<u8>,
    /// SHA-256 of the document.
    pub sha256: [u8; 32],
    /// Time of commit, in seconds since 1970.
    pub created_unix: u64,
}

/// Reads a dataset's document, byte for byte as it was uploaded.
///
/// No byte is given out before its chunk is authenticated in its place. At the end the chunk count, the chunk
/// list and the content hash are checked, so only a reader that has returned `Ok(0)` has seen the
/// whole document. An error holds a [`VaultError`], see [`VaultError::within`].
pub struct DatasetReader {
    stream: StreamReader,
    vault: Vault,
    id: Id,
    name: String,
    sha256: [u8; 32],
}

impl DatasetReader {
    pub(crate) fn new(stream: StreamReader, vault: Vault, id: Id, name: String, sha256: [u8; 32]) -> Self {
        Self { stream, vault, id, name, sha256 }
    }

    /// SHA-256 of the document that is being read, even if another one has its name by now.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
}

impl Read for DatasetReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.stream.read(out).map_err(|error| {
            let damaged = matches!(VaultError::within(&error), Some(VaultError::Damaged(_)));
            if damaged && self.vault.is_removed(self.id) {
                return VaultError::Removed { name: self.name.clone() }.into_io();
            }
            error
        })
    }
}
