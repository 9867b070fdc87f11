//! The least of several numbers and its place, by tournament.

use super::{Depth, Sign, less_than, less_than_signed, select};
use crate::{Builder, Wire};

/// What a tournament finds. Parts that are not used cost nothing: their gates are left out.
pub struct Argmin {
    /// The least value.
    pub min: Vec<Wire>,
    /// One wire a value, 1 at the first of the least ones alone.
    pub one_hot: Vec<Wire>,
    /// The index of that value, as many bits as the largest index has.
    pub index: Vec<Wire>,
}

/// The least of `values` and its place; among equals the smallest index wins.
///
/// # Panics
/// When there is no value or the values differ in bits.
pub fn argmin(b: &mut Builder, values: &[Vec<Wire>], sign: Sign, depth: Depth) -> Argmin {
    assert!(!values.is_empty(), "the least of no values");
    let mut field: Vec<Entrant> =
        values.iter().map(|value| Entrant { value: value.clone(), one_hot: vec![Wire::ONE] }).collect();
    while field.len() > 1 {
        let mut entrants = field.into_iter();
        let mut winners = Vec::with_capacity(entrants.len().div_ceil(2));
        while let Some(low) = entrants.next() {
            winners.push(match entrants.next() {
                Some(high) => play(b, low, high, sign, depth),
                None => low,
            });
        }
        field = winners;
    }
    let Some(Entrant { value: min, one_hot }) = field.pop() else {
        unreachable!("a tournament has a winner")
    };
    let bits = (usize::BITS - (values.len() - 1).leading_zeros()) as usize;
    let index = (0..bits)
        .map(|bit| {
            let places = one_hot.iter().enumerate().filter(|(place, _)| place >> bit & 1 == 1);
            places.fold(Wire::ZERO, |sum, (_, &wire)| b.xor(sum, wire))
        })
        .collect();
    Argmin { min, one_hot, index }
}

/// The least of `values`.
///
/// # Panics
/// As [`argmin`].
pub fn min(b: &mut Builder, values: &[Vec<Wire>], sign: Sign, depth: Depth) -> Vec<Wire> {
    argmin(b, values, sign, depth).min
}

/// The least of a run of values, and where in the run it is.
struct Entrant {
    value: Vec<Wire>,
    one_hot: Vec<Wire>,
}

/// The places are settled beside the values, so they add no layer.
fn play(b: &mut Builder, low: Entrant, high: Entrant, sign: Sign, depth: Depth) -> Entrant {
    let less = match sign {
        Sign::Signed => less_than_signed,
        Sign::Unsigned => less_than,
    };
    let high_wins = less(b, &high.value, &low.value, depth);
    let value = select(b, high_wins, &high.value, &low.value);
    let mut one_hot = Vec::with_capacity(low.one_hot.len() + high.one_hot.len());
    for wire in low.one_hot {
        one_hot.push(b.and(b.not(high_wins), wire));
    }
    for wire in high.one_hot {
        one_hot.push(b.and(high_wins, wire));
    }
    Entrant { value, one_hot }
}
