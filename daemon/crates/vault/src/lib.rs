//! Sealed storage: datasets and the daemon's own records, encrypted in an embedded database.
//!
//! * Everything stored is sealed with AES-256-GCM under a key of its own and bound to the place where it
//!   belongs; names and ids are in no database key. Changed, moved, repeated, dropped or shortened data is
//!   an error that names it, never wrong data.
//! * What a call has acknowledged is on the disk and survives the loss of power. What was not acknowledged is
//!   absent after a crash.
//! * Removing a dataset erases its key first. The database keeps old pages for a while, so this erases what
//!   the key protects only together with the master key's secrecy.
//!
//! Not protected: sizes and times of records, and a whole vault put back to an earlier state.
//!
//! All calls block on the disk: run them on threads that may block.
//!
//! ```
//! use std::io::{Read, Write};
//! use vault::{MasterSecret, Unlock, UploadMeta, Vault};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = tempfile::tempdir()?;
//! # let dir = scratch.path();
//! let unlock = Unlock::from(MasterSecret::create_file(dir.join("master.key"))?);
//! let vault = Vault::create(dir.join("vault"), &unlock)?;
//!
//! let meta = UploadMeta { format: "csv".into(), gzip: false, file_name: "heights.csv".into() };
//! let mut upload = vault.upload("heights", meta)?;
//! upload.write_all(b"height\n172\n")?;
//! let info = upload.commit(b"one numeric column".to_vec(), 1)?;
//! assert_eq!(info.bytes, 11);
//!
//! let mut document = String::new();
//! vault.reader("heights")?.read_to_string(&mut document)?;
//! assert_eq!(document, "height\n172\n");
//! # Ok(())
//! # }
//! ```

mod catalog;
mod census;
mod codec;
mod dataset;
mod envelope;
mod error;
mod hierarchy;
mod id;
mod key;
mod name;
mod record;
mod secret;
mod secret_file;
mod slot;
mod store;
mod stream;
mod sweep;
mod upload;
mod vault;

pub use dataset::{DatasetInfo, DatasetReader, UploadMeta};
pub use error::{Damage, ErrorClass, Flaw, Part, Place, Result, VaultError};
pub use id::Id;
pub use record::RecordKind;
pub use secret::{MasterSecret, Passphrase, Unlock};
pub use upload::{Upload, UploadReader};
pub use vault::Vault;

/// Bytes as digits, for tests that hold them against known answers.
#[cfg(test)]
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
