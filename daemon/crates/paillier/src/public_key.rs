//! The key that everybody may have.

use std::fmt;
use std::sync::Arc;

use num_bigint::BigUint;
use rand_core::CryptoRng;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::limbs::{self, Secret};
use crate::ring::{Element, Ring};
use crate::{Ciphertext, Error, KeySize, Plaintext, primes, random};

/// A Paillier public key: the modulus n, with the arithmetic modulo n² prepared. Cheap to clone.
#[derive(Clone)]
pub struct PublicKey {
    inner: Arc<Inner>,
}

struct Inner {
    size: KeySize,
    modulus: BigUint,
    square: Secret,
    ring: Ring,
}

impl PublicKey {
    /// The key with a modulus of `size`, which the caller knows to be a product of two good primes.
    pub(crate) fn from_limbs(size: KeySize, n: &[u64]) -> Self {
        let modulus = BigUint::from_bytes_be(&limbs::to_be_bytes(n));
        let square = limbs::product(n, n);
        PublicKey { inner: Arc::new(Inner { size, modulus, square, ring: Ring::new(n) }) }
    }

    /// Reads a modulus: 128, 256 or 384 big-endian bytes.
    ///
    /// Nobody can check from outside that n is the product of two primes of equal length; what can be
    /// seen is checked. It takes one power modulo n², some milliseconds.
    ///
    /// # Errors
    /// [`Error::Length`] for another length, [`Error::PublicKey`] if n has its top bit clear, is not 1
    /// modulo 4, has a factor below 2^15, is a square, or is a prime.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let size = KeySize::from_byte_len("a Paillier public key", bytes.len())?;
        let n = limbs::from_be_bytes(bytes);
        if n[n.len() - 1] >> 63 == 0 {
            return Err(Error::PublicKey("is shorter than its encoding"));
        }
        if n[0] & 3 != 1 {
            return Err(Error::PublicKey("is not congruent to 1 modulo 4"));
        }
        if primes::has_small_factor(&n) {
            return Err(Error::PublicKey("has a small factor"));
        }
        let key = PublicKey::from_limbs(size, &n);
        let root = key.modulus().sqrt();
        if &(&root * &root) == key.modulus() {
            return Err(Error::PublicKey("is a square"));
        }
        let mut exponent = n.clone();
        exponent[0] -= 1;
        let ring = key.ring();
        let fermat = ring.residue(&ring.power(&ring.element(&[2]), &exponent));
        if fermat[0] == 1 && limbs::is_zero(&fermat[1..]) {
            return Err(Error::PublicKey("is a prime"));
        }
        Ok(key)
    }

    /// The modulus in big-endian bytes, as [`Self::from_bytes`] reads it.
    pub fn to_bytes(&self) -> Vec<u8> {
        limbs::to_be_bytes(self.limbs()).to_vec()
    }

    /// The key's size.
    pub fn size(&self) -> KeySize {
        self.inner.size
    }

    /// The length of the modulus in bits.
    pub fn bits(&self) -> u32 {
        self.inner.size.bits()
    }

    /// The modulus n.
    pub fn modulus(&self) -> &BigUint {
        &self.inner.modulus
    }

    /// Bytes of an encoded ciphertext.
    pub fn ciphertext_len(&self) -> usize {
        2 * self.plaintext_len()
    }

    /// Bytes of an encoded plaintext.
    pub fn plaintext_len(&self) -> usize {
        self.inner.size.bytes()
    }

    /// The ciphertext of the sum of two plaintexts, modulo n. Both ciphertexts belong to this key.
    #[must_use]
    pub fn add(&self, a: &Ciphertext, b: &Ciphertext) -> Ciphertext {
        let ring = self.ring();
        self.seal(&ring.multiply(&ring.element(a.limbs()), &ring.element(b.limbs())))
    }

    /// The ciphertext of the sum of all the plaintexts, modulo n; without any it is an encryption of zero
    /// that hides nothing. All ciphertexts belong to this key.
    #[must_use]
    pub fn sum<'a>(&self, ciphertexts: impl IntoIterator<Item = &'a Ciphertext>) -> Ciphertext {
        let ring = self.ring();
        let sum = ciphertexts
            .into_iter()
            .fold(ring.one().clone(), |sum, next| ring.multiply(&sum, &ring.element(next.limbs())));
        self.seal(&sum)
    }

    /// The ciphertext of `constant` times the plaintext, modulo n. The constant is given in little-endian
    /// limbs; the time depends on their number alone.
    ///
    /// Whoever knows the plaintext of `a` can find the constant from the result, unless it is re-randomised.
    #[must_use]
    pub fn mul_constant(&self, a: &Ciphertext, constant: &[u64]) -> Ciphertext {
        let ring = self.ring();
        self.seal(&ring.power(&ring.element(a.limbs()), constant))
    }

    /// Encrypts as in Paillier's paper: (1 + m n) r^n modulo n² with r uniform modulo n.
    ///
    /// It needs no preparation, and takes about ten times as long as [`crate::Encryptor::encrypt`].
    ///
    /// # Errors
    /// [`Error::PlaintextTooLarge`] if the plaintext was made for another key.
    pub fn encrypt_textbook(&self, m: &Plaintext, rng: &mut impl CryptoRng) -> Result<Ciphertext, Error> {
        m.check(self)?;
        let ring = self.ring();
        // A draw that is no unit would factor n: nobody will see it.
        let r = random::below(self.limbs(), rng);
        let noise = ring.power(&ring.element(&r), self.limbs());
        Ok(self.seal(&ring.multiply(&noise, &self.bare(m))))
    }

    /// 1 + m n: the encryption of m without any randomness.
    pub(crate) fn bare(&self, m: &Plaintext) -> Element {
        let mut integer = limbs::product(m.limbs(), self.limbs());
        limbs::add_assign(&mut integer, &[1]);
        self.ring().element(&integer)
    }

    /// The ciphertext that the unit `element` is.
    pub(crate) fn seal(&self, element: &Element) -> Ciphertext {
        Ciphertext::from_limbs(&self.ring().integer(element))
    }

    /// The integers modulo n².
    pub(crate) fn ring(&self) -> &Ring {
        &self.inner.ring
    }

    /// n.
    pub(crate) fn limbs(&self) -> &[u64] {
        self.inner.ring.modulus()
    }

    /// n².
    pub(crate) fn square(&self) -> &[u64] {
        &self.inner.square
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.modulus() == other.modulus()
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:x})", self.modulus())
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes())
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(KeyBytes)
    }
}

/// Reads the bytes of a key, and no more of them than the longest key has.
struct KeyBytes;

impl<'de> Visitor<'de> for KeyBytes {
    type Value = PublicKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the 128, 256 or 384 bytes of a Paillier public key")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<PublicKey, E> {
        PublicKey::from_bytes(bytes).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<PublicKey, A::Error> {
        let most = KeySize::Bits3072.bytes();
        let mut bytes = Vec::with_capacity(most);
        while let Some(byte) = seq.next_element::<u8>()? {
            if bytes.len() == most {
                return Err(de::Error::invalid_length(most + 1, &KeyBytes));
            }
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}
