//! The circuit against its definition, [`shown_moments`], at the edges of what the widths allow.

use kmeans::fixed::{MAX_RAW, MAX_ROWS, Moments, RawRows, moments, shown_moments, to_wide};
use num_bigint::{BigInt, BigUint};
use proptest::prelude::*;

use super::*;
use crate::operation::plain::{Plain, evaluated};

/// The largest value that a raw row can hold, on the wide grid.
fn largest() -> i128 {
    to_wide(MAX_RAW.next_down())
}

/// `count` rows with these values, the last one as often as it takes.
fn of_values(values: &[i128], count: u64) -> Moments {
    let mut total = Moments::default();
    for (index, &value) in values.iter().enumerate() {
        let times = if index + 1 == values.len() { count - index as u64 } else { 1 };
        let square = BigUint::from(value.unsigned_abs()).pow(2) * times;
        total = total.add(&Moments { sum: value * i128::from(times), square, count: times });
    }
    total
}

/// Runs the operation on each attribute's moments, in one run, and holds it against the definition.
fn check(count_bits: usize, attributes: &[Moments]) {
    let operation = JointMoments { deviations: true, dim: attributes.len(), count_bits };
    let opened = evaluated(&operation, operation.own(attributes));
    let shown = operation.shown(&opened).unwrap();
    for (index, (found, joint)) in shown.iter().zip(attributes).enumerate() {
        assert_eq!(found, &shown_moments(joint), "attribute {index}, count {}", joint.count);
    }
}

#[test]
fn nothing_present() {
    check(1, &[Moments::default()]);
    check(31, &[Moments::default()]);
}

#[test]
fn one_row() {
    let values = [0, 1, -1, largest(), -largest(), 1 << 40, -(1 << 40), 12_345, -(3 << 70)];
    check(1, &values.map(|value| of_values(&[value], 1)));
    check(31, &values.map(|value| of_values(&[value], 1)));
}

#[test]
fn as_many_rows_as_a_run_can_have() {
    let most = MAX_ROWS - 1;
    let values: [&[i128]; 9] = [
        &[0],
        &[1],
        &[-1],
        &[largest()],
        &[-largest()],
        &[largest(), 0],
        &[-largest(), largest()],
        &[1, 0],
        &[-(1 << 40), 1 << 40],
    ];
    check(31, &values.map(|values| of_values(values, most)));
    // Half of the rows at either end: the largest variance that there is.
    let half = of_values(&[largest()], most / 2);
    check(31, &[half.add(&of_values(&[-largest()], most / 2))]);
}

#[test]
fn means_half_way_between_two_grid_points() {
    let sums = [-7, -5, -3, -1, 1, 3, 5, 7];
    check(2, &sums.map(|sum| of_values(&[sum, 0], 2)));
    // Large enough a spread, and the mean loses bits; a negative one is rounded down.
    check(2, &sums.map(|sum| of_values(&[sum << 50, sum << 60, -(sum << 60)], 3)));
}

#[test]
fn variances_of_every_length() {
    // The rows −v and v have mean 0 and variance v²; 3v and v have a mean that loses bits.
    let values: Vec<i128> = (0..79).flat_map(|bits| [1 << bits, (1 << bits) + (1 << bits) / 2]).collect();
    let centred: Vec<Moments> = values.iter().map(|&v| of_values(&[-v, v], 2)).collect();
    check(2, &centred);
    let shifted: Vec<Moments> =
        values.iter().filter(|&&v| 3 * v <= largest()).map(|&v| of_values(&[3 * v, v], 2)).collect();
    check(2, &shifted);
}

#[test]
fn a_host_without_values_puts_in_zeros() {
    let rows = RawRows { attributes: vec!["a".into()], values: vec![f64::NAN; 3] };
    let operation = JointMoments { deviations: true, dim: 1, count_bits: 6 };
    assert_eq!(operation.own(&moments(&rows)), [0; 3 * LIMBS]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_values(columns in prop::collection::vec(
        prop::collection::vec((any::<i128>(), 0u32..80), 1..40), 1..8,
    )) {
        let columns: Vec<Moments> = columns
            .iter()
            .map(|column| {
                let narrowed = |&(value, bits): &(i128, u32)| value % (1 << bits);
                let values: Vec<i128> = column.iter().map(narrowed).collect();
                of_values(&values, values.len() as u64)
            })
            .collect();
        check(6, &columns);
    }
}

#[test]
fn the_shares_of_two_parties_are_added() {
    // The sum of the shares wraps; the circuit takes what it needs of each.
    let joint = of_values(&[-5 << 40, 3 << 41, 7], 3);
    let operation = JointMoments { deviations: true, dim: 1, count_bits: 2 };
    let own = operation.own(std::slice::from_ref(&joint));
    let inputs = |party, words: Vec<u64>| {
        let total = Total(Some(sharing::RingVec::new(LIMBS, words).unwrap()));
        let of = |bits, slot| total.addends(Some(party), bits, slot..slot + 1usize).unwrap();
        let all = [of(83, 0), of(162, 1), of(2, 2)];
        BitSlices::concat(all.iter().flatten()).unwrap()
    };
    let mask: Vec<u64> = (1..=own.len() as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let ring = |words: &[u64]| sharing::RingVec::new(LIMBS, words.to_vec()).unwrap();
    let rest = ring(&own).sub(&ring(&mask)).unwrap();
    let left = inputs(sharing::Party::Left, mask);
    let right = inputs(sharing::Party::Right, rest.as_limbs().to_vec());
    let opened = Plain.evaluated(&operation.circuit(), &left.xor(&right).unwrap());
    assert_eq!(operation.shown(&opened).unwrap(), [shown_moments(&joint)]);
    assert_eq!(BigInt::from(joint.sum), BigInt::from((-5i128 << 40) + (3 << 41) + 7));
}
