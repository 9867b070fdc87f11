//! A run in mode `sealed` gives the plaintext reference's result, bit for bit, and costs what was estimated.

mod play;

use std::collections::BTreeMap;
use std::sync::Mutex;

use kmeans::Metric;
use kmeans::fixed::sealed::Form;
use kmeans::fixed::{Missing, Normalise, RawRows};
use play::{
    Ended, Play, assert_equals_reference, assert_reported, euclidean, expected, manhattan, plan, play, rows,
    withheld,
};
use proptest::prelude::*;
use protocol::message::{Key, Proceed, TripleSeed};
use protocol::{Checkpoint, Message, Outcome, PartyId, Plan, Privacy, ProtocolError, Step};
use sim::{Report, World};

const EUCLID: Privacy = Privacy::Sealed(Form::SquaredEuclid);

fn sealed(hosts: &[RawRows], k: usize) -> Plan {
    Plan { privacy: EUCLID, max_rounds: 6, ..plan(hosts, k) }
}

fn assert_sealed(hosts: &[RawRows], k: usize) {
    assert_equals_reference(&sealed(hosts, k), hosts, &*euclidean());
    let plan = Plan { privacy: Privacy::Sealed(Form::Manhattan), ..sealed(hosts, k) };
    assert_equals_reference(&plan, hosts, &*manhattan());
}

/// Rows around a few points, cut into hosts at random places; every host has at least one row.
fn split_rows(hosts: usize) -> impl Strategy<Value = Vec<RawRows>> {
    (1usize..4, hosts..90usize).prop_flat_map(move |(dim, n)| {
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
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn equals_the_reference_for_any_split(
        (hosts, normalise, k, starts, seed, (tolerance, max_rounds), least, by_manhattan) in (2usize..=4)
            .prop_flat_map(split_rows)
            .prop_flat_map(|hosts| {
                let (dim, n) = (hosts[0].dim(), hosts.iter().map(RawRows::rows).sum::<usize>());
                let stop = (prop_oneof![Just(0.0), 0.0..0.5f64], 1u32..=4);
                let least = prop_oneof![2 => Just(1), 2 => 0..8u64, 1 => Just(u64::MAX)];
                let least = prop::collection::vec(least, hosts.len());
                let (k, starts) = (1..=n.min(6), 1usize..=3);
                (Just(hosts), normalisation(dim), k, starts, any::<u64>(), stop, least, any::<bool>())
            })
    ) {
        let (privacy, metric) = match by_manhattan {
            true => (Privacy::Sealed(Form::Manhattan), manhattan()),
            false => (EUCLID, euclidean()),
        };
        let min_cluster_rows = least;
        let plan = sealed(&hosts, k);
        let plan = Plan { privacy, normalise, starts, seed, tolerance, max_rounds, min_cluster_rows, ..plan };
        assert_equals_reference(&plan, &hosts, &*metric);
    }
}

#[test]
fn as_many_clusters_as_rows() {
    assert_sealed(&[rows(1, vec![1.0, 2.0, 4.0]), rows(1, vec![8.0, 16.0])], 5);
}

#[test]
fn one_cluster_and_hosts_with_one_row() {
    assert_sealed(&[rows(2, vec![1.0, 2.0]), rows(2, vec![4.0, 8.0]), rows(2, vec![-3.0, 5.0])], 1);
}

#[test]
fn duplicates_ties_constant_columns_and_empty_clusters() {
    let hosts = [rows(2, [3.0, 1.0].repeat(10)), rows(2, [3.0, 1.0, 3.0, 9.0].repeat(33))];
    assert_sealed(&hosts, 4);
    // Every row is as near to one centre as to the other.
    assert_sealed(&[rows(2, [1.0, 0.0, -1.0, 0.0].repeat(5)), rows(2, [0.0, 1.0, 0.0, -1.0].repeat(5))], 2);
}

#[test]
fn sizes_off_every_lane_and_block() {
    for sizes in [[63, 65], [64, 128], [1, 127]] {
        let host = |(at, &size): (usize, &usize)| {
            rows(3, (0..3 * size).map(|i| (((i + at) * 7919) % 997) as f64 / 10.0).collect())
        };
        let hosts: Vec<RawRows> = sizes.iter().enumerate().map(host).collect();
        assert_equals_reference(&Plan { max_rounds: 2, ..sealed(&hosts, 3) }, &hosts, &*euclidean());
    }
}

#[test]
fn more_rows_than_a_block() {
    let host =
        |at: usize, size: usize| rows(1, (0..size).map(|i| (((i + at) * 7919) % 99_991) as f64).collect());
    let hosts = [host(0, 17_001), host(5, 16_500), host(9, 300)];
    let plan = Plan { max_rounds: 2, starts: 1, ..sealed(&hosts, 4) };
    assert_equals_reference(&plan, &hosts, &*euclidean());
}

#[test]
fn missing_values_are_dropped_or_filled() {
    let values = vec![1.0, f64::NAN, 2.0, 5.0, f64::NAN, f64::NAN, 9.0, 4.0, 9.5, 4.5];
    let hosts = [rows(2, values[..6].to_vec()), rows(2, values[6..].to_vec())];
    for missing in [Missing::Drop, Missing::Mean] {
        assert_equals_reference(&Plan { missing, ..sealed(&hosts, 2) }, &hosts, &*euclidean());
    }
}

// What is withheld.

fn outcome(report: &Report<Ended>, host: PartyId) -> &Outcome {
    match report.result(host) {
        Ok(Some(outcome)) => outcome,
        other => panic!("{host:?}: {:?}", other.as_ref().err()),
    }
}

#[test]
fn clusters_with_few_rows_of_a_host_stay_closed() {
    // Three groups; of the second one host has one row, the third belongs to one host alone.
    let hosts = [
        rows(1, vec![0.0, 0.1, 0.2, 50.0, 90.0, 90.1, 90.2]),
        rows(1, vec![0.3, 0.4, 0.5, 50.1, 50.2, 50.3]),
    ];
    let metric = euclidean();
    let cases: [([u64; 2], &[f64]); 6] = [
        ([1, 1], &[]),
        ([0, 3], &[]),
        ([2, 1], &[50.0]),
        ([3, 3], &[50.0]),
        ([0, 4], &[0.0, 50.0]),
        ([4, 0], &[0.0, 50.0, 90.0]),
    ];
    for (least, withheld) in cases {
        let plan = Plan { min_cluster_rows: least.to_vec(), ..sealed(&hosts, 3) };
        let report = play(World::new(2), &plan, &hosts, &*metric);
        assert_reported(&report, &plan, &hosts, &*metric);
        let expected = expected(&plan, &hosts, &*metric);
        for host in [PartyId::LEAD, PartyId::SECOND] {
            let outcome = outcome(&report, host);
            let closed = outcome.centres.iter().zip(&expected.centres).filter(|(shown, _)| shown.is_none());
            let near = closed.map(|(_, &centre)| (outcome.scale[0].original(centre) / 10.0).round() * 10.0);
            let mut near: Vec<f64> = near.collect();
            near.sort_by(f64::total_cmp);
            assert_eq!(near, withheld, "{least:?} rows");
            // Sizes add up to all rows, and size times centre to the mean: what is left out would follow.
            assert_eq!(outcome.sizes.is_some(), withheld.is_empty(), "{least:?} rows");
            assert_eq!(outcome.inertia.is_some(), withheld.is_empty(), "{least:?} rows");
        }
    }
}

#[test]
fn empty_clusters_stay_closed() {
    // Two different rows: of four clusters two are empty, and their centres are of no more rows than a host's own.
    let hosts = [rows(2, [3.0, 1.0].repeat(10)), rows(2, [3.0, 1.0, 3.0, 9.0].repeat(33))];
    for (privacy, metric) in [(EUCLID, euclidean()), (Privacy::Sealed(Form::Manhattan), manhattan())] {
        let plan = Plan { privacy, ..sealed(&hosts, 4) };
        let report = play(World::new(2), &plan, &hosts, &*metric);
        assert_reported(&report, &plan, &hosts, &*metric);
        let outcome = outcome(&report, PartyId::SECOND);
        assert_eq!(outcome.centres.iter().filter(|centre| centre.is_none()).count(), 2);
        assert_eq!((&outcome.sizes, outcome.inertia), (&None, None));
    }
}

/// A run that ends before it comes to rest shows means of the last round's rows: its counts decide as well.
#[test]
fn both_assignments_of_a_run_that_is_cut_short_are_judged() {
    let hosts = scattered();
    let metric = euclidean();
    for change in [(|plan| Plan { max_rounds: 2, ..plan }) as fn(Plan) -> Plan, |plan| Plan {
        max_rounds: 30,
        tolerance: 0.1,
        ..plan
    }] {
        let plan = change(Plan { starts: 1, ..sealed(&hosts, 4) });
        let expected = expected(&plan, &hosts, &*metric);
        let sizes = |labels: &[u32]| {
            (0..4).map(|j| labels.iter().filter(|&&label| label == j).count() as u64).collect::<Vec<_>>()
        };
        // The host and cluster that changed most: at the larger of its two counts one assignment alone withholds it.
        let changed = (0..hosts.len()).flat_map(|host| {
            let of = [&expected.last_round[host], &expected.labels[host]].map(|labels| sizes(labels));
            (0..4).map(move |j| (of[0][j].abs_diff(of[1][j]), host, of[0][j], of[1][j]))
        });
        let mut changed: Vec<_> = changed.collect();
        changed.sort_unstable();
        let mut seen = [false; 2];
        for (difference, host, last_round, labels) in changed {
            if difference == 0 || seen[usize::from(last_round < labels)] {
                continue;
            }
            seen[usize::from(last_round < labels)] = true;
            let mut min_cluster_rows = vec![1; hosts.len()];
            min_cluster_rows[host] = last_round.max(labels);
            let plan = Plan { min_cluster_rows, ..plan.clone() };
            let of_one = |labels: &[Vec<u32>]| {
                kmeans::fixed::sealed::withheld(labels, labels, 4, &plan.min_cluster_rows)
            };
            assert!(of_one(&expected.last_round) != of_one(&expected.labels));
            assert!(withheld(&plan, &expected).contains(&true));
            assert_equals_reference(&plan, &hosts, &*metric);
        }
        assert_eq!(seen, [true; 2], "counts that grow and counts that shrink");
    }
}

#[test]
fn messages_do_not_tell_what_is_withheld() {
    let hosts = scattered();
    let shapes = [1, u64::MAX].map(|least| {
        let plan = Plan { max_rounds: 2, min_cluster_rows: vec![least; 3], ..sealed(&hosts, 4) };
        let report = play(World::new(3).record(), &plan, &hosts, &*euclidean());
        assert_reported(&report, &plan, &hosts, &*euclidean());
        let outcome = outcome(&report, PartyId(2));
        assert_eq!(
            outcome.centres.iter().filter(|centre| centre.is_none()).count(),
            if least == 1 { 0 } else { 4 }
        );
        let mut shape = Vec::new();
        for to in (0..3).map(PartyId).chain([PartyId::THIRD_PARTY]) {
            for from in (0..3).map(PartyId).chain([PartyId::THIRD_PARTY]) {
                let received = report.transcript_from(to, from);
                shape.extend(received.map(|r| (to, from, r.place, r.message, r.payload.len())));
            }
        }
        shape
    });
    assert_eq!(shapes[0], shapes[1]);
}

// Resuming.

/// What every host keeps in a run, by round.
fn kept(plan: &Plan, hosts: &[RawRows]) -> BTreeMap<u32, Vec<Checkpoint>> {
    let kept = Mutex::new(BTreeMap::<u32, BTreeMap<PartyId, Checkpoint>>::new());
    let keep = |host, checkpoint: &Checkpoint| {
        let mut kept = kept.lock().expect("nobody panics with it");
        kept.entry(checkpoint.round).or_default().insert(host, checkpoint.clone());
    };
    let metric = euclidean();
    let report = Play { keep: &keep, ..Play::new(plan, hosts, &*metric) }.run(World::new(hosts.len() as u8));
    assert_reported(&report, plan, hosts, &*metric);
    let kept = kept.into_inner().expect("nobody panicked with it");
    kept.into_iter().map(|(round, hosts)| (round, hosts.into_values().collect())).collect()
}

/// Rows without groups, on which centres move for many rounds.
fn scattered() -> Vec<RawRows> {
    let value = |i: usize| (i * i % 1009 * 31 + i * 7919) % 10_007;
    (0..3).map(|host| rows(2, (0..300).map(|i| value(1000 * host + i) as f64).collect())).collect()
}

#[test]
fn a_resumed_run_ends_as_if_nothing_had_happened() {
    let hosts = scattered();
    let whole = Plan { max_rounds: 8, starts: 1, ..sealed(&hosts, 4) };
    let kept = kept(&whole, &hosts);
    assert!(kept.len() > 2, "rounds to resume from");
    for (&round, resume) in &kept {
        assert_eq!(resume.len(), 3, "every host keeps every round");
        assert!(resume[2].centres.is_empty(), "a further host has no share");
        let (plan, metric) = (Plan { resume: Some(round), ..whole.clone() }, euclidean());
        let report = Play { resume, ..Play::new(&plan, &hosts, &*metric) }.run(World::new(3));
        assert_reported(&report, &whole, &hosts, &*metric);
    }
}

#[test]
fn shares_that_are_kept_are_fresh_in_every_run() {
    let hosts = scattered();
    let plan = Plan { max_rounds: 2, ..sealed(&hosts, 2) };
    let (one, other) = (kept(&plan, &hosts), kept(&plan, &hosts));
    let sum = |kept: &[Checkpoint]| -> Vec<u64> {
        kept[0].centres.iter().zip(&kept[1].centres).map(|(a, b)| a.wrapping_add(*b)).collect()
    };
    for (round, kept) in &one {
        assert_eq!(sum(kept), sum(&other[round]));
        assert!(kept[0].centres.iter().zip(&other[round][0].centres).all(|(a, b)| a != b));
    }
}

#[test]
fn a_kept_state_that_does_not_fit_is_refused() {
    let hosts = scattered();
    let whole = Plan { max_rounds: 3, starts: 1, ..sealed(&hosts, 4) };
    let resume = kept(&whole, &hosts).remove(&1).expect("a round");
    type Spoil = fn(&mut Checkpoint);
    let spoiled: [Spoil; 3] =
        [|kept| kept.round = 2, |kept| kept.centres.truncate(1), |kept| kept.scale.truncate(1)];
    for spoil in spoiled {
        let mut resume = resume.clone();
        spoil(&mut resume[1]);
        let (plan, metric) = (Plan { resume: Some(1), ..whole.clone() }, euclidean());
        let report = Play { resume: &resume, ..Play::new(&plan, &hosts, &*metric) }.run(World::new(3));
        assert_eq!(report.result(PartyId::SECOND), &Err(ProtocolError::Checkpoint));
        assert!(report.result(PartyId::LEAD).is_err());
    }
}

// Costs.

/// Messages and bytes of content by step, sender and receiver.
type Counts = BTreeMap<(Step, PartyId, PartyId), (u64, u64)>;

fn measured(report: &Report<Ended>, hosts: u8) -> Counts {
    let mut counts = Counts::new();
    for to in (0..hosts).map(PartyId).chain([PartyId::THIRD_PARTY]) {
        for received in report.transcript(to) {
            // A vector's content comes after its length.
            let length = match received.message {
                TripleSeed::KIND | Proceed::KIND => 0,
                _ => 8,
            };
            let entry = counts.entry((received.place.step, received.from, to)).or_default();
            entry.0 += 1;
            entry.1 += (received.payload.len() - length) as u64;
        }
    }
    assert!(counts[&(Step::Setup, PartyId::THIRD_PARTY, PartyId::LEAD)].1 > 32, "{} and seed", Key::NAME);
    counts
}

/// One round is run, and everything that was estimated is measured, message for message and byte for byte.
fn assert_estimated(plan: &Plan, hosts: &[RawRows], metric: &dyn Metric) {
    let plan = Plan { max_rounds: 1, ..plan.clone() };
    let report = play(World::new(hosts.len() as u8).record(), &plan, hosts, metric);
    assert_reported(&report, &plan, hosts, metric);
    let estimate = protocol::estimate(&plan).expect("a sound plan");
    let estimated: Counts =
        estimate.traffic.iter().map(|t| ((t.step, t.from, t.to), (t.messages, t.bytes))).collect();
    assert_eq!(estimated, measured(&report, hosts.len() as u8));
    println!("{:?}; {:?}", plan.rows, estimate.exchanges);
    println!(
        "hosts take {} MiB, the third party {} MiB",
        estimate.host_memory >> 20,
        estimate.third_party_memory >> 20
    );
}

#[test]
fn a_run_costs_what_was_estimated() {
    let hosts = scattered();
    for privacy in [EUCLID, Privacy::Sealed(Form::Manhattan), Privacy::Open] {
        for number in [2, 3] {
            for k in [1, 4] {
                let hosts = &hosts[..number];
                let metric =
                    if privacy == Privacy::Sealed(Form::Manhattan) { manhattan() } else { euclidean() };
                assert_estimated(&Plan { privacy, ..sealed(hosts, k) }, hosts, &*metric);
            }
        }
    }
    let host = |at: usize| rows(1, (0..20_000).map(|i| (((i + at) * 7919) % 99_991) as f64).collect());
    let hosts = [host(0), host(5)];
    assert_estimated(&Plan { starts: 1, ..sealed(&hosts, 5) }, &hosts, &*euclidean());
}
