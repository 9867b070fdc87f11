//! Encrypted numbers.

use num_bigint::BigUint;
use num_integer::Integer;
use num_traits::One;

use crate::limbs;
use crate::{Error, PublicKey};

/// An encrypted number: a unit modulo n².
///
/// From outside it comes through [`Ciphertext::from_bytes`] alone, which takes the key and checks the
/// range. It does not remember its key; operations take the key that it was made under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ciphertext {
    /// Below n², in twice the limbs of n.
    residue: Vec<u64>,
}

impl Ciphertext {
    /// Reads a big-endian number of exactly [`PublicKey::ciphertext_len`] bytes.
    ///
    /// # Errors
    /// [`Error::Length`] for another length, [`Error::Ciphertext`] if the number is not below n² or has a
    /// factor in common with n (zero has).
    pub fn from_bytes(key: &PublicKey, bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() != key.ciphertext_len() {
            let wanted = key.ciphertext_len().to_string();
            return Err(Error::Length { what: "a ciphertext", wanted, got: bytes.len() });
        }
        let residue = limbs::from_be_bytes(bytes);
        if !limbs::less_than(&residue, key.square()) {
            return Err(Error::Ciphertext("is not below the square of the modulus"));
        }
        if !BigUint::from_bytes_be(bytes).gcd(key.modulus()).is_one() {
            return Err(Error::Ciphertext("has a factor in common with the modulus"));
        }
        Ok(Ciphertext { residue: residue.to_vec() })
    }

    /// The number in big-endian bytes, as many as [`PublicKey::ciphertext_len`] says.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.residue.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect()
    }

    /// `limbs` are a unit below n², in twice the limbs of n.
    pub(crate) fn from_limbs(limbs: &[u64]) -> Self {
        Ciphertext { residue: limbs.to_vec() }
    }

    pub(crate) fn limbs(&self) -> &[u64] {
        &self.residue
    }
}
