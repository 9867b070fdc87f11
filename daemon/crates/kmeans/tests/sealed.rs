//! The plaintext definition of sealed runs: exact, indifferent to how rows are split, and sound at its edges.

use kmeans::Metric;
use kmeans::fixed::reference::Parameters;
use kmeans::fixed::sealed::{
    self, Form, LocalCentres, at_rest, best_start, local_centres, nearest, points, round, starts,
};
use kmeans::fixed::{FixedError, Grid, GridRows, Missing, Normalise, RawRows};
use kmeans::reference::{Manhattan, SquaredEuclid};
use proptest::collection::vec;
use proptest::prelude::*;

const FORMS: [Form; 2] = [Form::SquaredEuclid, Form::Manhattan];

fn metric(form: Form) -> &'static dyn Metric {
    match form {
        Form::SquaredEuclid => &SquaredEuclid,
        Form::Manhattan => &Manhattan,
    }
}

fn parameters(k: usize) -> Parameters {
    Parameters {
        k,
        starts: 16,
        seed: 5,
        max_rounds: 100,
        tolerance: 0.0,
        normalise: Normalise::ZScore,
        missing: Missing::Fail,
    }
}

fn raw(dim: usize, values: &[f64]) -> RawRows {
    RawRows { attributes: (0..dim).map(|a| format!("a{a}")).collect(), values: values.to_vec() }
}

/// The distance as it is defined, in integers that cannot overflow.
fn distance(form: Form, x: &[i64], c: &[i64]) -> u128 {
    let terms = x.iter().zip(c).map(|(&x, &c)| u128::from(x.abs_diff(c)));
    match form {
        Form::SquaredEuclid => terms.map(|t| t * t).sum(),
        Form::Manhattan => terms.sum(),
    }
}

proptest! {
    #[test]
    fn the_least_score_is_the_least_distance(
        form in prop_oneof![Just(Form::SquaredEuclid), Just(Form::Manhattan)],
        (row, centres) in (1..6usize).prop_flat_map(|dim| {
            let value = prop_oneof![-3..=3i64, -((1i64 << 29) - 1)..(1i64 << 29)];
            (vec(value.clone(), dim), (1..6usize).prop_flat_map(move |k| vec(value.clone(), k * dim)))
        }),
    ) {
        let distances: Vec<u128> =
            centres.chunks_exact(row.len()).map(|centre| distance(form, &row, centre)).collect();
        let least = distances.iter().min().unwrap();
        let first = distances.iter().position(|distance| distance == least).unwrap();
        prop_assert_eq!(nearest(form, &row, &centres).0 as usize, first);
    }

    #[test]
    fn rounds_do_not_depend_on_the_split(
        form in prop_oneof![Just(Form::SquaredEuclid), Just(Form::Manhattan)],
        rows in vec(-1000..1000i64, 2..60),
        cuts in (0..30usize, 0..30usize),
        centres in vec(-1000..1000i64, 6),
    ) {
        let rows = &rows[..rows.len() / 2 * 2];
        let (one, two) = (cuts.0.min(cuts.1).min(rows.len() / 2), cuts.0.max(cuts.1).min(rows.len() / 2));
        let split = [&rows[..2 * one], &rows[2 * one..2 * two], &rows[2 * two..]].map(<[i64]>::to_vec);
        let (mut pooled, mut joint) = (centres.clone(), centres);
        round(form, &[rows.to_vec()], 2, &mut pooled);
        round(form, &split, 2, &mut joint);
        prop_assert_eq!(pooled, joint);
    }

    #[test]
    fn local_centres_count_every_row(
        values in vec(-100..100i64, 1..200),
        k in 1..8usize,
        seed: u64,
    ) {
        let grid = Grid::new(8, 20).unwrap();
        let rows = GridRows { grid, dim: 1, values: values.iter().map(|&x| x as f64 / 256.0).collect() };
        let local = local_centres(&rows, points(k), seed, &SquaredEuclid).unwrap();
        prop_assert_eq!(local.points.len(), points(k));
        prop_assert_eq!(local.weights.len(), points(k));
        prop_assert_eq!(local.weights.iter().sum::<u64>(), values.len() as u64);
        let (low, high) = (values.iter().min().unwrap(), values.iter().max().unwrap());
        prop_assert!(local.points.iter().all(|x| (low..=high).contains(&x)));
    }
}

#[test]
fn starts_name_k_different_points_and_large_hosts_stand_alone_once() {
    let cases: [(&[u64], usize); 6] = [
        (&[64, 64], 1),
        (&[640, 64], 2),
        (&[1, 1 << 30, 1 << 30], 10),
        (&[64, 128, 192, 256], 7),
        (&[64; 8], 5),
        (&[0, 0], 3),
    ];
    for (rows, k) in cases {
        let p = points(k);
        let all = starts(9, rows, k, 32);
        assert_eq!(all, starts(9, rows, k, 40)[..32], "a start depends on how many there are");
        let padded: Vec<u64> = rows.iter().map(|rows| rows.next_multiple_of(64).max(64)).collect();
        assert_eq!(all, starts(9, &padded, k, 32), "padding matters");
        for start in &all {
            assert_eq!(start.len(), k);
            assert!(start.windows(2).all(|pair| pair[0] < pair[1]), "{start:?}");
            assert!(start.iter().all(|&at| at < rows.len() * p && at % p < k), "{start:?}");
        }
        let sum: u64 = padded.iter().sum();
        for (host, of_host) in padded.iter().enumerate() {
            let alone: Vec<usize> = (host * p..host * p + k).collect();
            let large = of_host * 2 * rows.len() as u64 >= sum;
            assert!(!large || all.contains(&alone), "host {host} of {padded:?}");
        }
    }
}

#[test]
fn the_first_start_takes_shares_of_the_rows() {
    let counts = |rows: &[u64], k: usize| -> Vec<usize> {
        let first = &starts(3, rows, k, 1)[0];
        (0..rows.len()).map(|host| first.iter().filter(|&&at| at / points(k) == host).count()).collect()
    };
    assert_eq!(counts(&[64, 128, 192], 12), [2, 4, 6]);
    assert_eq!(counts(&[64, 64 * 19], 10), [1, 9]);
    assert_eq!(counts(&[1 << 62, 1 << 62], 5), [3, 2]);
}

#[test]
fn equal_starts_and_weightless_clusters_stay_where_they_are() {
    for form in FORMS {
        let mut weights = vec![0; points(2)];
        weights[3] = 7;
        let mut places = vec![50; points(2)];
        places[3] = 10;
        let hosts = [LocalCentres { points: places, weights }];
        // The one point that counts is nearest to the second centre; the first has no weight and stays.
        assert_eq!(best_start(form, &hosts, 1, &[vec![0, 3]]), [50, 10]);
        // No weight: all starts cost nothing, and the first wins.
        let idle = [LocalCentres { points: vec![1, 2, 3, 4], weights: vec![0; 4] }];
        assert_eq!(best_start(form, &idle, 1, &[vec![2, 1], vec![0, 1]]), [3, 2]);
    }
}

#[test]
fn an_empty_cluster_keeps_its_centre_and_halves_round_up() {
    for form in FORMS {
        let mut centres = vec![0, 0, 90, -90];
        round(form, &[vec![1, -1], vec![2, -2]], 2, &mut centres);
        assert_eq!(centres, [2, -1, 90, -90]);
    }
    assert!(at_rest(&[0, 0], &[3, -4], 2, 25) && !at_rest(&[0, 0], &[3, -4], 2, 24));
}

#[test]
fn the_rounds_end_at_the_same_centres_for_every_split() {
    let values: Vec<f64> =
        (0..120).flat_map(|i| [f64::from(i % 3) * 40.0 + f64::from(i % 7), f64::from(i % 5)]).collect();
    for form in FORMS {
        let parameters = Parameters { normalise: Normalise::None, ..parameters(3) };
        let run = |hosts: &[RawRows]| sealed::run(hosts, form, &parameters, metric(form)).unwrap();
        let halves = run(&[raw(2, &values[..120]), raw(2, &values[120..])]);
        let uneven = run(&[raw(2, &values[..2]), raw(2, &values[2..60]), raw(2, &values[60..])]);
        assert!(halves.converged && uneven.converged);
        let sorted = |mut sizes: Vec<u64>| {
            sizes.sort_unstable();
            sizes
        };
        assert_eq!(sorted(halves.sizes), [40, 40, 40]);
        assert_eq!(sorted(uneven.sizes), [40, 40, 40]);
        assert_eq!(halves.inertia, uneven.inertia);
    }
}

#[test]
fn constant_columns_duplicates_and_single_rows_run() {
    for form in FORMS {
        for k in 1..=4 {
            let hosts = [raw(2, &[1.0, 7.0]), raw(2, &[1.0, 7.0, 5.0, 7.0]), raw(2, &[5.0, 7.0])];
            let outcome = sealed::run(&hosts, form, &parameters(k), metric(form)).unwrap();
            assert!(outcome.converged);
            assert_eq!(outcome.sizes.iter().sum::<u64>(), 4);
            assert!(k == 1 || outcome.inertia == 0, "{k}");
            assert!(outcome.centres.iter().skip(1).step_by(2).all(|&x| x == 0), "{k}");
            assert_eq!(outcome.labels[0][0], outcome.labels[1][0]);
            assert_eq!(outcome.labels[1][1], outcome.labels[2][0]);
        }
    }
}

#[test]
fn a_host_whose_rows_are_all_dropped_takes_part() {
    let parameters = Parameters { missing: Missing::Drop, ..parameters(2) };
    let hosts = [raw(1, &[f64::NAN]), raw(1, &[0.0, 1.0, 10.0, 11.0])];
    let outcome = sealed::run(&hosts, Form::SquaredEuclid, &parameters, &SquaredEuclid).unwrap();
    assert_eq!((outcome.sizes, outcome.labels[0].len()), (vec![2, 2], 0));
}

#[test]
fn rows_at_the_reach_of_the_grid_run_and_beyond_are_refused() {
    let parameters = Parameters { normalise: Normalise::None, ..parameters(2) };
    let run = |far: f64| {
        let hosts = [raw(2, &[far, far, -far, -far]), raw(2, &[-far, far, far, far])];
        sealed::run(&hosts, Form::SquaredEuclid, &parameters, &SquaredEuclid)
    };
    assert!(run(32767.9).unwrap().converged);
    let refused = run(32768.0).unwrap_err();
    assert_eq!(refused, FixedError::Range { attribute: "a0".into(), rows: 2, reach: 32767 });
}

#[test]
fn a_metric_that_fails_ends_the_run() {
    let rows = GridRows { grid: Grid::new(8, 20).unwrap(), dim: 1, values: vec![f64::NAN] };
    let error = local_centres(&rows, points(1), 0, &SquaredEuclid).err().unwrap();
    assert!(matches!(error, FixedError::Cost | FixedError::Metric(_)), "{error}");
}
