//! Many shapes of batch, each compared with the costs of single rows.

use kmeans::{Metric, MetricError};

use super::sample::{self, Sample};
use super::{Breach, Report, Rule, breach, no_answer};

/// Around the vector widths of today's processors, and beyond.
const DIMS: [usize; 17] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65];
const CENTRES: [usize; 12] = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17];
const ROWS: [usize; 10] = [1, 2, 3, 4, 7, 8, 9, 16, 17, 33];
const MOST_CENTRES: usize = CENTRES[CENTRES.len() - 1];
const MOST_ROWS: usize = ROWS[ROWS.len() - 1];

/// Values around each output that must stay as they are.
const MARGIN: usize = 16;
const LABEL_CANARY: u32 = 0xC1_01_57_E5;
const COST_CANARY: f64 = -7.25e33;

pub(super) fn check(metric: &dyn Metric) -> Result<Report, Breach> {
    let mut report = Report { dims: 0, batches: 0 };
    for dim in DIMS {
        if let Some(singles) = Singles::ask(metric, dim)? {
            report.dims += 1;
            report.batches += singles.check_batches(metric)?;
        }
    }
    if report.dims == 0 {
        return Err(breach(Rule::TakesSomeDimension, format_args!("none of {DIMS:?} attributes")));
    }
    Ok(report)
}

/// The costs of some rows at some centres, asked for one by one.
struct Singles {
    dim: usize,
    rows: Vec<f64>,
    centres: Vec<f64>,
    /// Row after row, one cost for each centre.
    costs: Vec<f64>,
}

impl Singles {
    /// Nothing if the metric does not take rows of `dim` attributes.
    fn ask(metric: &dyn Metric, dim: usize) -> Result<Option<Self>, Breach> {
        let mut sample = Sample::new(dim as u64);
        let mut rows = sample.values(MOST_ROWS * dim);
        let mut centres = sample.values(MOST_CENTRES * dim);
        // Ties: the same centre again, next to the first and in another vector.
        centres.copy_within(dim..2 * dim, 2 * dim);
        centres.copy_within(dim..2 * dim, 11 * dim);
        centres.copy_within(5 * dim..6 * dim, 14 * dim);
        // Rows upon those centres, and one row twice.
        rows[3 * dim..4 * dim].copy_from_slice(&centres[dim..2 * dim]);
        rows[20 * dim..21 * dim].copy_from_slice(&centres[5 * dim..6 * dim]);
        rows.copy_within(..dim, 32 * dim);

        let mut costs = Vec::with_capacity(MOST_ROWS * MOST_CENTRES);
        for (r, row) in rows.chunks_exact(dim).enumerate() {
            for (c, centre) in centres.chunks_exact(dim).enumerate() {
                let case = format_args!("{dim} attributes, row {r}, centre {c}");
                let cost = match sample::distances(metric, row, centre) {
                    Ok(cost) => cost[0],
                    Err(MetricError::Shape(_)) if costs.is_empty() => return Ok(None),
                    Err(error) => return Err(no_answer(&error, case)),
                };
                if !(0.0..f64::INFINITY).contains(&cost) {
                    return Err(breach(Rule::CostsAreFinite, format_args!("{case}: {cost}")));
                }
                if row == centre && cost != 0.0 {
                    return Err(breach(Rule::ZeroAtSelf, format_args!("{case}: {cost}")));
                }
                let turned =
                    sample::distances(metric, centre, row).map_err(|error| no_answer(&error, case))?[0];
                if !sample::close(cost, turned) {
                    return Err(breach(Rule::Symmetric, format_args!("{case}: {cost} and {turned}")));
                }
                costs.push(cost);
            }
        }
        Ok(Some(Self { dim, rows, centres, costs }))
    }

    fn cost(&self, row: usize, centre: usize) -> f64 {
        self.costs[row * MOST_CENTRES + centre]
    }

    /// Every number of rows and centres; gives how many batches that were.
    fn check_batches(&self, metric: &dyn Metric) -> Result<usize, Breach> {
        let mut batches = 0;
        for n in ROWS {
            // The first row of a batch changes, so that rows meet every place and their memory every alignment.
            let first = (n * 5 + self.dim) % (MOST_ROWS - n + 1);
            for c in 0..MOST_CENTRES {
                self.check_distances(metric, first, n, c)?;
                batches += 1;
            }
            for k in CENTRES {
                batches += usize::from(self.check_assign(metric, first, n, k)?);
            }
        }
        Ok(batches)
    }

    fn batch(&self, first: usize, n: usize) -> &[f64] {
        &self.rows[first * self.dim..][..n * self.dim]
    }

    fn check_distances(
        &self,
        metric: &dyn Metric,
        first: usize,
        n: usize,
        centre: usize,
    ) -> Result<(), Breach> {
        let dim = self.dim;
        let case =
            format_args!("`distances`, {dim} attributes, rows {first} to {}, centre {centre}", first + n - 1);
        let mut costs = vec![COST_CANARY; n + 2 * MARGIN];
        metric
            .distances(
                self.batch(first, n),
                dim,
                &self.centres[centre * dim..][..dim],
                &mut costs[MARGIN..][..n],
            )
            .map_err(|error| no_answer(&error, case))?;
        check_margins(&costs, COST_CANARY, case)?;
        for (r, cost) in costs[MARGIN..][..n].iter().enumerate() {
            let alone = self.cost(first + r, centre);
            if cost.to_bits() != alone.to_bits() {
                return Err(breach(
                    Rule::IndependentOfBatch,
                    format_args!("{case}: row {} costs {cost}, and {alone} alone", first + r),
                ));
            }
        }
        Ok(())
    }

    /// False if the metric does not take `k` centres.
    fn check_assign(&self, metric: &dyn Metric, first: usize, n: usize, k: usize) -> Result<bool, Breach> {
        let dim = self.dim;
        let case = format_args!("`assign`, {dim} attributes, rows {first} to {}, {k} centres", first + n - 1);
        let mut labels = vec![LABEL_CANARY; n + 2 * MARGIN];
        let mut costs = vec![COST_CANARY; n + 2 * MARGIN];
        let answer = metric.assign(
            self.batch(first, n),
            dim,
            &self.centres[..k * dim],
            &mut labels[MARGIN..][..n],
            &mut costs[MARGIN..][..n],
        );
        match answer {
            Ok(()) => {}
            Err(MetricError::Shape(_)) if k > 1 => return Ok(false),
            Err(MetricError::Shape(_)) => return Err(breach(Rule::TakesSomeDimension, case)),
            Err(error) => return Err(no_answer(&error, case)),
        }
        check_margins(&labels, LABEL_CANARY, case)?;
        check_margins(&costs, COST_CANARY, case)?;
        for (r, (&label, &cost)) in labels[MARGIN..][..n].iter().zip(&costs[MARGIN..]).enumerate() {
            let row = first + r;
            let (least, least_cost) = sample::least((0..k).map(|c| self.cost(row, c)));
            if label != least {
                return Err(breach(
                    Rule::LowestIndexAmongEquals,
                    format_args!("{case}: row {row} has label {label}, not {least}"),
                ));
            }
            if cost.to_bits() != least_cost.to_bits() {
                return Err(breach(
                    Rule::AssignAgreesWithDistances,
                    format_args!("{case}: row {row} costs {cost}, and {least_cost} in `distances`"),
                ));
            }
        }
        Ok(true)
    }
}

/// Holds that nothing but the output was written, and all of that.
fn check_margins<T: PartialEq + Copy>(
    buffer: &[T],
    canary: T,
    case: std::fmt::Arguments<'_>,
) -> Result<(), Breach> {
    let (before, rest) = buffer.split_at(MARGIN);
    let (output, after) = rest.split_at(rest.len() - MARGIN);
    let untouched = before.iter().chain(after).all(|value| *value == canary);
    if untouched && output.iter().all(|value| *value != canary) {
        return Ok(());
    }
    Err(breach(Rule::WritesOutputsOnly, case))
}
