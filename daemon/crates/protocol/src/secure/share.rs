//! Shared values as one party holds them, and what each party does with them by itself.

use std::ops::Range;

use sharing::{BitSlices, Party, RingVec};
use zeroize::Zeroizing;

use crate::error::ProtocolError;

/// Additive shares modulo 2^(64·limbs). The dealer holds the shape alone.
#[derive(Clone)]
pub(crate) struct Ring {
    limbs: usize,
    len: usize,
    own: Option<RingVec>,
}

/// Exclusive-or shares of bits: `wires` wires over `lanes` lanes. The dealer holds the shape alone.
#[derive(Clone)]
pub(crate) struct Bits {
    wires: usize,
    lanes: usize,
    own: Option<BitSlices>,
}

impl Ring {
    /// The share that a compute party holds.
    pub(crate) fn held(share: RingVec) -> Self {
        Ring { limbs: share.limbs(), len: share.len(), own: Some(share) }
    }

    /// Values that another party shares.
    pub(crate) fn elsewhere(limbs: usize, len: usize) -> Self {
        Ring { limbs, len, own: None }
    }

    /// Public values (their limbs, element after element): the left party holds them, the right one zero.
    pub(crate) fn public(party: Option<Party>, limbs: usize, values: &[u64]) -> Result<Self, ProtocolError> {
        Self::private(party, Party::Left, limbs, values.len() / limbs, Some(values))
    }

    /// Values that `owner` alone knows; `values` is taken at the owner only.
    pub(crate) fn private(
        party: Option<Party>,
        owner: Party,
        limbs: usize,
        len: usize,
        values: Option<&[u64]>,
    ) -> Result<Self, ProtocolError> {
        Ok(match (party, values) {
            (None, _) => Self::elsewhere(limbs, len),
            (Some(party), Some(values)) if party == owner => {
                Self::held(RingVec::new(limbs, values.to_vec())?)
            }
            _ => Self::held(RingVec::zero(limbs, len)?),
        })
    }

    pub(crate) fn limbs(&self) -> usize {
        self.limbs
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The share, at a compute party.
    pub(crate) fn own(&self) -> Option<&RingVec> {
        self.own.as_ref()
    }

    pub(crate) fn add(&self, other: &Self) -> Result<Self, ProtocolError> {
        self.both(other, RingVec::add)
    }

    pub(crate) fn sub(&self, other: &Self) -> Result<Self, ProtocolError> {
        self.both(other, RingVec::sub)
    }

    pub(crate) fn neg(&self) -> Self {
        Ring { own: self.own.as_ref().map(RingVec::neg), ..*self }
    }

    /// Times 2^`bits`.
    pub(crate) fn shifted_left(&self, bits: usize) -> Self {
        Ring { own: self.own.as_ref().map(|own| own.shifted_left(bits)), ..*self }
    }

    /// Over 2^`bits`, each party by itself: the value rounded down, or one more.
    ///
    /// The right party takes its share for what it is short of 0. The left share is then the value plus that, and unless
    /// this passes the modulus M, the difference of the two rounded quotients is the value's, rounded down or up. As
    /// shares are uniform it passes M with probability |value| / M, and the result is then worthless: leave room enough
    /// above the value. (Mohassel, Zhang 2017, theorem 1.)
    pub(crate) fn truncated(&self, party: Option<Party>, bits: usize) -> Self {
        let truncated = |own: &RingVec| match party {
            Some(Party::Right) => own.neg().shifted_right(bits).neg(),
            _ => own.shifted_right(bits),
        };
        Ring { own: self.own.as_ref().map(truncated), ..*self }
    }

    /// The low limbs of every element: the same value modulo less.
    pub(crate) fn narrowed(&self, limbs: usize) -> Result<Self, ProtocolError> {
        if limbs > self.limbs {
            return Err(ProtocolError::Defect("a share cannot be widened by one party alone".into()));
        }
        let own = self.own.as_ref().map(|own| own.with_limbs(limbs)).transpose()?;
        Ok(Ring { limbs, len: self.len, own })
    }

    /// This party's part, taken as an integer, in more limbs. The parts of both parties then add up to the value only
    /// where they did so without overflow.
    pub(crate) fn extended(&self, limbs: usize) -> Result<Self, ProtocolError> {
        let own = self.own.as_ref().map(|own| own.with_limbs(limbs)).transpose()?;
        Ok(Ring { limbs, len: self.len, own })
    }

    /// The elements at `places`, in their order; a place may be named more than once.
    pub(crate) fn gathered(&self, places: &[usize]) -> Result<Self, ProtocolError> {
        let limbs = self.limbs;
        let own = self.own.as_ref().map(|own| {
            let mut words = Vec::with_capacity(places.len() * limbs);
            for &place in places {
                words.extend_from_slice(&own.as_limbs()[place * limbs..][..limbs]);
            }
            RingVec::new(limbs, words)
        });
        Ok(Ring { limbs, len: places.len(), own: own.transpose()? })
    }

    /// The elements of `range`.
    pub(crate) fn part(&self, range: Range<usize>) -> Result<Self, ProtocolError> {
        let limbs = self.limbs;
        let words = |own: &RingVec| own.as_limbs()[range.start * limbs..range.end * limbs].to_vec();
        let own = self.own.as_ref().map(|own| RingVec::new(limbs, words(own))).transpose()?;
        Ok(Ring { limbs, len: range.len(), own })
    }

    /// All parts one after the other; there is at least one, and all are of one ring.
    pub(crate) fn concat<'a>(parts: impl IntoIterator<Item = &'a Ring>) -> Result<Self, ProtocolError> {
        let parts: Vec<_> = parts.into_iter().collect();
        let Some(first) = parts.first() else {
            return Err(ProtocolError::Defect("no parts to join".into()));
        };
        let (limbs, len) = (first.limbs, parts.iter().map(|part| part.len).sum());
        if first.own.is_none() {
            return Ok(Self::elsewhere(limbs, len));
        }
        let mut words = Vec::with_capacity(len * limbs);
        for part in &parts {
            words.extend_from_slice(part.own.as_ref().map_or(&[], |own| own.as_limbs()));
        }
        Ok(Self::held(RingVec::new(limbs, words)?))
    }

    /// The sum of every `count` elements that follow each other.
    pub(crate) fn sums_of(&self, count: usize) -> Result<Self, ProtocolError> {
        let (limbs, len) = (self.limbs, self.len / count);
        let Some(own) = &self.own else { return Ok(Self::elsewhere(limbs, len)) };
        let mut words = vec![0; len * limbs];
        for (sum, group) in words.chunks_exact_mut(limbs).zip(own.as_limbs().chunks_exact(count * limbs)) {
            for element in group.chunks_exact(limbs) {
                add_to(sum, element);
            }
        }
        Ok(Self::held(RingVec::new(limbs, words)?))
    }

    /// The columns of `lanes` elements at `places`, in their order.
    pub(crate) fn columns(&self, lanes: usize, places: &[usize]) -> Result<Self, ProtocolError> {
        let limbs = self.limbs;
        let own = self.own.as_ref().map(|own| {
            let mut words = Vec::with_capacity(places.len() * lanes * limbs);
            for &place in places {
                words.extend_from_slice(&own.as_limbs()[place * lanes * limbs..][..lanes * limbs]);
            }
            RingVec::new(limbs, words)
        });
        Ok(Ring { limbs, len: places.len() * lanes, own: own.transpose()? })
    }

    /// The sum of all columns of `lanes` elements.
    pub(crate) fn sum_of_columns(&self, lanes: usize) -> Result<Self, ProtocolError> {
        let mut columns = (0..self.len / lanes).map(|at| self.part(at * lanes..(at + 1) * lanes));
        let Some(first) = columns.next() else {
            return Err(ProtocolError::Defect("no columns to add".into()));
        };
        columns.try_fold(first?, |total, column| total.add(&column?))
    }

    /// Adds to every element of a column the element of `terms` that belongs to the column.
    pub(crate) fn plus_in_columns(&self, terms: &Self) -> Result<Self, ProtocolError> {
        let lanes = self.len.checked_div(terms.len).unwrap_or(0);
        let limbs = self.limbs;
        if limbs != terms.limbs || self.len != terms.len * lanes {
            return Err(ProtocolError::Defect("shares of different shapes".into()));
        }
        let (Some(own), Some(terms)) = (&self.own, &terms.own) else {
            return Ok(Self::elsewhere(limbs, self.len));
        };
        let mut words = own.as_limbs().to_vec();
        let columns = words.chunks_exact_mut((lanes * limbs).max(1));
        for (column, term) in columns.zip(terms.as_limbs().chunks_exact(limbs)) {
            column.chunks_exact_mut(limbs).for_each(|element| add_to(element, term));
        }
        Ok(Self::held(RingVec::new(limbs, words)?))
    }

    /// The lowest bit of every element: as it is in both shares, for carries go upwards.
    pub(crate) fn parities(&self) -> Result<Bits, ProtocolError> {
        let own = self.own.as_ref().map(|own| own.to_slices(1)).transpose()?;
        Ok(Bits { wires: 1, lanes: self.len, own })
    }

    fn both(
        &self,
        other: &Self,
        with: impl Fn(&RingVec, &RingVec) -> Result<RingVec, sharing::Error>,
    ) -> Result<Self, ProtocolError> {
        if (self.limbs, self.len) != (other.limbs, other.len) {
            return Err(ProtocolError::Defect("shares of different shapes".into()));
        }
        let own = match (&self.own, &other.own) {
            (Some(own), Some(other)) => Some(with(own, other)?),
            _ => None,
        };
        Ok(Ring { own, ..*self })
    }
}

impl Bits {
    /// The share that a compute party holds.
    pub(crate) fn held(share: BitSlices) -> Self {
        Bits { wires: share.bits(), lanes: share.lanes(), own: Some(share) }
    }

    /// Values that another party shares.
    pub(crate) fn elsewhere(wires: usize, lanes: usize) -> Self {
        Bits { wires, lanes, own: None }
    }

    pub(crate) fn wires(&self) -> usize {
        self.wires
    }

    pub(crate) fn lanes(&self) -> usize {
        self.lanes
    }

    /// The share, at a compute party.
    pub(crate) fn own(&self) -> Option<&BitSlices> {
        self.own.as_ref()
    }

    /// The wires of all parts one after another.
    pub(crate) fn concat<'a>(parts: impl IntoIterator<Item = &'a Bits>) -> Result<Self, ProtocolError> {
        let parts: Vec<_> = parts.into_iter().collect();
        let wires = parts.iter().map(|part| part.wires).sum();
        let lanes = parts.first().map_or(0, |part| part.lanes);
        let own: Option<Vec<_>> = parts.iter().map(|part| part.own.as_ref()).collect();
        match own {
            Some(own) => Ok(Self::held(BitSlices::concat(own)?)),
            None => Ok(Self::elsewhere(wires, lanes)),
        }
    }

    /// The wires of `range`.
    pub(crate) fn part(&self, range: Range<usize>) -> Result<Self, ProtocolError> {
        let own = self.own.as_ref().map(|own| own.part(range.clone())).transpose()?;
        Ok(Bits { wires: range.len(), lanes: self.lanes, own })
    }

    /// One wire over many lanes as a wire for every `lanes` of them.
    pub(crate) fn unstacked(&self, lanes: usize) -> Result<Self, ProtocolError> {
        let wires = self.lanes.checked_div(lanes).unwrap_or(0);
        if self.wires != 1 || self.lanes != wires * lanes {
            return Err(ProtocolError::Defect("a wire that is no whole number of wires".into()));
        }
        let Some(own) = &self.own else { return Ok(Self::elsewhere(wires, lanes)) };
        let source = own.wire(0);
        let mut words = Vec::with_capacity(wires * lanes.div_ceil(64));
        for wire in 0..wires {
            for first in (wire * lanes..(wire + 1) * lanes).step_by(64) {
                let (word, shift) = (first / 64, first % 64);
                // Shifted twice, for a shift by all 64 bits is none.
                let next = source.get(word + 1).map_or(0, |next| next << 1 << (63 - shift));
                words.push(source[word] >> shift | next);
            }
        }
        Ok(Self::held(BitSlices::from_words(words, wires, lanes)?))
    }

    /// The lanes of all parts one after another; there is at least one, all have equally many wires, and all but the
    /// last are whole words.
    pub(crate) fn joined<'a>(parts: impl IntoIterator<Item = &'a Bits>) -> Result<Self, ProtocolError> {
        let parts: Vec<_> = parts.into_iter().collect();
        let wires = parts.first().map_or(0, |first| first.wires);
        let lanes = parts.iter().map(|part| part.lanes).sum();
        let whole = parts.iter().rev().skip(1).all(|part| part.lanes.is_multiple_of(64));
        if parts.is_empty() || !whole || parts.iter().any(|part| part.wires != wires) {
            return Err(ProtocolError::Defect("bits that cannot be joined".into()));
        }
        let own: Option<Vec<_>> = parts.iter().map(|part| part.own.as_ref()).collect();
        let Some(own) = own else { return Ok(Self::elsewhere(wires, lanes)) };
        let mut words = Vec::with_capacity(wires * usize::div_ceil(lanes, 64));
        for wire in 0..wires {
            own.iter().for_each(|part| words.extend_from_slice(part.wire(wire)));
        }
        Ok(Self::held(BitSlices::from_words(words, wires, lanes)?))
    }

    /// The exclusive or.
    #[cfg(test)]
    pub(crate) fn xor(&self, other: &Self) -> Result<Self, ProtocolError> {
        let own = match (&self.own, &other.own) {
            (Some(own), Some(other)) => Some(own.xor(other)?),
            _ => None,
        };
        Ok(Bits { own, ..*self })
    }

    /// The negation of every bit: the left party's work.
    pub(crate) fn not(&self, party: Option<Party>) -> Result<Self, ProtocolError> {
        let Some(own) = self.own.as_ref().filter(|_| party == Some(Party::Left)) else {
            return Ok(self.clone());
        };
        let words = own.as_words().iter().map(|word| !word).collect();
        Ok(Self::held(BitSlices::from_words(words, self.wires, self.lanes)?))
    }

    /// The same wires over other lanes: lane `i` of the result is lane `places[i]`.
    pub(crate) fn gathered(&self, places: &[usize]) -> Result<Self, ProtocolError> {
        let Some(own) = &self.own else { return Ok(Self::elsewhere(self.wires, places.len())) };
        let limbs = self.wires.div_ceil(64).max(1);
        let values = Zeroizing::new(own.to_limbs(limbs)?);
        let mut chosen = Zeroizing::new(Vec::with_capacity(places.len() * limbs));
        for &place in places {
            chosen.extend_from_slice(&values[place * limbs..][..limbs]);
        }
        Ok(Self::held(BitSlices::from_limbs(&chosen, limbs, self.wires)?))
    }
}

/// Adds in the ring of one element.
fn add_to(sum: &mut [u64], term: &[u64]) {
    if let ([sum], [term]) = (&mut *sum, term) {
        *sum = sum.wrapping_add(*term);
        return;
    }
    let mut carry = 0;
    for (sum, &term) in sum.iter_mut().zip(term) {
        carry += u128::from(*sum) + u128::from(term);
        *sum = carry as u64;
        carry >>= 64;
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain::{integers, numbers, ring, words};
    use super::*;

    fn wires(lanes: usize, values: &[u64]) -> Bits {
        let wires = values.len().div_ceil(lanes);
        let mut slices = Vec::new();
        for wire in 0..wires {
            slices.push(BitSlices::from_limbs(&values[wire * lanes..][..lanes], 1, 1).unwrap());
        }
        Bits::held(BitSlices::concat(&slices).unwrap())
    }

    #[test]
    fn columns_are_taken_and_added() {
        let x = ring(&[1, 2, 3, 4, 5, 6]);
        assert_eq!(integers(&x.columns(2, &[2, 0, 2]).unwrap()), [5, 6, 1, 2, 5, 6]);
        assert_eq!(integers(&x.sum_of_columns(2).unwrap()), [9, 12]);
        assert_eq!(integers(&x.sums_of(3).unwrap()), [6, 15]);
        assert_eq!(integers(&x.plus_in_columns(&ring(&[10, -10])).unwrap()), [11, 12, 13, -6, -5, -4]);
        assert!(x.plus_in_columns(&ring(&[1, 2, 3, 4])).is_err());
        let wide = Ring::held(RingVec::new(2, vec![u64::MAX, 1, 1, 0]).unwrap());
        assert_eq!(words(&wide.sums_of(2).unwrap()), [0, 2]);
    }

    #[test]
    fn one_wire_becomes_many() {
        for lanes in [1, 3, 63, 64, 65, 128] {
            let values: Vec<u64> = (0..5 * lanes as u64).map(|at| at * at * at / 7 % 2).collect();
            let unstacked = wires(values.len(), &values).unstacked(lanes).unwrap();
            assert_eq!((unstacked.wires(), unstacked.lanes()), (5, lanes));
            let expected = wires(lanes, &values);
            assert!(unstacked.own() == expected.own(), "{lanes}");
        }
        assert!(wires(6, &[1; 6]).unstacked(4).is_err());
    }

    #[test]
    fn lanes_are_joined() {
        let (one, other) = (wires(64, &[1; 128]), wires(3, &[0, 1, 0, 1, 1, 0]));
        let joined = Bits::joined([&one, &one, &other]).unwrap();
        assert_eq!((joined.wires(), joined.lanes()), (2, 131));
        assert_eq!(numbers(&joined)[127..], [3, 2, 3, 0]);
        assert!(Bits::joined([&other, &one]).is_err());
        assert!(Bits::joined([&one, &other.part(0..1).unwrap()]).is_err());
    }

    #[test]
    fn truncation_rounds_down_or_one_higher() {
        let mut stream = sharing::Stream::new(sharing::Seed::from_bytes([9; 32]));
        let mut seen = [false; 2];
        for value in [0_i128, 1, -1, 5, -5, (1 << 100) - 1, -(1 << 100), 7 << 40, -(7 << 40)] {
            for bits in [0, 1, 40, 64, 99] {
                let limbs =
                    [value as u64, (value >> 64) as u64].into_iter().chain([(value >> 127) as u64; 2]);
                let (left, right) = RingVec::new(4, limbs.collect()).unwrap().share(&mut stream);
                let left = Ring::held(left).truncated(Some(Party::Left), bits);
                let right = Ring::held(right).truncated(Some(Party::Right), bits);
                let sum = left.add(&right).unwrap();
                let limbs = sum.own().unwrap().as_limbs();
                let result = (limbs[0] as u128 | (limbs[1] as u128) << 64) as i128;
                assert!(limbs[2..].iter().all(|&limb| limb == (result >> 127) as u64));
                let above = result - (value >> bits);
                assert!(
                    above == 0 || above == 1 && value & ((1 << bits) - 1) != 0,
                    "{value} >> {bits}: {result}"
                );
                seen[above as usize] = true;
            }
        }
        assert_eq!(seen, [true; 2]);
    }
}
