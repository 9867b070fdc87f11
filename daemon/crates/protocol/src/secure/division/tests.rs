//! Division against its definition, on true shares.

use kmeans::fixed::rounded_quotient;
use proptest::prelude::*;
use sharing::sign;

use super::super::plain::{PLACE, Plain, run, words};
use super::super::split::{both, opened, own, shared};
use super::*;

/// A division in the clear.
#[derive(Clone, Debug, Default)]
struct Case {
    count_bits: usize,
    sums: Vec<i64>,
    counts: Vec<i64>,
    old: Vec<i64>,
}

impl Case {
    fn expected(&self) -> Vec<i64> {
        let dim = self.sums.len() / self.counts.len();
        let quotient = |(at, (&sum, &old)): (usize, (&i64, &i64))| match self.counts[at / dim] {
            0 => old,
            count => rounded_quotient(sum.into(), count.into()) as i64,
        };
        self.sums.iter().zip(&self.old).enumerate().map(quotient).collect()
    }

    /// What two parties get, and in how many exchanges.
    fn divided(&self, number: u64) -> (Vec<i64>, usize) {
        let sums = shared(number, &self.sums);
        let counts = shared(number.wrapping_add(1), &self.counts);
        let old = shared(number.wrapping_add(2), &self.old);
        let (sums, counts, old) = (&sums, &counts, &old);
        let [(left, exchanges), (right, _)] = both(number, |mut engine| async move {
            let party = engine.party();
            let (sums, counts, old) = (own(party, sums), own(party, counts), own(party, old));
            let new = centres(&mut engine, PLACE, self.count_bits, sums, counts, old).await?;
            Ok((new, engine.clear.exchanges))
        });
        (opened(&[left, right]), exchanges)
    }
}

/// A count below 2^`bits`, often one at an end or beside a power of two.
fn count(bits: usize) -> impl Strategy<Value = i64> {
    let most = (1_i64 << bits) - 1;
    let beside = (0..bits, -1..=1_i64).prop_map(move |(power, off)| ((1 << power) + off).clamp(0, most));
    prop_oneof![1 => Just(0), 1 => Just(1), 1 => Just(most), 3 => beside, 4 => 0..=most]
}

/// A sum over `count` rows: of every magnitude of quotient, often at or beside a whole or a half one.
fn sum(count: i64) -> impl Strategy<Value = i64> {
    let off = prop_oneof![3 => Just(0), 2 => -1..=1_i64, 2 => Just(i64::MAX), 3 => any::<i64>()];
    (any::<i64>(), 0..=32_u32, off, 0..=1_i64).prop_map(move |(quotient, bits, off, half)| {
        let (quotient, count) = (i128::from(quotient >> (63 - bits)), i128::from(count));
        let off = if off.abs() <= 1 { i128::from(off) } else { i128::from(off).rem_euclid(count.max(1)) };
        let most = (1_i128 << SUM_BITS) - 1;
        let sum = quotient * count + (count * i128::from(half)).div_euclid(2) + off;
        let most = most.min(((1 << QUOTIENT_BITS) - 1) * count);
        sum.clamp(-most, most) as i64
    })
}

fn case() -> impl Strategy<Value = Case> {
    (1..=MAX_COUNT_BITS, 1..6_usize, 1..5_usize).prop_flat_map(|(count_bits, clusters, dim)| {
        let cluster = count(count_bits)
            .prop_flat_map(move |count| (Just(count), proptest::collection::vec(sum(count), dim)));
        let limit = 1_i64 << QUOTIENT_BITS;
        let old = proptest::collection::vec(1 - limit..limit, clusters * dim);
        (proptest::collection::vec(cluster, clusters), old).prop_map(move |(clusters, old)| Case {
            count_bits,
            counts: clusters.iter().map(|(count, _)| *count).collect(),
            sums: clusters.into_iter().flat_map(|(_, sums)| sums).collect(),
            old,
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn quotients_are_exact(case in case(), number: u64) {
        prop_assert_eq!(case.divided(number).0, case.expected());
    }
}

#[test]
fn every_small_division_is_exact() {
    let sums: Vec<i64> = (-70..=70).collect();
    for count_bits in [4, 5, 31] {
        let case = Case {
            count_bits,
            counts: (0..16).collect(),
            sums: [vec![0; sums.len()], sums.repeat(15)].concat(),
            old: (0..16 * sums.len() as i64).collect(),
        };
        assert_eq!(case.divided(count_bits as u64).0, case.expected(), "{count_bits} bits");
    }
}

#[test]
fn the_extremes_are_exact() {
    for count_bits in 1..=MAX_COUNT_BITS {
        let mut case = Case { count_bits, ..Case::default() };
        let most = (1_i64 << count_bits) - 1;
        for count in [0, 1, 1 << (count_bits - 1), most - 1, most] {
            let largest =
                ((1_i128 << SUM_BITS) - 1).min(((1 << QUOTIENT_BITS) - 1) * i128::from(count)) as i64;
            case.counts.push(count);
            let sums = [largest, largest - 1, largest / 2, count, (count + 1) / 2, count / 2, 1];
            let sums = sums.map(|sum| sum.clamp(0, largest));
            case.sums.extend(sums);
            case.sums.extend(sums.map(|sum| -sum));
            case.old.extend([(1 << QUOTIENT_BITS) - 1, -7].repeat(7));
        }
        assert_eq!(case.divided(7).0, case.expected(), "{count_bits} bits");
    }
}

#[test]
fn reciprocals_are_as_close_as_said() {
    for count_bits in 1..=MAX_COUNT_BITS {
        let most = (1_i64 << count_bits) - 1;
        // Evenly over the counts of each magnitude; the polynomial is worst at the ends and in between.
        let between =
            |power: usize| (0..=64).map(move |step| (1 << power) + (((1_i64 << power) * step) >> 6));
        let mut counts: Vec<i64> = (0..count_bits).flat_map(between).map(|count| count.min(most)).collect();
        counts.push(0);
        let shares = shared(count_bits as u64, &counts);
        let shares = &shares;
        let [left, right] = both(3, |mut engine| async move {
            let counts = own(engine.party(), shares);
            let wide = widen(&mut engine, PLACE, counts, SUM_BITS, LIMBS).await?;
            reciprocals(&mut engine, PLACE, count_bits, counts, &wide).await
        });
        let results = left.add(&right).unwrap();
        for (&count, limbs) in counts.iter().zip(words(&results).chunks_exact(LIMBS)) {
            if count == 0 {
                assert!((limbs[0] as i64).abs() <= 15, "{count_bits} bits");
                continue;
            }
            assert_eq!(limbs[2..], [0, 0]);
            let reciprocal = u128::from(limbs[0]) | u128::from(limbs[1]) << 64;
            let error = (reciprocal * count as u128).abs_diff(1 << (count_bits + FRACTION_BITS));
            assert!(2 * error <= 19 << count_bits, "1/{count}: {error}");
        }
    }
}

#[test]
fn exchanges_are_as_said() {
    for (count_bits, expected) in
        [(1, 12), (6, 13), (8, 14), (9, 15), (22, 15), (23, 16), (24, 16), (25, 17), (31, 17)]
    {
        let case = Case { count_bits, counts: vec![1; 5], sums: vec![3; 10], old: vec![0; 10] };
        assert_eq!(case.divided(1).1, expected, "{count_bits} bits");
        assert_eq!(expected, 9 + sign::exchanges(count_bits + 1) + sign::exchanges(count_bits + 3));
    }
}

#[test]
fn other_shapes_are_refused() {
    for (count_bits, sums, counts) in [(0, 2, 1), (32, 2, 1), (8, 3, 2), (8, 2, 0)] {
        let (sums, counts) = (Ring::elsewhere(1, sums), Ring::elsewhere(1, counts));
        let program = async {
            let mut engine = Plain::default();
            Ok(centres(&mut engine, PLACE, count_bits, &sums, &counts, &sums).await.is_err())
        };
        assert!(run(program));
    }
}
