//! The number circuits against integers.

use proptest::prelude::*;
use sharing::numbers::{self, Depth, Sign};
use sharing::{Builder, Circuit, Stream, Wire, reference};

use crate::parties::{evaluate, numbers, seed, slices};

const DEPTHS: [Depth; 2] = [Depth::Shallow, Depth::Narrow];

fn mask(bits: usize) -> u128 {
    if bits == 0 { 0 } else { u128::MAX >> (128 - bits) }
}

fn signed(value: u128, bits: usize) -> i128 {
    if bits == 0 { 0 } else { (value << (128 - bits)) as i128 >> (128 - bits) }
}

/// Values of `bits` bits: the boundaries first, then random ones.
fn values(number: u64, label: &str, bits: usize, lanes: usize) -> Vec<u128> {
    let full = mask(bits);
    let edges = [0, 1, full, full >> 1, (full >> 1) + 1, full.wrapping_sub(1), 2];
    let mut stream = Stream::new(seed(number, label));
    let random = || {
        let words = stream.words(3);
        match words[2] % 3 {
            0 => edges[(words[0] % 7) as usize] & full,
            1 => u128::from(words[0] % 5) & full, // small, so that equal values are met
            _ => (u128::from(words[0]) | u128::from(words[1]) << 64) & full,
        }
    };
    core::iter::repeat_with(random).take(lanes).collect()
}

fn binary(bits: usize, build: impl FnOnce(&mut Builder, &[Wire], &[Wire]) -> Vec<Wire>) -> Circuit {
    let mut b = Builder::new();
    let (x, y) = (b.input_number(bits), b.input_number(bits));
    let outputs = build(&mut b, &x, &y);
    b.finish(&outputs)
}

/// Every pair of numbers of up to 4 bits.
#[test]
fn all_small_numbers() {
    for bits in 0..=4 {
        let all = 0..1_u128 << bits;
        let (x, y): (Vec<_>, Vec<_>) = all.clone().flat_map(|x| all.clone().map(move |y| (x, y))).unzip();
        for depth in DEPTHS {
            check_arithmetic(1, bits, depth, &x, &y);
            check_comparisons(1, bits, depth, &x, &y);
        }
    }
}

fn check_arithmetic(number: u64, bits: usize, depth: Depth, x: &[u128], y: &[u128]) {
    let circuit = binary(bits, |b, x, y| {
        let mut out = numbers::add(b, x, y, depth);
        out.extend(numbers::sub(b, x, y, depth));
        out.extend(numbers::negate(b, x, depth));
        let (difference, borrow) = numbers::sub_borrow(b, x, y, depth);
        out.extend(difference);
        out.push(borrow);
        out
    });
    let out = evaluate(&circuit, number, &slices(&[(x, bits), (y, bits)]));
    let part = |place: usize| numbers(&out, place * bits, bits);
    let (sum, difference, negated, again) = (part(0), part(1), part(2), part(3));
    let borrow = numbers(&out, 4 * bits, 1);
    for lane in 0..x.len() {
        let (x, y) = (x[lane], y[lane]);
        assert_eq!(sum[lane], x.wrapping_add(y) & mask(bits), "{x} + {y}, {bits} bits, seed {number}");
        assert_eq!(difference[lane], x.wrapping_sub(y) & mask(bits), "{x} - {y}, {bits} bits, seed {number}");
        assert_eq!(negated[lane], x.wrapping_neg() & mask(bits), "-{x}, {bits} bits, seed {number}");
        assert_eq!((again[lane], borrow[lane] == 1), (difference[lane], x < y), "{x} - {y}, seed {number}");
    }
}

fn check_comparisons(number: u64, bits: usize, depth: Depth, x: &[u128], y: &[u128]) {
    let circuit = binary(bits, |b, x, y| {
        let less = numbers::less_than(b, x, y, depth);
        let less_signed = numbers::less_than_signed(b, x, y, depth);
        let (equal, zero, any) = (numbers::equal(b, x, y), numbers::is_zero(b, x), numbers::any(b, x));
        let mut out = vec![less, less_signed, equal, zero, any];
        out.extend(numbers::select(b, less, x, y));
        out
    });
    let out = evaluate(&circuit, number, &slices(&[(x, bits), (y, bits)]));
    let (flags, selected) = (numbers(&out, 0, 5), numbers(&out, 5, bits));
    for lane in 0..x.len() {
        let (x, y) = (x[lane], y[lane]);
        let expected = [x < y, signed(x, bits) < signed(y, bits), x == y, x == 0, x != 0];
        let flags = core::array::from_fn(|flag| flags[lane] >> flag & 1 == 1);
        assert_eq!(expected, flags, "{x} and {y}, {bits} bits, seed {number}");
        assert_eq!(selected[lane], x.min(y));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn arithmetic(number: u64, bits in 1_usize..=128, lanes in 1_usize..150, narrow: bool) {
        let depth = DEPTHS[usize::from(narrow)];
        check_arithmetic(number, bits, depth, &values(number, "x", bits, lanes), &values(number, "y", bits, lanes));
    }

    #[test]
    fn comparisons(number: u64, bits in 1_usize..=128, lanes in 1_usize..150, narrow: bool) {
        let depth = DEPTHS[usize::from(narrow)];
        check_comparisons(number, bits, depth, &values(number, "x", bits, lanes), &values(number, "y", bits, lanes));
    }

    #[test]
    fn tournaments(number: u64, bits in 1_usize..40, count in 1_usize..12, lanes in 1_usize..150, narrow: bool, two: bool) {
        let sign = if two { Sign::Signed } else { Sign::Unsigned };
        let depth = DEPTHS[usize::from(narrow)];
        let columns: Vec<_> = (0..count).map(|i| values(number, &format!("value {i}"), bits, lanes)).collect();
        let mut b = Builder::new();
        let wires: Vec<_> = (0..count).map(|_| b.input_number(bits)).collect();
        let found = numbers::argmin(&mut b, &wires, sign, depth);
        let mut outputs = numbers::min(&mut b, &wires, sign, depth);
        outputs.extend(&found.min);
        outputs.extend(&found.one_hot);
        outputs.extend(&found.index);
        let circuit = b.finish(&outputs);
        let inputs: Vec<_> = columns.iter().map(|column| (&column[..], bits)).collect();
        let out = evaluate(&circuit, number, &slices(&inputs));
        let (min, again) = (numbers(&out, 0, bits), numbers(&out, bits, bits));
        let one_hot = numbers(&out, 2 * bits, count);
        let index = numbers(&out, 2 * bits + count, found.index.len());
        for lane in 0..lanes {
            let lane_values: Vec<_> = columns.iter().map(|column| column[lane]).collect();
            let place = match sign {
                Sign::Unsigned => reference::argmin(&lane_values),
                Sign::Signed => {
                    reference::argmin(&lane_values.iter().map(|&value| signed(value, bits)).collect::<Vec<_>>())
                }
            };
            let place = place.unwrap();
            prop_assert_eq!(index[lane], place as u128);
            prop_assert_eq!(one_hot[lane], 1 << place);
            prop_assert_eq!((min[lane], again[lane]), (lane_values[place], lane_values[place]));
        }
    }
}

fn check_products(number: u64, bits: [usize; 2], depth: Depth, x: &[u128], y: &[u128]) {
    let mut b = Builder::new();
    let (left, right) = (b.input_number(bits[0]), b.input_number(bits[1]));
    let mut outputs = numbers::multiply(&mut b, &left, &right, depth);
    outputs.extend(numbers::multiply(&mut b, &left, &left, depth));
    let circuit = b.finish(&outputs);
    let out = evaluate(&circuit, number, &slices(&[(x, bits[0]), (y, bits[1])]));
    let products = numbers(&out, 0, bits[0] + bits[1]);
    let squares = numbers(&out, bits[0] + bits[1], 2 * bits[0]);
    for lane in 0..x.len() {
        let (x, y) = (x[lane], y[lane]);
        assert_eq!(
            (products[lane], squares[lane]),
            (x * y, x * x),
            "{x} * {y}, {bits:?} bits, seed {number}"
        );
    }
}

#[test]
fn all_small_products() {
    for bits in (0..=4).flat_map(|x| (0..=4).map(move |y| [x, y])) {
        let pairs = (0..1_u128 << bits[0]).flat_map(|x| (0..1_u128 << bits[1]).map(move |y| (x, y)));
        let (x, y): (Vec<_>, Vec<_>) = pairs.unzip();
        for depth in DEPTHS {
            check_products(1, bits, depth, &x, &y);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn products(number: u64, x_bits in 1_usize..=64, y_bits in 1_usize..=64, lanes in 1_usize..100, narrow: bool) {
        let depth = DEPTHS[usize::from(narrow)];
        let (x, y) = (values(number, "x", x_bits, lanes), values(number, "y", y_bits, lanes));
        check_products(number, [x_bits, y_bits], depth, &x, &y);
    }
}

/// ANDs and layers.
fn cost(bits: usize, build: impl FnOnce(&mut Builder, &[Wire], &[Wire]) -> Vec<Wire>) -> (usize, usize) {
    let circuit = binary(bits, build);
    (circuit.and_count(), circuit.depth())
}

#[test]
fn depths_and_counts_are_as_documented() {
    for bits in [2_usize, 8, 31, 32, 33, 64] {
        let log = bits.next_power_of_two().trailing_zeros() as usize;
        let (ands, depth) = cost(bits, |b, x, y| numbers::add(b, x, y, Depth::Shallow));
        assert!(depth <= log + 1 && ands <= bits * (log + 1), "{bits} bits: {ands} ANDs, depth {depth}");
        assert_eq!(cost(bits, |b, x, y| numbers::add(b, x, y, Depth::Narrow)), (bits - 1, bits - 1));
        assert_eq!(cost(bits, |b, x, y| numbers::sub(b, x, y, Depth::Narrow)), (bits - 1, bits - 1));
        let (ands, depth) = cost(bits, |b, x, y| vec![numbers::less_than(b, x, y, Depth::Shallow)]);
        assert!(depth == log + 1 && ands < 3 * bits, "{bits} bits: {ands} ANDs, depth {depth}");
        assert_eq!(cost(bits, |b, x, y| vec![numbers::less_than(b, x, y, Depth::Narrow)]), (bits, bits));
        assert_eq!(cost(bits, |b, x, y| vec![numbers::equal(b, x, y)]), (bits - 1, log));
        let (ands, depth) = cost(bits, |b, x, y| numbers::multiply(b, x, y, Depth::Shallow));
        assert!(ands < 2 * bits * (bits + 2 * log) && depth <= 3 * log + 3, "{bits} bits: {ands}, {depth}");
        let square = cost(bits, |b, x, _| numbers::multiply(b, x, x, Depth::Shallow));
        assert!(square.0 < ands && square.1 <= depth, "{bits} bits: a square takes {square:?}");
        assert_eq!(cost(bits, |b, x, y| numbers::select(b, x[0], x, y)).1, 1);
    }
}
