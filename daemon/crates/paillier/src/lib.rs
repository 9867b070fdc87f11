//! Paillier's cryptosystem: encrypted numbers that can be added up without decrypting them.
//!
//! The ciphertext of m under the modulus n is (1 + m n) · r^n modulo n² for a random r. Multiplying
//! ciphertexts adds plaintexts modulo n, and a power multiplies by a constant. Only the owner of the
//! primes of n can decrypt. (P. Paillier: Public-key cryptosystems based on composite degree residuosity
//! classes, EUROCRYPT '99.)
//!
//! | type | what it is |
//! |---|---|
//! | [`SecretKey`], [`PublicKey`], [`KeySize`] | keys |
//! | [`Plaintext`], [`Ciphertext`] | numbers below n, and their encryptions |
//! | [`Encryptor`] | fast encryption under one key |
//! | [`Packing`], [`Mask`] | many values in a plaintext, hidden from who decrypts their sum |
//!
//! ```
//! use getrandom::SysRng;
//! use paillier::{Encryptor, KeySize, Packing, SecretKey};
//! use rand_core::UnwrapErr;
//!
//! let rng = &mut UnwrapErr(SysRng);
//! let secret = SecretKey::generate(KeySize::Bits1024, rng); // tests only: use Bits3072
//! let key = secret.public();
//! let encryptor = Encryptor::new(key, rng);
//! let packing = Packing::new(key, 1)?;
//!
//! let a = encryptor.encrypt_all(&packing.pack(&[1, 2, 3])?, rng)?;
//! let b = encryptor.encrypt_all(&packing.pack(&[10, 20, 30])?, rng)?;
//! let sum = key.add(&a[0], &b[0]);
//! assert_eq!(packing.unpack(&secret.decrypt_all(&[sum]), 3)?, [11, 22, 33]);
//! # Ok::<(), paillier::Error>(())
//! ```

mod ciphertext;
mod comb;
mod encryptor;
mod error;
mod key_size;
mod limbs;
mod packing;
mod parallel;
mod plaintext;
mod primes;
mod public_key;
mod random;
mod ring;
mod secret_key;

pub use ciphertext::Ciphertext;
pub use encryptor::Encryptor;
pub use error::Error;
pub use key_size::KeySize;
pub use packing::{Mask, Packing};
pub use plaintext::Plaintext;
pub use public_key::PublicKey;
pub use secret_key::SecretKey;
