//! Additive shares modulo a power of 2^64.

use core::fmt;

use zeroize::ZeroizeOnDrop;

use crate::error::{check_length, check_range};
use crate::wipe::wipe;
use crate::{BitSlices, Error, Stream};

/// A vector over the ring of integers modulo 2^(64·limbs), with 1 to 4 limbs an element.
///
/// The content may be a share, so it is wiped on drop and does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct RingVec {
    limbs: usize,
    data: Vec<u64>,
}

impl RingVec {
    /// The most limbs of an element.
    pub const MAX_LIMBS: usize = 4;

    /// Elements from their limbs, least significant first, element after element.
    ///
    /// # Errors
    /// [`Error::Range`] unless `limbs` is 1 to 4, [`Error::Length`] when `data` is not a whole number of elements.
    pub fn new(limbs: usize, data: Vec<u64>) -> Result<Self, Error> {
        check_range("limbs of a ring element", limbs, 1, Self::MAX_LIMBS)?;
        check_length("limbs in whole ring elements", data.len(), data.len() / limbs * limbs)?;
        Ok(Self { limbs, data })
    }

    /// `len` zeros.
    ///
    /// # Errors
    /// [`Error::Range`] unless `limbs` is 1 to 4.
    pub fn zero(limbs: usize, len: usize) -> Result<Self, Error> {
        check_range("limbs of a ring element", limbs, 1, Self::MAX_LIMBS)?;
        check_range("elements of a ring vector", len, 0, isize::MAX as usize / (8 * limbs))?;
        Self::new(limbs, vec![0; len * limbs])
    }

    /// Limbs of an element.
    pub fn limbs(&self) -> usize {
        self.limbs
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len() / self.limbs
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// All limbs, element after element.
    pub fn as_limbs(&self) -> &[u64] {
        &self.data
    }

    /// The sum, element by element.
    ///
    /// # Errors
    /// [`Error::Length`] when the shapes differ.
    pub fn add(&self, other: &Self) -> Result<Self, Error> {
        self.carried(other, add_limb)
    }

    /// The difference, element by element.
    ///
    /// # Errors
    /// [`Error::Length`] when the shapes differ.
    pub fn sub(&self, other: &Self) -> Result<Self, Error> {
        self.carried(other, sub_limb)
    }

    /// The negation of every element.
    #[must_use]
    pub fn neg(&self) -> Self {
        let mut out = self.clone();
        for element in out.data.chunks_exact_mut(self.limbs) {
            let mut borrow = false;
            for limb in element {
                (*limb, borrow) = sub_limb(0, *limb, borrow);
            }
        }
        out
    }

    /// Every element times 2^`bits`; whole limbs may be shifted out.
    #[must_use]
    pub fn shifted_left(&self, bits: usize) -> Self {
        let mut out = self.clone();
        for (element, source) in out.data.chunks_exact_mut(self.limbs).zip(self.data.chunks_exact(self.limbs))
        {
            for (place, limb) in element.iter_mut().enumerate() {
                let from = |back: usize| place.checked_sub(back).map_or(0, |place| source[place]);
                let (whole, part) = (bits / 64, bits % 64);
                let carried = if part == 0 { 0 } else { from(whole.saturating_add(1)) >> (64 - part) };
                *limb = from(whole) << part | carried;
            }
        }
        out
    }

    /// Every element, taken as not negative, over 2^`bits` and rounded down; whole limbs may be shifted out.
    #[must_use]
    pub fn shifted_right(&self, bits: usize) -> Self {
        let mut out = self.clone();
        for (element, source) in out.data.chunks_exact_mut(self.limbs).zip(self.data.chunks_exact(self.limbs))
        {
            for (place, limb) in element.iter_mut().enumerate() {
                let from =
                    |ahead: usize| source.get(place.saturating_add(ahead)).copied().unwrap_or_default();
                let (whole, part) = (bits / 64, bits % 64);
                let carried = if part == 0 { 0 } else { from(whole.saturating_add(1)) << (64 - part) };
                *limb = from(whole) >> part | carried;
            }
        }
        out
    }

    /// The low `limbs` limbs of every element, or the element with zero limbs above it. Of a share, only limbs that
    /// it has are meaningful.
    ///
    /// # Errors
    /// [`Error::Range`] unless `limbs` is 1 to 4.
    pub fn with_limbs(&self, limbs: usize) -> Result<Self, Error> {
        let mut out = Self::zero(limbs, self.len())?;
        for (element, source) in out.data.chunks_exact_mut(limbs).zip(self.data.chunks_exact(self.limbs)) {
            for (limb, source) in element.iter_mut().zip(source) {
                *limb = *source;
            }
        }
        Ok(out)
    }

    /// Splits into two shares: the first uniform from the stream, the second what is missing to the value.
    pub fn share(&self, stream: &mut Stream) -> (Self, Self) {
        let mut rest = self.clone();
        let mask = Self { limbs: self.limbs, data: stream.words(self.data.len()) };
        rest.combine(&mask, sub_limb);
        (mask, rest)
    }

    /// The low `bits` bits of every element, bit-sliced: this party's private input to a circuit that adds shares.
    ///
    /// # Errors
    /// [`Error::Range`] when an element has fewer than `bits` bits.
    pub fn to_slices(&self, bits: usize) -> Result<BitSlices, Error> {
        BitSlices::from_limbs(&self.data, self.limbs, bits)
    }

    fn carried(&self, other: &Self, step: impl Fn(u64, u64, bool) -> (u64, bool)) -> Result<Self, Error> {
        check_length("limbs of the other ring elements", other.limbs, self.limbs)?;
        check_length("elements of the other ring vector", other.len(), self.len())?;
        let mut out = self.clone();
        out.combine(other, step);
        Ok(out)
    }

    fn combine(&mut self, other: &Self, step: impl Fn(u64, u64, bool) -> (u64, bool)) {
        let limbs = self.limbs;
        for (element, other) in self.data.chunks_exact_mut(limbs).zip(other.data.chunks_exact(limbs)) {
            let mut carry = false;
            for (limb, other) in element.iter_mut().zip(other) {
                (*limb, carry) = step(*limb, *other, carry);
            }
        }
    }
}

/// One limb of a sum with its carry.
#[inline]
pub(crate) fn add_limb(x: u64, y: u64, carry: bool) -> (u64, bool) {
    let (sum, first) = x.overflowing_add(y);
    let (sum, second) = sum.overflowing_add(u64::from(carry));
    (sum, first | second)
}

/// One limb of a difference with its borrow.
#[inline]
pub(crate) fn sub_limb(x: u64, y: u64, borrow: bool) -> (u64, bool) {
    let (difference, first) = x.overflowing_sub(y);
    let (difference, second) = difference.overflowing_sub(u64::from(borrow));
    (difference, first | second)
}

impl Drop for RingVec {
    fn drop(&mut self) {
        wipe(&mut self.data);
    }
}

impl ZeroizeOnDrop for RingVec {}

impl fmt::Debug for RingVec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingVec")
            .field("limbs", &self.limbs)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
