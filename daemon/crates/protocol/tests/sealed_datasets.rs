//! Sealed runs on real data, in plaintext: as good as the best results known (the table of `tests/data/README.md`),
//! however the rows are split over hosts.

use kmeans::fixed::reference::{Outcome, Parameters};
use kmeans::fixed::sealed::{self, Form, STARTS};
use kmeans::fixed::{Missing, Normalise, RawRows};
use kmeans::reference::SquaredEuclid;

const IRIS: &str = include_str!("../../../../tests/data/iris.csv");
const WINE: &str = include_str!("../../../../tests/data/wine.csv");
const DIGITS: &str = include_str!("../../../../tests/data/digits.csv");

/// A dataset's rows, sorted by class: hosts with whole runs of them are as unlike as can be.
fn by_class(csv: &str) -> RawRows {
    let (header, body) = csv.split_once('\n').expect("a header");
    let mut attributes: Vec<String> = header.split(',').map(|name| name.trim().to_owned()).collect();
    attributes.pop();
    let mut rows: Vec<(&str, Vec<f64>)> = body
        .lines()
        .map(|line| {
            let (values, class) = line.rsplit_once(',').expect("a class");
            (class, values.split(',').map(|field| field.parse().expect("a number")).collect())
        })
        .collect();
    rows.sort_by_key(|(class, _)| *class);
    RawRows { attributes, values: rows.into_iter().flat_map(|(_, values)| values).collect() }
}

/// How rows are split over hosts.
#[derive(Clone, Copy, Debug)]
enum Split {
    /// In turn: hosts hold the same mixture.
    Dealt,
    /// In equal runs: hosts hold different classes.
    Sorted,
    /// As `Sorted`, but the first host has one row in 20.
    Uneven,
}

const SPLITS: [Split; 3] = [Split::Dealt, Split::Sorted, Split::Uneven];

impl Split {
    fn hosts(self, rows: &RawRows, hosts: usize) -> Vec<RawRows> {
        let n = rows.rows();
        let few = n / 20;
        let host_of = |row: usize| match self {
            Split::Dealt => row % hosts,
            Split::Sorted => row * hosts / n,
            Split::Uneven if row < few => 0,
            Split::Uneven => 1 + (row - few) * (hosts - 1) / (n - few),
        };
        let mut split = vec![RawRows { attributes: rows.attributes.clone(), values: Vec::new() }; hosts];
        for (index, row) in rows.values.chunks_exact(rows.dim()).enumerate() {
            split[host_of(index)].values.extend_from_slice(row);
        }
        split
    }
}

/// The inertia of a run's centres on the exactly prepared rows.
fn inertia(rows: &RawRows, normalise: &Normalise, outcome: &Outcome) -> f64 {
    let (dim, n) = (rows.dim(), rows.rows() as f64);
    let (mut prepared, mut centres) = (rows.values.clone(), vec![0.0; outcome.centres.len()]);
    for attribute in 0..dim {
        let column = || rows.values.iter().skip(attribute).step_by(dim);
        let mean = column().sum::<f64>() / n;
        let deviation = (column().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        let unit = if *normalise == Normalise::ZScore && deviation > 1e-9 { deviation } else { 1.0 };
        let prepare = |x: f64| (x - mean) / unit;
        prepared.iter_mut().skip(attribute).step_by(dim).for_each(|x| *x = prepare(*x));
        let coordinates = outcome.centres.iter().skip(attribute).step_by(dim);
        for (centre, &grid) in centres.iter_mut().skip(attribute).step_by(dim).zip(coordinates) {
            *centre = prepare(outcome.scale[attribute].original(grid));
        }
    }
    kmeans::assign(&prepared, dim, &centres, &SquaredEuclid).expect("rows and centres fit").inertia
}

/// Runs by two to four hosts come within `slack` of the best inertia known, for all `seeds`.
fn check(csv: &str, k: usize, normalise: Normalise, best: f64, slack: f64, seeds: std::ops::Range<u64>) {
    let rows = by_class(csv);
    let mut misses = Vec::new();
    let mut worst = 0.0f64;
    for seed in seeds {
        for (hosts, split) in (2..=4).flat_map(|hosts| SPLITS.map(|split| (hosts, split))) {
            let parameters = Parameters {
                k,
                starts: STARTS,
                seed,
                max_rounds: 300,
                tolerance: 0.0,
                normalise: normalise.clone(),
                missing: Missing::Fail,
            };
            let split_rows = split.hosts(&rows, hosts);
            let outcome =
                sealed::run(&split_rows, Form::SquaredEuclid, &parameters, &SquaredEuclid).expect("runs");
            let ratio = inertia(&rows, &normalise, &outcome) / best;
            worst = worst.max(ratio);
            if !(outcome.converged && (0.99..1.0 + slack).contains(&ratio)) {
                misses.push(format!("seed {seed}, {hosts} hosts, {split:?}: {ratio:.6}"));
            }
        }
    }
    println!("worst inertia / best known = {worst:.6}");
    assert!(misses.is_empty(), "not as good as the best known: {misses:#?}");
}

#[test]
fn iris_less_its_means() {
    check(IRIS, 3, Normalise::Mean, 78.851441, 0.01, 0..20);
}

#[test]
fn iris_by_z_score() {
    check(IRIS, 3, Normalise::ZScore, 139.820496, 0.01, 0..20);
}

#[test]
fn wine_less_its_means() {
    check(WINE, 3, Normalise::Mean, 2_370_689.686_783, 0.01, 0..20);
}

#[test]
fn wine_by_z_score() {
    check(WINE, 3, Normalise::ZScore, 1277.928489, 0.01, 0..20);
}

#[test]
fn digits_less_their_means() {
    check(DIGITS, 10, Normalise::Mean, 1_165_177.721_220, 0.03, 0..2);
}

#[test]
fn digits_by_z_score() {
    check(DIGITS, 10, Normalise::ZScore, 69_416.840_005, 0.03, 0..2);
}
