//! Bits shared by exclusive or, lifted to ring elements.
//!
//! With a random bit `r`, shared by exclusive or and also as a ring element, `β = b ⊕ r` is opened; then
//! `b = β + (1 − 2β)·r` in the ring.
//!
//! **Draws.** A party's stream gives its shares of all `r` (words of wires, unused lanes included), and at the left
//! party then its ring shares of them: everything at [`open`](Lift::open). The right party's are the dealer's
//! corrections.

use crate::elements::{self, Element, for_limbs, words_of};
use crate::error::check_length;
use crate::part::Part;
use crate::wipe::Wiped;
use crate::{BitSlices, Dealing, Error, Party, Randomness};

/// Words that each party sends to lift `wires` wires over `lanes` lanes, whatever the ring.
pub fn words(wires: usize, lanes: usize) -> usize {
    wires.saturating_mul(lanes.div_ceil(64))
}

/// Words of corrections to the right party for lifting `wires` wires over `lanes` lanes to `limbs` limbs.
pub fn corrections(wires: usize, lanes: usize, limbs: usize) -> usize {
    wires.saturating_mul(lanes).saturating_mul(limbs)
}

/// The corrections for lifting `wires` wires over `lanes` lanes to `limbs` limbs.
///
/// # Errors
/// [`Error::Range`] unless `limbs` is 1 to 4 and the vectors fit into memory.
pub fn deal(dealing: &mut Dealing, wires: usize, lanes: usize, limbs: usize) -> Result<Vec<u64>, Error> {
    let size = words_of(wires.saturating_mul(lanes), limbs)?;
    let (mut bits, mut right) = (Wiped::zeros(words(wires, lanes)), Wiped::zeros(words(wires, lanes)));
    let mut out = vec![0; size];
    dealing.fill(Party::Left, &mut bits);
    dealing.fill(Party::Right, &mut right);
    dealing.fill(Party::Left, &mut out);
    for (bits, right) in bits.iter_mut().zip(right.iter()) {
        *bits ^= right;
    }
    for_limbs!(limbs, corrected(&bits, lanes, &mut out));
    Ok(out)
}

/// `r − ρ` in place of the left party's share `ρ`.
fn corrected<const LIMBS: usize>(bits: &[u64], lanes: usize, out: &mut [u64]) {
    each_lane(bits, lanes, out, |bit, out: &mut Element<LIMBS>| {
        let mut lifted = [0; LIMBS];
        lifted[0] = bit;
        *out = elements::sub(&lifted, out);
    });
}

/// Calls `with` on the bit of every wire and lane and its place in `out`.
fn each_lane<const LIMBS: usize>(
    bits: &[u64],
    lanes: usize,
    out: &mut [u64],
    with: impl Fn(u64, &mut Element<LIMBS>),
) {
    if lanes == 0 {
        return;
    }
    let wires = bits.chunks_exact(lanes.div_ceil(64));
    for (wire, out) in wires.zip(out.as_chunks_mut::<LIMBS>().0.chunks_exact_mut(lanes)) {
        for (word, out) in wire.iter().zip(out.chunks_mut(64)) {
            for (lane, out) in out.iter_mut().enumerate() {
                with(word >> lane & 1, out);
            }
        }
    }
}

/// A party's bits between the words it sends and those it receives.
pub struct Lift {
    party: Party,
    lanes: usize,
    limbs: usize,
    /// Own shares of the opened bits.
    masked: Wiped,
    part: Part,
}

impl Lift {
    /// Masks the shares `bits`. Also returns the [words] to send.
    ///
    /// # Errors
    /// [`Error::Range`] unless `limbs` is 1 to 4 and the elements fit into memory. Then nothing is drawn.
    pub fn open(
        randomness: &mut Randomness,
        bits: &BitSlices,
        limbs: usize,
    ) -> Result<(Self, Vec<u64>), Error> {
        let size = words_of(bits.bits().saturating_mul(bits.lanes()), limbs)?;
        let mut masked = vec![0; bits.as_words().len()];
        randomness.fill(&mut masked);
        for (masked, bits) in masked.iter_mut().zip(bits.as_words()) {
            *masked ^= bits;
        }
        let part = Part::draw(randomness, size);
        let (party, lanes) = (randomness.party(), bits.lanes());
        Ok((Lift { party, lanes, limbs, masked: masked.clone().into(), part }, masked))
    }

    /// The ring shares of the bits, wire after wire, from the other party's words and, at the right party, the dealer's
    /// [corrections]; the left party takes none.
    ///
    /// # Errors
    /// [`Error::Length`] when the words or the corrections are too many or too few.
    pub fn absorb(mut self, peer: &[u64], corrections: &[u64]) -> Result<Vec<u64>, Error> {
        check_length("words of masked bits", peer.len(), self.masked.len())?;
        let mut out = self.part.with(corrections)?;
        for (opened, peer) in self.masked.iter_mut().zip(peer) {
            *opened ^= peer;
        }
        for_limbs!(self.limbs, lifted(self.party, &self.masked, self.lanes, &mut out));
        Ok(out.into_words())
    }
}

/// `(1 − 2β)·ρ` in place of `ρ`, and `β` more at the left party.
fn lifted<const LIMBS: usize>(party: Party, opened: &[u64], lanes: usize, out: &mut [u64]) {
    // −ρ is !ρ + 1.
    let more = match party {
        Party::Left => 2,
        Party::Right => 1,
    };
    each_lane(opened, lanes, out, |bit, out: &mut Element<LIMBS>| {
        let flip = bit.wrapping_neg();
        let mut addend = [0; LIMBS];
        addend[0] = bit * more;
        *out = elements::add(&out.map(|limb| limb ^ flip), &addend);
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{RingVec, Seed, Stream};

    fn seed(byte: u8) -> Seed {
        Seed::from_bytes([byte; 32])
    }

    fn random(wires: usize, lanes: usize, number: u8) -> BitSlices {
        let words = Stream::new(seed(number)).words(wires * lanes.div_ceil(64));
        BitSlices::from_words(words, wires, lanes).unwrap()
    }

    proptest! {
        #[test]
        fn equals_the_bits(
            limbs in 1_usize..=4, blocks in prop::collection::vec((0_usize..4, 0_usize..200), 1..4), number: u8,
        ) {
            let mut left = Randomness::new(Party::Left, seed(1));
            let mut right = Randomness::new(Party::Right, seed(2));
            let mut dealing = Dealing::new(seed(1), seed(2));
            let mut opened = Vec::new();
            for &(wires, lanes) in &blocks {
                let bits = random(wires, lanes, number);
                let (x, y) = bits.share(&mut Stream::new(seed(!number)));
                opened.push((Lift::open(&mut left, &x, limbs).unwrap(), Lift::open(&mut right, &y, limbs).unwrap(), bits));
            }
            for ((l, from_left), (r, from_right), bits) in opened {
                let (wires, lanes) = (bits.bits(), bits.lanes());
                prop_assert_eq!(from_left.len(), words(wires, lanes));
                let dealt = deal(&mut dealing, wires, lanes, limbs).unwrap();
                prop_assert_eq!(dealt.len(), corrections(wires, lanes, limbs));
                let l = RingVec::new(limbs, l.absorb(&from_right, &[]).unwrap()).unwrap();
                let r = RingVec::new(limbs, r.absorb(&from_left, &dealt).unwrap()).unwrap();
                let sum = l.add(&r).unwrap();
                prop_assert_eq!(sum.len(), wires * lanes);
                for (i, element) in sum.as_limbs().chunks_exact(limbs).enumerate() {
                    let (wire, lane) = (i / lanes, i % lanes);
                    prop_assert_eq!(element[0], bits.wire(wire)[lane / 64] >> (lane % 64) & 1);
                    prop_assert!(element[1..].iter().all(|limb| *limb == 0));
                }
            }
        }
    }

    #[test]
    fn repeated_bits_are_masked_afresh() {
        let mut left = Randomness::new(Party::Left, seed(1));
        let bits = random(2, 64, 3);
        let (_, first) = Lift::open(&mut left, &bits, 1).unwrap();
        let (_, second) = Lift::open(&mut left, &bits, 1).unwrap();
        assert!(first.iter().zip(&second).all(|(first, second)| first != second));
    }

    #[test]
    fn wrong_lengths_are_refused_and_draw_nothing() {
        let mut right = Randomness::new(Party::Right, seed(2));
        let mut dealing = Dealing::new(seed(1), seed(2));
        let bits = random(2, 70, 3);
        for limbs in [0, 5] {
            assert!(matches!(Lift::open(&mut right, &bits, limbs), Err(Error::Range { .. })));
            assert!(matches!(deal(&mut dealing, 2, 70, limbs), Err(Error::Range { .. })));
        }
        assert!(matches!(deal(&mut dealing, usize::MAX, 2, 1), Err(Error::Range { .. })));
        let mut next = [0];
        right.fill(&mut next);
        assert_eq!(next[..], Stream::new(seed(2)).words(1));
        for (peer, corrections) in [(3, 140), (5, 140), (4, 139), (4, 141), (4, 0)] {
            let (state, _) = Lift::open(&mut right, &bits, 1).unwrap();
            let absorbed = state.absorb(&vec![0; peer], &vec![0; corrections]);
            assert!(matches!(absorbed, Err(Error::Length { .. })));
        }
        let mut left = Randomness::new(Party::Left, seed(1));
        let (state, _) = Lift::open(&mut left, &bits, 1).unwrap();
        assert!(matches!(state.absorb(&[0; 4], &[0; 140]), Err(Error::Length { .. })));
    }
}
