//! Fast encryption under one key.

use std::sync::Arc;

use rand_core::CryptoRng;

use crate::comb::Comb;
use crate::limbs::Secret;
use crate::{Ciphertext, Error, Plaintext, PublicKey, parallel, random};

/// Encrypts under one public key with precomputed randomness, after Damgård, Jurik and Nielsen.
///
/// A ciphertext of m is (1 + m n) · s^x modulo n², where s = h^n, h = −y² modulo n for a random y, and x
/// is uniform with half as many bits as n. Powers of the fixed base s come from a table. Cloning shares
/// the table; an encryptor may be used from many threads.
///
/// # Why this is as safe as r^n
///
/// y is drawn *here*, by the one who encrypts, so the key's owner cannot choose an h that would show him
/// anything special, and h need not be sent to anybody. Three steps lead from r^n to s^x.
///
/// 1. *h is as good as a random base.* Keys of this crate have p ≡ q ≡ 3 (mod 4) and
///    gcd(p − 1, q − 1) = 2. The units modulo n of Jacobi symbol 1 are then a cyclic group J of order
///    (p − 1)(q − 1)/2, −1 is no square in it, and −y² for random y is uniform among its non-squares. All odd
///    prime factors of the order exceed 2^15 and there are at most 204 of them (at 3072 bits), so h
///    generates all of J except with probability below 204/2^15 = 0.7 %; otherwise it generates a
///    subgroup of an index above 2^15 that nobody without the factors of n is known to tell from J.
/// 2. *Full-length exponents.* For x uniform over a range as long as n and more, h^x is statistically
///    close to uniform in J, and s^x = (h^x)^n is close to uniform among the n-th powers of symbol 1. The
///    symbol of a ciphertext modulo n is computed without the key and does not depend on m, so encrypting
///    with r of symbol 1 is semantically secure if and only if it is with any r: this is Paillier's
///    own assumption, that n-th powers modulo n² look random (decisional composite residuosity).
/// 3. *Half-length exponents.* Goldreich and Rosen (On the security of modular exponentiation with
///    application to the construction of pseudorandom generators, Journal of Cryptology 16, 2003) prove
///    for random bases modulo a product of two equally long primes that powers with exponents of half the
///    modulus' length cannot be told from powers with full-length exponents, if factoring such products
///    is hard. s^x modulo n² is a public function of h^x modulo n (raise it to the n-th power; modulo n²
///    that depends on the residue modulo n only), so what holds for h^x holds for s^x.
///
/// The exact assumption is therefore: decisional composite residuosity for these n, and that (n, h, h^x)
/// with short x cannot be told from (n, h, h^x) with long x for h uniform among the non-squares in J. The
/// latter follows from the hardness of factoring by the cited theorem up to two differences that it does
/// not cover literally: its base is uniform among all units, and its primes are not constrained. The
/// encryptor trusts the key's owner to have made n in that form, as the whole protocol trusts every
/// party to follow it.
///
/// The exponent never repeats: each encryption draws its own.
#[derive(Clone)]
pub struct Encryptor {
    key: PublicKey,
    comb: Arc<Comb>,
}

impl Encryptor {
    /// Prepares encryption under `key`; takes about as long as one or two textbook encryptions.
    pub fn new(key: &PublicKey, rng: &mut impl CryptoRng) -> Self {
        let ring = key.ring();
        let y = random::below(key.limbs(), rng);
        // (−y²)^n = −(y²)^n because n is odd, and −1 is n² − 1.
        let power = ring.power(&ring.square(&ring.element(&y)), key.limbs());
        let mut minus_one = key.square().to_vec();
        minus_one[0] -= 1;
        let base = ring.multiply(&power, &ring.element(&minus_one));
        let comb = Comb::new(ring, &base, Self::exponent_limbs(key) * 64);
        Encryptor { key: key.clone(), comb: Arc::new(comb) }
    }

    /// The key that is encrypted under.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Encrypts one plaintext.
    ///
    /// # Errors
    /// [`Error::PlaintextTooLarge`] if the plaintext was made for another key.
    pub fn encrypt(&self, m: &Plaintext, rng: &mut impl CryptoRng) -> Result<Ciphertext, Error> {
        m.check(&self.key)?;
        Ok(self.encrypt_with(m, &self.exponent(rng)))
    }

    /// Encrypts plaintexts, in order, on as many threads as the machine runs at once.
    ///
    /// # Errors
    /// [`Error::PlaintextTooLarge`] if a plaintext was made for another key.
    pub fn encrypt_all(
        &self,
        plaintexts: &[Plaintext],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<Ciphertext>, Error> {
        plaintexts.iter().try_for_each(|m| m.check(&self.key))?;
        // The generator belongs to this thread: all draws come first.
        let work: Vec<(&Plaintext, Secret)> = plaintexts.iter().map(|m| (m, self.exponent(rng))).collect();
        Ok(parallel::map(&work, |(m, exponent)| self.encrypt_with(m, exponent)))
    }

    /// Another ciphertext of the same plaintext, which nobody without the secret key can link to the
    /// first. The ciphertext belongs to this encryptor's key.
    #[must_use]
    pub fn rerandomise(&self, ciphertext: &Ciphertext, rng: &mut impl CryptoRng) -> Ciphertext {
        let ring = self.key.ring();
        let noise = self.comb.power(ring, &self.exponent(rng));
        self.key.seal(&ring.multiply(&noise, &ring.element(ciphertext.limbs())))
    }

    fn encrypt_with(&self, m: &Plaintext, exponent: &[u64]) -> Ciphertext {
        let ring = self.key.ring();
        let noise = self.comb.power(ring, exponent);
        self.key.seal(&ring.multiply(&noise, &self.key.bare(m)))
    }

    fn exponent(&self, rng: &mut impl CryptoRng) -> Secret {
        random::limbs(Self::exponent_limbs(&self.key), rng)
    }

    /// All key sizes are multiples of 128 bits, so half of one is whole limbs.
    fn exponent_limbs(key: &PublicKey) -> usize {
        key.size().limbs() / 2
    }
}
