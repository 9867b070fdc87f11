//! Bit-sliced numbers: 64 instances to a word.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Error;
use crate::error::{check_length, check_range};
use crate::transpose::transpose;
use crate::wipe::wipe;

/// Words of a wire that are transposed at a time: a cache line.
const SIDE_BY_SIDE: usize = 8;

/// Lanes that are transposed at a time.
const BATCH: usize = 64 * SIDE_BY_SIDE;

/// `bits` wires over `lanes` instances: bit `i % 64` of word `i / 64` of a wire belongs to lane `i`.
///
/// A number takes one wire a bit, least significant first. The unused lanes of the last word are always zero. The
/// content may be a share, so it is wiped on drop and does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct BitSlices {
    lanes: usize,
    bits: usize,
    data: Vec<u64>,
}

impl BitSlices {
    /// Zero in every lane. A party that knows nothing of a private input gives this as its share.
    pub fn zero(bits: usize, lanes: usize) -> Self {
        Self { lanes, bits, data: vec![0; bits * lanes.div_ceil(64)] }
    }

    /// The low `bits` bits of each value; a value is `limbs_per_value` words, least significant first.
    ///
    /// # Errors
    /// [`Error::Length`] when `values` is not a whole number of values, [`Error::Range`] when a value has fewer than
    /// `bits` bits or no limb at all.
    pub fn from_limbs(values: &[u64], limbs_per_value: usize, bits: usize) -> Result<Self, Error> {
        check_range("limbs of a value", limbs_per_value, 1, usize::MAX / BATCH)?;
        check_range("bits of a value", bits, 0, 64 * limbs_per_value)?;
        let lanes = values.len() / limbs_per_value;
        check_length("limbs in whole values", values.len(), lanes * limbs_per_value)?;
        let mut slices = Self::zero(bits, lanes);
        let words = slices.words();
        let mut blocks = [[0; SIDE_BY_SIDE]; 64];
        for (first, values) in (0..words).step_by(SIDE_BY_SIDE).zip(values.chunks(BATCH * limbs_per_value)) {
            let count = SIDE_BY_SIDE.min(words - first);
            for limb in 0..bits.div_ceil(64) {
                blocks.as_flattened_mut().fill(0);
                for (column, values) in values.chunks(64 * limbs_per_value).enumerate() {
                    for (row, value) in blocks.iter_mut().zip(values.chunks_exact(limbs_per_value)) {
                        row[column] = value[limb];
                    }
                }
                transpose(&mut blocks);
                for (bit, row) in (64 * limb..bits.min(64 * limb + 64)).zip(&blocks) {
                    slices.data[bit * words + first..][..count].copy_from_slice(&row[..count]);
                }
            }
        }
        blocks.as_flattened_mut().zeroize();
        Ok(slices)
    }

    /// Slices over words that are already bit-sliced, wire after wire.
    ///
    /// Bits of unused lanes are cleared.
    ///
    /// # Errors
    /// [`Error::Length`] when `data` is not `bits` times the words of `lanes`.
    pub fn from_words(data: Vec<u64>, bits: usize, lanes: usize) -> Result<Self, Error> {
        let expected = bits.saturating_mul(lanes.div_ceil(64));
        check_length("words of bit slices", data.len(), expected)?;
        let mut slices = Self { lanes, bits, data };
        slices.clear_unused();
        Ok(slices)
    }

    /// The numbers, zero-extended to `limbs_per_value` limbs each.
    ///
    /// # Errors
    /// [`Error::Range`] when the numbers do not fit.
    pub fn to_limbs(&self, limbs_per_value: usize) -> Result<Vec<u64>, Error> {
        self.extended(limbs_per_value, false)
    }

    /// The numbers as two's complement, sign-extended to `limbs_per_value` limbs each.
    ///
    /// # Errors
    /// [`Error::Range`] when the numbers do not fit.
    pub fn to_signed_limbs(&self, limbs_per_value: usize) -> Result<Vec<u64>, Error> {
        self.extended(limbs_per_value, true)
    }

    fn extended(&self, limbs_per_value: usize, signed: bool) -> Result<Vec<u64>, Error> {
        check_range("limbs of a value", limbs_per_value, self.bits.div_ceil(64).max(1), usize::MAX / 64)?;
        let words = self.words();
        let mut values = vec![0; self.lanes * limbs_per_value];
        let mut block = [[0]; 64];
        for word in 0..words {
            let lanes = self.lanes.min(64 * word + 64) - 64 * word;
            let rows = &mut values[64 * word * limbs_per_value..][..lanes * limbs_per_value];
            for limb in 0..limbs_per_value {
                for (bit, row) in (64 * limb..).zip(&mut block) {
                    *row = [match self.bits {
                        bits if bit < bits => self.data[bit * words + word],
                        bits if signed && bits > 0 => self.data[(bits - 1) * words + word],
                        _ => 0,
                    }];
                }
                transpose(&mut block);
                for (value, row) in rows.chunks_exact_mut(limbs_per_value).zip(&block) {
                    value[limb] = row[0];
                }
            }
        }
        block.as_flattened_mut().zeroize();
        Ok(values)
    }

    /// Wires of the slices.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// Instances of every wire.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Words of a wire, `lanes / 64` rounded up.
    pub fn words(&self) -> usize {
        self.lanes.div_ceil(64)
    }

    /// The words of one wire.
    ///
    /// # Panics
    /// When there is no wire `bit`.
    pub fn wire(&self, bit: usize) -> &[u64] {
        assert!(bit < self.bits, "wire {bit} of {}", self.bits);
        &self.data[bit * self.words()..][..self.words()]
    }

    /// All words, wire after wire: what is sent when the slices are opened.
    pub fn as_words(&self) -> &[u64] {
        &self.data
    }

    /// The wires of all `parts` one after another, as the inputs of a circuit that takes several numbers.
    ///
    /// # Errors
    /// [`Error::Length`] when the parts differ in lanes.
    pub fn concat<'a>(parts: impl IntoIterator<Item = &'a BitSlices>) -> Result<Self, Error> {
        let parts: Vec<_> = parts.into_iter().collect();
        let lanes = parts.first().map_or(0, |first| first.lanes);
        for part in &parts {
            check_length("lanes of slices to join", part.lanes, lanes)?;
        }
        // All room at once: a growing vector would leave its old content behind unwiped.
        let mut data = Vec::with_capacity(parts.iter().map(|part| part.data.len()).sum());
        for part in &parts {
            data.extend_from_slice(&part.data);
        }
        Ok(Self { lanes, bits: parts.iter().map(|part| part.bits).sum(), data })
    }

    /// The wires `range` as slices of their own.
    ///
    /// # Errors
    /// [`Error::Range`] when the range ends past the last wire.
    pub fn part(&self, range: core::ops::Range<usize>) -> Result<Self, Error> {
        check_range("end of the wires taken", range.end, 0, self.bits)?;
        check_range("start of the wires taken", range.start, 0, range.end)?;
        let words = self.words();
        let data = self.data[range.start * words..range.end * words].to_vec();
        Ok(Self { lanes: self.lanes, bits: range.len(), data })
    }

    /// The exclusive or of two slices: opens a value from its two shares.
    ///
    /// # Errors
    /// [`Error::Length`] when the shapes differ.
    pub fn xor(&self, other: &Self) -> Result<Self, Error> {
        check_length("wires of the other share", other.bits, self.bits)?;
        check_length("lanes of the other share", other.lanes, self.lanes)?;
        let data = self.data.iter().zip(&other.data).map(|(x, y)| x ^ y).collect();
        Ok(Self { lanes: self.lanes, bits: self.bits, data })
    }

    /// Splits into two shares; the first is uniform from the stream, and the exclusive or of both is the value.
    pub fn share(&self, stream: &mut crate::Stream) -> (Self, Self) {
        let mut mask = Self { lanes: self.lanes, bits: self.bits, data: stream.words(self.data.len()) };
        mask.clear_unused();
        let mut rest = self.clone();
        for (word, mask) in rest.data.iter_mut().zip(&mask.data) {
            *word ^= mask;
        }
        (mask, rest)
    }

    fn clear_unused(&mut self) {
        let used = self.lanes % 64;
        let words = self.words();
        if used != 0 {
            for wire in self.data.chunks_exact_mut(words) {
                wire[words - 1] &= (1 << used) - 1;
            }
        }
    }
}

impl Drop for BitSlices {
    fn drop(&mut self) {
        wipe(&mut self.data);
    }
}

impl ZeroizeOnDrop for BitSlices {}

impl fmt::Debug for BitSlices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BitSlices")
            .field("bits", &self.bits)
            .field("lanes", &self.lanes)
            .finish_non_exhaustive()
    }
}
