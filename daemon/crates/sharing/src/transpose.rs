//! Transposing blocks of 64 × 64 bits.

/// Transposes `N` blocks side by side in place: afterwards bit `i` of `blocks[j][n]` is what bit `j` of `blocks[i][n]`
/// was.
///
/// Six rounds of swapping off-diagonal quarters (Warren, *Hacker's Delight*, section 7-3). All blocks do the same, so
/// with several of them the compiler uses vector instructions throughout.
pub(crate) fn transpose<const N: usize>(blocks: &mut [[u64; N]; 64]) {
    swap_quarters::<32, N>(blocks);
    swap_quarters::<16, N>(blocks);
    swap_quarters::<8, N>(blocks);
    swap_quarters::<4, N>(blocks);
    swap_quarters::<2, N>(blocks);
    swap_quarters::<1, N>(blocks);
}

/// Swaps the off-diagonal quarters of all squares of 2·`WIDTH` rows and columns.
fn swap_quarters<const WIDTH: usize, const N: usize>(blocks: &mut [[u64; N]; 64]) {
    let mask = u64::MAX / ((1 << WIDTH) + 1); // the low half of every square's columns
    for base in (0..64).step_by(2 * WIDTH) {
        for row in base..base + WIDTH {
            let (mut low, mut high) = (blocks[row], blocks[row + WIDTH]);
            for (low, high) in low.iter_mut().zip(&mut high) {
                let t = ((*low >> WIDTH) ^ *high) & mask;
                *low ^= t << WIDTH;
                *high ^= t;
            }
            (blocks[row], blocks[row + WIDTH]) = (low, high);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Seed, Stream};

    fn equals_the_bit_by_bit_transpose<const N: usize>() {
        let mut stream = Stream::new(Seed::from_bytes([1; 32]));
        for _ in 0..20 {
            let mut blocks = [[0; N]; 64];
            stream.fill_words(blocks.as_flattened_mut());
            let before = blocks;
            transpose(&mut blocks);
            for (i, before) in before.iter().enumerate() {
                for (j, after) in blocks.iter().enumerate() {
                    for (before, after) in before.iter().zip(after) {
                        assert_eq!(after >> i & 1, before >> j & 1, "row {i}, column {j}");
                    }
                }
            }
        }
    }

    #[test]
    fn one_block_is_transposed() {
        equals_the_bit_by_bit_transpose::<1>();
    }

    #[test]
    fn blocks_side_by_side_are_transposed() {
        equals_the_bit_by_bit_transpose::<8>();
    }
}
