//! A deterministic stream of uniform words from a seed.

use core::convert::Infallible;

use aes::Aes256;
use aes::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use ctr::Ctr128BE;
use rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroize;

use crate::Seed;
use crate::seed::Purpose;

/// Words produced at a time.
const CHUNK: usize = 512;

/// The key stream of AES-256 in counter mode.
///
/// It takes its seed by value and has no seek: the position only moves forward, and a word is given out once.
/// Words come in the same order however the requests are cut.
pub struct Stream {
    cipher: Ctr128BE<Aes256>,
    /// Key-stream bytes on their way into words; part of the state so that it is wiped once, on drop.
    bytes: Box<[u8; 8 * CHUNK]>,
}

impl Stream {
    /// The stream of `seed`. Give every purpose its own by [`Seed::derive`].
    pub fn new(seed: Seed) -> Self {
        Self::of(&seed)
    }

    fn of(seed: &Seed) -> Self {
        let mut key = seed.key(Purpose::Stream, b"");
        // Each key makes one stream, so the counter may start at zero.
        let cipher = Ctr128BE::new(&key.into(), &[0; 16].into());
        key.zeroize();
        Self { cipher, bytes: Box::new([0; 8 * CHUNK]) }
    }

    /// The stream of `seed` from its word `first` on: for the dealer, who masks nothing and so may expand a party's mask
    /// as often as it likes.
    pub(crate) fn starting_at(seed: &Seed, first: u64) -> Self {
        let mut stream = Self::of(seed);
        stream.cipher.seek(8 * u128::from(first));
        stream
    }

    /// Overwrites `words` with the next words of the stream.
    pub fn fill_words(&mut self, words: &mut [u64]) {
        for chunk in words.chunks_mut(CHUNK) {
            let bytes = &mut self.bytes[..8 * chunk.len()];
            bytes.fill(0);
            self.cipher.apply_keystream(bytes);
            for (word, bytes) in chunk.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *word = u64::from_le_bytes(*bytes);
            }
        }
    }

    /// The next `count` words.
    pub fn words(&mut self, count: usize) -> Vec<u64> {
        let mut words = vec![0; count];
        self.fill_words(&mut words);
        words
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.bytes.zeroize(); // the cipher wipes itself
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.cipher.apply_keystream(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.cipher.apply_keystream(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(0);
        self.cipher.apply_keystream(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Stream {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_the_requests_does_not_change_the_words() {
        let whole = Stream::new(Seed::from_bytes([3; 32])).words(2000);
        let mut stream = Stream::new(Seed::from_bytes([3; 32]));
        let mut parts = Vec::new();
        for length in [0, 1, 2, 511, 512, 513, 461] {
            parts.extend(stream.words(length));
        }
        assert_eq!(whole, parts);
        let mut again = Stream::new(Seed::from_bytes([3; 32]));
        assert_eq!(again.try_next_u64(), Ok(whole[0]));
        let mut bytes = [0; 8];
        assert_eq!(again.try_fill_bytes(&mut bytes), Ok(()));
        assert_eq!(bytes, whole[1].to_le_bytes());
    }

    /// Computed with OpenSSL's AES-256-CTR under the derived key.
    #[test]
    fn the_key_stream_is_that_of_the_cipher() {
        let seed = Seed::from_bytes(core::array::from_fn(|byte| byte as u8));
        let expected = [0xa3cb_8319_2346_0576_u64, 0x815d_27d4_d549_8885].map(u64::swap_bytes);
        assert_eq!(Stream::new(seed).words(2), expected);
    }
}
