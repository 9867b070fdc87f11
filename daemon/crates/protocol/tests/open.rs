//! A run in mode `open` gives the plaintext reference's result, bit for bit.

mod play;

use kmeans::fixed::{Missing, Normalise, RawRows, reference};
use play::{assert_equals_reference, assert_reported, euclidean, manhattan, parameters, plan, play, rows};
use proptest::prelude::*;
use protocol::{PartyId, Plan};
use sim::World;

/// Rows around a few points, cut into hosts at random places; every host has at least one row.
fn split_rows(hosts: usize) -> impl Strategy<Value = Vec<RawRows>> {
    (1usize..4, hosts..60usize).prop_flat_map(move |(dim, n)| {
        let values = prop::collection::vec(
            prop_oneof![(-3i32..3).prop_map(f64::from), -50.0..50.0f64, Just(0.5)],
            dim * n,
        );
        let cuts = prop::sample::subsequence((1..n).collect::<Vec<_>>(), hosts - 1);
        (values, cuts).prop_map(move |(values, cuts)| {
            let mut bounds = vec![0];
            bounds.extend(cuts);
            bounds.push(n);
            bounds.windows(2).map(|w| rows(dim, values[w[0] * dim..w[1] * dim].to_vec())).collect()
        })
    })
}

fn normalisation(dim: usize) -> impl Strategy<Value = Normalise> {
    prop_oneof![
        3 => Just(Normalise::ZScore),
        1 => Just(Normalise::Mean),
        1 => Just(Normalise::None),
        1 => Just(Normalise::Range(vec![(-50.0, 50.0); dim])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn equals_the_reference_for_any_split(
        (hosts, normalise, k, starts, seed, tolerance, manhattan_instead) in (2usize..=5)
            .prop_flat_map(split_rows)
            .prop_flat_map(|hosts| {
                let (dim, n) = (hosts[0].dim(), hosts.iter().map(RawRows::rows).sum::<usize>());
                let tolerance = prop_oneof![Just(0.0), 0.0..0.5f64];
                (Just(hosts), normalisation(dim), 1..=n.min(7), 1usize..=3, any::<u64>(), tolerance, any::<bool>())
            })
    ) {
        let mut plan = plan(&hosts, k);
        (plan.normalise, plan.starts, plan.seed, plan.tolerance) = (normalise, starts, seed, tolerance);
        plan.max_rounds = 8;
        let metric = if manhattan_instead { manhattan() } else { euclidean() };
        assert_equals_reference(&plan, &hosts, &*metric);
    }
}

#[test]
fn as_many_clusters_as_rows() {
    let hosts = [rows(1, vec![1.0, 2.0, 4.0]), rows(1, vec![8.0, 16.0])];
    assert_equals_reference(&plan(&hosts, 5), &hosts, &*euclidean());
}

#[test]
fn many_clusters() {
    // From 19 on a start compares more clusters than a balanced tree of their ranks has places for.
    let values = |host: u64| (0..24).map(|i| ((i * 7919 + host * 131) % 997) as f64).collect();
    let hosts = [rows(2, values(0)), rows(2, values(1))];
    assert_equals_reference(&Plan { starts: 1, ..plan(&hosts, 22) }, &hosts, &*euclidean());
}

#[test]
fn clusters_with_few_rows_of_a_host_are_withheld() {
    // Three groups; of the second one host has one row, the third belongs to one host alone.
    let hosts = [
        rows(1, vec![0.0, 0.1, 0.2, 50.0, 90.0, 90.1, 90.2]),
        rows(1, vec![0.3, 0.4, 0.5, 50.1, 50.2, 50.3]),
    ];
    let metric = euclidean();
    let plan = plan(&hosts, 3);
    let expected = reference::run(&hosts, &parameters(&plan), &*metric).expect("the reference runs");
    let cases: [(u64, &[f64]); 4] = [(1, &[]), (2, &[50.0]), (3, &[50.0]), (4, &[0.0, 50.0, 90.0])];
    for (min_cluster_rows, withheld) in cases {
        let plan = Plan { min_cluster_rows: vec![min_cluster_rows; 2], ..plan.clone() };
        let report = play(World::new(2), &plan, &hosts, &*metric);
        assert_reported(&report, &plan, &hosts, &*metric);
        for host in [PartyId::LEAD, PartyId::SECOND] {
            let Ok(Some(outcome)) = report.result(host) else { panic!("{host:?} has an outcome") };
            let mut near: Vec<f64> = (outcome.centres.iter().zip(&expected.centres))
                .filter(|(shown, _)| shown.is_none())
                .map(|(_, &centre)| (outcome.scale[0].original(centre) / 10.0).round() * 10.0)
                .collect();
            near.sort_by(f64::total_cmp);
            assert_eq!(near, withheld, "{min_cluster_rows} rows");
        }
    }
}

#[test]
fn duplicates_constant_columns_and_empty_clusters() {
    let hosts = [rows(2, [3.0, 1.0].repeat(10)), rows(2, [3.0, 1.0, 3.0, 9.0].repeat(3))];
    assert_equals_reference(&plan(&hosts, 4), &hosts, &*euclidean());
}

#[test]
fn missing_values_are_dropped_or_filled() {
    let values = vec![1.0, f64::NAN, 2.0, 5.0, f64::NAN, f64::NAN, 9.0, 4.0, 9.5, 4.5];
    let hosts = [rows(2, values[..6].to_vec()), rows(2, values[6..].to_vec())];
    for missing in [Missing::Drop, Missing::Mean] {
        let mut plan = plan(&hosts, 2);
        plan.missing = missing;
        assert_equals_reference(&plan, &hosts, &*euclidean());
    }
}

#[test]
fn extreme_units() {
    let hosts = [
        rows(3, vec![1e-12, 1e11, -1e11, 3e-12, 1.0000001e11, 1e11]),
        rows(3, vec![2e-12, 1.0000002e11, 5.0, 1e-11, 1e11, 0.0]),
    ];
    assert_equals_reference(&plan(&hosts, 2), &hosts, &*euclidean());
}
