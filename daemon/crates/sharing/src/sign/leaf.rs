//! Leaves: two bits of each number compared.
//!
//! The left party knows the chunk x, the right party the chunk y. With f_i = [x ≥ i] and h_j = [y = j],
//! "greater" is f_1·h_0 ⊕ f_2·h_1 ⊕ f_3·h_2, and "equal" is h_0 ⊕ f_3 and products of one f with one h. Both are
//! bilinear but for the two linear terms. Let φ = f ⊕ a and η = h ⊕ b be opened. Then for a bilinear M
//! M(f, h) = M(a, η) ⊕ M(φ, h) ⊕ M(a, b): the left party computes the first term, the right party the second, and
//! the third is dealt. Of a single bit f = x and h = ¬y do the same, and "equal" is f ⊕ h.

use super::stage::Chunks;
use super::wires::{add, wire, wire_mut, wires};
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

/// Adds M(f, h) to `nodes`: "greater" of all chunks, then "equal" of all but the lowest, where that has a product. To
/// the parts of the left party with a and b this gives the corrections.
pub(super) fn add_products(chunks: Chunks, [f, h]: [&[u64]; 2], words: usize, nodes: &mut [u64]) {
    for chunk in 0..chunks.count() {
        let first = chunks.first_operand(chunk);
        let greater = wire_mut(nodes, chunk, words);
        if chunks.is_single(chunk) {
            let (f, h) = (wire(f, first, words), wire(h, first, words));
            for i in 0..words {
                greater[i] ^= f[i] & h[i];
            }
            continue;
        }
        let (f, h) = (wires::<3>(f, first, words), wires::<3>(h, first, words));
        for i in 0..words {
            greater[i] ^= greater_products(f.map(|f| f[i]), h.map(|h| h[i]));
        }
        if let Some(node) = chunks.equal_node(chunk) {
            let equal = wire_mut(nodes, node, words);
            for i in 0..words {
                equal[i] ^= equal_products(f.map(|f| f[i]), h.map(|h| h[i]));
            }
        }
    }
}

/// Adds a party's share of the linear terms of "equal", from a at the left party, from φ and h at the right.
pub(super) fn add_linear(chunks: Chunks, [f, h]: [&[u64]; 2], party: Party, words: usize, nodes: &mut [u64]) {
    for chunk in 0..chunks.count() {
        let Some(node) = chunks.equal_node(chunk) else { continue };
        let first = chunks.first_operand(chunk);
        let last = if chunks.is_single(chunk) { first } else { first + 2 };
        let equal = wire_mut(nodes, node, words);
        add(equal, wire(f, last, words));
        if party == Party::Right {
            add(equal, wire(h, first, words));
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
