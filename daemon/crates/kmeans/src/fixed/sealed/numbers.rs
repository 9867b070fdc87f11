//! The grid of a sealed run, scores on it, and who is nearest.

use rayon::prelude::*;

use crate::fixed::{FixedError, Grid, Normalise};

/// The distances that can be computed on shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Form {
    /// Σ (x − c)².
    SquaredEuclid,
    /// Σ |x − c|.
    Manhattan,
}

impl Form {
    /// Bits of the difference of two scores of one row, as two's complement: at most 64 on the grid of [`grid()`].
    pub fn width(self, grid: Grid, dim: usize) -> usize {
        let m = grid.magnitude_bits() as usize;
        match self {
            Form::SquaredEuclid => 2 * m + 3 + log2(dim) as usize,
            Form::Manhattan => m + 3 + log2(dim) as usize,
        }
    }
}

/// The fewest fractional bits of a grid.
const LEAST_FRACTION_BITS: u32 = 8;
/// Magnitude bits of rows that normalisation keeps small: more would be finer than any use.
const MOST_NORMALISED: u32 = 27;
/// Rows per task of a thread.
const BLOCK: usize = 1024;

/// ⌈log2 `dim`⌉ for `dim` ≥ 1.
fn log2(dim: usize) -> u32 {
    dim.next_power_of_two().trailing_zeros()
}

/// The grid of rows with `dim` attributes: the finest on which a squared distance takes 63 bits.
///
/// Values are within ±2^9 units after normalisation by `z-score` or `range`, within ±2^15 in their own units. Too many
/// attributes leave too few fractional bits.
pub fn grid(normalise: &Normalise, dim: usize) -> Result<Grid, FixedError> {
    let (integer, most) = match normalise {
        Normalise::ZScore | Normalise::Range(_) => (9, MOST_NORMALISED),
        Normalise::Mean | Normalise::None => (15, 30),
    };
    // d·2^(2m+2) ≤ 2^63 for m magnitude bits.
    let room = 61 - 2 * (integer + LEAST_FRACTION_BITS);
    let grid = (log2(dim) <= room).then(|| most.min((61 - log2(dim)) / 2));
    grid.and_then(|magnitude| Grid::new(magnitude - integer, magnitude))
        .ok_or(FixedError::Attributes { dim, most: 1 << room })
}

/// The score of `row` at each of `centres`, `dim` grid integers each: its distance, but for Euclid without `|x|²`, which
/// is the same at every centre.
pub fn scores(form: Form, row: &[i64], centres: &[i64]) -> impl Iterator<Item = i64> {
    centres.chunks_exact(row.len()).map(move |centre| {
        let terms = row.iter().zip(centre);
        match form {
            Form::SquaredEuclid => terms.map(|(&x, &c)| c * (c - 2 * x)).sum(),
            Form::Manhattan => terms.map(|(&x, &c)| (x - c).abs()).sum(),
        }
    })
}

/// The centre with the least score and that score; of equal ones the first.
pub fn nearest(form: Form, row: &[i64], centres: &[i64]) -> (u32, i64) {
    let mut least = (0, i64::MAX);
    for (index, score) in (0..).zip(scores(form, row, centres)) {
        if score < least.1 {
            least = (index, score);
        }
    }
    least
}

/// The nearest of `centres` (`k × dim`) to each of `rows` (`n × dim`).
pub fn assign(form: Form, rows: &[i64], dim: usize, centres: &[i64]) -> Vec<u32> {
    let mut labels = vec![0; rows.len() / dim];
    rows.par_chunks(BLOCK * dim).zip(labels.par_chunks_mut(BLOCK)).for_each(|(rows, labels)| {
        for (row, label) in rows.chunks_exact(dim).zip(labels) {
            *label = nearest(form, row, centres).0;
        }
    });
    labels
}

/// The largest squared shift, in squared steps, at which a centre counts as at rest: `⌊tolerance·2^f⌋²`, but no more than
/// fits the width of [`Form::SquaredEuclid`], which no shift exceeds.
pub fn stop_limit(grid: Grid, dim: usize, tolerance: f64) -> u64 {
    let most = (1 << (Form::SquaredEuclid.width(grid, dim) - 1)) - 1;
    let steps = (tolerance * grid.one() as f64) as u64;
    steps.checked_mul(steps).map_or(most, |square| square.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_of_extremes_fits_its_width() {
        for normalise in [Normalise::ZScore, Normalise::None] {
            for dim in [1, 2, 3, 4, 5, 63, 64, 65, 1000, 1024] {
                let grid = grid(&normalise, dim).unwrap();
                let most = grid.most();
                let row = vec![most; dim];
                let centres = [vec![-most; dim], vec![most; dim], vec![0; dim]].concat();
                for form in [Form::SquaredEuclid, Form::Manhattan] {
                    let width = form.width(grid, dim);
                    assert!(width <= 64, "{dim}: {width}");
                    let scores: Vec<i64> = scores(form, &row, &centres).collect();
                    let most = i128::from(scores[0]) - i128::from(scores[1]);
                    assert!(most < 1 << (width - 1), "{dim}");
                    assert!(most > 1 << (width - 4), "{dim}: {width} bits are too many");
                    assert_eq!(nearest(form, &row, &centres).0, 1);
                }
                let square = u128::try_from(2 * most).unwrap().pow(2) * dim as u128;
                assert!(square <= u128::from(stop_limit(grid, dim, f64::MAX)), "{dim}");
            }
        }
    }

    #[test]
    fn too_many_attributes_are_refused() {
        let most = 1 << 27;
        assert_eq!(grid(&Normalise::ZScore, most).unwrap().fraction_bits(), 8);
        assert_eq!(grid(&Normalise::ZScore, most + 1), Err(FixedError::Attributes { dim: most + 1, most }));
        let most = 1 << 15;
        assert_eq!(grid(&Normalise::Mean, most).unwrap().fraction_bits(), 8);
        assert_eq!(grid(&Normalise::Mean, most + 1), Err(FixedError::Attributes { dim: most + 1, most }));
    }

    #[test]
    fn ties_go_to_the_first() {
        for form in [Form::SquaredEuclid, Form::Manhattan] {
            assert_eq!(assign(form, &[0, 0, 5, 5], 2, &[1, 1, -1, -1, 1, -1, 5, 6, 6, 5]), [0, 3]);
        }
    }

    #[test]
    fn the_stop_limit_is_clamped() {
        let grid = Grid::new(18, 27).unwrap();
        assert_eq!(stop_limit(grid, 2, 0.0), 0);
        assert_eq!(stop_limit(grid, 2, 1.5 / grid.one() as f64), 1);
        assert_eq!(stop_limit(grid, 2, 1.0), 1 << 36);
        for tolerance in [1e9, 1e300] {
            assert_eq!(stop_limit(grid, 2, tolerance), (1 << 57) - 1);
        }
    }
}
