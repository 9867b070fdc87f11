//! Products of unsigned numbers.

use super::{Depth, add};
use crate::{Builder, Wire};

/// `x · y`, `x.len() + y.len()` bits wide.
///
/// All bit products in one layer, then carry-save adders until two rows are left (Wallace, 1964), then one addition.
/// For a square, equal products meet in pairs, and a pair is one product a place higher.
pub fn multiply(b: &mut Builder, x: &[Wire], y: &[Wire], depth: Depth) -> Vec<Wire> {
    let bits = x.len() + y.len();
    let mut columns: Vec<Vec<Wire>> = vec![Vec::new(); bits + 1];
    if x == y {
        for (i, &one) in x.iter().enumerate() {
            columns[2 * i].push(one);
            for (j, &other) in x.iter().enumerate().skip(i + 1) {
                columns[i + j + 1].push(b.and(one, other));
            }
        }
    } else {
        for (i, &one) in x.iter().enumerate() {
            for (j, &other) in y.iter().enumerate() {
                columns[i + j].push(b.and(one, other));
            }
        }
    }
    while columns.iter().any(|column| column.len() > 2) {
        let mut reduced: Vec<Vec<Wire>> = vec![Vec::new(); bits + 2];
        for (place, column) in columns.iter().enumerate() {
            for group in column.chunks(3) {
                match *group {
                    [p, q, r] => {
                        // p + q + r = sum + 2 · majority
                        let (pr, qr) = (b.xor(p, r), b.xor(q, r));
                        let both = b.and(pr, qr);
                        reduced[place].push(b.xor(pr, q));
                        reduced[place + 1].push(b.xor(both, r));
                    }
                    _ => reduced[place].extend_from_slice(group),
                }
            }
        }
        // What would stand above the product's top bit is zero.
        reduced.truncate(bits);
        columns = reduced;
    }
    let row = |which: usize| -> Vec<Wire> {
        columns[..bits].iter().map(|column| column.get(which).copied().unwrap_or(Wire::ZERO)).collect()
    };
    add(b, &row(0), &row(1), depth)
}
