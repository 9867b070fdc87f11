//! Merges: from "greater" and "equal" of neighbouring nodes those of all of them together.
//!
//! With G and P for "greater" and "equal", numbered from the least significant node,
//! G = G_3 ⊕ P_3·(G_2 ⊕ P_2·(G_1 ⊕ P_1·G_0)) and P = P_3·P_2·P_1·P_0, cut off at the number of nodes ("greater" and
//! "equal" exclude each other). All operands are masked and opened at once; the products of masks that a formula needs
//! are dealt, those that only ever occur as a sum as that sum. So a merge is one exchange however many nodes it takes.
//!
//! In the formulas a capital letter is an opened operand (value ⊕ mask), a small one the share of its mask; `one` is
//! the share of 1.

use super::stage::{Group, Layer};
use super::wires::{wire, wire_mut, wires};

/// The operands of all groups into `out`, from the nodes.
pub(super) fn operands(layer: Layer, nodes: &[u64], words: usize, mut out: &mut [u64]) {
    let (greater, equal) = nodes.split_at(layer.nodes() * words);
    let mut take = |from: &[u64], node: usize| {
        let (wire_out, rest) = core::mem::take(&mut out).split_at_mut(words);
        wire_out.copy_from_slice(wire(from, node, words));
        out = rest;
    };
    for group in layer.groups().filter(|group| group.nodes > 1) {
        let last = group.first + group.nodes - 1;
        (group.first + 1..=last).rev().for_each(|node| take(equal, node - 1));
        (group.first..last).rev().for_each(|node| take(greater, node));
        if !group.is_lowest() {
            take(equal, group.first - 1);
        }
    }
}

/// What a merge is computed from, wire after wire: opened operands, this party's masks and its parts.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub(super) opened: &'a [u64],
    pub(super) masks: &'a [u64],
    pub(super) parts: &'a [u64],
}

/// The nodes after the merge, zero before, from those before it.
pub(super) fn evaluate(
    layer: Layer,
    one: u64,
    mut inputs: Inputs<'_>,
    words: usize,
    old: &[u64],
    new: &mut [u64],
) {
    let (old_greater, old_equal) = old.split_at(layer.nodes() * words);
    let (new_greater, new_equal) = new.split_at_mut(layer.groups().count() * words);
    for (index, group) in layer.groups().enumerate() {
        let last = group.first + group.nodes - 1;
        let greater = wire_mut(new_greater, index, words);
        greater.copy_from_slice(wire(old_greater, last, words));
        if group.is_lowest() {
            let out = [greater];
            match group.nodes {
                2 => each(out, inputs, |o, m, s| lowest_pair(one, o, m, s)),
                3 => each(out, inputs, |o, m, s| lowest_triple(one, o, m, s)),
                4 => each(out, inputs, |o, m, s| lowest_four(one, o, m, s)),
                _ => {}
            }
        } else {
            let equal = wire_mut(new_equal, index - 1, words);
            let out = [greater, equal];
            match group.nodes {
                2 => each(out, inputs, |o, m, s| pair(one, o, m, s)),
                3 => each(out, inputs, |o, m, s| triple(one, o, m, s)),
                _ => equal.copy_from_slice(wire(old_equal, last - 1, words)),
            }
        }
        inputs = inputs.after(group, words);
    }
}

/// Adds the dealt products of masks to the parts of the left party.
pub(super) fn deal(layer: Layer, mut masks: &[u64], words: usize, mut parts: &mut [u64]) {
    for group in layer.groups() {
        let (now, rest) = parts.split_at_mut(group.parts() * words);
        match (group.nodes, group.is_lowest()) {
            (2, true) => each_dealt(now, masks, words, lowest_pair_parts),
            (2, false) => each_dealt(now, masks, words, pair_parts),
            (3, true) => each_dealt(now, masks, words, lowest_triple_parts),
            (3, false) => each_dealt(now, masks, words, triple_parts),
            (4, _) => each_dealt(now, masks, words, lowest_four_parts),
            _ => {}
        }
        parts = rest;
        masks = &masks[group.operands() * words..];
    }
}

impl Inputs<'_> {
    /// Those of the groups after `group`.
    fn after(self, group: Group, words: usize) -> Self {
        Inputs {
            opened: &self.opened[group.operands() * words..],
            masks: &self.masks[group.operands() * words..],
            parts: &self.parts[group.parts() * words..],
        }
    }
}

/// Adds the formula's results to `out`, word by word.
fn each<const O: usize, const S: usize, const R: usize>(
    mut out: [&mut [u64]; R],
    inputs: Inputs<'_>,
    formula: impl Fn([u64; O], [u64; O], [u64; S]) -> [u64; R],
) {
    let words = out[0].len();
    let opened = wires::<O>(inputs.opened, 0, words);
    let masks = wires::<O>(inputs.masks, 0, words);
    let parts = wires::<S>(inputs.parts, 0, words);
    for i in 0..words {
        let results =
            formula(opened.map(|wire| wire[i]), masks.map(|wire| wire[i]), parts.map(|wire| wire[i]));
        for (out, result) in out.iter_mut().zip(results) {
            out[i] ^= result;
        }
    }
}

/// Adds the products of masks to `parts`, word by word.
fn each_dealt<const O: usize, const S: usize>(
    parts: &mut [u64],
    masks: &[u64],
    words: usize,
    products: impl Fn([u64; O]) -> [u64; S],
) {
    let masks = wires::<O>(masks, 0, words);
    for i in 0..words {
        for (wire, product) in products(masks.map(|wire| wire[i])).into_iter().enumerate() {
            parts[wire * words + i] ^= product;
        }
    }
}

fn lowest_pair(one: u64, [a, d]: [u64; 2], [p1, g0]: [u64; 2], [p1g0]: [u64; 1]) -> [u64; 1] {
    [product(one, [a, d], [p1, g0], p1g0)]
}

fn lowest_pair_parts([p1, g0]: [u64; 2]) -> [u64; 1] {
    [p1 & g0]
}

fn pair(one: u64, [a, d, e]: [u64; 3], [p1, g0, p0]: [u64; 3], [p1g0, p1p0]: [u64; 2]) -> [u64; 2] {
    [product(one, [a, d], [p1, g0], p1g0), product(one, [a, e], [p1, p0], p1p0)]
}

fn pair_parts([p1, g0, p0]: [u64; 3]) -> [u64; 2] {
    [p1 & g0, p1 & p0]
}

fn lowest_triple(
    one: u64,
    [a, b, c, d]: [u64; 4],
    [p2, p1, g1, g0]: [u64; 4],
    [p1g0, p2g0, p2p1, rest]: [u64; 4],
) -> [u64; 1] {
    let inner = sum_of_products([b, c, d], Terms { one, p1, g0, rest: g1 ^ p1g0 });
    [a & inner ^ sum_of_products([b, c, d], Terms { one: p2, p1: p2p1, g0: p2g0, rest })]
}

fn lowest_triple_parts([p2, p1, g1, g0]: [u64; 4]) -> [u64; 4] {
    [p1 & g0, p2 & g0, p2 & p1, p2 & (g1 ^ p1 & g0)]
}

fn triple(
    one: u64,
    [a, b, c, d, e]: [u64; 5],
    [p2, p1, g1, g0, p0]: [u64; 5],
    [p1g0, p2g0, p2p1, rest, p1p0, p2p0, p2p1p0]: [u64; 7],
) -> [u64; 2] {
    let [greater] = lowest_triple(one, [a, b, c, d], [p2, p1, g1, g0], [p1g0, p2g0, p2p1, rest]);
    let [equal] = lowest_triple(one, [a, b, 0, e], [p2, p1, 0, p0], [p1p0, p2p0, p2p1, p2p1p0]);
    [greater, equal]
}

fn triple_parts([p2, p1, g1, g0, p0]: [u64; 5]) -> [u64; 7] {
    let [p1g0, p2g0, p2p1, rest] = lowest_triple_parts([p2, p1, g1, g0]);
    [p1g0, p2g0, p2p1, rest, p1 & p0, p2 & p0, p2p1 & p0]
}

fn lowest_four(
    one: u64,
    [z, a, b, x, c, d]: [u64; 6],
    [p3, p2, p1, g2, g1, g0]: [u64; 6],
    parts: [u64; 11],
) -> [u64; 1] {
    let [p1g0, p2g0, p2p1, rest, p3g0, p3p1, p3rest, p3p2, p3p2g0, p3p2p1, all_rest] = parts;
    let [inner] = lowest_triple(one, [a, b, c, d], [p2, p1, g1, g0], [p1g0, p2g0, p2p1, rest]);
    // The same times p_3.
    let masked = a & sum_of_products([b, c, d], Terms { one: p3, p1: p3p1, g0: p3g0, rest: p3rest })
        ^ sum_of_products([b, c, d], Terms { one: p3p2, p1: p3p2p1, g0: p3p2g0, rest: all_rest });
    [z & (x & one ^ g2 ^ inner) ^ x & p3 ^ masked]
}

fn lowest_four_parts([p3, p2, p1, g2, g1, g0]: [u64; 6]) -> [u64; 11] {
    let [p1g0, p2g0, p2p1, rest] = lowest_triple_parts([p2, p1, g1, g0]);
    let times_p3 = [p3 & g0, p3 & p1, p3 & (g1 ^ p1g0), p3 & p2, p3 & p2g0, p3 & p2p1, p3 & (g2 ^ rest)];
    let [p3g0, p3p1, p3rest, p3p2, p3p2g0, p3p2p1, all_rest] = times_p3;
    [p1g0, p2g0, p2p1, rest, p3g0, p3p1, p3rest, p3p2, p3p2g0, p3p2p1, all_rest]
}

/// Shares of some m times 1, p_1, g_0 and g_1 ⊕ p_1·g_0.
struct Terms {
    one: u64,
    p1: u64,
    g0: u64,
    rest: u64,
}

/// The share of m·(G_1 ⊕ P_1·G_0).
fn sum_of_products([b, c, d]: [u64; 3], m: Terms) -> u64 {
    (c ^ b & d) & m.one ^ b & m.g0 ^ d & m.p1 ^ m.rest
}

/// The share of the product of two opened operands.
fn product(one: u64, [a, b]: [u64; 2], [p, q]: [u64; 2], pq: u64) -> u64 {
    a & b & one ^ a & q ^ b & p ^ pq
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::stage::{Stage, stages};
    use crate::sign::wires::add;
    use crate::{Seed, Stream};

    /// All values of all nodes of a layer, one a lane, each masked and shared at random.
    #[test]
    fn the_formulas_merge_all_values() {
        for nodes in 2..=7 {
            let Some(Stage::Merge(layer)) = stages(2 * nodes + 1).nth(1) else { panic!("{nodes} nodes") };
            assert_eq!(layer.nodes(), nodes);
            let wires = 2 * nodes - 1;
            let lanes = 1_usize << wires;
            let words = lanes.div_ceil(64);
            let mut values = vec![0; wires * words];
            for lane in 0..lanes {
                for wire in 0..wires {
                    values[wire * words + lane / 64] |= (lane as u64 >> wire & 1) << (lane % 64);
                }
            }
            let stage = Stage::Merge(layer);
            let groups = layer.groups().count();
            for repeat in 0..10 {
                let mut stream = Stream::new(Seed::from_bytes([repeat; 32]));
                let left = stream.words(wires * words);
                let right: Vec<_> = left.iter().zip(&values).map(|(share, value)| share ^ value).collect();
                let masks = [(); 2].map(|()| stream.words(stage.operands() * words));
                let drawn = stream.words(stage.parts() * words);
                let mut dealt = drawn.clone();
                let mut mask = masks[0].clone();
                add(&mut mask, &masks[1]);
                deal(layer, &mask, words, &mut dealt);
                let mut opened = mask;
                for share in [&left, &right] {
                    let mut own = vec![0; stage.operands() * words];
                    operands(layer, share, words, &mut own);
                    add(&mut opened, &own);
                }
                let mut merged = vec![0; (2 * groups - 1) * words];
                let parties = [(u64::MAX, &left, &masks[0], &drawn), (0, &right, &masks[1], &dealt)];
                for (one, nodes, masks, parts) in parties {
                    let mut out = vec![0; merged.len()];
                    let inputs = Inputs { opened: &opened, masks, parts };
                    evaluate(layer, one, inputs, words, nodes, &mut out);
                    add(&mut merged, &out);
                }
                for lane in 0..lanes {
                    let value = |buffer: &[u64], wire| buffer[wire * words + lane / 64] >> (lane % 64) & 1;
                    for (index, group) in layer.groups().enumerate() {
                        let nodes_of = || group.first..group.first + group.nodes;
                        let equal = |node| value(&values, nodes + node - 1);
                        let greater = nodes_of().fold(0, |below, node| {
                            value(&values, node) ^ if node > group.first { equal(node) & below } else { 0 }
                        });
                        assert_eq!(
                            value(&merged, index),
                            greater,
                            "{nodes} nodes, group {index}, lane {lane}"
                        );
                        if index > 0 {
                            let all = nodes_of().fold(1, |all, node| all & equal(node));
                            assert_eq!(
                                value(&merged, groups + index - 1),
                                all,
                                "{nodes} nodes, group {index}"
                            );
                        }
                    }
                }
            }
        }
    }
}
