//! What k-means refuses, and what it says then.

use kmeans::reference::{Manhattan, SquaredEuclid};
use kmeans::{KmeansError, Lloyd, Metric, MetricError, assign};

const ROWS: [f64; 6] = [0.0, 0.0, 1.0, 1.0, 5.0, 5.0];

fn refusal(lloyd: Lloyd, rows: &[f64], dim: usize) -> KmeansError {
    lloyd.run(rows, dim, &SquaredEuclid).unwrap_err()
}

#[test]
fn impossible_settings() {
    let two = Lloyd::new(2);
    assert_eq!(refusal(Lloyd::new(0), &ROWS, 2), KmeansError::NoClusters);
    assert_eq!(refusal(Lloyd { starts: 0, ..two }, &ROWS, 2), KmeansError::NoStarts);
    assert_eq!(refusal(Lloyd { max_rounds: 0, ..two }, &ROWS, 2), KmeansError::NoRounds);
    for tolerance in [-1e-9, f64::NAN, f64::INFINITY] {
        assert_eq!(refusal(Lloyd { tolerance, ..two }, &ROWS, 2), KmeansError::Tolerance);
    }
}

#[test]
fn more_clusters_than_rows() {
    let error = refusal(Lloyd::new(4), &ROWS, 2);
    assert_eq!(error, KmeansError::TooFewRows { k: 4, rows: 3 });
    assert_eq!(error.to_string(), "k is 4, but there are only 3 rows: choose k of at most 3");
    assert_eq!(refusal(Lloyd::new(1), &[], 2), KmeansError::TooFewRows { k: 1, rows: 0 });
    // Nothing is allocated for clusters that cannot be.
    let error = refusal(Lloyd::new(usize::MAX), &ROWS, 2);
    assert_eq!(error, KmeansError::TooFewRows { k: usize::MAX, rows: 3 });
}

#[test]
fn rows_that_are_not_whole() {
    assert_eq!(refusal(Lloyd::new(1), &ROWS, 0), KmeansError::NoAttributes);
    assert_eq!(refusal(Lloyd::new(1), &ROWS, 4), KmeansError::RaggedRows { values: 6, dim: 4 });
    assert_eq!(
        refusal(Lloyd::new(1), &ROWS, usize::MAX),
        KmeansError::RaggedRows { values: 6, dim: usize::MAX }
    );
}

#[test]
fn values_that_are_not_finite() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut rows = ROWS;
        rows[3] = bad;
        let error = refusal(Lloyd::new(1), &rows, 2);
        assert_eq!(error, KmeansError::NonFiniteRow { row: 2, attribute: 2 });
        assert!(error.to_string().starts_with("row 2, attribute 2 is not a finite number"));
        assert_eq!(assign(&rows, 2, &[0.0, 0.0], &SquaredEuclid).unwrap_err(), error);
        assert_eq!(
            assign(&ROWS, 2, &[0.0, 0.0, bad, 0.0], &SquaredEuclid).unwrap_err(),
            KmeansError::NonFiniteCentre { centre: 2, attribute: 1 }
        );
    }
}

#[test]
fn starting_centres_that_do_not_fit() {
    let from = |centres: &[f64]| Lloyd::new(2).run_from(&ROWS, 2, centres, &SquaredEuclid).unwrap_err();
    assert_eq!(from(&[]), KmeansError::RaggedCentres { values: 0, dim: 2 });
    assert_eq!(from(&[1.0; 3]), KmeansError::RaggedCentres { values: 3, dim: 2 });
    assert_eq!(from(&[1.0; 2]), KmeansError::CentreCount { k: 2, centres: 1 });
    assert_eq!(from(&[1.0, 1.0, 1.0, f64::NAN]), KmeansError::NonFiniteCentre { centre: 2, attribute: 2 });
    assert_eq!(
        assign(&ROWS, 2, &[], &SquaredEuclid).unwrap_err(),
        KmeansError::RaggedCentres { values: 0, dim: 2 }
    );
}

#[test]
fn weights_that_cannot_count() {
    let weigh = |weights: &[f64]| Lloyd::new(2).run_weighted(&ROWS, weights, 2, &SquaredEuclid).unwrap_err();
    assert_eq!(weigh(&[1.0; 2]), KmeansError::WeightCount { weights: 2, rows: 3 });
    for bad in [-1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE / 2.0] {
        assert_eq!(weigh(&[1.0, bad, 1.0]), KmeansError::Weight { row: 2 });
    }
    assert_eq!(weigh(&[0.0; 3]), KmeansError::NoWeight);
    assert_eq!(weigh(&[f64::MAX; 3]), KmeansError::Overflow);
}

#[test]
fn sums_beyond_floating_point() {
    // The squares overflow; the distances themselves do not, but their rows' sums do.
    let rows = [-1.5e308, 1.0, 1.5e308, 1.6e308];
    assert_eq!(refusal(Lloyd::new(2), &rows, 1), KmeansError::Overflow);
    let error = Lloyd::new(1).run_from(&rows[2..], 1, &[1.5e308], &Manhattan).unwrap_err();
    assert_eq!(error, KmeansError::Overflow);
}

/// A metric that breaks its promise.
#[derive(Debug)]
struct Liar {
    label: u32,
    cost: f64,
}

impl Metric for Liar {
    fn name(&self) -> &str {
        "liar"
    }

    fn version(&self) -> &str {
        "1"
    }

    fn assign(
        &self,
        _rows: &[f64],
        _dim: usize,
        _centres: &[f64],
        labels: &mut [u32],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        labels.fill(self.label);
        costs.fill(self.cost);
        Ok(())
    }

    fn distances(&self, _: &[f64], _: usize, _: &[f64], costs: &mut [f64]) -> Result<(), MetricError> {
        costs.fill(self.cost);
        Ok(())
    }
}

#[test]
fn a_metric_that_breaks_its_promise() {
    let lies = [
        (Liar { label: 2, cost: 1.0 }, "metric liar: named a centre that does not exist"),
        (Liar { label: 0, cost: -1.0 }, "metric liar: gave a cost that is negative or not a number"),
        (Liar { label: 0, cost: f64::NAN }, "metric liar: gave a cost that is negative or not a number"),
    ];
    for (liar, message) in lies {
        let error = Lloyd::new(2).run(&ROWS, 2, &liar).unwrap_err();
        assert!(matches!(error, KmeansError::Metric(MetricError::Broken { .. })));
        assert_eq!(error.to_string(), message);
        assert_eq!(assign(&ROWS, 2, &[0.0; 4], &liar).unwrap_err(), error);
    }
    let liar = Liar { label: 0, cost: f64::INFINITY };
    assert_eq!(Lloyd::new(2).run(&ROWS, 2, &liar).unwrap_err(), KmeansError::Overflow);
}

/// A metric that fails, naming the first row it was given.
#[derive(Debug)]
struct Failing;

impl Metric for Failing {
    fn name(&self) -> &str {
        "failing"
    }

    fn version(&self) -> &str {
        "1"
    }

    fn assign(
        &self,
        rows: &[f64],
        _dim: usize,
        _centres: &[f64],
        _labels: &mut [u32],
        _costs: &mut [f64],
    ) -> Result<(), MetricError> {
        Err(MetricError::Broken { name: "failing".to_owned(), what: format!("block of row {}", rows[0]) })
    }

    fn distances(&self, rows: &[f64], dim: usize, _: &[f64], costs: &mut [f64]) -> Result<(), MetricError> {
        self.assign(rows, dim, &[], &mut [], costs)
    }
}

#[test]
fn the_first_block_in_order_is_blamed() {
    let rows: Vec<f64> = (0..20_000).map(f64::from).collect();
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for _ in 0..20 {
            let error = pool.install(|| assign(&rows, 1, &[0.0], &Failing)).unwrap_err();
            assert_eq!(error.to_string(), "metric failing: block of row 0");
            let error = pool.install(|| Lloyd::new(3).run(&rows, 1, &Failing)).unwrap_err();
            assert_eq!(error.to_string(), "metric failing: block of row 0");
        }
    }
}

#[test]
fn reference_metrics_refuse_what_does_not_fit() {
    let metrics: [&dyn Metric; 2] = [&SquaredEuclid, &Manhattan];
    for metric in metrics {
        let (labels, costs) = (&mut [0; 3], &mut [0.0; 3]);
        let shape = |outcome| matches!(outcome, Err(MetricError::Shape(_)));
        assert!(shape(metric.assign(&ROWS, 2, &[], labels, costs)));
        assert!(shape(metric.assign(&ROWS, 2, &[0.0; 3], labels, costs)));
        assert!(shape(metric.assign(&ROWS, 0, &[0.0; 2], labels, costs)));
        assert!(shape(metric.assign(&ROWS[1..], 2, &[0.0; 2], labels, costs)));
        assert!(shape(metric.assign(&ROWS, 2, &[0.0; 2], &mut labels[1..], costs)));
        assert!(shape(metric.distances(&ROWS, 2, &[0.0; 4], costs)));
        assert!(shape(metric.distances(&ROWS, 3, &[0.0; 3], costs)));
        assert_eq!(metric.distances(&ROWS, 2, &[0.0, f64::NAN], costs), Err(MetricError::NonFinite));
        assert_eq!(metric.assign(&ROWS, 2, &[0.0; 4], labels, costs), Ok(()));
    }
}
