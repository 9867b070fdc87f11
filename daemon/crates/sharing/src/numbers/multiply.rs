//! Products of unsigned numbers.

use super::{Depth, add};
use crate::{Builder, Wire};

/// `x · y`, `x.len() + y.len()` bits wide.
///
/// All bit products in one layer, then carry-save adders until two rows are left (Wallace, 1964), then one addition.
/// For a square, equal products meet in pairs, and a pair is one product a place higher.
pub fn multiply(b: &mut Builder, x: &[Wire], y: &[Wire], depth: Depth) -> Vec<Wire> {
    let bits = x.len() + y.len();
    let mut rows = if x == y { square_rows(b, x) } else { product_rows(b, x, y) };
    // Whole rows, not columns, are reduced: three give two at each level, so a carry never ripples.
    while rows.len() > 2 {
        let mut reduced = Vec::with_capacity(rows.len() / 3 * 2 + 2);
        for group in rows.chunks(3) {
            match group {
                [p, q, r] => reduced.extend(carry_save(b, p, q, r)),
                rest => reduced.extend_from_slice(rest),
            }
        }
        rows = reduced;
    }
    rows.resize(2, vec![Wire::ZERO; bits]);
    add(b, &rows[0], &rows[1], depth)
}

/// One row for each bit of the shorter factor.
fn product_rows(b: &mut Builder, x: &[Wire], y: &[Wire]) -> Vec<Vec<Wire>> {
    let (short, long) = if x.len() <= y.len() { (x, y) } else { (y, x) };
    let row = |(i, &one): (usize, &Wire)| {
        let mut row = vec![Wire::ZERO; x.len() + y.len()];
        for (place, &other) in row[i..].iter_mut().zip(long) {
            *place = b.and(one, other);
        }
        row
    };
    short.iter().enumerate().map(row).collect()
}

/// Row i holds bit i's square, which is the bit, and its doubled products with the higher bits.
fn square_rows(b: &mut Builder, x: &[Wire]) -> Vec<Vec<Wire>> {
    let row = |(i, &one): (usize, &Wire)| {
        let mut row = vec![Wire::ZERO; 2 * x.len()];
        row[2 * i] = one;
        for (j, &other) in x.iter().enumerate().skip(i + 1) {
            row[i + j + 1] = b.and(one, other);
        }
        row
    };
    x.iter().enumerate().map(row).collect()
}

/// Two rows with the sum of three; a carry out of the top is dropped, as the product has none.
fn carry_save(b: &mut Builder, p: &[Wire], q: &[Wire], r: &[Wire]) -> [Vec<Wire>; 2] {
    let mut sum = Vec::with_capacity(p.len());
    let mut carries = Vec::with_capacity(p.len() + 1);
    carries.push(Wire::ZERO);
    for ((&p, &q), &r) in p.iter().zip(q).zip(r) {
        // p + q + r = (p ^ q ^ r) + 2 · majority(p, q, r)
        let (pr, qr) = (b.xor(p, r), b.xor(q, r));
        let both = b.and(pr, qr);
        sum.push(b.xor(pr, q));
        carries.push(b.xor(both, r));
    }
    carries.truncate(p.len());
    [sum, carries]
}
