//! Joint mean and variance of every attribute, shown no more finely than a run needs.

use kmeans::fixed::{Moments, SHOWN_BITS, SHOWN_MEAN_PLACES};
use num_bigint::BigUint;
use sharing::numbers::{self, DivisionForm, Divisor, Sign};
use sharing::{BitSlices, Builder, Circuit, Wire};

use super::{DEPTH, Engine, Operation, Total};
use crate::error::ProtocolError;
use crate::link::{Place, Step};

/// Each host puts in, for every attribute, Σ x, Σ x² and the number of present values; opened: what
/// [`kmeans::fixed::shown_moments`] says.
pub(crate) struct JointMoments {
    /// Whether the deviations are used, and so the variances opened.
    pub(crate) deviations: bool,
    pub(crate) dim: usize,
    /// Bits of the number of rows.
    pub(crate) count_bits: usize,
}

/// Bits of a raw value's magnitude on the wide grid.
const VALUE_BITS: usize = 80;
/// Bits of a variance: the largest square.
const VARIANCE_BITS: usize = 2 * VALUE_BITS;
/// Bits of a mean with its sign, rounding included.
const MEAN_BITS: usize = VALUE_BITS + 2;
/// Limbs of Σ x².
const LIMBS: usize = 4;
/// Four quotient bits a step: layers cost more than gates here, for there are few lanes.
const FORM: DivisionForm = DivisionForm { radix_bits: 4, depth: DEPTH };

impl JointMoments {
    /// A host's own vector.
    pub(crate) fn own(&self, moments: &[Moments]) -> Vec<u64> {
        let mut words = Vec::with_capacity(self.slots() * LIMBS);
        for m in moments {
            let fill = if m.sum < 0 { u64::MAX } else { 0 };
            words.extend([m.sum as u64, (m.sum >> 64) as u64, fill, fill]);
            let square = m.square.iter_u64_digits().chain(std::iter::repeat(0)).take(LIMBS);
            words.extend(square);
            words.extend([m.count, 0, 0, 0]);
        }
        words
    }

    /// The opened means and variances.
    pub(crate) fn shown(&self, opened: &BitSlices) -> Result<Vec<(i128, BigUint)>, ProtocolError> {
        let limbs = opened.to_limbs(4)?;
        Ok(limbs
            .chunks_exact(4)
            .map(|limbs| {
                let low = u128::from(limbs[1]) << 64 | u128::from(limbs[0]);
                let mean = (low << (128 - MEAN_BITS)) as i128 >> (128 - MEAN_BITS);
                let all = limbs.iter().rev().fold(BigUint::ZERO, |all, &limb| (all << 64u32) + limb);
                (mean, all >> MEAN_BITS)
            })
            .collect())
    }

    fn circuit(&self) -> Circuit {
        let b = &mut Builder::new();
        let shared = |b: &mut Builder, bits: usize| {
            let (left, right) = (b.input_number(bits), b.input_number(bits));
            numbers::add(b, &left, &right, DEPTH)
        };
        let sum = shared(b, VALUE_BITS + self.count_bits + 1);
        let square = shared(b, VARIANCE_BITS + self.count_bits);
        let count = shared(b, self.count_bits);

        let none = vec![Wire::ZERO; MEAN_BITS];
        let by = Divisor { count: &count, previous: &none, limit: 1, sign: Sign::Signed };
        let mean = numbers::divide_rounded(b, &sum, by, FORM);
        let variance = variance(b, &sum, &square, &count);

        // A variance bit is shown if no bit is set SHOWN_BITS or more above it. With a variance of length l, bit i of
        // the mean is shown if l/2 rounded down is at most i + SHOWN_MEAN_PLACES, that is l below 2·(that + 1).
        let set = suffix_any(b, &variance);
        let hidden = |set: &[Wire], from: usize| set.get(from).copied().unwrap_or(Wire::ZERO);
        let mut shown = Vec::with_capacity(MEAN_BITS + VARIANCE_BITS);
        for (i, &bit) in mean.iter().enumerate() {
            let keep = b.not(hidden(&set, 2 * (i + SHOWN_MEAN_PLACES as usize) + 1));
            shown.push(b.and(bit, keep));
        }
        for (i, &bit) in variance.iter().enumerate() {
            let keep = b.not(hidden(&set, i + SHOWN_BITS as usize));
            shown.push(if self.deviations { b.and(bit, keep) } else { Wire::ZERO });
        }
        std::mem::take(b).finish(&shown)
    }
}

impl Operation for JointMoments {
    fn place(&self) -> Place {
        Place { step: Step::Normalise, round: 0 }
    }

    fn limbs(&self) -> usize {
        LIMBS
    }

    fn slots(&self) -> usize {
        3 * self.dim
    }

    fn opened(&self) -> (usize, usize) {
        (self.dim, MEAN_BITS + VARIANCE_BITS)
    }

    async fn evaluate<E: Engine>(&self, engine: &mut E, total: Total) -> Result<BitSlices, ProtocolError> {
        let party = engine.party();
        let slots = |which: usize| (0..self.dim).map(move |attribute| 3 * attribute + which);
        let sum = total.addends(party, VALUE_BITS + self.count_bits + 1, slots(0))?;
        let square = total.addends(party, VARIANCE_BITS + self.count_bits, slots(1))?;
        let count = total.addends(party, self.count_bits, slots(2))?;
        let inputs = BitSlices::concat([&sum, &square, &count].into_iter().flatten())?;
        let shares = engine.evaluate(self.place(), &self.circuit(), inputs).await?;
        engine.open(self.place(), shares).await
    }
}

/// `(N·Σx² − (Σx)²) / N²`, rounded down; 0 for N = 0.
fn variance(b: &mut Builder, sum: &[Wire], square: &[Wire], count: &[Wire]) -> Vec<Wire> {
    let sign = *sum.last().expect("a sum has a sign");
    let negated = numbers::negate(b, sum, DEPTH);
    let magnitude = numbers::select(b, sign, &negated, sum);
    let magnitude = &magnitude[..sum.len() - 1];
    let bits = square.len() + count.len();
    let of_squares = numbers::multiply(b, square, count, DEPTH);
    let square_of = numbers::multiply(b, magnitude, magnitude, DEPTH);
    let spread = numbers::sub(b, &of_squares[..bits], &square_of[..bits], DEPTH);
    let once = numbers::divide(b, &spread, count, square.len(), FORM);
    let twice = numbers::divide(b, &once, count, VARIANCE_BITS, FORM);
    let some = numbers::any(b, count);
    twice.into_iter().map(|bit| b.and(bit, some)).collect()
}

/// For every place, whether some bit is set there or above: a prefix network from the top.
fn suffix_any(b: &mut Builder, bits: &[Wire]) -> Vec<Wire> {
    let mut any = bits.to_vec();
    let mut reach = 1;
    while reach < any.len() {
        for place in 0..any.len() - reach {
            any[place] = b.or(any[place], any[place + reach]);
        }
        reach *= 2;
    }
    any
}

#[cfg(test)]
mod tests;
