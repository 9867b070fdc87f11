//! One of two shared ring elements, chosen by a shared bit.
//!
//! With u = x − y the choice is y + b·u. A random bit `r`, shared by exclusive or, and a random element `a` mask the
//! operands: β = b ⊕ r and e = u − a are opened. The dealer provides shares of `r` in the ring (ρ) and of `r·a` (τ);
//! then b·u = β·u + (1 − 2β)·(e·ρ + τ), where the party's own share of `u` is used.
//!
//! **Draws.** A party's stream gives its shares of all `r` (words, unused lanes included), then of all `a`, and at the
//! left party then its parts of all ρ and of all τ: everything at [`open`](Choice::open). The right party's parts are
//! the dealer's corrections.

use crate::elements::{self, Element, elements_in, for_limbs, words_of};
use crate::error::check_length;
use crate::part::Part;
use crate::wipe::Wiped;
use crate::{BitSlices, Dealing, Error, Party, Randomness};

/// Words that each party sends for `len` choices of `limbs` limbs: masked bits, then masked differences.
pub fn words(len: usize, limbs: usize) -> usize {
    len.saturating_mul(limbs).saturating_add(len.div_ceil(64))
}

/// Words of corrections to the right party for `len` choices of `limbs` limbs.
pub fn corrections(len: usize, limbs: usize) -> usize {
    len.saturating_mul(limbs).saturating_mul(2)
}

/// The corrections for `len` choices of `limbs` limbs.
///
/// # Errors
/// [`Error::Range`] unless `limbs` is 1 to 4 and the vectors fit into memory.
pub fn deal(dealing: &mut Dealing, len: usize, limbs: usize) -> Result<Vec<u64>, Error> {
    words_of(len, limbs)?;
    let [mut left, mut right] = [(); 2].map(|()| Wiped::zeros(words(len, limbs)));
    let mut parts = vec![0; corrections(len, limbs)];
    dealing.fill(Party::Left, &mut left);
    dealing.fill(Party::Left, &mut parts);
    dealing.fill(Party::Right, &mut right);
    for_limbs!(limbs, corrected(len, &left, &right, &mut parts));
    Ok(parts)
}

/// `r − ρ` and `r·a − τ` in place of the left party's parts `ρ` and `τ`.
fn corrected<const LIMBS: usize>(len: usize, left: &[u64], right: &[u64], parts: &mut [u64]) {
    let (bits, a) = bits_and_elements::<LIMBS>(left, len);
    let (bits_right, a_right) = bits_and_elements::<LIMBS>(right, len);
    let (lifted, products) = parts.as_chunks_mut::<LIMBS>().0.split_at_mut(len);
    let lanes = a.iter().zip(a_right).zip(lifted.iter_mut().zip(products));
    for (lane, ((a, a_right), (lifted, product))) in lanes.enumerate() {
        let bit = bit_of(bits, lane) ^ bit_of(bits_right, lane);
        let mut one = [0; LIMBS];
        one[0] = bit;
        *lifted = elements::sub(&one, lifted);
        let chosen = elements::add(a, a_right).map(|limb| limb & bit.wrapping_neg());
        *product = elements::sub(&chosen, product);
    }
}

/// A party's choices between the words it sends and those it receives.
pub struct Choice {
    limbs: usize,
    len: usize,
    /// Own shares of `u`, then of `y`.
    operands: Wiped,
    /// What was sent: own shares of β and of `e`.
    masked: Wiped,
    /// Of ρ, then of τ.
    part: Part,
}

impl Choice {
    /// Masks the choice of `x` where the one wire `condition` is 1 and `y` where it is 0, all of them shares. Also
    /// returns the [words] to send.
    ///
    /// # Errors
    /// [`Error::Range`] unless `limbs` is 1 to 4, [`Error::Length`] when `x` and `y` differ in length or are not whole
    /// elements, or the condition has another number of lanes or of wires. Then nothing is drawn.
    pub fn open(
        randomness: &mut Randomness,
        condition: &BitSlices,
        x: &[u64],
        y: &[u64],
        limbs: usize,
    ) -> Result<(Self, Vec<u64>), Error> {
        let len = elements_in(x, limbs)?;
        words_of(len, limbs)?;
        check_length("limbs of the second choices", y.len(), x.len())?;
        check_length("wires of a condition", condition.bits(), 1)?;
        check_length("lanes of a condition", condition.lanes(), len)?;
        let mut masks = Wiped::zeros(words(len, limbs));
        randomness.fill(&mut masks);
        let part = Part::draw(randomness, corrections(len, limbs));
        let mut operands = Wiped::zeros(2 * x.len());
        operands[x.len()..].copy_from_slice(y);
        for_limbs!(limbs, differences(x, y, &mut operands[..x.len()]));
        let mut masked = vec![0; masks.len()];
        let (bits, elements) = masked.split_at_mut(condition.words());
        let (bit_masks, element_masks) = masks.split_at(condition.words());
        for ((masked, bits), mask) in bits.iter_mut().zip(condition.as_words()).zip(bit_masks) {
            *masked = bits ^ mask;
        }
        for_limbs!(limbs, differences(&operands[..x.len()], element_masks, elements));
        Ok((Self { limbs, len, operands, masked: masked.clone().into(), part }, masked))
    }

    /// The shares of the choices, from the other party's words and, at the right party, the dealer's
    /// [corrections]; the left party takes none.
    ///
    /// # Errors
    /// [`Error::Length`] when the words or the corrections are too many or too few.
    pub fn absorb(self, peer: &[u64], corrections: &[u64]) -> Result<Vec<u64>, Error> {
        check_length("words of masked choices", peer.len(), self.masked.len())?;
        let parts = self.part.with(corrections)?;
        let mut out = vec![0; self.len * self.limbs];
        for_limbs!(self.limbs, choices(self.len, &self.operands, [&self.masked, peer], &parts, &mut out));
        Ok(out)
    }
}

fn differences<const LIMBS: usize>(x: &[u64], y: &[u64], out: &mut [u64]) {
    let terms = x.as_chunks::<LIMBS>().0.iter().zip(y.as_chunks().0);
    for ((x, y), out) in terms.zip(out.as_chunks_mut().0) {
        *out = elements::sub(x, y);
    }
}

/// y + β·u + (1 − 2β)·(e·ρ + τ) into `out`.
fn choices<const LIMBS: usize>(
    len: usize,
    operands: &[u64],
    [masked, peer]: [&[u64]; 2],
    parts: &[u64],
    out: &mut [u64],
) {
    let (bits, e) = bits_and_elements::<LIMBS>(masked, len);
    let (bits_peer, e_peer) = bits_and_elements::<LIMBS>(peer, len);
    let (u, y) = operands.as_chunks::<LIMBS>().0.split_at(len);
    let (lifted, products) = parts.as_chunks::<LIMBS>().0.split_at(len);
    let lanes = e.iter().zip(e_peer).zip(u.iter().zip(y)).zip(lifted.iter().zip(products));
    for (lane, ((((e, e_peer), (u, y)), (lifted, product)), out)) in
        lanes.zip(out.as_chunks_mut::<LIMBS>().0).enumerate()
    {
        let opened = (bit_of(bits, lane) ^ bit_of(bits_peer, lane)).wrapping_neg();
        let e = elements::add(e, e_peer);
        let masked = elements::add(&elements::mul(&e, lifted), product);
        // β = 0 adds it, β = 1 adds u less it.
        let kept = elements::sub(&masked.map(|limb| limb & !opened), &masked.map(|limb| limb & opened));
        let chosen = elements::add(&kept, &u.map(|limb| limb & opened));
        *out = elements::add(y, &chosen);
    }
}

/// The words of `len` bits and the elements after them.
fn bits_and_elements<const LIMBS: usize>(words: &[u64], len: usize) -> (&[u64], &[Element<LIMBS>]) {
    let (bits, elements) = words.split_at(len.div_ceil(64));
    (bits, elements.as_chunks().0)
}

fn bit_of(bits: &[u64], lane: usize) -> u64 {
    bits[lane / 64] >> (lane % 64) & 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{RingVec, Seed, Stream};

    fn parties(seed: u8) -> ([Randomness; 2], Dealing) {
        let seed = |party| Seed::from_bytes([seed; 32]).derive(&[party]);
        let randomness = [Randomness::new(Party::Left, seed(0)), Randomness::new(Party::Right, seed(1))];
        (randomness, Dealing::new(seed(0), seed(1)))
    }

    struct Block {
        conditions: BitSlices,
        shares: [(BitSlices, RingVec, RingVec); 2],
    }

    fn block(stream: &mut Stream, limbs: usize, [conditions, x, y]: [Vec<u64>; 3]) -> Block {
        let lanes = x.len() / limbs;
        let conditions = BitSlices::from_words(conditions, 1, lanes).unwrap();
        let (left, right) = conditions.share(stream);
        let (x_left, x_right) = RingVec::new(limbs, x).unwrap().share(stream);
        let (y_left, y_right) = RingVec::new(limbs, y).unwrap().share(stream);
        Block { conditions, shares: [(left, x_left, y_left), (right, x_right, y_right)] }
    }

    /// All blocks opened before the first is absorbed: the choices of each, and all words that were sent.
    fn choose(seed: u8, limbs: usize, blocks: &[Block]) -> (Vec<RingVec>, Vec<u64>) {
        let (mut randomness, mut dealing) = parties(seed);
        let mut open = |block: &Block| {
            let [left, right] = [0, 1].map(|party| {
                let (condition, x, y) = &block.shares[party];
                Choice::open(&mut randomness[party], condition, x.as_limbs(), y.as_limbs(), limbs).unwrap()
            });
            (left, right)
        };
        let opened: Vec<_> = blocks.iter().map(&mut open).collect();
        let mut transcript = Vec::new();
        let mut results = Vec::new();
        for (((left, from_left), (right, from_right)), block) in opened.into_iter().zip(blocks) {
            let len = block.conditions.lanes();
            let dealt = deal(&mut dealing, len, limbs).unwrap();
            assert_eq!(dealt.len(), corrections(len, limbs));
            assert_eq!([from_left.len(), from_right.len()], [words(len, limbs); 2]);
            let left = RingVec::new(limbs, left.absorb(&from_right, &[]).unwrap()).unwrap();
            let right = RingVec::new(limbs, right.absorb(&from_left, &dealt).unwrap()).unwrap();
            results.push(left.add(&right).unwrap());
            transcript.extend([from_left, from_right, dealt].concat());
        }
        (results, transcript)
    }

    proptest! {
        #[test]
        fn the_condition_decides(
            seed: u8,
            limbs in 1..=4_usize,
            lanes in prop::collection::vec(prop_oneof![0..4_usize, 60..70_usize, 120..200_usize], 1..4),
        ) {
            let mut stream = Stream::new(Seed::from_bytes([seed; 32]));
            let mut random = |lanes: usize| {
                let values = [lanes.div_ceil(64), lanes * limbs, lanes * limbs].map(|count| stream.words(count));
                (values.clone(), block(&mut stream, limbs, values))
            };
            let (values, blocks): (Vec<_>, Vec<_>) = lanes.iter().map(|lanes| random(*lanes)).unzip();
            let (results, _) = choose(seed, limbs, &blocks);
            for ((result, [_, x, y]), block) in results.iter().zip(&values).zip(&blocks) {
                for (lane, chosen) in result.as_limbs().chunks_exact(limbs).enumerate() {
                    let from = if bit_of(block.conditions.as_words(), lane) == 1 { x } else { y };
                    prop_assert_eq!(chosen, &from[lane * limbs..][..limbs], "lane {}", lane);
                }
            }
        }
    }

    #[test]
    fn what_is_sent_is_uniform() {
        let mut stream = Stream::new(Seed::from_bytes([5; 32]));
        for (condition, x) in [(0, 0), (u64::MAX, 0), (u64::MAX, u64::MAX)] {
            let lanes = 64 * 30 + 1;
            let values = [vec![condition; 31], vec![x; lanes], vec![0; lanes]];
            let (_, transcript) = choose(6, 1, &[block(&mut stream, 1, values)]);
            for bit in 0..64 {
                let ones = transcript.iter().filter(|word| *word >> bit & 1 == 1).count();
                let (count, ones) = (transcript.len() as f64, ones as f64);
                let deviations = (ones - count / 2.0).abs() / (count / 4.0).sqrt();
                assert!(deviations < 5.0, "bit {bit} of {count} words: {ones} ones");
            }
        }
    }

    #[test]
    fn wrong_shapes_and_lengths_are_refused() {
        let ([mut left, mut right], mut dealing) = parties(1);
        let condition = BitSlices::zero(1, 3);
        for (condition, x, y, limbs) in [
            (&condition, 6, 5, 2),
            (&condition, 5, 5, 2),
            (&condition, 4, 4, 1),
            (&BitSlices::zero(2, 3), 3, 3, 1),
            (&BitSlices::zero(0, 3), 3, 3, 1),
        ] {
            let refused = Choice::open(&mut left, condition, &vec![0; x], &vec![0; y], limbs);
            assert!(matches!(refused, Err(Error::Length { .. })), "{x}, {y}, {limbs}");
        }
        for limbs in [0, 5] {
            let refused = Choice::open(&mut left, &condition, &[0; 15], &[0; 15], limbs);
            assert!(matches!(refused, Err(Error::Range { .. })));
            assert!(matches!(deal(&mut dealing, 3, limbs), Err(Error::Range { .. })));
        }
        assert!(matches!(deal(&mut dealing, usize::MAX, 1), Err(Error::Range { .. })));

        let dealt = deal(&mut dealing, 3, 2).unwrap();
        for (cut, corrections) in [(1, 0..12), (0, 0..11), (0, 0..0)] {
            let (state, sent) = Choice::open(&mut right, &condition, &[0; 6], &[0; 6], 2).unwrap();
            assert!(matches!(state.absorb(&sent[cut..], &dealt[corrections]), Err(Error::Length { .. })));
        }
        let (state, sent) = Choice::open(&mut left, &condition, &[0; 6], &[0; 6], 2).unwrap();
        assert!(matches!(state.absorb(&sent, &dealt), Err(Error::Length { .. })));
    }
}
