//! The choices against their definitions, ties and the largest costs among them.

use kmeans::fixed::largest;
use proptest::prelude::*;

use super::*;
use crate::operation::plain::evaluated;

/// The most that a cluster can cost: all rows of a run at the largest cost of one.
const MOST: u128 = (1 << 31) * ((1 << COST_BITS) - 1);

fn words(costs: &[u128]) -> Vec<u64> {
    costs.iter().flat_map(|&cost| [cost as u64, (cost >> 64) as u64]).collect()
}

fn check_largest(starts: usize, costs: &[u128]) {
    let clusters = costs.len() / starts;
    for count in 1..=clusters.div_ceil(2) {
        let operation = Largest {
            place: Place { step: crate::Step::Start, round: 0 },
            starts,
            clusters,
            count,
            count_bits: 32,
        };
        let opened = evaluated(&operation, words(costs)).to_limbs(1).unwrap();
        let expected: Vec<u64> =
            costs.chunks(clusters).flat_map(|costs| largest(costs, count)).map(u64::from).collect();
        assert_eq!(opened, expected, "{count} of {costs:?}");
    }
}

fn check_least(inertias: &[u128]) {
    let operation =
        Least { place: Place { step: crate::Step::Start, round: 0 }, starts: inertias.len(), count_bits: 32 };
    let opened = evaluated(&operation, words(inertias)).to_limbs(1).unwrap();
    let least = inertias.iter().min().unwrap();
    let first = inertias.iter().position(|inertia| inertia == least).unwrap();
    assert_eq!(opened, [first as u64], "{inertias:?}");
}

#[test]
fn ties_go_to_the_smaller_index() {
    check_largest(1, &[0; 7]);
    check_largest(2, &[5, 5, 1, 5, 1, 5, 5, 1]);
    check_largest(3, &[MOST; 15]);
    check_least(&[0; 5]);
    check_least(&[MOST; 6]);
    check_least(&[3, 2, 2]);
    check_least(&[1, 2]);
}

#[test]
fn costs_of_every_size() {
    let costs: Vec<u128> = [0, 1, MOST - 1, MOST, 1 << 63, 1 << 64, (1 << 64) - 1, 1 << 92].into();
    check_largest(1, &costs);
    check_largest(4, &costs);
    check_least(&costs);
    check_least(&costs.iter().rev().copied().collect::<Vec<_>>());
    // More pairs than lanes of one word.
    let many: Vec<u128> = (0..40).map(|i| ((i * 7919) % 101) << 60).collect();
    check_largest(1, &many);
    check_largest(2, &many);
}

#[test]
fn every_size_that_a_start_grows_through() {
    let growth = kmeans::fixed::growth(crate::MAX_CLUSTERS);
    for clusters in growth.into_iter().filter(|clusters| (2..100).contains(clusters)) {
        let costs: Vec<u128> = (0..clusters as u128).map(|i| (i * 7919) % 31).collect();
        let count = clusters.div_ceil(2);
        let place = Place { step: crate::Step::Start, round: 0 };
        let operation = Largest { place, starts: 1, clusters, count, count_bits: 20 };
        let opened = evaluated(&operation, words(&costs)).to_limbs(1).unwrap();
        let expected: Vec<u64> = largest(&costs, count).into_iter().map(u64::from).collect();
        assert_eq!(opened, expected, "{clusters} clusters");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_costs(
        starts in 1usize..4,
        clusters in 2usize..9,
        costs in prop::collection::vec(prop_oneof![0..4u128, 0..=MOST], 32),
    ) {
        check_largest(starts, &costs[..starts * clusters]);
        check_least(&costs[..starts + 1]);
    }
}
