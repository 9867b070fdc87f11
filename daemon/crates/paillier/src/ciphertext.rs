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
    /// Reads a big-endian number of exactly [`PublicKey::ciphertext_len`] bytes. For many ciphertexts,
    /// [`Self::all_from_bytes`] is much faster.
    ///
    /// # Errors
    /// [`Error::Length`] for another length, [`Error::Ciphertext`] if the number is not below n² or has a
    /// factor in common with n (zero has).
    pub fn from_bytes(key: &PublicKey, bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() != key.ciphertext_len() {
            let wanted = key.ciphertext_len().to_string();
            return Err(Error::Length { what: "a ciphertext", wanted, got: bytes.len() });
        }
        let ciphertext = Self::below_square(key, bytes)?;
        check_units(key, bytes)?;
        Ok(ciphertext)
    }

    /// Reads ciphertexts that stand one after the other, each as [`Self::from_bytes`] reads it. Memory is
    /// taken only for whole ciphertexts that are there.
    ///
    /// # Errors
    /// As of [`Self::from_bytes`], for any of them.
    pub fn all_from_bytes(key: &PublicKey, bytes: &[u8]) -> Result<Vec<Self>, Error> {
        let len = key.ciphertext_len();
        if !bytes.len().is_multiple_of(len) {
            let wanted = format!("a multiple of {len}");
            return Err(Error::Length { what: "a list of ciphertexts", wanted, got: bytes.len() });
        }
        let all =
            bytes.chunks_exact(len).map(|bytes| Self::below_square(key, bytes)).collect::<Result<_, _>>()?;
        check_units(key, bytes)?;
        Ok(all)
    }

    fn below_square(key: &PublicKey, bytes: &[u8]) -> Result<Self, Error> {
        let residue = limbs::from_be_bytes(bytes);
        if !limbs::less_than(&residue, key.square()) {
            return Err(Error::Ciphertext("is not below the square of the modulus"));
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

/// Refuses numbers, one after the other in `bytes`, of which one has a factor in common with n.
///
/// A product has one exactly if one of its factors has, and a product costs a small part of a greatest
/// common divisor. Nothing here is secret.
fn check_units(key: &PublicKey, bytes: &[u8]) -> Result<(), Error> {
    let n = key.modulus();
    let product = bytes
        .chunks_exact(key.ciphertext_len())
        .fold(BigUint::one(), |product, bytes| product * (BigUint::from_bytes_be(bytes) % n) % n);
    if !product.gcd(n).is_one() {
        return Err(Error::Ciphertext("has a factor in common with the modulus"));
    }
    Ok(())
}
