//! Made-up rows, the same on every machine.

use kmeans::{Metric, MetricError};

/// SplitMix64 (Steele, Lea, Flood 2014); nothing here needs an unpredictable generator.
pub(super) struct Sample(u64);

impl Sample {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in -8 to 8, with all bits of the mantissa in play.
    pub(super) fn value(&mut self) -> f64 {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        16.0 * unit - 8.0
    }

    pub(super) fn values(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.value()).collect()
    }
}

/// One `distances` answer.
pub(super) fn distances(metric: &dyn Metric, rows: &[f64], centre: &[f64]) -> Result<Vec<f64>, MetricError> {
    let mut costs = vec![f64::NAN; rows.len() / centre.len()];
    metric.distances(rows, centre.len(), centre, &mut costs)?;
    Ok(costs)
}

/// One `assign` answer.
pub(super) fn assign(
    metric: &dyn Metric,
    rows: &[f64],
    dim: usize,
    centres: &[f64],
) -> Result<(Vec<u32>, Vec<f64>), MetricError> {
    let count = rows.len() / dim;
    let (mut labels, mut costs) = (vec![u32::MAX; count], vec![f64::NAN; count]);
    metric.assign(rows, dim, centres, &mut labels, &mut costs)?;
    Ok((labels, costs))
}

/// The index of the least cost, the lowest among equals.
pub(super) fn least(costs: impl IntoIterator<Item = f64>) -> (u32, f64) {
    let mut best = (0, f64::INFINITY);
    for (label, cost) in (0..).zip(costs) {
        if cost < best.1 {
            best = (label, cost);
        }
    }
    best
}

/// Whether two costs are one number but for rounding.
pub(super) fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}
