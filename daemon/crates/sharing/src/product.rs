//! Products of shared ring elements, element by element (Beaver 1991).
//!
//! For shared `x`, `y` and masks `a`, `b` that the parties share, `D = x − a` and `E = y − b` are opened; then
//! `xy = ab + D·b + E·a + D·E`, where the dealer provides shares of `ab`.
//!
//! **Draws.** A party's stream gives its shares of all `a`, then of all `b`, and at the left party then its part of
//! all `ab`: everything at [`open`](Products::open). The right party's part is the dealer's corrections.

use crate::elements::{self, Element, elements_in, for_limbs, words_of};
use crate::error::check_length;
use crate::part::Part;
use crate::wipe::Wiped;
use crate::{Dealing, Error, Party, Randomness};

/// Words that each party sends for `len` products of `limbs` limbs.
pub fn words(len: usize, limbs: usize) -> usize {
    len.saturating_mul(limbs).saturating_mul(2)
}

/// Words of corrections to the right party for `len` products of `limbs` limbs.
pub fn corrections(len: usize, limbs: usize) -> usize {
    len.saturating_mul(limbs)
}

/// The corrections for `len` products of `limbs` limbs.
///
/// # Errors
/// [`Error::Range`] unless `limbs` is 1 to 4 and the vectors fit into memory.
pub fn deal(dealing: &mut Dealing, len: usize, limbs: usize) -> Result<Vec<u64>, Error> {
    let size = words_of(len, limbs)?;
    let (mut left, mut right) = (Wiped::zeros(2 * size), Wiped::zeros(2 * size));
    let mut out = vec![0; size];
    dealing.fill(Party::Left, &mut left);
    dealing.fill(Party::Right, &mut right);
    dealing.fill(Party::Left, &mut out);
    for_limbs!(limbs, corrected(&left, &right, &mut out));
    Ok(out)
}

/// `(a + a')(b + b') − c` in place of the left party's part `c`.
fn corrected<const LIMBS: usize>(left: &[u64], right: &[u64], out: &mut [u64]) {
    let (a, b) = halves::<LIMBS>(left);
    let (a_right, b_right) = halves::<LIMBS>(right);
    let factors = a.iter().zip(a_right).zip(b.iter().zip(b_right));
    for (((a, a_right), (b, b_right)), out) in factors.zip(out.as_chunks_mut::<LIMBS>().0) {
        let product = elements::mul(&elements::add(a, a_right), &elements::add(b, b_right));
        *out = elements::sub(&product, out);
    }
}

/// The elements of two vectors of one length that lie one after the other.
fn halves<const LIMBS: usize>(words: &[u64]) -> (&[Element<LIMBS>], &[Element<LIMBS>]) {
    let (first, second) = words.split_at(words.len() / 2);
    (first.as_chunks().0, second.as_chunks().0)
}

/// A party's products between the words it sends and those it receives.
pub struct Products {
    party: Party,
    limbs: usize,
    /// Own shares of `a`, then of `b`.
    masks: Wiped,
    /// Own shares of `D`, then of `E`.
    masked: Wiped,
    part: Part,
}

impl Products {
    /// Masks the shares `x` and `y`: the limbs of as many elements each. Also returns the
    /// [words] to send.
    ///
    /// # Errors
    /// [`Error::Range`] unless `limbs` is 1 to 4, [`Error::Length`] when `x` and `y` differ in length or are not whole
    /// elements. Then nothing is drawn.
    pub fn open(
        randomness: &mut Randomness,
        x: &[u64],
        y: &[u64],
        limbs: usize,
    ) -> Result<(Self, Vec<u64>), Error> {
        check_length("limbs of the second factors", y.len(), x.len())?;
        words_of(elements_in(x, limbs)?, limbs)?;
        let mut masks = Wiped::zeros(2 * x.len());
        randomness.fill(&mut masks);
        let mut masked = vec![0; 2 * x.len()];
        let (first, second) = masked.split_at_mut(x.len());
        for_limbs!(limbs, differences(x, &masks[..x.len()], first));
        for_limbs!(limbs, differences(y, &masks[x.len()..], second));
        let part = Part::draw(randomness, x.len());
        let state = Products { party: randomness.party(), limbs, masks, masked: masked.clone().into(), part };
        Ok((state, masked))
    }

    /// The shares of the products, from the other party's words and, at the right party, the dealer's
    /// [corrections]; the left party takes none.
    ///
    /// # Errors
    /// [`Error::Length`] when the words or the corrections are too many or too few.
    pub fn absorb(self, peer: &[u64], corrections: &[u64]) -> Result<Vec<u64>, Error> {
        check_length("words of masked factors", peer.len(), self.masked.len())?;
        let mut out = self.part.with(corrections)?;
        for_limbs!(self.limbs, products(self.party, &self.masks, &self.masked, peer, &mut out));
        Ok(out.into_words())
    }
}

fn differences<const LIMBS: usize>(x: &[u64], y: &[u64], out: &mut [u64]) {
    let terms = x.as_chunks::<LIMBS>().0.iter().zip(y.as_chunks().0);
    for ((x, y), out) in terms.zip(out.as_chunks_mut().0) {
        *out = elements::sub(x, y);
    }
}

/// Adds `D·b + E·a` to `out`, and `D·E` at the left party.
fn products<const LIMBS: usize>(party: Party, masks: &[u64], masked: &[u64], peer: &[u64], out: &mut [u64]) {
    let (a, b) = halves::<LIMBS>(masks);
    let (d, e) = halves::<LIMBS>(masked);
    let (d_peer, e_peer) = halves::<LIMBS>(peer);
    let opened = d.iter().zip(d_peer).zip(e.iter().zip(e_peer));
    let terms = opened.zip(a.iter().zip(b)).zip(out.as_chunks_mut::<LIMBS>().0);
    for ((((d, d_peer), (e, e_peer)), (a, b)), out) in terms {
        let (d, e) = (elements::add(d, d_peer), elements::add(e, e_peer));
        let a = match party {
            Party::Left => elements::add(a, &d),
            Party::Right => *a,
        };
        *out = elements::add(out, &elements::add(&elements::mul(&d, b), &elements::mul(&e, &a)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{RingVec, Seed, Stream};

    fn seed(byte: u8) -> Seed {
        Seed::from_bytes([byte; 32])
    }

    fn parties() -> (Randomness, Randomness, Dealing) {
        (
            Randomness::new(Party::Left, seed(1)),
            Randomness::new(Party::Right, seed(2)),
            Dealing::new(seed(1), seed(2)),
        )
    }

    /// The product bit by bit: doublings and additions.
    fn by_doubling(x: &RingVec, y: &RingVec) -> RingVec {
        let mut total = vec![0; x.as_limbs().len()];
        for (i, total) in total.chunks_exact_mut(x.limbs()).enumerate() {
            let element = |words: &RingVec| {
                RingVec::new(words.limbs(), words.as_limbs()[i * x.limbs()..][..x.limbs()].to_vec()).unwrap()
            };
            let (mut power, factor) = (element(x), element(y));
            let mut sum = RingVec::zero(x.limbs(), 1).unwrap();
            for bit in 0..64 * x.limbs() {
                if factor.as_limbs()[bit / 64] >> (bit % 64) & 1 == 1 {
                    sum = sum.add(&power).unwrap();
                }
                power = power.add(&power).unwrap();
            }
            total.copy_from_slice(sum.as_limbs());
        }
        RingVec::new(x.limbs(), total).unwrap()
    }

    proptest! {
        #[test]
        fn equals_the_product(
            limbs in 1_usize..=4, lens in prop::collection::vec(0_usize..6, 1..4), edge: bool, number: u8,
        ) {
            let (mut left, mut right, mut dealing) = parties();
            let mut stream = Stream::new(Seed::from_bytes([number; 32]));
            let mut opened = Vec::new();
            for &len in &lens {
                let mut random = || {
                    let words = stream.words(len * limbs);
                    let words = if edge { words.iter().map(|word| 0_u64.wrapping_sub(word & 1)).collect() } else { words };
                    RingVec::new(limbs, words).unwrap()
                };
                let (x, y) = (random(), random());
                let ((x_left, x_right), (y_left, y_right)) = (x.share(&mut stream), y.share(&mut stream));
                let at = |party: &mut Randomness, x: &RingVec, y: &RingVec| {
                    Products::open(party, x.as_limbs(), y.as_limbs(), limbs).unwrap()
                };
                let l = at(&mut left, &x_left, &y_left);
                let r = at(&mut right, &x_right, &y_right);
                prop_assert_eq!(l.1.len(), words(len, limbs));
                opened.push((l, r, by_doubling(&x, &y)));
            }
            // All blocks are opened before the first is absorbed.
            for (&len, ((l, from_left), (r, from_right), expected)) in lens.iter().zip(opened) {
                let dealt = deal(&mut dealing, len, limbs).unwrap();
                prop_assert_eq!(dealt.len(), corrections(len, limbs));
                let l = RingVec::new(limbs, l.absorb(&from_right, &[]).unwrap()).unwrap();
                let r = RingVec::new(limbs, r.absorb(&from_left, &dealt).unwrap()).unwrap();
                prop_assert!(l.add(&r).unwrap() == expected);
            }
        }
    }

    #[test]
    fn a_repeated_product_is_masked_afresh() {
        let (mut left, ..) = parties();
        let (x, y) = ([1, 2, 3, 4], [5, 6, 7, 8]);
        let (_, first) = Products::open(&mut left, &x, &y, 2).unwrap();
        let (_, second) = Products::open(&mut left, &x, &y, 2).unwrap();
        assert!(first.iter().zip(&second).all(|(first, second)| first != second));
    }

    #[test]
    fn wrong_lengths_are_refused_and_draw_nothing() {
        let (mut left, mut right, mut dealing) = parties();
        assert!(matches!(Products::open(&mut left, &[1, 2], &[1], 1), Err(Error::Length { .. })));
        assert!(matches!(Products::open(&mut left, &[1, 2, 3], &[1, 2, 3], 2), Err(Error::Length { .. })));
        for limbs in [0, 5] {
            assert!(matches!(Products::open(&mut left, &[], &[], limbs), Err(Error::Range { .. })));
            assert!(matches!(deal(&mut dealing, 1, limbs), Err(Error::Range { .. })));
        }
        assert!(matches!(deal(&mut dealing, usize::MAX, 4), Err(Error::Range { .. })));
        let mut next = [0];
        left.fill(&mut next);
        assert_eq!(next[..], Stream::new(seed(1)).words(1));

        type Case<'a> = (&'a [u64], &'a [u64]);
        let cases: [Case<'_>; 5] =
            [(&[0; 3], &[0; 2]), (&[0; 5], &[0; 2]), (&[0; 4], &[0; 1]), (&[0; 4], &[0; 3]), (&[], &[])];
        for (peer, corrections) in cases {
            let (state, _) = Products::open(&mut right, &[1, 2], &[3, 4], 1).unwrap();
            assert!(matches!(state.absorb(peer, corrections), Err(Error::Length { .. })));
        }
        let (state, _) = Products::open(&mut left, &[1], &[3], 1).unwrap();
        assert!(
            matches!(state.absorb(&[0; 2], &[0]), Err(Error::Length { .. })),
            "the left party takes none"
        );
    }
}
