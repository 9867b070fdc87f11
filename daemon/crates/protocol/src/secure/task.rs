//! The public shape of a sealed run: what its programs need to know of the plan.

use std::ops::Range;

use kmeans::fixed::Grid;
use kmeans::fixed::sealed::{Form, grid, points, starts, stop_limit};
use sharing::Circuit;

use super::tournament;
use crate::error::ProtocolError;
use crate::plan::Plan;

/// Bytes that a party should take for a batch of rows, at most.
const MEMORY: usize = 96 << 20;
/// Bytes that a row takes for each centre: the score and its copy among the players of a tournament, and what a
/// comparison keeps between its exchanges.
const SCORE_BYTES: usize = 20;
/// Bytes that a row takes for each centre and attribute of a batch for Manhattan: the difference, its negation and the
/// choice of both.
const DIFFERENCE_BYTES: usize = 24;
/// Fewer rows than this are not worth a batch's exchanges: attributes are taken one after another instead.
const LEAST_ROWS: usize = 4096;

/// What the programs of a run are made for; it holds nothing secret.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    form: Form,
    grid: Grid,
    rows: usize,
    hosts: Vec<Host>,
    points: usize,
    dim: usize,
    k: usize,
    starts: Vec<Vec<usize>>,
    limit: u64,
    count_bits: usize,
    one_hot: Circuit,
    memory: usize,
}

/// What is public of a host.
#[derive(Clone, Debug)]
pub(super) struct Host {
    /// Its rows among all rows.
    pub(super) rows: Range<usize>,
    /// The fewest rows of a cluster that it shows.
    pub(super) min_cluster_rows: u64,
}

/// Rows to assign to centres: the rows of the run, or the points of its start.
///
/// Several starts are taken side by side. The centres are then `k × starts × dim` elements: first the first centre of
/// every start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    /// How many rows.
    pub(super) rows: usize,
    /// How many starts.
    pub(super) starts: usize,
    /// The columns to sum: weighted values, and the weight last. The values themselves are the first columns.
    pub(super) sums: Range<usize>,
    /// Rows to a batch.
    pub(super) batch: usize,
    /// Attributes that are scored at a time.
    pub(super) attributes: usize,
}

impl Task {
    /// The task of a checked plan in mode `sealed` with this `form`.
    pub(crate) fn new(plan: &Plan, form: Form) -> Result<Self, ProtocolError> {
        let grid = grid(&plan.normalise, plan.dim)?;
        let too_many = |_| ProtocolError::Defect("more rows than this machine counts".into());
        let rows = usize::try_from(plan.rows_bound()).map_err(too_many)?;
        let mut first = 0;
        let host = |(&rows, &min_cluster_rows): (&u64, &u64)| {
            let own = first..first + rows as usize;
            first = own.end;
            Host { rows: own, min_cluster_rows }
        };
        Ok(Task {
            form,
            grid,
            rows,
            hosts: plan.rows.iter().zip(&plan.min_cluster_rows).map(host).collect(),
            points: plan.hosts * points(plan.k),
            dim: plan.dim,
            k: plan.k,
            starts: starts(plan.seed, &plan.rows, plan.k, plan.starts),
            limit: stop_limit(grid, plan.dim, plan.tolerance),
            count_bits: plan.count_bits(),
            one_hot: tournament::one_hot(plan.k),
            memory: MEMORY,
        })
    }

    /// The same with other batches.
    #[cfg(test)]
    pub(super) fn with_memory(self, memory: usize) -> Self {
        Task { memory, ..self }
    }

    /// The distance.
    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// Attributes.
    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    /// Clusters.
    pub(crate) fn k(&self) -> usize {
        self.k
    }

    /// All hosts, in the order of their rows.
    pub(super) fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// For each start the indices of the points that it begins at.
    pub(super) fn starts(&self) -> &[Vec<usize>] {
        &self.starts
    }

    /// Bits of the number of all rows.
    pub(super) fn count_bits(&self) -> usize {
        self.count_bits
    }

    /// From the matches among the clusters to a bit for each but the last.
    pub(super) fn one_hot(&self) -> &Circuit {
        &self.one_hot
    }

    /// The largest squared shift, in squared steps, of a centre at rest.
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// Bits of the difference of two scores of a row.
    pub(super) fn score_width(&self) -> usize {
        self.form.width(self.grid, self.dim)
    }

    /// Bits of the difference of a value and a centre's in one attribute.
    pub(super) fn difference_width(&self) -> usize {
        self.grid.magnitude_bits() as usize + 2
    }

    /// Bits of the difference of two inertias.
    pub(super) fn inertia_width(&self) -> usize {
        self.score_width() + self.count_bits
    }

    /// A pass over the rows; their columns are the values and a 1, or a 0 where a row only fills up.
    pub(super) fn over_rows(&self) -> Pass {
        self.pass(self.rows, 1, 0..self.dim + 1)
    }

    /// A pass over the points for all starts; their columns are the values, the weighted values and the weight.
    pub(super) fn over_points(&self) -> Pass {
        self.pass(self.points, self.starts.len(), self.dim..2 * self.dim + 1)
    }

    fn pass(&self, rows: usize, starts: usize, sums: Range<usize>) -> Pass {
        let centres = self.k * starts;
        let difference = match self.form {
            Form::SquaredEuclid => 0,
            Form::Manhattan => DIFFERENCE_BYTES,
        };
        let fitting = |attributes| self.memory / (centres * (SCORE_BYTES + difference * attributes));
        let attributes =
            (1..=self.dim).rev().find(|&attributes| fitting(attributes) >= LEAST_ROWS).unwrap_or(1);
        let most = (fitting(attributes) / 64).max(1) * 64;
        // Batches of one size, in whole words of lanes.
        let batch = rows.div_ceil(rows.div_ceil(most).max(1)).next_multiple_of(64);
        Pass { rows, starts, sums, batch, attributes }
    }
}

impl Pass {
    /// The batches, in order.
    pub(super) fn batches(&self) -> impl Iterator<Item = Range<usize>> + Send + use<> {
        let (rows, batch) = (self.rows, self.batch);
        (0..rows).step_by(batch).map(move |first| first..rows.min(first + batch))
    }
}

#[cfg(test)]
mod tests {
    use kmeans::fixed::{Missing, Normalise};

    use super::*;
    use crate::Privacy;

    fn task(form: Form, rows: u64, dim: usize, k: usize, starts: usize) -> Task {
        let plan = Plan {
            privacy: Privacy::Sealed(form),
            hosts: 2,
            rows: vec![rows / 2; 2],
            min_cluster_rows: vec![1; 2],
            dim,
            k,
            starts,
            seed: 1,
            max_rounds: 1,
            tolerance: 0.0,
            normalise: Normalise::ZScore,
            missing: Missing::Fail,
            reveal_sizes: false,
            reveal_inertia: false,
            key_bits: 2048,
            resume: None,
        };
        Task::new(&plan, form).unwrap()
    }

    #[test]
    fn a_million_rows_are_one_batch() {
        let task = task(Form::SquaredEuclid, 1_000_064, 2, 5, 1);
        assert_eq!(task.over_rows().batches().collect::<Vec<_>>(), vec![0..1_000_064]);
    }

    #[test]
    fn batches_cover_all_rows_in_whole_words_and_keep_to_their_memory() {
        for form in [Form::SquaredEuclid, Form::Manhattan] {
            for (rows, dim, k, starts) in [
                (128, 1, 1, 1),
                (1 << 30, 2, 5, 16),
                (100_096, 10, 10, 16),
                (1 << 20, 1024, 3, 16),
                (1 << 20, 1023, 64, 16),
                (1 << 20, 1023, 1023, 1),
                (1 << 20, 1, 1024, 4),
                (1 << 20, 1, 512, 16),
            ] {
                let task = task(form, rows, dim, k, starts);
                for pass in [task.over_rows(), task.over_points()] {
                    let batches: Vec<_> = pass.batches().collect();
                    assert_eq!(batches.iter().map(Range::len).sum::<usize>(), pass.rows);
                    assert!(batches.windows(2).all(|two| two[0].end == two[1].start));
                    assert!(batches.iter().all(|batch| batch.start.is_multiple_of(64)));
                    let difference = if form == Form::Manhattan { DIFFERENCE_BYTES } else { 0 };
                    let row = k * pass.starts * (SCORE_BYTES + difference * pass.attributes);
                    assert!(batches[0].len().min(pass.batch) * row <= MEMORY, "{pass:?}");
                    // No more batches than the memory asks for.
                    let all = MEMORY / (k * pass.starts * (SCORE_BYTES + difference * dim)) / 64 * 64;
                    let few = if all == 0 { usize::MAX } else { pass.rows.div_ceil(all) };
                    assert!(batches.len() <= few, "{pass:?}");
                }
            }
        }
    }
}
