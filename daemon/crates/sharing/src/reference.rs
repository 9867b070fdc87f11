//! The plaintext definitions of what the circuits compute, on plain integers.

use crate::numbers::Sign;

/// `sum / count` rounded to the nearest integer, halves up (towards plus infinity); `previous` where
/// `count < max(limit, 1)`.
///
/// ```
/// use sharing::reference::rounded_division;
/// assert_eq!(rounded_division(5, 2, 0, 1), 3);
/// assert_eq!(rounded_division(-5, 2, 0, 1), -2);
/// assert_eq!(rounded_division(7, 0, -9, 1), -9);
/// ```
pub fn rounded_division(sum: i128, count: u64, previous: i128, limit: u64) -> i128 {
    if count < limit.max(1) {
        return previous;
    }
    let divisor = i128::from(count);
    let remainder = sum.rem_euclid(divisor);
    sum.div_euclid(divisor) + i128::from(2 * remainder >= divisor)
}

/// [`rounded_division`] for numbers of any width: limbs, least significant first, in two's complement if `sign` says
/// so. The result has as many limbs as `previous`, and is cut to them.
pub fn rounded_division_limbs(sum: &[u64], count: u64, previous: &[u64], limit: u64, sign: Sign) -> Vec<u64> {
    if count < limit.max(1) {
        return previous.to_vec();
    }
    let negative = sign == Sign::Signed && sum.last().is_some_and(|top| top >> 63 == 1);
    let mut magnitude = sum.to_vec();
    if negative {
        negate(&mut magnitude);
    }
    let mut remainder = 0;
    let mut quotient = magnitude;
    for limb in quotient.iter_mut().rev() {
        let part = remainder << 64 | u128::from(*limb);
        *limb = (part / u128::from(count)) as u64; // less than 2^64, as remainder < count
        remainder = part % u128::from(count);
    }
    // Of a negative sum, halves up means halves towards zero of its magnitude.
    let up = if negative { 2 * remainder > u128::from(count) } else { 2 * remainder >= u128::from(count) };
    quotient.resize(quotient.len().max(previous.len()), 0);
    if up {
        increment(&mut quotient);
    }
    if negative {
        negate(&mut quotient);
    }
    quotient.truncate(previous.len());
    quotient
}

/// The index of the least of `values`, the first among equals; `None` of none.
pub fn argmin<T: Ord>(values: &[T]) -> Option<usize> {
    // `min_by_key` gives the first of several least elements.
    values.iter().enumerate().min_by_key(|&(_, value)| value).map(|(index, _)| index)
}

fn increment(limbs: &mut [u64]) {
    for limb in limbs {
        let (sum, carry) = limb.overflowing_add(1);
        *limb = sum;
        if !carry {
            break;
        }
    }
}

fn negate(limbs: &mut [u64]) {
    for limb in limbs.iter_mut() {
        *limb = !*limb;
    }
    increment(limbs);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Straight from the definition floor((2S + N) / (2N)).
    fn definition(sum: i64, count: u64) -> i128 {
        (2 * i128::from(sum) + i128::from(count)).div_euclid(2 * i128::from(count))
    }

    #[test]
    fn both_widths_are_the_definition() {
        let sums = (-40..=40).chain([i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1]);
        for sum in sums {
            for count in (1..12).chain([1 << 32, u64::MAX, u64::MAX - 1, 1 << 63]) {
                let expected = definition(sum, count);
                assert_eq!(rounded_division(sum.into(), count, 0, 1), expected, "{sum} / {count}");
                let wide = [sum as u64, (sum >> 63) as u64, (sum >> 63) as u64];
                let limbs = rounded_division_limbs(&wide, count, &[0, 0, 0], 1, Sign::Signed);
                assert_eq!(limbs, [expected as u64, (expected >> 64) as u64, (expected >> 64) as u64]);
                if sum >= 0 {
                    let limbs = rounded_division_limbs(&[sum as u64], count, &[0], 1, Sign::Unsigned);
                    assert_eq!(limbs, [expected as u64], "{sum} / {count}");
                }
            }
        }
        assert_eq!(rounded_division_limbs(&[u64::MAX], 1, &[0, 0], 1, Sign::Unsigned), [u64::MAX, 0]);
        assert_eq!(rounded_division_limbs(&[5], 3, &[9], 4, Sign::Unsigned), [9]);
        assert_eq!(rounded_division(5, 3, 9, 3), 2);
    }

    #[test]
    fn the_first_of_equals_is_least() {
        assert_eq!(argmin(&[3, 1, 2, 1]), Some(1));
        assert_eq!(argmin::<u8>(&[]), None);
    }
}
