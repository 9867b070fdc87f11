//! The loops that the compiler turns into vector code, once for each instruction set.
//!
//! It takes `opt-level = 3`: at 2, rustc leaves out the pass that joins the lanes (SLP), and little is gained over
//! the plain loop.
//!
//! Everything here is `inline(always)` and generic, so that the callers in `dispatch` compile it anew with
//! their own target features.

use std::array;

use crate::block::{Blocks, NARROW, WIDE};
use crate::{NotFinite, Term};

/// Rows of one tile; their sums stay in registers and hide each other's latency. With 8, LLVM chains the rows'
/// addresses and takes twice the time.
const TILE: usize = 4;

/// Dimensions whose terms [`distances`] computes together, before it adds them one by one.
const TERMS: usize = 8;

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
    let (tiles, cost_rest) = costs.as_chunks_mut::<TILE>();
    let (tiled, rest) = rows.split_at(tiles.len() * TILE * dim);
    let mut finite = true;
    for (rows, costs) in tiled.chunks_exact(TILE * dim).zip(tiles) {
        *costs = sums_at::<T, TILE>(rows, dim, centre);
        finite &= costs.iter().all(|cost| cost.is_finite());
    }
    for (row, cost) in rest.chunks_exact(dim).zip(cost_rest) {
        [*cost] = sums_at::<T, 1>(row, dim, centre);
        finite &= cost.is_finite();
    }
    if finite { Ok(()) } else { Err(NotFinite) }
}

/// The costs of `R` rows at one centre, each summed in the order of the dimensions.
#[inline(always)]
fn sums_at<T: Term, const R: usize>(rows: &[f64], dim: usize, centre: &[f64]) -> [f64; R] {
    let (centre_pieces, centre_rest) = centre.as_chunks::<TERMS>();
    let rows: [_; R] = array::from_fn(|r| rows[r * dim..][..dim].as_chunks::<TERMS>());
    // Slices of one known length each, so that the loop below needs no bounds checks.
    let row_pieces: [_; R] = array::from_fn(|r| &rows[r].0[..centre_pieces.len()]);
    let row_rests: [_; R] = array::from_fn(|r| &rows[r].1[..centre_rest.len()]);
    let mut sums = [0.0; R];
    for (at, centre) in centre_pieces.iter().enumerate() {
        let terms: [[f64; TERMS]; R] =
            array::from_fn(|r| array::from_fn(|d| T::term(row_pieces[r][at][d], centre[d])));
        for d in 0..TERMS {
            for (sum, terms) in sums.iter_mut().zip(&terms) {
                *sum += terms[d];
            }
        }
    }
    for (at, &c) in centre_rest.iter().enumerate() {
        for (sum, row) in sums.iter_mut().zip(&row_rests) {
            *sum += T::term(row[at], c);
        }
    }
    sums
}
