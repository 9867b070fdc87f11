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
        let len = self.len / count;
        let mut total = match &self.own {
            None => return Ok(Self::elsewhere(self.limbs, len)),
            Some(_) => Self::held(RingVec::zero(self.limbs, len)?),
        };
        for first in 0..count {
            let places: Vec<usize> = (0..len).map(|group| group * count + first).collect();
            total = total.add(&self.gathered(&places)?)?;
        }
        Ok(total)
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

    /// The exclusive or.
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

#[cfg(test)]
mod tests {
    use super::*;

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
