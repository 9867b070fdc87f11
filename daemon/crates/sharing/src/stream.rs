//! A deterministic stream of uniform words from a seed.

use core::convert::Infallible;

use aes::Aes256;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroize;

use crate::Seed;
use crate::seed::Purpose;

/// Blocks produced at a time: whole batches of the widest backends of the cipher, and few enough for the first-level
/// cache.
const BLOCKS: usize = 256;

/// Bytes of a block.
const BLOCK: usize = 16;

/// The key stream of AES-256 in counter mode.
///
/// It takes its seed by value and has no seek: the position only moves forward, and a word is given out once.
/// Words come in the same order however the requests are cut.
pub struct Stream {
    cipher: Aes256,
    /// The counter of the next block to produce.
    counter: u64,
    /// The blocks produced last, of which the first `used` bytes were given out.
    blocks: Box<[[u8; BLOCK]; BLOCKS]>,
    used: usize,
}

impl Stream {
    /// The stream of `seed`. Give every purpose its own by [`Seed::derive`].
    pub fn new(seed: Seed) -> Self {
        Self::starting_at(&seed, 0)
    }

    /// The stream of `seed` from its word `first` on: for the dealer, who masks nothing and so may expand a party's mask
    /// as often as it likes.
    pub(crate) fn starting_at(seed: &Seed, first: u64) -> Self {
        let mut key = seed.key(Purpose::Stream, b"");
        let cipher = Aes256::new(&key.into());
        key.zeroize();
        // Each key makes one stream, so the counter may start at zero.
        let mut stream =
            Self { cipher, counter: first / 2, blocks: Box::new([[0; BLOCK]; BLOCKS]), used: BLOCK * BLOCKS };
        if first % 2 == 1 {
            stream.produce();
            stream.used = 8;
        }
        stream
    }

    /// Overwrites `words` with the next words of the stream.
    pub fn fill_words(&mut self, mut words: &mut [u64]) {
        while !words.is_empty() {
            let ready = self.ready().as_chunks::<8>().0;
            let count = ready.len().min(words.len());
            let (now, later) = words.split_at_mut(count);
            for (word, bytes) in now.iter_mut().zip(ready) {
                *word = u64::from_le_bytes(*bytes);
            }
            self.used += 8 * count;
            words = later;
            if count == 0 {
                // After an odd request a word may lie across the end of the blocks.
                let mut bytes = [0; 8];
                self.fill_bytes(&mut bytes);
                words[0] = u64::from_le_bytes(bytes);
                words = &mut words[1..];
            }
        }
    }

    /// The next `count` words.
    pub fn words(&mut self, count: usize) -> Vec<u64> {
        let mut words = vec![0; count];
        self.fill_words(&mut words);
        words
    }

    fn fill_bytes(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let ready = self.ready();
            let count = ready.len().min(bytes.len());
            let (now, later) = bytes.split_at_mut(count);
            now.copy_from_slice(&ready[..count]);
            self.used += count;
            bytes = later;
        }
    }

    /// The bytes to give out next, at least one.
    fn ready(&mut self) -> &[u8] {
        if self.used == BLOCK * BLOCKS {
            self.produce();
        }
        &self.blocks.as_flattened()[self.used..]
    }

    /// Overwrites the blocks with the next ones.
    fn produce(&mut self) {
        for (counter, block) in (self.counter..).zip(self.blocks.iter_mut()) {
            *block = u128::from(counter).to_be_bytes();
        }
        self.cipher.encrypt_blocks(Array::cast_slice_from_core_mut(&mut self.blocks[..]));
        // 2^64 blocks are out of reach.
        self.counter += BLOCKS as u64;
        self.used = 0;
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.blocks.as_flattened_mut().zeroize(); // the cipher wipes itself
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill_bytes(bytes);
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

    #[test]
    fn requests_of_odd_bytes_do_not_change_the_bytes() {
        let bytes: Vec<u8> = Stream::new(Seed::from_bytes([4; 32]))
            .words(BLOCK * BLOCKS)
            .into_iter()
            .flat_map(u64::to_le_bytes)
            .collect();
        let mut stream = Stream::new(Seed::from_bytes([4; 32]));
        let mut taken = stream.try_next_u32().unwrap().to_le_bytes().to_vec();
        for (odd, words) in [(0, 2), (3, 600), (5, 511), (1, 512), (7, 513), (0, 1)] {
            let mut part = vec![0; odd];
            stream.try_fill_bytes(&mut part).unwrap();
            taken.extend(part);
            taken.extend(stream.words(words).into_iter().flat_map(u64::to_le_bytes));
        }
        assert_eq!(bytes[..taken.len()], taken);
    }

    #[test]
    fn a_later_start_skips_words() {
        let seed = Seed::from_bytes([5; 32]);
        let whole = Stream::starting_at(&seed, 0).words(3000);
        for first in [0, 1, 2, 511, 512, 1023, 1025] {
            assert_eq!(Stream::starting_at(&seed, first as u64).words(1500), whole[first..first + 1500]);
        }
    }

    /// Computed with OpenSSL's AES-256-CTR under the derived key.
    #[test]
    fn the_key_stream_is_that_of_the_cipher() {
        let seed = Seed::from_bytes(core::array::from_fn(|byte| byte as u8));
        let expected = [0xa3cb_8319_2346_0576_u64, 0x815d_27d4_d549_8885].map(u64::swap_bytes);
        assert_eq!(Stream::new(seed).words(2), expected);
    }
}
