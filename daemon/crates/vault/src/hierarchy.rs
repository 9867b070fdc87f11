//! From the master key to the keys that seal: each use has its own, derived with HKDF-SHA256.
//!
//! ```text
//! master secret or passphrase -> KEK -> wraps the master key MK (one slot each)
//! MK -> "dek-wrap"  wraps each dataset's data key
//!    -> "index-mac" hides names in database keys
//!    -> "names"     seals name entries
//!    -> "records"   seals the daemon's records
//!    -> "census"    seals the census of each table
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
    pub(crate) census: Key,
}

impl Hierarchy {
    pub(crate) fn derive(master: &Key, vault: Id) -> Self {
        let key = |label| expand(master, vault, label);
        Self {
            dek_wrap: key("dek-wrap"),
            index_mac: key("index-mac"),
            names: key("names"),
            records: key("records"),
            census: key("census"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    /// From `tests/vectors.py`.
    #[test]
    fn derived_keys_are_the_known_ones() {
        let master = Key::from_slice(&std::array::from_fn::<u8, 32, _>(|i| i as u8)).unwrap();
        let vault = Id(std::array::from_fn(|i| 0x40 + i as u8));
        let keys = Hierarchy::derive(&master, vault);
        let known = [
            (
                &expand(&master, vault, "kek"),
                "4d84252738d9bae133f97687f6b063d30045631c984d2dae1c3a58282366db57",
            ),
            (&keys.dek_wrap, "9f9d88e262942d04d9b28bd866c4cd9fc764289c091045e81372e33ac389b91a"),
            (&keys.index_mac, "c9889230275c9b93cb8604246aa1bfa418b62c37f882db7d9cc47f3d5da5f4ec"),
            (&keys.names, "8da080a60d9fab032c88fccf431beb47d16bacaa2efa58f415e117b2fcc7ae9d"),
            (&keys.records, "bcafa7c877fe4ee655f4b768964fc762b2b2cf91b6cc7ba2719439a0e19b7593"),
            (&keys.census, "fb27aad11ab58dbd63ce066329b9b8a23ab88f46a39c3b7c5e9b83dae024acd5"),
        ];
        for (key, digits) in known {
            assert_eq!(hex(key.as_ref()), digits);
        }
        assert_eq!(keys.tag("dataset", &[b"iris"]).to_string(), "e420cd43e630517266e66a9ef8282d44");
    }
}
