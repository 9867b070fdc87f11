//! Raw values on the wide grid: sums, and what is shown of mean and deviation.

use std::fmt;

use num_bigint::{BigInt, BigUint};

use super::{FixedError, Grid, GridRows, rounded_quotient};

/// Fractional bits of the wide grid: units from 1e-12 to 1e12 need no negotiation.
pub const WIDE_FRACTION_BITS: u32 = 40;
/// One, on the wide grid.
pub const WIDE_ONE: i128 = 1 << WIDE_FRACTION_BITS;
/// Raw values lie strictly between `-MAX_RAW` and `MAX_RAW` (in units, not in grid steps).
pub const MAX_RAW: f64 = (1u64 << 40) as f64;
/// Significant bits of a variance that are shown: so many that the scale is as good as exact for every later step.
///
/// Mean and deviation are declared results. Of values recorded in coarse units they give row counts and sums away by
/// rational reconstruction, as joint centres do; see `daemon/docs/protocol.md`, section 7.
pub const SHOWN_BITS: u32 = 32;
/// The mean is shown down to about this many binary places of the deviation, finer than the run grid.
pub const SHOWN_MEAN_PLACES: u32 = 24;

/// What to do with rows that lack a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Missing {
    /// Refuse the dataset.
    Fail,
    /// Leave such rows out.
    Drop,
    /// Put the joint mean there, as it is shown.
    Mean,
}

/// How attributes are made comparable.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Normalise {
    /// Subtract the joint mean, divide by the joint standard deviation.
    ZScore,
    /// Subtract the joint mean.
    Mean,
    /// Map public bounds `(low, high)` of each attribute to 0 and 1.
    Range(Vec<(f64, f64)>),
    /// Leave values as they are.
    None,
}

impl Normalise {
    /// The run grid that suits it.
    pub fn grid(&self) -> Grid {
        match self {
            Normalise::ZScore | Normalise::Range(_) => Grid::FINE,
            Normalise::Mean | Normalise::None => Grid::COARSE,
        }
    }

    /// Whether a run needs joint moments at all.
    pub fn needs_moments(&self, missing: Missing) -> bool {
        matches!(self, Normalise::ZScore | Normalise::Mean) || missing == Missing::Mean
    }
}

/// One host's raw rows of the chosen attributes: row-major, NaN where a value is missing.
#[derive(Clone, Default, PartialEq)]
pub struct RawRows {
    /// Attribute names, `dim` of them.
    pub attributes: Vec<String>,
    /// `rows × dim` values.
    pub values: Vec<f64>,
}

// Shapes only: what is printed may end in a log.
impl fmt::Debug for RawRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRows")
            .field("rows", &self.rows())
            .field("dim", &self.dim())
            .finish_non_exhaustive()
    }
}

impl RawRows {
    /// Number of attributes.
    pub fn dim(&self) -> usize {
        self.attributes.len()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.dim()).unwrap_or(0)
    }

    /// Applies the policy for missing values and checks the range; with [`Missing::Mean`] they stay NaN.
    ///
    /// Also returns, for each row kept, its index in `self`.
    pub fn prepare(&self, missing: Missing) -> Result<(RawRows, Vec<usize>), FixedError> {
        let dim = self.dim();
        let mut lost = vec![0u64; dim];
        let mut outside = vec![0u64; dim];
        let mut kept = Vec::with_capacity(self.rows());
        let mut values = Vec::with_capacity(self.values.len());
        for (index, row) in self.values.chunks_exact(dim).enumerate() {
            for (attribute, value) in row.iter().enumerate() {
                lost[attribute] += u64::from(value.is_nan());
                outside[attribute] += u64::from(value.abs() >= MAX_RAW);
            }
            if missing == Missing::Drop && row.iter().any(|value| value.is_nan()) {
                continue;
            }
            kept.push(index);
            values.extend_from_slice(row);
        }
        if let Some(attribute) = outside.iter().position(|&rows| rows > 0) {
            return Err(FixedError::RawRange {
                attribute: self.attributes[attribute].clone(),
                rows: outside[attribute],
            });
        }
        if missing == Missing::Fail
            && let Some(attribute) = lost.iter().position(|&rows| rows > 0)
        {
            return Err(FixedError::Missing {
                attribute: self.attributes[attribute].clone(),
                rows: lost[attribute],
            });
        }
        Ok((RawRows { attributes: self.attributes.clone(), values }, kept))
    }
}

/// A raw value on the wide grid, rounded to nearest. `|value| < MAX_RAW`, so the result is below 2^80.
pub fn to_wide(value: f64) -> i128 {
    // Scaling by a power of two is exact, and so is the conversion of an integral f64.
    (value * WIDE_ONE as f64).round() as i128
}

/// Sums of one attribute over the present values of some rows, on the wide grid.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Moments {
    /// Σ x, below 2^111 in magnitude.
    pub sum: i128,
    /// Σ x², below 2^191.
    pub square: BigUint,
    /// Number of present values.
    pub count: u64,
}

// Sums of rows: not even their size is printed.
impl fmt::Debug for Moments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moments").finish_non_exhaustive()
    }
}

impl Moments {
    /// The moments of both sets of rows together.
    pub fn add(&self, other: &Moments) -> Moments {
        Moments {
            sum: self.sum + other.sum,
            square: &self.square + &other.square,
            count: self.count + other.count,
        }
    }
}

/// The moments of every attribute of `rows`.
pub fn moments(rows: &RawRows) -> Vec<Moments> {
    // x = high·2^40 + low with 0 ≤ low < 2^40, so that the three partial sums of x² fit i128 for 2^31 rows.
    #[derive(Clone, Default)]
    struct Partial {
        sum: i128,
        high: i128,
        cross: i128,
        low: i128,
        count: u64,
    }
    let mut partial = vec![Partial::default(); rows.dim()];
    for row in rows.values.chunks_exact(rows.dim()) {
        for (p, &value) in partial.iter_mut().zip(row) {
            if value.is_nan() {
                continue;
            }
            let x = to_wide(value);
            let (high, low) = (x >> 40, x & ((1 << 40) - 1));
            p.sum += x;
            p.high += high * high;
            p.cross += high * low;
            p.low += low * low;
            p.count += 1;
        }
    }
    partial
        .into_iter()
        .map(|p| {
            let square =
                (BigInt::from(p.high) << 80u32) + (BigInt::from(p.cross) << 41u32) + BigInt::from(p.low);
            Moments {
                sum: p.sum,
                square: square.to_biguint().expect("a sum of squares is not negative"),
                count: p.count,
            }
        })
        .collect()
}

/// What the hosts are shown of an attribute's joint moments: the mean (wide grid) and the variance (twice its
/// fractional bits), each with its low bits cleared, see [`SHOWN_BITS`] and [`SHOWN_MEAN_PLACES`]. Both are 0 if no value is present.
pub fn shown_moments(joint: &Moments) -> (i128, BigUint) {
    if joint.count == 0 {
        return (0, BigUint::ZERO);
    }
    let count = BigUint::from(joint.count);
    let magnitude = BigUint::from(joint.sum.unsigned_abs());
    // N·Σx² − (Σx)² = N²·variance is not negative (Cauchy and Schwarz).
    let variance = (&count * &joint.square - &magnitude * &magnitude) / &count / &count;
    let mean = rounded_quotient(joint.sum, i128::from(joint.count));
    let length = variance.bits();
    let hidden = length.saturating_sub(u64::from(SHOWN_BITS));
    let coarse = (length / 2).saturating_sub(u64::from(SHOWN_MEAN_PLACES)) as u32;
    (mean >> coarse << coarse, variance >> hidden << hidden)
}

/// The map from raw to normalised values of one attribute, `(x − mean) / deviation`, on the wide grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Scale {
    /// Subtracted.
    pub mean: i128,
    /// Divided by; greater than zero.
    pub deviation: i128,
    /// Put where a value is missing.
    pub fill: i128,
    /// The grid of the normalised values.
    pub grid: Grid,
}

impl Scale {
    /// `mean` and `deviation` in the attribute's own unit.
    pub fn as_f64(&self) -> (f64, f64) {
        (self.mean as f64 / WIDE_ONE as f64, self.deviation as f64 / WIDE_ONE as f64)
    }

    /// The same map onto another grid.
    pub fn on(self, grid: Grid) -> Scale {
        Scale { grid, ..self }
    }

    /// A centre's coordinate in the attribute's own unit.
    pub fn original(&self, grid: i64) -> f64 {
        let (mean, deviation) = self.as_f64();
        mean + deviation * (grid as f64 / self.grid.one() as f64)
    }
}

/// The scale of every attribute from what was shown of its moments; `shown` is empty where
/// [`Normalise::needs_moments`] says that none are needed. A constant attribute has deviation 1.
pub fn scale_from_shown(normalise: &Normalise, dim: usize, shown: &[(i128, BigUint)]) -> Vec<Scale> {
    (0..dim)
        .map(|attribute| {
            let (mean, variance) = shown.get(attribute).cloned().unwrap_or_default();
            let scale = |mean, deviation, fill| Scale { mean, deviation, fill, grid: normalise.grid() };
            match normalise {
                Normalise::ZScore => {
                    // The middle of the values that look like this one.
                    let hidden = variance.bits().saturating_sub(u64::from(SHOWN_BITS));
                    let middle =
                        if hidden == 0 { variance } else { variance + (BigUint::from(1u8) << (hidden - 1)) };
                    let deviation = i128::try_from(middle.sqrt()).expect("a variance is below 2^162");
                    scale(mean, if deviation == 0 { WIDE_ONE } else { deviation }, mean)
                }
                Normalise::Mean => scale(mean, WIDE_ONE, mean),
                Normalise::Range(bounds) => {
                    let (low, high) = (to_wide(bounds[attribute].0), to_wide(bounds[attribute].1));
                    scale(low, (high - low).max(1), mean)
                }
                Normalise::None => scale(0, WIDE_ONE, mean),
            }
        })
        .collect()
}

/// Puts rows on the run grid: `(x − mean) / deviation` in steps, rounded.
pub fn normalise(rows: &RawRows, scale: &[Scale]) -> Result<GridRows, FixedError> {
    let mut outside = vec![0u64; rows.dim()];
    let mut values = Vec::with_capacity(rows.values.len());
    for row in rows.values.chunks_exact(rows.dim()) {
        for (attribute, (&value, scale)) in row.iter().zip(scale).enumerate() {
            let x = if value.is_nan() { scale.fill } else { to_wide(value) };
            // Below 2^81 and 20 bits: far from overflow.
            let one = scale.grid.one();
            let grid = rounded_quotient((x - scale.mean) * i128::from(one), scale.deviation);
            outside[attribute] += u64::from(grid.unsigned_abs() > scale.grid.most() as u128);
            values.push(grid as f64 / one as f64);
        }
    }
    match outside.iter().position(|&rows| rows > 0) {
        Some(attribute) => {
            let reach = scale[attribute].grid.reach();
            Err(FixedError::Range {
                attribute: rows.attributes[attribute].clone(),
                rows: outside[attribute],
                reach,
            })
        }
        None => Ok(GridRows {
            grid: scale.first().map_or(Grid::COARSE, |scale| scale.grid),
            dim: rows.dim(),
            values,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(values: &[f64]) -> RawRows {
        RawRows { attributes: vec!["a".into()], values: values.to_vec() }
    }

    #[test]
    fn moments_of_negative_and_large_values_are_exact() {
        let values = [-1.5, 2.25, MAX_RAW - 1.0, -(MAX_RAW - 0.5), f64::NAN];
        let m = &moments(&raw(&values))[0];
        let wide: Vec<BigInt> = values[..4].iter().map(|&v| BigInt::from(to_wide(v))).collect();
        assert_eq!(BigInt::from(m.sum), wide.iter().sum::<BigInt>());
        assert_eq!(BigInt::from(m.square.clone()), wide.iter().map(|v| v * v).sum::<BigInt>());
        assert_eq!(m.count, 4);
    }

    #[test]
    fn shown_moments_are_close_and_coarse() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i % 37) + 100.0).collect();
        let (mean, variance) = shown_moments(&moments(&raw(&values))[0]);
        let exact_mean = values.iter().sum::<f64>() / 1000.0;
        let exact_variance = values.iter().map(|v| (v - exact_mean).powi(2)).sum::<f64>() / 1000.0;
        let scale = scale_from_shown(&Normalise::ZScore, 1, &[(mean, variance.clone())])[0];
        let (mean, deviation) = scale.as_f64();
        assert!((mean - exact_mean).abs() <= exact_variance.sqrt() / f64::from(1 << 23));
        assert!((deviation / exact_variance.sqrt() - 1.0).abs() <= 1.0 / f64::from(1 << 30));
        assert!(variance.bits() - variance.trailing_zeros().unwrap() <= u64::from(SHOWN_BITS));
    }

    #[test]
    fn a_constant_attribute_has_scale_one() {
        let (mean, variance) = shown_moments(&moments(&raw(&[7.25; 9]))[0]);
        let scale = scale_from_shown(&Normalise::ZScore, 1, &[(mean, variance)])[0];
        assert_eq!(scale.as_f64(), (7.25, 1.0));
        assert_eq!(normalise(&raw(&[7.25]), &[scale]).unwrap().values, [0.0]);
    }

    #[test]
    fn missing_values_follow_the_policy() {
        let rows =
            RawRows { attributes: vec!["a".into(), "b".into()], values: vec![1.0, 2.0, f64::NAN, 3.0] };
        assert_eq!(rows.prepare(Missing::Fail), Err(FixedError::Missing { attribute: "a".into(), rows: 1 }));
        let (dropped, kept) = rows.prepare(Missing::Drop).unwrap();
        assert_eq!((dropped.values, kept), (vec![1.0, 2.0], vec![0]));
        let (same, _) = rows.prepare(Missing::Mean).unwrap();
        assert_eq!(same.rows(), 2);
        let scale = Scale { mean: 0, deviation: WIDE_ONE, fill: 3 * WIDE_ONE, grid: Grid::FINE };
        assert_eq!(normalise(&same, &[scale, scale]).unwrap().values, [1.0, 2.0, 3.0, 3.0]);
    }

    #[test]
    fn values_outside_the_grids_are_counted_at_their_attribute() {
        assert_eq!(
            raw(&[1.0, 2e12, -3e12]).prepare(Missing::Fail),
            Err(FixedError::RawRange { attribute: "a".into(), rows: 2 })
        );
        let scale = [Scale { mean: 0, deviation: WIDE_ONE, fill: 0, grid: Grid::COARSE }];
        assert_eq!(
            normalise(&raw(&[40_000.0]), &scale),
            Err(FixedError::Range { attribute: "a".into(), rows: 1, reach: 32767 })
        );
    }
}
