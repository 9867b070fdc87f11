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
