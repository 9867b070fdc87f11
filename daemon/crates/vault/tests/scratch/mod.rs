//! A vault in a directory of its own, and a way around it to the raw database.

// Each test program uses its own part of this.
#![allow(dead_code, reason = "shared by several test programs")]

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use vault::{DatasetInfo, MasterSecret, Unlock, UploadMeta, Vault};

pub(crate) struct Scratch {
    root: tempfile::TempDir,
    pub(crate) unlock: Unlock,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), unlock: MasterSecret::generate().unwrap().into() }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("vault")
    }

    pub(crate) fn create(&self) -> Vault {
        Vault::create(self.dir(), &self.unlock).unwrap()
    }

    pub(crate) fn open(&self) -> Vault {
        Vault::open(self.dir(), &self.unlock).unwrap()
    }

    /// The database as an intruder sees it, while the vault is closed.
    pub(crate) fn raw(&self) -> sled::Db {
        raw(&self.dir())
    }

    pub(crate) fn raw_keys(&self, table: &str) -> Vec<Vec<u8>> {
        self.raw().open_tree(table).unwrap().iter().keys().map(|key| key.unwrap().to_vec()).collect()
    }
}

/// The raw database of the closed vault in `dir`.
pub(crate) fn raw(dir: &Path) -> sled::Db {
    let config = sled::Config::new().path(dir.join("store")).segment_size(2 << 20);
    let start = Instant::now();
    loop {
        match config.open() {
            // sled lets go of its lock in the background, a moment after its last handle is dropped.
            Err(sled::Error::Io(_)) if start.elapsed() < Duration::from_secs(20) => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

pub(crate) fn store(vault: &Vault, name: &str, bytes: &[u8]) -> DatasetInfo {
    let meta = UploadMeta { format: "csv".into(), gzip: false, file_name: format!("{name}.csv") };
    let mut upload = vault.upload(name, meta).unwrap();
    upload.write_all(bytes).unwrap();
    upload.commit(b"schema".to_vec(), 1).unwrap()
}

/// Numeric text, which compresses.
pub(crate) fn text(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 32);
    let mut state = 1;
    while bytes.len() < length {
        state = step(state);
        write!(bytes, "{}.{:03},", 100 + state % 97, (state >> 20) % 1000).unwrap();
    }
    bytes.truncate(length);
    bytes
}

/// Bytes that do not compress, the same for the same seed.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = step(state);
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// splitmix64.
fn step(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
