//! Secret 256-bit seeds and their derivation by label.

use aes::Aes256;
use aes::cipher::{Block, BlockCipherEncrypt, KeyInit};
use getrandom::SysRng;
use rand_core::TryRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Error;

/// A 256-bit secret from which streams and further seeds are derived.
///
/// It neither prints nor copies, and is wiped on drop. A seed is only ever the key of the pseudo-random function
/// below, so deriving from it and streaming from it ([`Stream::new`](crate::Stream::new)) do not interfere.
///
/// **The function.** AES-256 in CBC-MAC mode over `header ‖ label ‖ zeros`, where the header block holds the purpose,
/// the half of the 256-bit output that is computed, and the label's length. The length in the first block makes the
/// encoding prefix-free, for which CBC-MAC is a pseudo-random function (Bellare, Kilian, Rogaway 2000, section 5).
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; Seed::BYTES]);

/// What a key derived from a seed is for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// Another seed.
    Seed = 1,
    /// The key of a counter-mode stream.
    Stream = 2,
}

impl Seed {
    /// Bytes of a seed.
    pub const BYTES: usize = 32;

    /// Draws a seed from the operating system's generator.
    ///
    /// # Errors
    /// [`Error::Randomness`] when the operating system has none to give.
    pub fn generate() -> Result<Self, Error> {
        let mut seed = Self([0; Self::BYTES]);
        SysRng.try_fill_bytes(&mut seed.0)?;
        Ok(seed)
    }

    /// The seed with these bytes, as received from the dealer.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be sent to the one party that may know them.
    pub fn expose(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The seed that belongs to `label`: independent of this one and of those of all other labels for whoever does
    /// not know this seed. The caller binds session, round and purpose in the label.
    pub fn derive(&self, label: &[u8]) -> Self {
        Self(self.key(Purpose::Seed, label))
    }

    /// The 256-bit key for `purpose` and `label`.
    pub(crate) fn key(&self, purpose: Purpose, label: &[u8]) -> [u8; 32] {
        let cipher = Aes256::new(&self.0.into());
        let mut key = [0; 32];
        for (half, out) in key.chunks_exact_mut(16).enumerate() {
            let mut state = Block::<Aes256>::default();
            state[0] = purpose as u8;
            state[1] = half as u8;
            state[8..].copy_from_slice(&(label.len() as u64).to_le_bytes());
            cipher.encrypt_block(&mut state);
            for chunk in label.chunks(16) {
                for (byte, input) in state.iter_mut().zip(chunk) {
                    *byte ^= input;
                }
                cipher.encrypt_block(&mut state);
            }
            out.copy_from_slice(&state);
            state.zeroize();
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_purposes_and_lengths_separate() {
        let seed = Seed::from_bytes([7; 32]);
        let mut seen = vec![*seed.expose()];
        for label in [&b""[..], b"a", b"a\0", b"b", &[0; 16], &[0; 17], &[0; 32]] {
            seen.push(*seed.derive(label).expose());
            seen.push(seed.key(Purpose::Stream, label));
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), count);
        assert_eq!(seed.derive(b"a").expose(), Seed::from_bytes([7; 32]).derive(b"a").expose());
    }

    /// Computed with OpenSSL's AES-256-CBC; it pins the derivation, on which parties of different builds must agree.
    #[test]
    fn the_derivation_is_cbc_mac() {
        let seed = Seed::from_bytes(core::array::from_fn(|byte| byte as u8));
        let expected = [
            0xef, 0x31, 0x1e, 0x7e, 0xda, 0x7a, 0xcb, 0x78, 0x6a, 0xaa, 0xf6, 0xbb, 0x91, 0xb1, 0x4a,
            0x8d, //
            0x7f, 0x07, 0xe7, 0x62, 0x95, 0x20, 0x26, 0xfa, 0x9e, 0xe1, 0x24, 0x62, 0x1b, 0x7f, 0xfc, 0x8a,
        ];
        assert_eq!(seed.derive(b"session 7, round 3: triples").expose(), &expected);
    }

    #[test]
    fn generated_seeds_differ() {
        let (a, b) = (Seed::generate().unwrap(), Seed::generate().unwrap());
        assert_ne!(a.expose(), b.expose());
    }
}
