//! Transposing blocks of 64 × 64 bits.

/// Transposes in place: afterwards bit `i` of `block[j]` is what bit `j` of `block[i]` was.
///
/// Six rounds of swapping off-diagonal quarters (Warren, *Hacker's Delight*, section 7-3).
pub(crate) fn transpose(block: &mut [u64; 64]) {
    let mut width = 32;
    let mut mask = u64::MAX >> 32;
    while width != 0 {
        for base in (0..64).step_by(2 * width) {
            let (low, high) = block[base..base + 2 * width].split_at_mut(width);
            for (low, high) in low.iter_mut().zip(high) {
                let t = ((*low >> width) ^ *high) & mask;
                *low ^= t << width;
                *high ^= t;
            }
        }
        width /= 2;
        mask ^= mask << width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Seed, Stream};

    #[test]
    fn equals_the_bit_by_bit_transpose() {
        let mut stream = Stream::new(Seed::from_bytes([1; 32]));
        for _ in 0..20 {
            let mut block = [0; 64];
            stream.fill_words(&mut block);
            let before = block;
            transpose(&mut block);
            for (i, before) in before.iter().enumerate() {
                for (j, after) in block.iter().enumerate() {
                    assert_eq!(after >> i & 1, before >> j & 1, "row {i}, column {j}");
                }
            }
        }
    }
}
