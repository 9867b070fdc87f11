//! The multiply-adds: small matrices against many rows.
//!
//! One multiplication a cycle is the bound of portable code, as 64-bit products are emulated in vectors. The loops
//! reach it when a few sums stay in registers and the rows in the nearest cache; sizes here are such that they do.

use super::Rows;
use crate::wipe::Wiped;

/// Rows that stay in the nearest cache while all columns of the other matrix pass.
const TILE: usize = 256;

/// The most columns of a factor that are multiplied at a time.
const FACTORS: usize = 5;

/// The most columns of weights that are summed at a time.
const WEIGHTS: usize = 4;

/// A factor, `columns` high, in groups of up to [`FACTORS`] columns: those of a group lie side by side.
pub(super) struct Factor {
    columns: usize,
    width: usize,
    packed: Wiped,
}

impl Factor {
    /// The factor of `width` columns that `factor` gives one after the other.
    pub(super) fn new(factor: &[u64], columns: usize, width: usize) -> Self {
        let mut packed = Wiped::zeros(factor.len());
        let mut first = 0;
        for group in groups(width, FACTORS) {
            let span = first * columns..(first + group) * columns;
            let places = packed[span.clone()].chunks_exact_mut(group);
            for (row, places) in places.enumerate() {
                let column = factor[span.clone()].chunks_exact(columns);
                for (place, column) in places.iter_mut().zip(column) {
                    *place = column[row];
                }
            }
            first += group;
        }
        Factor { columns, width, packed }
    }

    /// Adds the product of `rows` with this factor to `out`, in each of its columns of `total` elements from the element
    /// `first` on.
    pub(super) fn multiply(&self, rows: Rows<'_>, out: &mut [u64], total: usize, first: usize) {
        if self.columns == 0 || rows.is_empty() {
            return;
        }
        let mut first = first;
        for tile in rows.tiles(TILE) {
            let (mut packed, mut out) = (&self.packed[..], &mut *out);
            for group in groups(self.width, FACTORS) {
                let (factors, other_factors) = packed.split_at(group * self.columns);
                let (columns, other_columns) = out.split_at_mut(group * total);
                match group {
                    1 => multiply_tile::<1>(tile, factors, columns, total, first),
                    2 => multiply_tile::<2>(tile, factors, columns, total, first),
                    3 => multiply_tile::<3>(tile, factors, columns, total, first),
                    4 => multiply_tile::<4>(tile, factors, columns, total, first),
                    _ => multiply_tile::<FACTORS>(tile, factors, columns, total, first),
                }
                (packed, out) = (other_factors, other_columns);
            }
            first += tile.len();
        }
    }
}

/// As few groups as possible of at most `most` each, as even as possible.
fn groups(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let groups = count.div_ceil(most);
    (0..groups).map(move |group| count / groups + usize::from(group < count % groups))
}

fn multiply_tile<const GROUP: usize>(
    tile: Rows<'_>,
    factors: &[u64],
    columns: &mut [u64],
    total: usize,
    first: usize,
) {
    let mut columns = columns.chunks_exact_mut(total);
    let mut places: [&mut [u64]; GROUP] = core::array::from_fn(|_| {
        let column = columns.next().expect("a column for each of the group");
        &mut column[first..][..tile.len()]
    });
    let factors = factors.as_chunks::<GROUP>().0;
    for (i, row) in tile.iter().enumerate() {
        let mut sums = [0_u64; GROUP];
        for (x, factors) in row.iter().zip(factors) {
            for (sum, factor) in sums.iter_mut().zip(factors) {
                *sum = sum.wrapping_add(x.wrapping_mul(*factor));
            }
        }
        for (places, sum) in places.iter_mut().zip(sums) {
            places[i] = places[i].wrapping_add(sum);
        }
    }
}

/// Adds to `sums` (`width` rows of as many elements as `rows` has columns) the rows, each times its weight; `weights`
/// are `width` columns of as many elements as there are rows.
pub(super) fn weighted_sums(rows: Rows<'_>, weights: &[u64], sums: &mut [u64], width: usize) {
    let (columns, total) = (rows.columns.len(), rows.len());
    if columns == 0 || total == 0 {
        return;
    }
    let mut first = 0;
    for tile in rows.tiles(TILE) {
        let (mut weights, mut sums) = (weights, &mut *sums);
        for group in groups(width, WEIGHTS) {
            let (now, other_weights) = weights.split_at(group * total);
            let (out, other_sums) = sums.split_at_mut(group * columns);
            match group {
                1 => sum_tile::<1>(tile, now, total, first, out),
                2 => sum_tile::<2>(tile, now, total, first, out),
                3 => sum_tile::<3>(tile, now, total, first, out),
                _ => sum_tile::<WEIGHTS>(tile, now, total, first, out),
            }
            (weights, sums) = (other_weights, other_sums);
        }
        first += tile.len();
    }
}

fn sum_tile<const GROUP: usize>(
    tile: Rows<'_>,
    weights: &[u64],
    total: usize,
    first: usize,
    sums: &mut [u64],
) {
    let mut columns = weights.chunks_exact(total);
    let weights: [&[u64]; GROUP] = core::array::from_fn(|_| {
        let column = columns.next().expect("a column for each of the group");
        &column[first..][..tile.len()]
    });
    let columns = tile.columns.len();
    for column in (0..columns / 2 * 2).step_by(2) {
        sum_columns::<GROUP, 2>(tile, weights, column, sums);
    }
    if columns % 2 == 1 {
        sum_columns::<GROUP, 1>(tile, weights, columns - 1, sums);
    }
}

/// The sums of the `COLUMNS` columns from `first` on.
fn sum_columns<const GROUP: usize, const COLUMNS: usize>(
    tile: Rows<'_>,
    weights: [&[u64]; GROUP],
    first: usize,
    sums: &mut [u64],
) {
    let weights = weights.map(|weights| &weights[..tile.len()]);
    let mut totals = [[0_u64; COLUMNS]; GROUP];
    for (i, row) in tile.iter().enumerate() {
        let values = &row[first..][..COLUMNS];
        for (totals, weights) in totals.iter_mut().zip(weights) {
            for (total, value) in totals.iter_mut().zip(values) {
                *total = total.wrapping_add(weights[i].wrapping_mul(*value));
            }
        }
    }
    for (sums, totals) in sums.chunks_exact_mut(tile.columns.len()).zip(totals) {
        for (sum, total) in sums[first..][..COLUMNS].iter_mut().zip(totals) {
            *sum = sum.wrapping_add(total);
        }
    }
}
