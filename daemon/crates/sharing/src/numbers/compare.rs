//! Comparisons, each to one wire.

use super::Depth;
use super::carry::{difference_digits, last_carry};
use crate::{Builder, Wire};

/// Whether `x < y` as unsigned numbers.
///
/// # Panics
/// When the operands differ in bits.
pub fn less_than(b: &mut Builder, x: &[Wire], y: &[Wire], depth: Depth) -> Wire {
    assert_eq!(x.len(), y.len(), "operands of a comparison differ in bits");
    let digits = difference_digits(b, x, y);
    last_carry(b, &digits, depth)
}

/// Whether `x < y` in two's complement.
///
/// # Panics
/// When the operands differ in bits.
pub fn less_than_signed(b: &mut Builder, x: &[Wire], y: &[Wire], depth: Depth) -> Wire {
    // Turning the sign bit round moves both numbers up by half the range, which makes them unsigned.
    let lifted = |number: &[Wire], b: &Builder| {
        let mut number = number.to_vec();
        if let Some(sign) = number.last_mut() {
            *sign = b.not(*sign);
        }
        number
    };
    let (x, y) = (lifted(x, b), lifted(y, b));
    less_than(b, &x, &y, depth)
}

/// Whether `x = y`.
///
/// # Panics
/// When the operands differ in bits.
pub fn equal(b: &mut Builder, x: &[Wire], y: &[Wire]) -> Wire {
    assert_eq!(x.len(), y.len(), "operands of a comparison differ in bits");
    let differences: Vec<_> = x.iter().zip(y).map(|(&x, &y)| b.xor(x, y)).collect();
    is_zero(b, &differences)
}

/// Whether every bit of `x` is 0.
pub fn is_zero(b: &mut Builder, x: &[Wire]) -> Wire {
    let some = any(b, x);
    b.not(some)
}

/// Whether some bit of `x` is 1.
pub fn any(b: &mut Builder, x: &[Wire]) -> Wire {
    let mut wires = x.to_vec();
    while wires.len() > 1 {
        wires = wires
            .chunks(2)
            .map(|pair| match *pair {
                [x, y] => b.or(x, y),
                _ => pair[0],
            })
            .collect();
    }
    wires.first().copied().unwrap_or(Wire::ZERO)
}
