//! Exact division: radix-2^r long division with all candidate digits compared side by side.

use std::collections::HashMap;

use super::{Depth, Sign, add, less_than, select, sub, sub_borrow};
use crate::{Builder, Wire};

/// How a long division is carried out; its result does not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DivisionForm {
    /// Quotient bits found in a step, 1 to [`MAX_RADIX_BITS`](Self::MAX_RADIX_BITS). With r bits a step costs
    /// 2^r − 1 subtractions side by side, and there are q / r steps one after another.
    pub radix_bits: usize,
    /// Form of the subtractions.
    pub depth: Depth,
}

impl DivisionForm {
    /// The largest radix: a step of 255 subtractions.
    pub const MAX_RADIX_BITS: usize = 8;
}

/// `dividend / divisor` rounded down, `quotient_bits` wide. All are unsigned.
///
/// The dividend must be less than `divisor · 2^quotient_bits`; otherwise, and so for divisor 0, the result is
/// meaningless, though as fast. Dividend bits from `divisor.len() + quotient_bits` up are ignored.
///
/// # Panics
/// When the form's radix is out of range.
pub fn divide(
    b: &mut Builder,
    dividend: &[Wire],
    divisor: &[Wire],
    quotient_bits: usize,
    form: DivisionForm,
) -> Vec<Wire> {
    assert!((1..=DivisionForm::MAX_RADIX_BITS).contains(&form.radix_bits), "radix of a division");
    let dividend = fit(dividend, divisor.len() + quotient_bits, Sign::Unsigned);
    let mut multiples = Multiples::new(divisor, form.depth);
    // The part of the dividend above the quotient's place is less than the divisor: the first remainder.
    let mut remainder = dividend[quotient_bits..].to_vec();
    let mut quotient = vec![Wire::ZERO; quotient_bits];
    let mut place = quotient_bits;
    while place > 0 {
        // The odd-sized step comes first, while the multiples for the large ones are still being computed.
        let bits =
            if place.is_multiple_of(form.radix_bits) { form.radix_bits } else { place % form.radix_bits };
        place -= bits;
        let mut shifted = dividend[place..place + bits].to_vec();
        shifted.extend_from_slice(&remainder);
        let step = Step { shifted, bits, last: place == 0, depth: form.depth };
        let digit = &mut quotient[place..place + bits];
        remainder = step.build(b, &mut multiples, digit, divisor.len());
    }
    quotient
}

/// One digit of the quotient.
struct Step {
    /// The remainder with the dividend's next bits below it; less than `divisor · 2^bits`.
    shifted: Vec<Wire>,
    bits: usize,
    last: bool,
    depth: Depth,
}

impl Step {
    /// Fills in `digit` and gives the next remainder (nothing after the last step).
    fn build(
        self,
        b: &mut Builder,
        multiples: &mut Multiples,
        digit: &mut [Wire],
        divisor_bits: usize,
    ) -> Vec<Wire> {
        let mut remainder = self.shifted[..divisor_bits].to_vec();
        let mut below = remainder.clone();
        for candidate in 1..1_u64 << self.bits {
            let multiple = fit(&multiples.of(b, candidate), self.shifted.len(), Sign::Unsigned);
            // With "is at least candidate · divisor" for every candidate, where two neighbours differ is the digit;
            // so digit and remainder are sums of what changes from one candidate to the next.
            let (difference, less) = if self.last {
                (Vec::new(), less_than(b, &self.shifted, &multiple, self.depth))
            } else {
                sub_borrow(b, &self.shifted, &multiple, self.depth)
            };
            let reached = b.not(less);
            for (bit, wire) in digit.iter_mut().enumerate() {
                if (candidate ^ (candidate - 1)) >> bit & 1 == 1 {
                    *wire = b.xor(*wire, reached);
                }
            }
            if !self.last {
                for ((wire, &new), &old) in remainder.iter_mut().zip(&difference).zip(&below) {
                    let change = b.xor(new, old);
                    let change = b.and(reached, change);
                    *wire = b.xor(*wire, change);
                }
                below = difference;
            }
        }
        remainder
    }
}

/// Small multiples of the divisor, each built once.
struct Multiples {
    odd: HashMap<u64, Vec<Wire>>,
    depth: Depth,
}

impl Multiples {
    fn new(divisor: &[Wire], depth: Depth) -> Self {
        Self { odd: HashMap::from([(1, divisor.to_vec())]), depth }
    }

    /// `factor` times the divisor, as wide as it can get.
    fn of(&mut self, b: &mut Builder, factor: u64) -> Vec<Wire> {
        let shift = factor.trailing_zeros() as usize;
        let odd = factor >> shift;
        let mut multiple = vec![Wire::ZERO; shift];
        if let Some(known) = self.odd.get(&odd) {
            multiple.extend_from_slice(known);
            return multiple;
        }
        // Split the factor's signed binary digits in two halves: a tree of additions of the least depth.
        let digits = signed_digits(odd);
        let (low, high) = digits.split_at(digits.len() / 2);
        let value = |digits: &[(u32, i64)]| digits.iter().map(|&(place, sign)| sign << place).sum::<i64>();
        let high = self.of(b, value(high).unsigned_abs());
        let low_value = value(low);
        let low = self.of(b, low_value.unsigned_abs());
        let width = self.odd[&1].len() + (u64::BITS - odd.leading_zeros()) as usize;
        let (high, low) = (fit(&high, width, Sign::Unsigned), fit(&low, width, Sign::Unsigned));
        let sum =
            if low_value < 0 { sub(b, &high, &low, self.depth) } else { add(b, &high, &low, self.depth) };
        multiple.extend_from_slice(&sum);
        self.odd.insert(odd, sum);
        multiple
    }
}

/// The nonzero digits of the non-adjacent form, lowest first, each with its place; the highest is positive.
fn signed_digits(mut value: u64) -> Vec<(u32, i64)> {
    let mut digits = Vec::new();
    let mut place = 0;
    while value != 0 {
        if value & 1 == 1 {
            let digit = if value & 3 == 3 { -1 } else { 1 };
            digits.push((place, digit));
            value = value.wrapping_sub_signed(digit);
        }
        value >>= 1;
        place += 1;
    }
    digits
}

/// `number` cut or extended to `bits` bits.
pub(super) fn fit(number: &[Wire], bits: usize, sign: Sign) -> Vec<Wire> {
    let fill = match sign {
        Sign::Unsigned => Wire::ZERO,
        Sign::Signed => number.last().copied().unwrap_or(Wire::ZERO),
    };
    number.iter().copied().chain(core::iter::repeat(fill)).take(bits).collect()
}

/// A division's operands beside the dividend.
#[derive(Clone, Copy)]
pub struct Divisor<'a> {
    /// The divisor, unsigned.
    pub count: &'a [Wire],
    /// What the result is where `count < limit`; its bits are the result's.
    pub previous: &'a [Wire],
    /// The public limit; 0 is taken as 1, so that nothing is divided by 0.
    pub limit: u64,
    /// Whether dividend and result are two's complement.
    pub sign: Sign,
}

/// `sum / count` rounded to the nearest integer, halves up, and `previous` where `count` is below the limit:
/// [`reference::rounded_division`](crate::reference::rounded_division).
///
/// The quotient must fit `previous.len()` bits (q in the following); otherwise the result is meaningless.
///
/// Rounding halves up is rounding `(2·sum + count) / (2·count)` down. A signed dividend is lifted by `count·2^(q-1)`,
/// which makes it non-negative and the quotient larger by 2^(q-1): its top bit turned round.
///
/// # Panics
/// When the form's radix is out of range.
pub fn divide_rounded(b: &mut Builder, sum: &[Wire], by: Divisor<'_>, form: DivisionForm) -> Vec<Wire> {
    let quotient_bits = by.previous.len();
    let width = by.count.len() + quotient_bits;
    // floor((2·sum + count·(1 + 2^q)) / 2) = sum + floor(count / 2) + count·2^(q-1), for the lowest bit of the
    // numerator is that of count.
    let half = by.count.get(1..).unwrap_or_default();
    let mut addend = fit(half, width, Sign::Unsigned);
    if by.sign == Sign::Signed && quotient_bits > 0 {
        let mut lift = vec![Wire::ZERO; quotient_bits - 1];
        lift.extend_from_slice(by.count);
        let lift = fit(&lift, width, Sign::Unsigned);
        addend = if half.len() < quotient_bits {
            addend.iter().zip(&lift).map(|(&low, &high)| b.xor(low, high)).collect() // they do not overlap
        } else {
            add(b, &addend, &lift, form.depth)
        };
    }
    let dividend = add(b, &fit(sum, width, by.sign), &addend, form.depth);
    finish(b, &dividend, by, form)
}

/// [`divide_rounded`] for a dividend that is lifted already: `lifted = 2·sum + count·(1 + 2^q)` for signed numbers,
/// `2·sum + count` for unsigned ones, `count.len() + q + 1` bits of it.
///
/// Additive shares can be lifted without an exchange, so this saves the layers of an addition.
///
/// # Panics
/// When the form's radix is out of range.
pub fn divide_lifted(b: &mut Builder, lifted: &[Wire], by: Divisor<'_>, form: DivisionForm) -> Vec<Wire> {
    finish(b, lifted.get(1..).unwrap_or_default(), by, form)
}

fn finish(b: &mut Builder, dividend: &[Wire], by: Divisor<'_>, form: DivisionForm) -> Vec<Wire> {
    let limit = by.limit.max(1);
    if limit.checked_shr(by.count.len() as u32).unwrap_or(0) != 0 {
        return by.previous.to_vec(); // no count reaches the limit
    }
    let mut quotient = divide(b, dividend, by.count, by.previous.len(), form);
    if let (Sign::Signed, Some(top)) = (by.sign, quotient.last_mut()) {
        *top = b.not(*top);
    }
    let limit = b.constant_number(limit, by.count.len());
    let keep = less_than(b, by.count, &limit, form.depth);
    select(b, keep, by.previous, &quotient)
}
