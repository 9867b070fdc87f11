//! The supported key lengths.

use crate::Error;

/// The length of a Paillier modulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeySize {
    /// 1024 bits: tests only, within reach of a determined attacker.
    Bits1024,
    /// 2048 bits: about 112 bits of security, for tests and demonstrations.
    Bits2048,
    /// 3072 bits: about 128 bits of security, the default.
    Bits3072,
}

impl KeySize {
    /// The size with a modulus of `bits` bits.
    ///
    /// # Errors
    /// [`Error::KeySize`] if `bits` is not 1024, 2048 or 3072.
    pub fn from_bits(bits: u32) -> Result<Self, Error> {
        match bits {
            1024 => Ok(KeySize::Bits1024),
            2048 => Ok(KeySize::Bits2048),
            3072 => Ok(KeySize::Bits3072),
            other => Err(Error::KeySize(other)),
        }
    }

    /// The length of the modulus in bits.
    pub fn bits(self) -> u32 {
        match self {
            KeySize::Bits1024 => 1024,
            KeySize::Bits2048 => 2048,
            KeySize::Bits3072 => 3072,
        }
    }

    /// Whether keys of this size may serve tests and demonstrations only.
    pub fn is_test(self) -> bool {
        self != KeySize::Bits3072
    }

    /// Bytes of an encoded modulus, and of two encoded primes.
    pub(crate) fn bytes(self) -> usize {
        self.bits() as usize / 8
    }

    /// Limbs of a modulus.
    pub(crate) fn limbs(self) -> usize {
        self.bits() as usize / 64
    }

    /// The size whose encoded modulus, or pair of primes, has `len` bytes.
    pub(crate) fn from_byte_len(what: &'static str, len: usize) -> Result<Self, Error> {
        u32::try_from(len)
            .ok()
            .and_then(|len| len.checked_mul(8))
            .and_then(|bits| KeySize::from_bits(bits).ok())
            .ok_or_else(|| Error::Length { what, wanted: "128, 256 or 384".into(), got: len })
    }
}
