//! Runs on real data: as good as the best results known (the table of `tests/data/README.md`), at rest in floating
//! point, and the secure run equal to its plaintext reference.

mod play;

use kmeans::fixed::reference::{self, Outcome, Parameters};
use kmeans::fixed::{Missing, Normalise, RawRows};
use kmeans::reference::SquaredEuclid;
use play::{assert_equals_reference, euclidean, plan};

const IRIS: &str = include_str!("../../../../tests/data/iris.csv");
const WINE: &str = include_str!("../../../../tests/data/wine.csv");
const DIGITS: &str = include_str!("../../../../tests/data/digits.csv");

/// The number of starts that a run makes unless told otherwise.
const STARTS: usize = 6;

/// A dataset's attributes, less the class in the last column.
fn attributes(csv: &str) -> RawRows {
    let (header, body) = csv.split_once('\n').expect("a header");
    let mut attributes: Vec<String> = header.split(',').map(|name| name.trim().to_owned()).collect();
    attributes.pop();
    let dim = attributes.len();
    let fields = body.lines().flat_map(|line| line.split(',').take(dim));
    RawRows { attributes, values: fields.map(|field| field.parse().expect("a number")).collect() }
}

/// Deals rows to hosts in turn.
fn dealt(rows: &RawRows, hosts: usize) -> Vec<RawRows> {
    let of_host = |host: usize| {
        rows.values.chunks_exact(rows.dim()).skip(host).step_by(hosts).flatten().copied().collect()
    };
    (0..hosts).map(|host| RawRows { attributes: rows.attributes.clone(), values: of_host(host) }).collect()
}

/// Mean and population standard deviation of an attribute; 1 for a constant one.
fn moments(rows: &RawRows, attribute: usize) -> (f64, f64) {
    let column = || rows.values.iter().skip(attribute).step_by(rows.dim());
    let n = rows.rows() as f64;
    let mean = column().sum::<f64>() / n;
    let deviation = (column().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean, if deviation > 1e-9 { deviation } else { 1.0 })
}

/// A dataset with the preparation that the table of known results means, in floating point.
struct Exact {
    raw: RawRows,
    /// What is subtracted from and divided out of each attribute.
    preparation: Vec<(f64, f64)>,
    deviations: Vec<f64>,
    rows: Vec<f64>,
}

impl Exact {
    fn new(csv: &str, normalise: &Normalise) -> Self {
        let raw = attributes(csv);
        let moments: Vec<_> = (0..raw.dim()).map(|attribute| moments(&raw, attribute)).collect();
        let preparation: Vec<_> = moments
            .iter()
            .map(|&(mean, deviation)| match normalise {
                Normalise::ZScore => (mean, deviation),
                _ => (mean, 1.0),
            })
            .collect();
        let prepared = |(at, value): (usize, &f64)| {
            let (mean, deviation) = preparation[at % raw.dim()];
            (value - mean) / deviation
        };
        let rows = raw.values.iter().enumerate().map(prepared).collect();
        Exact { deviations: moments.iter().map(|moments| moments.1).collect(), preparation, rows, raw }
    }

    /// A run's centres in the units of the exact preparation.
    fn centres(&self, outcome: &Outcome) -> Vec<f64> {
        let dim = self.raw.dim();
        let prepared = |(at, &grid): (usize, &i64)| {
            let (mean, deviation) = self.preparation[at % dim];
            (outcome.scale[at % dim].original(grid) - mean) / deviation
        };
        outcome.centres.iter().enumerate().map(prepared).collect()
    }

    fn inertia(&self, centres: &[f64]) -> f64 {
        kmeans::assign(&self.rows, self.raw.dim(), centres, &SquaredEuclid)
            .expect("rows and centres fit")
            .inertia
    }

    /// How far one round of Lloyd, in floating point on the pooled rows with the exact preparation, moves the run's
    /// centres: the most of all coordinates, in parts of what is allowed, 1e-4 of the attribute's standard deviation.
    /// Where that is less than a step of the run's grid, a step is allowed: only `mean` leaves attributes so small.
    fn unrest(&self, outcome: &Outcome) -> f64 {
        let dim = self.raw.dim();
        let centres = self.centres(outcome);
        let assigned =
            kmeans::assign(&self.rows, dim, &centres, &SquaredEuclid).expect("rows and centres fit");
        let mut most = 0.0f64;
        for (at, (centre, sum)) in centres.iter().zip(&assigned.sums).enumerate() {
            let moved = (centre - sum / assigned.counts[at / dim] as f64).abs();
            let deviation = self.deviations[at % dim] / self.preparation[at % dim].1;
            most = most.max(moved / (1e-4 * deviation).max(1.0 / outcome.scale[at % dim].grid.one() as f64));
        }
        most
    }
}

fn parameters(k: usize, seed: u64, normalise: &Normalise) -> Parameters {
    Parameters {
        k,
        starts: STARTS,
        seed,
        max_rounds: 300,
        tolerance: 0.0,
        normalise: normalise.clone(),
        missing: Missing::Fail,
    }
}

/// The reference run is within `slack` of the best inertia known, and at rest, whatever the seed.
fn check(csv: &str, k: usize, normalise: Normalise, best: f64, slack: f64, seeds: u64) {
    let exact = Exact::new(csv, &normalise);
    for seed in 0..seeds {
        let hosts = [exact.raw.clone()];
        let outcome = reference::run(&hosts, &parameters(k, seed, &normalise), &*euclidean()).expect("runs");
        let centres = exact.centres(&outcome);
        let (ratio, unrest) = (exact.inertia(&centres) / best, exact.unrest(&outcome));
        println!("seed {seed}: inertia / best = {ratio:.6}, rest {unrest:.3}, {} rounds", outcome.rounds);
        assert!(outcome.converged, "seed {seed}");
        assert!(
            (1.0 - 1e-3..1.0 + slack).contains(&ratio),
            "seed {seed}: inertia is {ratio} of the best known"
        );
        assert!(unrest < 1.0, "seed {seed}: a round of Lloyd moves a centre {unrest} times too far");
    }
}

#[test]
fn iris_less_its_means() {
    check(IRIS, 3, Normalise::Mean, 78.851441, 0.01, 20);
}

#[test]
fn iris_by_z_score() {
    check(IRIS, 3, Normalise::ZScore, 139.820496, 0.01, 20);
}

#[test]
fn wine_less_its_means() {
    check(WINE, 3, Normalise::Mean, 2_370_689.686_783, 0.01, 20);
}

#[test]
fn wine_by_z_score() {
    check(WINE, 3, Normalise::ZScore, 1277.928489, 0.01, 20);
}

#[test]
fn digits_less_their_means() {
    check(DIGITS, 10, Normalise::Mean, 1_165_177.721_220, 0.03, 20);
}

#[test]
fn digits_by_z_score() {
    check(DIGITS, 10, Normalise::ZScore, 69_416.840_005, 0.03, 20);
}

/// The secure run on real data equals the reference, bit for bit.
fn secure(csv: &str, hosts: usize, normalise: Normalise) {
    let hosts = dealt(&attributes(csv), hosts);
    let mut plan = plan(&hosts, 3);
    (plan.starts, plan.normalise, plan.max_rounds) = (STARTS, normalise, 300);
    assert_equals_reference(&plan, &hosts, &*euclidean());
}

#[test]
fn iris_between_two_hosts() {
    secure(IRIS, 2, Normalise::ZScore);
}

#[test]
fn iris_between_three_hosts() {
    secure(IRIS, 3, Normalise::Mean);
}

#[test]
fn wine_between_two_hosts() {
    secure(WINE, 2, Normalise::ZScore);
}

#[test]
fn wine_between_three_hosts() {
    secure(WINE, 3, Normalise::ZScore);
}
