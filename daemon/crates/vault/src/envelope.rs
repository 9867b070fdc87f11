//! The sealed form of every record: AES-256-GCM under a key of its own, bound to its address.
//!
//! ```text
//! 0   1  format version, 1
//! 1   1  record type
//! 2   1  coding of the plaintext: 0 as it is, 1 zstd
//! 3   4  length of the decoded plaintext, little-endian
//! 7  24  salt, fresh from the operating system
//! 31  n  ciphertext of the coded plaintext
//! +  16  tag
//! ```
//!
//! Key and nonce are `HKDF-SHA256(key, salt, "cloister/chunk/v1" ‖ type ‖ owner ‖ key version)`, 44 bytes. A random
//! 192-bit salt for each record lifts the limit of 2³² messages under one GCM key, the idea of XAES-256-GCM
//! (C2SP) and DNDK-GCM. The first seven bytes and the whole [`Address`] are associated data, so a record read
//! in another place than it was written for fails authentication.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    error::{Flaw, Result},
    id::Id,
    key::Key,
};

const FORMAT: u8 = 1;
const PREFIX: usize = 7;
const SALT: usize = 24;
const TAG: usize = 16;
const HEADER: usize = PREFIX + SALT;

/// What sealing adds to the coded plaintext, in bytes.
pub(crate) const OVERHEAD: usize = HEADER + TAG;

/// What a sealed record is. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum RecordType {
    MasterKey = 1,
    DataKey = 2,
    Name = 3,
    Manifest = 4,
    Content = 5,
    Schema = 6,
    RecordHead = 7,
    RecordBody = 8,
    Census = 9,
}

/// How the plaintext is coded before it is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Coding {
    Plain = 0,
    Zstd = 1,
}

/// The one place where a record may be read: all of it is authenticated with the record.
pub(crate) struct Address<'a> {
    pub(crate) vault: Id,
    pub(crate) record: RecordType,
    pub(crate) owner: Id,
    /// Version of the owner's key.
    pub(crate) key_version: u32,
    /// Position among the owner's records of this type.
    pub(crate) index: u64,
    /// What else the record depends on.
    pub(crate) context: &'a [u8],
}

impl Address<'_> {
    fn associated_data(&self, prefix: &[u8]) -> Vec<u8> {
        let mut data = Vec::with_capacity(96 + self.context.len());
        data.extend_from_slice(b"cloister/vault/v1");
        data.extend_from_slice(prefix);
        data.extend_from_slice(&self.vault.0);
        data.extend_from_slice(&self.owner.0);
        data.extend_from_slice(&self.key_version.to_be_bytes());
        data.extend_from_slice(&self.index.to_be_bytes());
        data.extend_from_slice(&(self.context.len() as u64).to_be_bytes());
        data.extend_from_slice(self.context);
        data
    }

    fn cipher(&self, key: &Key, salt: &[u8]) -> (Aes256Gcm, Zeroizing<[u8; 44]>) {
        let info = [
            b"cloister/chunk/v1".as_slice(),
            &[self.record as u8],
            &self.owner.0,
            &self.key_version.to_be_bytes(),
        ];
        let mut derived = Zeroizing::new([0; 44]);
        Hkdf::<Sha256>::new(Some(salt), key.as_ref())
            .expand_multi_info(&info, derived.as_mut())
            .expect("44 bytes are within HKDF's limit");
        let cipher = Aes256Gcm::new_from_slice(&derived[..32]).expect("32 bytes are a key");
        (cipher, derived)
    }
}

/// Seals `coded`, which decodes to `length` bytes, and appends the record to `out`.
pub(crate) fn seal(
    key: &Key,
    address: &Address<'_>,
    coding: Coding,
    length: u32,
    coded: &[u8],
    out: &mut Vec<u8>,
) -> Result<()> {
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt)?;
    seal_salted(key, address, coding, length, coded, &salt, out);
    Ok(())
}

/// Seals a short record that is not coded.
pub(crate) fn seal_plain(key: &Key, address: &Address<'_>, plain: &[u8]) -> Result<Vec<u8>> {
    let length = u32::try_from(plain.len()).expect("short records are short");
    let mut out = Vec::with_capacity(plain.len() + OVERHEAD);
    seal(key, address, Coding::Plain, length, plain, &mut out)?;
    Ok(out)
}

fn seal_salted(
    key: &Key,
    address: &Address<'_>,
    coding: Coding,
    length: u32,
    coded: &[u8],
    salt: &[u8; SALT],
    out: &mut Vec<u8>,
) {
    let mut prefix = [0; PREFIX];
    prefix[0] = FORMAT;
    prefix[1] = address.record as u8;
    prefix[2] = coding as u8;
    prefix[3..].copy_from_slice(&length.to_le_bytes());
    let (cipher, derived) = address.cipher(key, salt);
    let nonce = derived[32..].try_into().expect("the nonce has 12 bytes");
    // Reserved first: growing later would leave a copy of the plaintext behind.
    out.reserve(coded.len() + OVERHEAD);
    out.extend_from_slice(&prefix);
    out.extend_from_slice(salt);
    let start = out.len();
    out.extend_from_slice(coded);
    let tag = cipher
        .encrypt_inout_detached(nonce, &address.associated_data(&prefix), InOutBuf::from(&mut out[start..]))
        .expect("records are far below GCM's limit");
    out.extend_from_slice(&tag);
}

/// An opened record, still coded.
pub(crate) struct Opened {
    pub(crate) coding: Coding,
    /// Length after decoding, in bytes; authenticated and within the limit given.
    pub(crate) length: usize,
    pub(crate) coded: Zeroizing<Vec<u8>>,
}

/// Opens a record that must belong at `address` and decode to `longest` bytes at most.
pub(crate) fn open(
    key: &Key,
    address: &Address<'_>,
    sealed: &[u8],
    longest: usize,
) -> std::result::Result<Opened, Flaw> {
    if sealed.len() < OVERHEAD || sealed.len() > longest + OVERHEAD {
        return Err(Flaw::Length);
    }
    let (header, body) = sealed.split_at(HEADER);
    let (prefix, salt) = header.split_at(PREFIX);
    let (ciphertext, tag) = body.split_at(body.len() - TAG);
    if prefix[0] != FORMAT {
        return Err(Flaw::Format);
    }
    if prefix[1] != address.record as u8 {
        return Err(Flaw::Authentication);
    }
    let (cipher, derived) = address.cipher(key, salt);
    let nonce = derived[32..].try_into().expect("the nonce has 12 bytes");
    let tag = tag.try_into().expect("the tag has 16 bytes");
    let mut coded = Zeroizing::new(ciphertext.to_vec());
    let data = address.associated_data(prefix);
    if cipher.decrypt_inout_detached(nonce, &data, InOutBuf::from(coded.as_mut_slice()), tag).is_err() {
        coded.zeroize();
        return Err(Flaw::Authentication);
    }
    // Only now are these bytes the writer's.
    let length = u32::from_le_bytes(prefix[3..].try_into().expect("four bytes")) as usize;
    let coding = match prefix[2] {
        0 if length == coded.len() => Coding::Plain,
        1 => Coding::Zstd,
        _ => return Err(Flaw::Inconsistent),
    };
    if length > longest {
        return Err(Flaw::Inconsistent);
    }
    Ok(Opened { coding, length, coded })
}

/// Opens a record made by [`seal_plain`].
pub(crate) fn open_plain(
    key: &Key,
    address: &Address<'_>,
    sealed: &[u8],
    longest: usize,
) -> std::result::Result<Zeroizing<Vec<u8>>, Flaw> {
    match open(key, address, sealed, longest)? {
        Opened { coding: Coding::Plain, coded, .. } => Ok(coded),
        Opened { .. } => Err(Flaw::Inconsistent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    fn address(index: u64) -> Address<'static> {
        let (vault, owner) =
            (Id(std::array::from_fn(|i| 0x40 + i as u8)), Id(std::array::from_fn(|i| 0x80 + i as u8)));
        Address { vault, record: RecordType::Content, owner, key_version: 1, index, context: b"context" }
    }

    fn key() -> Key {
        Key::from_slice(&std::array::from_fn::<u8, 32, _>(|i| i as u8)).unwrap()
    }

    /// From `tests/vectors.py`.
    #[test]
    fn a_sealed_record_has_the_known_bytes() {
        let salt = std::array::from_fn(|i| 0xa0 + i as u8);
        let mut sealed = Vec::new();
        seal_salted(&key(), &address(7), Coding::Plain, 11, b"height\n172\n", &salt, &mut sealed);
        let known = "0105000b000000a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7032059c23e3925ff8c8d1111a99c6869\
                     db0cb48f4986a84579f865";
        assert_eq!(hex(&sealed), known);
        assert_eq!(*open_plain(&key(), &address(7), &sealed, 11).unwrap(), b"height\n172\n");
    }

    #[test]
    fn every_bit_and_the_whole_address_count() {
        let sealed = seal_plain(&key(), &address(7), b"plain").unwrap();
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                assert!(open_plain(&key(), &address(7), &changed, 100).is_err(), "byte {at}, bit {bit}");
            }
            assert!(open_plain(&key(), &address(7), &sealed[..at], 100).is_err(), "cut to {at}");
        }
        let other = Id([9; 16]);
        let moved = [
            Address { vault: other, ..address(7) },
            Address { owner: other, ..address(7) },
            Address { record: RecordType::Schema, ..address(7) },
            Address { key_version: 2, ..address(7) },
            address(8),
            Address { context: b"", ..address(7) },
        ];
        for (case, place) in moved.iter().enumerate() {
            assert_eq!(
                open_plain(&key(), place, &sealed, 100).unwrap_err(),
                Flaw::Authentication,
                "case {case}"
            );
        }
        let wrong = Key::from_slice(&[1; 32]).unwrap();
        assert_eq!(open_plain(&wrong, &address(7), &sealed, 100).unwrap_err(), Flaw::Authentication);
        assert_eq!(open_plain(&key(), &address(7), &sealed, 4).unwrap_err(), Flaw::Length);
    }

    #[test]
    fn the_same_plaintext_is_never_sealed_alike() {
        let [one, two] = [(); 2].map(|()| seal_plain(&key(), &address(7), &[0; 64]).unwrap());
        assert_ne!(one[7..31], two[7..31], "salts repeat");
        assert_ne!(one[31..], two[31..]);
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_it_is_used() {
        let mut sealed = Vec::new();
        seal(&key(), &address(7), Coding::Zstd, u32::MAX, b"bomb", &mut sealed).unwrap();
        assert!(matches!(open(&key(), &address(7), &sealed, 1 << 17), Err(Flaw::Inconsistent)));
    }
}
