//! Key slots: each holds the master key, wrapped under one key-encryption key.
//!
//! A slot's check, `HMAC-SHA256(KEK, "cloister slot check" ‖ vault ‖ slot)`, is compared before anything is decrypted:
//! GCM alone does not commit to its key, and a slot is where keys are guessed. A plain SHA-256 over the slot
//! tells a damaged slot from a wrong key.

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    codec,
    envelope::{self, Address, RecordType},
    error::{Flaw, Place, Result, VaultError},
    hierarchy,
    id::Id,
    key::Key,
    secret::Unlock,
    store::{Change, Store, Table},
};

/// RFC 9106, section 4, second recommended option: 64 MiB, three passes, four lanes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// A slot that asks for more than this was not written by us, and would only serve to exhaust memory.
const MEMORY_KIB_MOST: u32 = 1024 * 1024;
const PASSES_MOST: u32 = 64;
const LANES_MOST: u32 = 64;

#[derive(Serialize, Deserialize)]
enum Opener {
    Secret,
    Passphrase { salt: [u8; 16], memory_kib: u32, passes: u32, lanes: u32 },
}

#[derive(Serialize, Deserialize)]
struct Slot {
    opener: Opener,
    check: [u8; 32],
    wrapped: Vec<u8>,
}

/// Makes the slot that `unlock` opens, for `master`.
pub(crate) fn create(vault: Id, unlock: &Unlock, master: &Key) -> Result<Change> {
    let id = Id::random()?;
    let opener = match unlock {
        Unlock::Secret(_) => Opener::Secret,
        Unlock::Passphrase(_) => Opener::Passphrase {
            salt: *Id::random()?.as_bytes(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
        },
    };
    let kek = key_encryption_key(vault, &opener, unlock).map_err(|flaw| Place::Slot.damaged(flaw))?;
    let kek = kek.expect("the opener was made for this key");
    let wrapped = envelope::seal_plain(&kek, &address(vault, id), master.as_ref())?;
    let slot = Slot { opener, check: check(&kek, vault, id), wrapped };
    let mut bytes = codec::encode(&slot).to_vec();
    let digest = checksum(vault, id, &bytes);
    bytes.extend_from_slice(&digest);
    Ok(Change::put(Table::Slots, id.0.to_vec(), bytes))
}

/// The master key from the slot that `unlock` opens.
pub(crate) fn unlock(store: &Store, vault: Id, unlock: &Unlock) -> Result<Key> {
    let mut slots = Vec::new();
    store.scan(Table::Slots, &[], |key, value| {
        slots.push((key.to_vec(), value.to_vec()));
        Ok(())
    })?;
    let (mut damaged, mut tried) = (slots.is_empty().then_some(Flaw::Missing), false);
    for (key, bytes) in &slots {
        match try_slot(vault, key, bytes, unlock) {
            Ok(Attempt::Opened(master)) => return Ok(master),
            Ok(Attempt::WrongKey) => tried = true,
            Ok(Attempt::OtherKind) => {}
            Err(flaw) => damaged = Some(flaw),
        }
    }
    // A damaged slot may be the very one that this key opens: say so rather than "wrong key".
    match damaged {
        Some(flaw) => Err(Place::Slot.damaged(flaw)),
        None if tried => Err(VaultError::WrongKey { given: unlock.describe() }),
        None => Err(VaultError::NoSlot { given: unlock.describe() }),
    }
}

enum Attempt {
    Opened(Key),
    WrongKey,
    OtherKind,
}

fn try_slot(vault: Id, key: &[u8], bytes: &[u8], unlock: &Unlock) -> std::result::Result<Attempt, Flaw> {
    let id = Id::from_slice(key).ok_or(Flaw::Length)?;
    let (body, digest) = bytes.split_last_chunk::<32>().ok_or(Flaw::Length)?;
    if checksum(vault, id, body) != *digest {
        return Err(Flaw::Authentication);
    }
    let slot: Slot = codec::decode(body)?;
    let Some(kek) = key_encryption_key(vault, &slot.opener, unlock)? else {
        return Ok(Attempt::OtherKind);
    };
    if !bool::from(check(&kek, vault, id).ct_eq(&slot.check)) {
        return Ok(Attempt::WrongKey);
    }
    let master = envelope::open_plain(&kek, &address(vault, id), &slot.wrapped, Key::BYTES)?;
    Key::from_slice(&master).map(Attempt::Opened).ok_or(Flaw::Length)
}

/// The key-encryption key, or `None` when the slot is for another kind of key.
fn key_encryption_key(vault: Id, opener: &Opener, unlock: &Unlock) -> std::result::Result<Option<Key>, Flaw> {
    match (opener, unlock) {
        (Opener::Secret, Unlock::Secret(secret)) => Ok(Some(hierarchy::expand(&secret.0, vault, "kek"))),
        (&Opener::Passphrase { ref salt, memory_kib, passes, lanes }, Unlock::Passphrase(passphrase)) => {
            let sound = (MEMORY_KIB..=MEMORY_KIB_MOST).contains(&memory_kib)
                && (PASSES..=PASSES_MOST).contains(&passes)
                && (LANES..=LANES_MOST).contains(&lanes);
            if !sound {
                return Err(Flaw::Inconsistent);
            }
            let params =
                Params::new(memory_kib, passes, lanes, Some(Key::BYTES)).map_err(|_| Flaw::Inconsistent)?;
            let mut stretched = Key::zero();
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_into(passphrase.bytes(), salt, stretched.as_mut())
                .map_err(|_| Flaw::Inconsistent)?;
            Ok(Some(hierarchy::expand(&stretched, vault, "kek")))
        }
        _ => Ok(None),
    }
}

fn check(kek: &Key, vault: Id, slot: Id) -> [u8; 32] {
    kek.mac(&[b"cloister slot check", &vault.0, &slot.0])
}

fn checksum(vault: Id, slot: Id, body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(vault.0).chain_update(slot.0).chain_update(body).finalize().into()
}

fn address(vault: Id, slot: Id) -> Address<'static> {
    Address { vault, record: RecordType::MasterKey, owner: slot, key_version: 1, index: 0, context: &[] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Passphrase, hex};

    fn vault() -> Id {
        Id(std::array::from_fn(|i| 0x40 + i as u8))
    }

    fn stretch(memory_kib: u32, passes: u32, lanes: u32) -> std::result::Result<Option<Key>, Flaw> {
        let salt = std::array::from_fn(|i| i as u8);
        let opener = Opener::Passphrase { salt, memory_kib, passes, lanes };
        let words = Passphrase::new("correct horse battery staple".into());
        key_encryption_key(vault(), &opener, &words.into())
    }

    /// From `tests/vectors.py`.
    #[test]
    fn a_slots_keys_are_the_known_ones() {
        let kek = stretch(64 * 1024, 3, 4).unwrap().unwrap();
        assert_eq!(hex(kek.as_ref()), "ce6e71425a04969043deee42022fcc444fb9eceeab05717a927700f4be6c6aaf");
        let key = Key::from_slice(&std::array::from_fn::<u8, 32, _>(|i| i as u8)).unwrap();
        let digits = "e69b364c80467e93c05ea2e15d2497b4eea9085d2d87aee5c6208980b01bd361";
        assert_eq!(hex(&check(&key, vault(), Id(std::array::from_fn(|i| 0x80 + i as u8)))), digits);
    }

    #[test]
    fn weak_and_ruinous_stretching_is_refused() {
        for (memory_kib, passes, lanes) in [
            (MEMORY_KIB - 1, PASSES, LANES),
            (MEMORY_KIB, PASSES - 1, LANES),
            (MEMORY_KIB, PASSES, LANES - 1),
            (u32::MAX, PASSES, LANES),
            (MEMORY_KIB, u32::MAX, LANES),
            (MEMORY_KIB, PASSES, u32::MAX),
        ] {
            assert!(matches!(stretch(memory_kib, passes, lanes), Err(Flaw::Inconsistent)));
        }
    }
}
