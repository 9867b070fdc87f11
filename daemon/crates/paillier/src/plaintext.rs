//! The numbers that are encrypted.

use zeroize::Zeroizing;

use crate::limbs::{self, Secret};
use crate::{Error, PublicKey};

/// A number below the modulus n of the key that it was made for, wiped when dropped and never printed.
#[derive(Clone)]
pub struct Plaintext {
    limbs: Secret,
}

impl Plaintext {
    /// A small number, for the key `key`.
    pub fn from_u64(key: &PublicKey, value: u64) -> Self {
        Plaintext { limbs: limbs::resized(&[value], key.size().limbs()) }
    }

    /// Reads a big-endian number of exactly [`PublicKey::plaintext_len`] bytes.
    ///
    /// # Errors
    /// [`Error::Length`] for another length, [`Error::PlaintextTooLarge`] if the number is not below n.
    pub fn from_bytes(key: &PublicKey, bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() != key.plaintext_len() {
            let wanted = key.plaintext_len().to_string();
            return Err(Error::Length { what: "a plaintext", wanted, got: bytes.len() });
        }
        let plaintext = Plaintext { limbs: limbs::from_be_bytes(bytes) };
        plaintext.check(key)?;
        Ok(plaintext)
    }

    /// The number in big-endian bytes, as many as [`PublicKey::plaintext_len`] says.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        limbs::to_be_bytes(&self.limbs)
    }

    /// `limbs` are as many as the modulus of the key has, and below it.
    pub(crate) fn from_limbs(limbs: Secret) -> Self {
        Plaintext { limbs }
    }

    pub(crate) fn limbs(&self) -> &[u64] {
        &self.limbs
    }

    /// Refuses what is not below the modulus of `key`.
    pub(crate) fn check(&self, key: &PublicKey) -> Result<(), Error> {
        let n = key.limbs();
        if self.limbs.len() != n.len() || !limbs::less_than(&self.limbs, n) {
            let got = 64 * self.limbs.len() as u64;
            return Err(Error::PlaintextTooLarge { got, modulus: 64 * n.len() as u64 });
        }
        Ok(())
    }
}

impl PartialEq for Plaintext {
    /// In constant time for plaintexts of one key.
    fn eq(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq;
        self.limbs.as_slice().ct_eq(other.limbs.as_slice()).into()
    }
}

impl Eq for Plaintext {}
