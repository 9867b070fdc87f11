//! From the master key to the keys that seal: each use has its own, derived with HKDF-SHA256.
//!
//! ```text
//! master secret or passphrase -> KEK -> wraps the master key MK (one slot each)
//! MK -> "dek-wrap"  wraps each dataset's data key
//!    -> "index-mac" hides names in database keys
//!    -> "names"     seals name entries
//!    -> "records"   seals the daemon's records
//! data key -> a subkey for each record of the dataset (see `envelope`)
//! ```

use hkdf::Hkdf;
use sha2::Sha256;

use crate::{id::Id, key::Key};

/// The keys in use while a vault is open.
pub(crate) struct Hierarchy {
    pub(crate) dek_wrap: Key,
    pub(crate) index_mac: Key,
    pub(crate) names: Key,
    pub(crate) records: Key,
}

impl Hierarchy {
    pub(crate) fn derive(master: &Key, vault: Id) -> Self {
        let key = |label| expand(master, vault, label);
        Self {
            dek_wrap: key("dek-wrap"),
            index_mac: key("index-mac"),
            names: key("names"),
            records: key("records"),
        }
    }

    /// The database key's part for a name: the same name gives the same tag, which tells nothing of the name.
    pub(crate) fn tag(&self, space: &str, parts: &[&[u8]]) -> Id {
        let mut all = vec![space.as_bytes()];
        all.extend_from_slice(parts);
        let mac = self.index_mac.mac(&all);
        Id::from_slice(&mac[..Id::BYTES]).expect("a tag is half a MAC")
    }
}

/// `HKDF-SHA256(ikm = key, salt = vault id, info = "cloister/vault/v1/" ‖ label)`.
pub(crate) fn expand(key: &Key, vault: Id, label: &str) -> Key {
    let mut out = Key::zero();
    Hkdf::<Sha256>::new(Some(&vault.0), key.as_ref())
        .expand_multi_info(&[b"cloister/vault/v1/", label.as_bytes()], out.as_mut())
        .expect("32 bytes are within HKDF's limit");
    out
}
