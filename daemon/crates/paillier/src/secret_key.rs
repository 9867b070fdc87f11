//! The key that decrypts.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::limbs::{self, Secret};
use crate::ring::{Element, Ring};
use crate::{Ciphertext, Error, KeySize, Plaintext, PublicKey, parallel, primes};

/// A Paillier secret key: two primes of equal length. Never printed, wiped when dropped.
///
/// Decryption works modulo p² and q² apart and joins the results by the Chinese remainder theorem. Its
/// sequence of instructions and memory addresses is the same for all ciphertexts and all keys of a size,
/// so that its time tells nothing about either.
pub struct SecretKey {
    public: PublicKey,
    p: Prime,
    q: Prime,
    /// −1/q² modulo p.
    factor_p: Element,
    /// −1/q modulo p.
    factor_q: Element,
    /// −1/p modulo q.
    scale_q: Element,
}

/// One of the primes, with the arithmetic modulo its square.
struct Prime {
    ring: Ring,
    /// The prime less one.
    order: Secret,
}

impl Prime {
    fn new(prime: &[u64]) -> Self {
        let mut order = limbs::resized(prime, prime.len());
        limbs::sub_assign(&mut order, &[1]);
        Prime { ring: Ring::new(prime), order }
    }

    /// (c^(p−1) − 1)/p modulo p, with p² below it: a multiple of the plaintext modulo p.
    fn logarithm(&self, ciphertext: &Ciphertext) -> Secret {
        let power = self.ring.power(&self.ring.element(ciphertext.limbs()), &self.order);
        self.ring.parts(&power).1
    }

    /// 1/x modulo the prime, by Fermat's little theorem; x is no multiple of it.
    fn inverse(&self, x: &[u64]) -> Secret {
        let mut exponent = self.order.clone();
        limbs::sub_assign(&mut exponent, &[1]);
        self.ring.residue(&self.ring.power(&self.ring.element(x), &exponent))
    }

    /// −x as an element, for x below the prime.
    fn negative(&self, x: &[u64]) -> Element {
        let mut out = limbs::resized(self.ring.modulus(), self.ring.modulus().len());
        limbs::sub_assign(&mut out, x);
        self.ring.element(&out)
    }
}

impl SecretKey {
    /// Makes a key from `rng`. A key of 3072 bits takes about a second.
    ///
    /// Both primes have half the modulus' length with their top two bits set, are 3 modulo 4, differ by
    /// at least 2^(length − 100), and p − 1 and q − 1 have nothing but 2 in common and no other factor
    /// below 2^15; hence n and (p − 1)(q − 1) are coprime.
    pub fn generate(size: KeySize, rng: &mut impl CryptoRng) -> Self {
        let len = size.limbs() / 2;
        loop {
            let p = primes::generate(len, rng);
            let q = primes::generate(len, rng);
            if primes::far_apart(&p, &q) && primes::orders_share_only_two(&p, &q) {
                return Self::from_primes(size, &p, &q);
            }
        }
    }

    fn from_primes(size: KeySize, p: &[u64], q: &[u64]) -> Self {
        let public = PublicKey::from_limbs(size, &limbs::product(p, q));
        let (p, q) = (Prime::new(p), Prime::new(q));
        let q_inverse = p.inverse(q.ring.modulus());
        let q_inverse_element = p.ring.element(&q_inverse);
        let square = p.ring.residue(&p.ring.square(&q_inverse_element));
        let p_inverse = q.inverse(p.ring.modulus());
        SecretKey {
            factor_p: p.negative(&square),
            factor_q: p.negative(&q_inverse),
            scale_q: q.negative(&p_inverse),
            public,
            p,
            q,
        }
    }

    /// Reads p and q: each in half of 128, 256 or 384 big-endian bytes. Checks everything that
    /// [`Self::generate`] promises, in some tens of milliseconds.
    ///
    /// # Errors
    /// [`Error::Length`] for another length, [`Error::SecretKey`] if a check fails.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let size = KeySize::from_byte_len("a Paillier secret key", bytes.len())?;
        let (p, q) = bytes.split_at(size.bytes() / 2);
        let (p, q) = (limbs::from_be_bytes(p), limbs::from_be_bytes(q));
        primes::check(&p).map_err(Error::SecretKey)?;
        primes::check(&q).map_err(Error::SecretKey)?;
        if !primes::far_apart(&p, &q) {
            return Err(Error::SecretKey("its primes are too close together"));
        }
        if !primes::orders_share_only_two(&p, &q) {
            return Err(Error::SecretKey("its primes, each less one, have a factor in common"));
        }
        Ok(Self::from_primes(size, &p, &q))
    }

    /// p and q as [`Self::from_bytes`] reads them, wiped when dropped.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(self.public.size().bytes()));
        out.extend_from_slice(&limbs::to_be_bytes(self.p.ring.modulus()));
        out.extend_from_slice(&limbs::to_be_bytes(self.q.ring.modulus()));
        out
    }

    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Decrypts a ciphertext under this key.
    #[must_use]
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Plaintext {
        let (p, q) = (&self.p.ring, &self.q.ring);
        // Modulo q, the logarithm of 1 + n is −p; modulo p it is −q.
        let log_q = self.q.logarithm(ciphertext);
        let m_q = q.residue(&q.multiply(&q.element(&log_q), &self.scale_q));
        // m = m_q + q·((m_p − m_q)/q modulo p) with m_p = −log_p/q.
        let log_p = self.p.logarithm(ciphertext);
        let mut multiple = p.multiply(&p.element(&log_p), &self.factor_p);
        p.add_assign(&mut multiple, &p.multiply(&p.element(&m_q), &self.factor_q));
        let mut m = limbs::product(&p.residue(&multiple), q.modulus());
        limbs::add_assign(&mut m, &m_q);
        Plaintext::from_limbs(m)
    }

    /// Decrypts ciphertexts under this key, on as many threads as the machine runs at once.
    #[must_use]
    pub fn decrypt_all(&self, ciphertexts: &[Ciphertext]) -> Vec<Plaintext> {
        parallel::map(ciphertexts, |ciphertext| self.decrypt(ciphertext))
    }
}
