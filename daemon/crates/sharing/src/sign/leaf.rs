//! Leaves: two bits of each number compared.
//!
//! The left party knows the chunk x, the right party the chunk y. With f_i = [x ≥ i] and h_j = [y = j],
//! "greater" is f_1·h_0 ⊕ f_2·h_1 ⊕ f_3·h_2, and "equal" is h_0 ⊕ f_3 and products of one f with one h. Both are
//! bilinear but for the two linear terms. Let φ = f ⊕ a and η = h ⊕ b be opened. Then for a bilinear M
//! M(f, h) = M(a, η) ⊕ M(φ, h) ⊕ M(a, b): the left party computes the first term, the right party the second, and
//! the third is dealt. Of a single bit f = x and h = ¬y do the same, and "equal" is f ⊕ h.

use super::stage::Chunks;
use super::wires::{wire, wire_mut, wires};
use crate::Party;

/// The operands of a party from its number's low bits, wire after wire: its f, or its h of the complement of the
/// number.
pub(super) fn operands(party: Party, chunks: Chunks, bits: &[u64], words: usize, out: &mut [u64]) {
    for chunk in 0..chunks.count() {
        let low = wire(bits, 2 * chunk, words);
        let out = &mut out[chunks.first_operand(chunk) * words..];
        if chunks.is_single(chunk) {
            out[..words].copy_from_slice(low);
            continue;
        }
        let high = wire(bits, 2 * chunk + 1, words);
        let (first, rest) = out.split_at_mut(words);
        let (second, third) = rest.split_at_mut(words);
        let third = &mut third[..words];
        for i in 0..words {
            let (low, high) = (low[i], high[i]);
            [first[i], second[i], third[i]] = match party {
                Party::Left => thresholds(high, low),
                Party::Right => indicators(!high, !low),
            };
        }
    }
}

/// A party's shares of "greater" of all chunks and "equal" of all but the lowest, on top of its parts, which are
/// already in `greater` and `equal`. `f` and `h` are a and η at the left party, φ and h at the right.
pub(super) fn evaluate(
    party: Party,
    chunks: Chunks,
    [f, h]: [&[u64]; 2],
    words: usize,
    parts: &[u64],
    [greater, equal]: [&mut [u64]; 2],
) {
    let right = match party {
        Party::Left => 0,
        Party::Right => u64::MAX,
    };
    for chunk in 0..chunks.count() {
        let first = chunks.first_operand(chunk);
        let part = chunks.first_part(chunk);
        let greater = wire_mut(greater, chunk, words);
        let greater_part = wire(parts, part, words);
        if chunks.is_single(chunk) {
            let (f, h) = (wire(f, first, words), wire(h, first, words));
            for i in 0..words {
                greater[i] = f[i] & h[i] ^ greater_part[i];
            }
            if chunk > 0 {
                let equal = wire_mut(equal, chunk - 1, words);
                for i in 0..words {
                    equal[i] = f[i] ^ h[i] & right;
                }
            }
            continue;
        }
        let (f, h) = (wires::<3>(f, first, words), wires::<3>(h, first, words));
        for i in 0..words {
            greater[i] = greater_products(f.map(|f| f[i]), h.map(|h| h[i])) ^ greater_part[i];
        }
        if chunk > 0 {
            let equal = wire_mut(equal, chunk - 1, words);
            let equal_part = wire(parts, part + 1, words);
            for i in 0..words {
                let (f, h) = (f.map(|f| f[i]), h.map(|h| h[i]));
                equal[i] = equal_products(f, h) ^ f[2] ^ h[0] & right ^ equal_part[i];
            }
        }
    }
}

/// Adds the dealt products of masks to the parts of the left party.
pub(super) fn deal(chunks: Chunks, [a, b]: [&[u64]; 2], words: usize, parts: &mut [u64]) {
    for chunk in 0..chunks.count() {
        let first = chunks.first_operand(chunk);
        let part = chunks.first_part(chunk);
        let greater = wire_mut(parts, part, words);
        if chunks.is_single(chunk) {
            let (a, b) = (wire(a, first, words), wire(b, first, words));
            for i in 0..words {
                greater[i] ^= a[i] & b[i];
            }
            continue;
        }
        let (a, b) = (wires::<3>(a, first, words), wires::<3>(b, first, words));
        for i in 0..words {
            greater[i] ^= greater_products(a.map(|a| a[i]), b.map(|b| b[i]));
        }
        if chunk > 0 {
            let equal = wire_mut(parts, part + 1, words);
            for i in 0..words {
                equal[i] ^= equal_products(a.map(|a| a[i]), b.map(|b| b[i]));
            }
        }
    }
}

/// [x ≥ 1], [x ≥ 2], [x ≥ 3].
fn thresholds(high: u64, low: u64) -> [u64; 3] {
    [high | low, high, high & low]
}

/// [y = 0], [y = 1], [y = 2].
fn indicators(high: u64, low: u64) -> [u64; 3] {
    [!high & !low, !high & low, high & !low]
}

/// [x > y] from thresholds and indicators.
fn greater_products([f1, f2, f3]: [u64; 3], [h0, h1, h2]: [u64; 3]) -> u64 {
    f1 & h0 ^ f2 & h1 ^ f3 & h2
}

/// [x = y] ⊕ f_3 ⊕ h_0 from thresholds and indicators.
fn equal_products([f1, f2, f3]: [u64; 3], [h0, h1, h2]: [u64; 3]) -> u64 {
    let odd = f1 ^ f3;
    odd & h0 ^ (odd ^ f2) & h1 ^ f2 & h2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formulas_compare_all_pairs_of_two_bits() {
        let spread = |bit: u64| bit.wrapping_neg();
        for x in 0..4_u64 {
            for y in 0..4_u64 {
                let f = thresholds(spread(x >> 1), spread(x & 1));
                let h = indicators(spread(y >> 1), spread(y & 1));
                assert_eq!(f, [1, 2, 3].map(|i| spread(u64::from(x >= i))));
                assert_eq!(h, [0, 1, 2].map(|j| spread(u64::from(y == j))));
                assert_eq!(greater_products(f, h), spread(u64::from(x > y)), "{x} > {y}");
                assert_eq!(equal_products(f, h) ^ f[2] ^ h[0], spread(u64::from(x == y)), "{x} = {y}");
            }
        }
    }
}
