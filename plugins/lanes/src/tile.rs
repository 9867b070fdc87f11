//! The loops that the compiler turns into vector code, once for each instruction set.
//!
//! Everything here is `inline(always)` and generic, so that the callers in `dispatch` compile it anew with
//! their own target features.

use crate::block::{Blocks, NARROW, WIDE};
use crate::{NotFinite, Term};

/// Rows of one tile; their sums stay in registers and hide each other's latency.
const TILE: usize = 8;

#[inline(always)]
pub(crate) fn assign<T: Term>(
    rows: &[f64],
    dim: usize,
    blocks: &Blocks,
    labels: &mut [u32],
    costs: &mut [f64],
) -> Result<(), NotFinite> {
    let (label_tiles, label_rest) = labels.as_chunks_mut::<TILE>();
    let (cost_tiles, cost_rest) = costs.as_chunks_mut::<TILE>();
    let (tiled, rest) = rows.split_at(label_tiles.len() * TILE * dim);
    let mut finite = true;
    for ((rows, labels), costs) in tiled.chunks_exact(TILE * dim).zip(label_tiles).zip(cost_tiles) {
        finite &= assign_tile::<T, TILE>(rows, dim, blocks, labels, costs);
    }
    for ((row, label), cost) in rest.chunks_exact(dim).zip(label_rest).zip(cost_rest) {
        let (mut one_label, mut one_cost) = ([0], [0.0]);
        finite &= assign_tile::<T, 1>(row, dim, blocks, &mut one_label, &mut one_cost);
        [*label] = one_label;
        [*cost] = one_cost;
    }
    if finite { Ok(()) } else { Err(NotFinite) }
}

/// Assigns `R` rows; says whether every least cost is finite.
#[inline(always)]
fn assign_tile<T: Term, const R: usize>(
    rows: &[f64],
    dim: usize,
    blocks: &Blocks,
    labels: &mut [u32; R],
    costs: &mut [f64; R],
) -> bool {
    *labels = [0; R];
    *costs = [f64::INFINITY; R];
    let mut first = 0;
    for block in blocks.wide() {
        keep_least::<R, WIDE>(&sums::<T, R, WIDE>(rows, dim, block), first, labels, costs);
        first += WIDE as u32;
    }
    if !blocks.narrow().is_empty() {
        keep_least::<R, NARROW>(&sums::<T, R, NARROW>(rows, dim, blocks.narrow()), first, labels, costs);
    }
    costs.iter().all(|cost| cost.is_finite())
}

/// The costs of `R` rows at the `L` centres of a block, each summed in the order of the dimensions.
#[inline(always)]
fn sums<T: Term, const R: usize, const L: usize>(
    rows: &[f64],
    dim: usize,
    block: &[[f64; L]],
) -> [[f64; L]; R] {
    assert!(rows.len() == R * dim && block.len() == dim);
    let mut sums = [[0.0; L]; R];
    for (d, lanes) in block.iter().enumerate() {
        for (r, sums) in sums.iter_mut().enumerate() {
            let x = rows[r * dim + d];
            for (sum, &c) in sums.iter_mut().zip(lanes) {
                *sum += T::term(x, c);
            }
        }
    }
    sums
}

/// Takes the least of each row's `sums` into `labels` and `costs`, if it beats what they hold.
#[inline(always)]
fn keep_least<const R: usize, const L: usize>(
    sums: &[[f64; L]; R],
    first: u32,
    labels: &mut [u32; R],
    costs: &mut [f64; R],
) {
    for ((sums, label), cost) in sums.iter().zip(labels).zip(costs) {
        let mut least = sums[0];
        for &sum in &sums[1..] {
            least = if sum < least { sum } else { least };
        }
        if least < *cost {
            let mut lane = 0;
            for (l, &sum) in sums.iter().enumerate().rev() {
                lane = if sum == least { l as u32 } else { lane };
            }
            (*label, *cost) = (first + lane, least);
        }
    }
}

#[inline(always)]
pub(crate) fn distances<T: Term>(
    rows: &[f64],
    dim: usize,
    centre: &[f64],
    costs: &mut [f64],
) -> Result<(), NotFinite> {
    let (cost_tiles, cost_rest) = costs.as_chunks_mut::<TILE>();
    let (tiled, rest) = rows.split_at(cost_tiles.len() * TILE * dim);
    let mut finite = true;
    for (rows, costs) in tiled.chunks_exact(TILE * dim).zip(cost_tiles) {
        *costs = [0.0; TILE];
        for (d, &c) in centre.iter().enumerate() {
            for (r, cost) in costs.iter_mut().enumerate() {
                *cost += T::term(rows[r * dim + d], c);
            }
        }
        finite &= costs.iter().all(|cost| cost.is_finite());
    }
    for (row, cost) in rest.chunks_exact(dim).zip(cost_rest) {
        *cost = row.iter().zip(centre).fold(0.0, |sum, (&x, &c)| sum + T::term(x, c));
        finite &= cost.is_finite();
    }
    if finite { Ok(()) } else { Err(NotFinite) }
}
