//! The portable kernel: 64-bit limbs, row by row, with the reduction fused into the product.

use super::Reduction;
use super::words::BLOCK;

/// Multiplies `x` and `y`; see [`super::Ring::multiply`] for what that means.
///
/// `SQUARE` says that `y` is `x` with its high part doubled, which saves one of the three products.
pub(super) fn multiply<const SQUARE: bool>(out: &mut [u64], x: &[u64], y: &[u64], reduction: &Reduction) {
    // One copy for each supported length, so that the compiler knows every trip count.
    match reduction.digits {
        9 => rows::<9, SQUARE>(out, x, y, reduction),
        17 => rows::<17, SQUARE>(out, x, y, reduction),
        25 => rows::<25, SQUARE>(out, x, y, reduction),
        33 => rows::<33, SQUARE>(out, x, y, reduction),
        49 => rows::<49, SQUARE>(out, x, y, reduction),
        other => unreachable!("no key size has {other} limbs"),
    }
}

fn first<const L: usize>(words: &[u64]) -> &[u64; L] {
    words.first_chunk().expect("a part has at least L words")
}

fn rows<const L: usize, const SQUARE: bool>(out: &mut [u64], x: &[u64], y: &[u64], reduction: &Reduction) {
    let part = L.next_multiple_of(BLOCK);
    let (a, b) = (first::<L>(x), first::<L>(&x[part..]));
    let (c, d) = (first::<L>(y), first::<L>(&y[part..]));
    let m = first::<L>(reduction.modulus.as_slice());
    let inverse = reduction.inverse;

    let mut low = [0; L];
    let mut high = *first::<L>(reduction.offset.as_slice());
    for i in 0..L {
        // low = (low + a·cᵢ + m·q) / 2^64
        let (mut digit, mut carry_a) = a[0].carrying_mul_add(c[i], low[0], 0);
        let q = digit.wrapping_mul(inverse);
        let (_, mut carry_m) = m[0].carrying_mul_add(q, digit, 0);
        for j in 1..L {
            (digit, carry_a) = a[j].carrying_mul_add(c[i], low[j], carry_a);
            (low[j - 1], carry_m) = m[j].carrying_mul_add(q, digit, carry_m);
        }
        low[L - 1] = carry_a + carry_m;

        // high = (high + a·dᵢ + b·cᵢ + (2^64 − 1 − q) + m·r) / 2^64
        let (mut digit, mut carry_a) = a[0].carrying_mul_add(d[i], high[0], !q);
        let mut carry_b = 0;
        if !SQUARE {
            (digit, carry_b) = b[0].carrying_mul_add(c[i], digit, 0);
        }
        let r = digit.wrapping_mul(inverse);
        let (_, mut carry_m) = m[0].carrying_mul_add(r, digit, 0);
        for j in 1..L {
            (digit, carry_a) = a[j].carrying_mul_add(d[i], high[j], carry_a);
            if !SQUARE {
                (digit, carry_b) = b[j].carrying_mul_add(c[i], digit, carry_b);
            }
            (high[j - 1], carry_m) = m[j].carrying_mul_add(r, digit, carry_m);
        }
        high[L - 1] = carry_a + carry_b + carry_m;
    }
    out[..L].copy_from_slice(&low);
    out[part..part + L].copy_from_slice(&high);
}

/// Copies the entry `index` of `table` to `out`, touching every entry alike.
pub(super) fn select(out: &mut [u64], table: &[u64], index: u64) {
    out.fill(0);
    for (i, entry) in table.chunks_exact(out.len()).enumerate() {
        // All ones if i == index; the black box keeps the compiler from seeing a comparison to branch on.
        let difference = std::hint::black_box(i as u64 ^ index);
        let mask = (difference.wrapping_sub(1) & !difference) >> 63;
        let mask = 0u64.wrapping_sub(mask);
        for (slot, word) in out.iter_mut().zip(entry) {
            *slot |= word & mask;
        }
    }
}
