//! The multiply-adds: small matrices against many rows, a few columns at a time in registers.

use super::Rows;
use crate::wipe::Wiped;

/// Rows that stay in the nearest cache while all columns of the factor pass.
const TILE: usize = 256;

/// Columns of a factor that are multiplied at a time.
const GROUP: usize = 4;

/// A factor, `width` columns given one after the other, in groups of [`GROUP`] columns that lie side by side.
pub(super) struct Factor {
    columns: usize,
    packed: Wiped,
}

impl Factor {
    pub(super) fn new(factor: &[u64], columns: usize, width: usize) -> Self {
        let groups = width.div_ceil(GROUP);
        let mut packed = Wiped::zeros(groups * GROUP * columns);
        for (j, column) in factor.chunks_exact(columns.max(1)).enumerate() {
            let group = &mut packed[j / GROUP * GROUP * columns..];
            for (place, value) in group[j % GROUP..].iter_mut().step_by(GROUP).zip(column) {
                *place = *value;
            }
        }
        Factor { columns, packed }
    }

    /// Adds the product of `rows` with this factor to the places from `first` on of the `width` columns, of `total`
    /// elements each, of `out`.
    pub(super) fn multiply(&self, rows: Rows<'_>, out: &mut [u64], total: usize, first: usize) {
        if self.columns == 0 || total == 0 {
            return;
        }
        let mut first = first;
        for tile in rows.tiles(TILE) {
            let groups = self.packed.as_chunks::<GROUP>().0.chunks_exact(self.columns);
            for (group, columns) in groups.zip(out.chunks_mut(GROUP * total)) {
                let mut columns = columns.chunks_exact_mut(total);
                let mut places: [&mut [u64]; GROUP] = core::array::from_fn(|_| {
                    columns.next().map_or(&mut [][..], |column| &mut column[first..][..tile.len()])
                });
                multiply_tile(tile, group, &mut places);
            }
            first += tile.len();
        }
    }
}

fn multiply_tile(tile: Rows<'_>, group: &[[u64; GROUP]], places: &mut [&mut [u64]; GROUP]) {
    for (i, row) in tile.iter().enumerate() {
        let mut sums = [0_u64; GROUP];
        for (x, factors) in row.iter().zip(group) {
            for (sum, factor) in sums.iter_mut().zip(factors) {
                *sum = sum.wrapping_add(x.wrapping_mul(*factor));
            }
        }
        for (place, sum) in places.iter_mut().zip(sums) {
            if let Some(place) = place.get_mut(i) {
                *place = place.wrapping_add(sum);
            }
        }
    }
}

/// Adds to `sums` (`width` rows of as many elements as `rows` has columns) the rows, each times its weight; `weights`
/// are `width` columns of as many elements as there are rows.
pub(super) fn weighted_sums(rows: Rows<'_>, weights: &[u64], sums: &mut [u64]) {
    let columns = rows.columns.len();
    if columns == 0 || rows.is_empty() {
        return;
    }
    for (weights, sums) in weights.chunks_exact(rows.len()).zip(sums.chunks_exact_mut(columns)) {
        for (row, weight) in rows.iter().zip(weights) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum = sum.wrapping_add(value.wrapping_mul(*weight));
            }
        }
    }
}
