//! Choosing between values by a wire.

use crate::{Builder, Wire};

/// `x` where `condition` is 1, else `y`.
///
/// # Panics
/// When the values differ in bits.
pub fn select(b: &mut Builder, condition: Wire, x: &[Wire], y: &[Wire]) -> Vec<Wire> {
    assert_eq!(x.len(), y.len(), "values to select from differ in bits");
    x.iter().zip(y).map(|(&x, &y)| select_wire(b, condition, x, y)).collect()
}

/// [`select`] for one bit: `y ^ (condition & (x ^ y))`.
pub fn select_wire(b: &mut Builder, condition: Wire, x: Wire, y: Wire) -> Wire {
    let difference = b.xor(x, y);
    let taken = b.and(condition, difference);
    b.xor(y, taken)
}
