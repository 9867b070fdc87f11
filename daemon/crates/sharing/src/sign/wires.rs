//! Wires in one buffer, one after another, each of the same number of words.

use core::array;

/// One wire.
pub(super) fn wire(buffer: &[u64], index: usize, words: usize) -> &[u64] {
    &buffer[index * words..][..words]
}

/// One wire, to be written.
pub(super) fn wire_mut(buffer: &mut [u64], index: usize, words: usize) -> &mut [u64] {
    &mut buffer[index * words..][..words]
}

/// Wires that follow each other.
pub(super) fn wires<const N: usize>(buffer: &[u64], first: usize, words: usize) -> [&[u64]; N] {
    array::from_fn(|index| wire(buffer, first + index, words))
}

/// Exclusive or into `sum`.
pub(super) fn add(sum: &mut [u64], other: &[u64]) {
    for (sum, other) in sum.iter_mut().zip(other) {
        *sum ^= other;
    }
}
