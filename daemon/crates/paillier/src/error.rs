//! What can go wrong, in words that never contain a private value.

/// Why an operation of this crate refused its input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The asked-for key length is not supported.
    #[error("{0} is no supported Paillier key size: use 3072, or 2048 or 1024 for tests")]
    KeySize(u32),
    /// An encoding has the wrong length.
    #[error("{what} must be {wanted} bytes long, not {got}")]
    Length {
        /// What was read.
        what: &'static str,
        /// The length that was required, in bytes.
        wanted: String,
        /// The length that was found, in bytes.
        got: usize,
    },
    /// The modulus cannot belong to an honest key.
    #[error("this Paillier public key cannot be used: its modulus {0}; ask its owner for the key again")]
    PublicKey(&'static str),
    /// The secret primes fail a check.
    #[error("this Paillier secret key is damaged: {0}; restore it from a backup or make a new one")]
    SecretKey(&'static str),
    /// A ciphertext is outside of the group.
    #[error("this ciphertext is invalid: it {0}; the sender is faulty or uses another key")]
    Ciphertext(&'static str),
    /// A plaintext is not below the modulus.
    #[error("a plaintext of up to {got} bits does not lie below the modulus of {modulus} bits")]
    PlaintextTooLarge {
        /// The room that the plaintext occupies, in bits (not its value's length).
        got: u64,
        /// The length of the modulus, in bits.
        modulus: u64,
    },
    /// Ciphertexts or plaintexts under a key of another size were mixed in.
    #[error("{0} under another key was mixed in")]
    OtherKey(&'static str),
    /// A value width that packing does not support.
    #[error("packed values must have 1 to 4 limbs, not {0}")]
    Limbs(usize),
    /// The number of values, masks or plaintexts does not fit the packing.
    #[error("wrong number of {what}: {got}, where {wanted} are needed")]
    Count {
        /// What was counted.
        what: &'static str,
        /// The number that was required.
        wanted: usize,
        /// The number that was found.
        got: usize,
    },
    /// More vectors would be added up than the masks can hide.
    #[error("{got} packed vectors are too many to add up: at most {most}")]
    TooManyAddends {
        /// The number of vectors to be added.
        got: usize,
        /// The bound.
        most: usize,
    },
}
