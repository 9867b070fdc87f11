//! How lanes are cut into blocks: the same at both compute parties, the dealer and the tally.
//!
//! A block's masks, words and corrections fit the cache and one message. Blocks begin at multiples of 64 lanes, a word of
//! bits.

use std::ops::Range;

use sharing::BitSlices;

use crate::engine::WORDS;
use crate::error::ProtocolError;

/// The most lanes of a block.
pub(crate) const LANES: usize = 1 << 14;
/// The most bytes of a block's message.
const MESSAGE: usize = 8 * WORDS;

/// Cuts `lanes` lanes into blocks, of which a lane takes `words` words of the longest message.
pub(crate) fn of(lanes: usize, words: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    let fitting = (MESSAGE / 8 / words.max(1) / 64 * 64).clamp(64, LANES);
    (0..lanes).step_by(fitting).map(move |first| first..lanes.min(first + fitting))
}

/// Cuts `wires` wires over `lanes` lanes: whole wires together where they are short.
pub(crate) fn of_wires(
    wires: usize,
    lanes: usize,
    words: usize,
) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + Clone {
    let room = of(LANES, words).next().map_or(64, |block| block.len());
    let together = (room / lanes.next_multiple_of(64).max(1)).max(1);
    (0..wires).step_by(together).flat_map(move |first| {
        let wires = first..wires.min(first + together);
        of(lanes, words * wires.len()).map(move |lanes| (wires.clone(), lanes))
    })
}

/// Cuts the lanes of a circuit's evaluation, whose widest layer has so many ANDs.
pub(crate) fn of_circuit(lanes: usize, widest_layer: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    // Two words an AND for 64 lanes.
    let fitting = (MESSAGE / 16 / widest_layer.max(1) * 64).clamp(64, LANES);
    (0..lanes).step_by(fitting).map(move |first| first..lanes.min(first + fitting))
}

/// The wires of `wires` over the lanes of `lanes`, which begin at a word.
pub(crate) fn cut(
    bits: &BitSlices,
    wires: Range<usize>,
    lanes: Range<usize>,
) -> Result<BitSlices, ProtocolError> {
    let words = lanes.start / 64..lanes.end.div_ceil(64);
    let mut data = Vec::with_capacity(wires.len() * words.len());
    for wire in wires.clone() {
        data.extend_from_slice(&bits.wire(wire)[words.clone()]);
    }
    Ok(BitSlices::from_words(data, wires.len(), lanes.len())?)
}

/// Slices over neighbouring lanes as one; all but the last end at a word.
pub(crate) fn join(parts: &[BitSlices], bits: usize, lanes: usize) -> Result<BitSlices, ProtocolError> {
    let mut data = Vec::with_capacity(bits * lanes.div_ceil(64));
    for bit in 0..bits {
        for part in parts {
            data.extend_from_slice(part.wire(bit));
        }
    }
    Ok(BitSlices::from_words(data, bits, lanes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_all_lanes_and_begin_at_words() {
        for (lanes, words) in [(0, 1), (1, 1), (64, 3), (65, 1), (100_000, 2), (1 << 14, 1), (40_000, 5000)] {
            let mut next = 0;
            for block in of(lanes, words) {
                assert_eq!((block.start, block.start % 64), (next, 0));
                assert!(!block.is_empty() && (block.len() * words * 8 <= MESSAGE || block.len() <= 64));
                next = block.end;
            }
            assert_eq!(next, lanes);
        }
    }

    #[test]
    fn short_wires_go_together() {
        let blocks: Vec<_> = of_wires(5, 100, 1).collect();
        assert_eq!(blocks, [(0..5, 0..100)]);
        let blocks: Vec<_> = of_wires(2, LANES + 1, 1).collect();
        let expected =
            [(0..1, 0..LANES), (0..1, LANES..LANES + 1), (1..2, 0..LANES), (1..2, LANES..LANES + 1)];
        assert_eq!(blocks, expected);
        let wires: usize = of_wires(1000, 3000, 4).map(|(wires, lanes)| wires.len() * lanes.len()).sum();
        assert_eq!(wires, 3_000_000);
    }

    #[test]
    fn cut_slices_join_again() {
        let values: Vec<u64> = (0..200).map(|i| i * 7919 % 1021).collect();
        let bits = BitSlices::from_limbs(&values, 1, 10).unwrap();
        let parts = [0..64, 64..192, 192..200].map(|lanes| cut(&bits, 0..10, lanes).unwrap());
        assert!(join(&parts, 10, 200).unwrap() == bits);
        let one = cut(&bits, 3..4, 64..192).unwrap();
        assert_eq!(one.to_limbs(1).unwrap()[5], values[69] >> 3 & 1);
    }
}
