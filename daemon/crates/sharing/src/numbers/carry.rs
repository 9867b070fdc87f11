//! Addition and subtraction modulo 2^b, and the carry chains that comparison shares.

use super::Depth;
use crate::{Builder, Wire};

/// `x + y` modulo 2^b.
///
/// # Panics
/// When the operands differ in bits.
pub fn add(b: &mut Builder, x: &[Wire], y: &[Wire], depth: Depth) -> Vec<Wire> {
    assert_eq!(x.len(), y.len(), "operands of an addition differ in bits");
    let digits = sum_digits(b, x, y);
    let needed = &digits[..x.len().saturating_sub(1)]; // nobody reads the last carry
    let carries = carries(b, needed, depth);
    finish(b, x, y, &carries)
}

/// `x - y` modulo 2^b.
///
/// # Panics
/// When the operands differ in bits.
pub fn sub(b: &mut Builder, x: &[Wire], y: &[Wire], depth: Depth) -> Vec<Wire> {
    sub_borrow(b, x, y, depth).0 // the borrow's own gates are dead and left out
}

/// `x - y` modulo 2^b, and whether `x < y` as unsigned numbers.
///
/// # Panics
/// When the operands differ in bits.
pub fn sub_borrow(b: &mut Builder, x: &[Wire], y: &[Wire], depth: Depth) -> (Vec<Wire>, Wire) {
    assert_eq!(x.len(), y.len(), "operands of a subtraction differ in bits");
    let digits = difference_digits(b, x, y);
    let borrows = carries(b, &digits, depth);
    let difference = finish(b, x, y, &borrows);
    (difference, borrows.last().copied().unwrap_or(Wire::ZERO))
}

/// `-x` modulo 2^b.
pub fn negate(b: &mut Builder, x: &[Wire], depth: Depth) -> Vec<Wire> {
    let zero = vec![Wire::ZERO; x.len()];
    sub(b, &zero, x, depth)
}

/// A run of bits as its carry sees it: it makes a carry of its own, or passes on the one below, never both.
#[derive(Clone, Copy)]
pub(super) struct Digit {
    /// What a carry into this run would meet; two operand bits of which the carry out is the majority.
    pair: Option<(Wire, Wire)>,
    makes: Wire,
    passes: Wire,
}

impl Digit {
    fn of_bits(b: &mut Builder, x: Wire, y: Wire) -> Self {
        Self { pair: Some((x, y)), makes: b.and(x, y), passes: b.xor(x, y) }
    }

    /// The run of `self` above `low`. As makes and passes exclude each other, OR is exclusive or.
    pub(super) fn above(self, b: &mut Builder, low: Self) -> Self {
        let passed = b.and(self.passes, low.makes);
        Self { pair: None, makes: b.xor(self.makes, passed), passes: b.and(self.passes, low.passes) }
    }
}

fn sum_digits(b: &mut Builder, x: &[Wire], y: &[Wire]) -> Vec<Digit> {
    x.iter().zip(y).map(|(&x, &y)| Digit::of_bits(b, x, y)).collect()
}

/// The digits of the borrows of `x - y`: a borrow is the majority of `!x`, `y` and the borrow below.
pub(super) fn difference_digits(b: &mut Builder, x: &[Wire], y: &[Wire]) -> Vec<Digit> {
    x.iter().zip(y).map(|(&x, &y)| Digit::of_bits(b, b.not(x), y)).collect()
}

/// The carry out of every digit.
fn carries(b: &mut Builder, digits: &[Digit], depth: Depth) -> Vec<Wire> {
    match depth {
        Depth::Shallow => sklansky(b, digits),
        Depth::Narrow => ripple(b, digits),
    }
}

/// Sklansky's prefix tree: the least depth, half the digits combined at each level.
fn sklansky(b: &mut Builder, digits: &[Digit]) -> Vec<Wire> {
    let mut runs = digits.to_vec();
    let mut span = 1;
    while span < runs.len() {
        for index in 0..runs.len() {
            if index & span != 0 {
                let low = runs[(index & !(span - 1)) - 1];
                runs[index] = runs[index].above(b, low);
            }
        }
        span *= 2;
    }
    runs.into_iter().map(|run| run.makes).collect()
}

/// One AND a digit: the majority of x, y and c is c ^ ((x ^ c) & (y ^ c)).
fn ripple(b: &mut Builder, digits: &[Digit]) -> Vec<Wire> {
    let mut carry = Wire::ZERO;
    digits
        .iter()
        .map(|digit| {
            let (x, y) = digit.pair.expect("digits of single bits");
            let (x, y) = (b.xor(x, carry), b.xor(y, carry));
            let differ = b.and(x, y);
            carry = b.xor(carry, differ);
            carry
        })
        .collect()
}

/// The carry out of the highest digit alone: a balanced tree, which needs far fewer gates than all carries.
pub(super) fn last_carry(b: &mut Builder, digits: &[Digit], depth: Depth) -> Wire {
    match depth {
        Depth::Narrow => ripple(b, digits).last().copied().unwrap_or(Wire::ZERO),
        Depth::Shallow => {
            let mut runs = digits.to_vec();
            while runs.len() > 1 {
                runs = runs
                    .chunks(2)
                    .map(|pair| match *pair {
                        [low, high] => high.above(b, low),
                        _ => pair[0],
                    })
                    .collect();
            }
            runs.first().map_or(Wire::ZERO, |run| run.makes)
        }
    }
}

/// `x ^ y ^ carry in`, bit by bit.
fn finish(b: &mut Builder, x: &[Wire], y: &[Wire], carries: &[Wire]) -> Vec<Wire> {
    let carries = core::iter::once(Wire::ZERO).chain(carries.iter().copied());
    let bits = x.iter().zip(y).zip(carries);
    bits.map(|((&x, &y), carry)| {
        let half = b.xor(x, y);
        b.xor(half, carry)
    })
    .collect()
}
