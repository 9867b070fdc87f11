//! Real data reach the best inertia known for them (the table of the workspace's `tests/data/README.md`).

use kmeans::reference::SquaredEuclid;
use kmeans::{Lloyd, assign};

const IRIS: &str = include_str!("../../../../tests/data/iris.csv");
const WINE: &str = include_str!("../../../../tests/data/wine.csv");
const DIGITS: &str = include_str!("../../../../tests/data/digits.csv");

/// The attributes of a dataset, row-major, less the class in the last column.
fn attributes(csv: &str) -> (Vec<f64>, usize) {
    let (header, body) = csv.split_once('\n').unwrap();
    let dim = header.split(',').count() - 1;
    let rows = body.lines().flat_map(|line| line.split(',').take(dim)).map(|field| field.parse().unwrap());
    (rows.collect(), dim)
}

fn column(rows: &[f64], dim: usize, index: usize) -> impl Iterator<Item = f64> {
    rows.iter().skip(index).step_by(dim).copied()
}

fn subtract_means(rows: &mut [f64], dim: usize) {
    let n = (rows.len() / dim) as f64;
    let means: Vec<f64> = (0..dim).map(|index| column(rows, dim, index).sum::<f64>() / n).collect();
    for row in rows.chunks_exact_mut(dim) {
        for (value, mean) in row.iter_mut().zip(&means) {
            *value -= mean;
        }
    }
}

/// Population standard deviation; constant attributes are left at zero.
fn z_score(rows: &mut [f64], dim: usize) {
    subtract_means(rows, dim);
    let n = (rows.len() / dim) as f64;
    let deviations: Vec<f64> = (0..dim)
        .map(|index| (column(rows, dim, index).map(|value| value * value).sum::<f64>() / n).sqrt())
        .collect();
    for row in rows.chunks_exact_mut(dim) {
        for (value, &deviation) in row.iter_mut().zip(&deviations) {
            *value = if deviation > 1e-9 { *value / deviation } else { 0.0 };
        }
    }
}

fn check(csv: &str, prepare: fn(&mut [f64], usize), k: usize, starts: usize, best: f64) {
    let (mut rows, dim) = attributes(csv);
    prepare(&mut rows, dim);
    let clustering = Lloyd { starts, ..Lloyd::new(k) }.run(&rows, dim, &SquaredEuclid).unwrap();
    println!("inertia {:.6}, best known {best:.6}, {} rounds", clustering.inertia, clustering.rounds);
    assert!(clustering.converged);
    // The known values are the best of 50 starts, on digits no optimum: less is right too, within reason.
    let ratio = clustering.inertia / best;
    assert!(ratio < 1.0 + 1e-6, "inertia {} is not the best known, {best}", clustering.inertia);
    assert!(ratio > 1.0 - 1e-3, "inertia {} is too good, {best} is known", clustering.inertia);

    // The definition of inertia, by the labels alone.
    let by_label: f64 = rows
        .chunks(dim)
        .zip(&clustering.labels)
        .flat_map(|(row, &label)| row.iter().zip(&clustering.centres[label as usize * dim..]))
        .map(|(x, c)| (x - c).powi(2))
        .sum();
    assert!((by_label / clustering.inertia - 1.0).abs() < 1e-10);

    // At rest: the centres are the means of their rows, and the labels are theirs.
    let again = assign(&rows, dim, &clustering.centres, &SquaredEuclid).unwrap();
    assert_eq!(again.labels, clustering.labels);
    assert_eq!(again.inertia.to_bits(), clustering.inertia.to_bits());
    assert_eq!(again.counts, clustering.counts());
    assert_eq!(again.counts.iter().sum::<u64>() as usize, rows.len() / dim);
    for (cluster, (sums, &count)) in again.sums.chunks(dim).zip(&again.counts).enumerate() {
        for (centre, sum) in clustering.centres[cluster * dim..].iter().zip(sums) {
            assert!((centre - sum / count as f64).abs() < 1e-9);
        }
    }
}

#[test]
fn iris_less_its_means() {
    check(IRIS, subtract_means, 3, 10, 78.851441);
}

#[test]
fn iris_by_z_score() {
    check(IRIS, z_score, 3, 10, 139.820496);
}

#[test]
fn wine_less_its_means() {
    check(WINE, subtract_means, 3, 10, 2_370_689.686_783);
}

#[test]
fn wine_by_z_score() {
    check(WINE, z_score, 3, 20, 1277.928489);
}

#[test]
fn digits_less_their_means() {
    check(DIGITS, subtract_means, 10, 40, 1_165_177.721_220);
}

#[test]
fn digits_by_z_score() {
    check(DIGITS, z_score, 10, 100, 69_416.840_005);
}
