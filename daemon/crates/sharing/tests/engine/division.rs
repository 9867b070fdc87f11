//! Rounded division against its definition.

use proptest::prelude::*;
use sharing::numbers::{self, Depth, DivisionForm, Divisor, Sign};
use sharing::reference::{rounded_division, rounded_division_limbs};
use sharing::{BitSlices, Builder, Error, NetworkCost, Party, RingVec, SharedDivision, Stream};

use crate::parties::{evaluate, evaluate_shares, numbers, seed, slices};

fn forms() -> impl Strategy<Value = DivisionForm> {
    (1_usize..=5, any::<bool>()).prop_map(|(radix_bits, narrow)| DivisionForm {
        radix_bits,
        depth: if narrow { Depth::Narrow } else { Depth::Shallow },
    })
}

/// All dividends and divisors of a few bits for which the quotient fits, and all forms.
#[test]
fn all_small_divisions() {
    for (divisor_bits, quotient_bits) in [(1, 1), (2, 3), (3, 3), (4, 2), (1, 5)] {
        let pairs = (1..1_u128 << divisor_bits)
            .flat_map(|divisor| (0..divisor << quotient_bits).map(move |dividend| (dividend, divisor)));
        let (dividends, divisors): (Vec<_>, Vec<_>) = pairs.unzip();
        for radix_bits in 1..=DivisionForm::MAX_RADIX_BITS.min(6) {
            for depth in [Depth::Shallow, Depth::Narrow] {
                let mut b = Builder::new();
                let dividend = b.input_number(divisor_bits + quotient_bits);
                let divisor = b.input_number(divisor_bits);
                let form = DivisionForm { radix_bits, depth };
                let quotient = numbers::divide(&mut b, &dividend, &divisor, quotient_bits, form);
                let circuit = b.finish(&quotient);
                let inputs = slices(&[(&dividends, divisor_bits + quotient_bits), (&divisors, divisor_bits)]);
                let found = numbers(&evaluate(&circuit, 1, &inputs), 0, quotient_bits);
                for lane in 0..dividends.len() {
                    let (dividend, divisor) = (dividends[lane], divisors[lane]);
                    assert_eq!(found[lane], dividend / divisor, "{dividend} / {divisor}, {form:?}");
                }
            }
        }
    }
}

/// One signed division per sum, count and limit of a few bits, in the circuit that lifts the dividend itself.
#[test]
fn all_small_rounded_divisions() {
    for (count_bits, quotient_bits, sign) in [
        (3, 3, Sign::Signed),
        (4, 2, Sign::Signed),
        (2, 4, Sign::Signed),
        (3, 3, Sign::Unsigned),
        (4, 1, Sign::Signed),
    ] {
        let (least, most) = match sign {
            Sign::Signed => (-(1_i128 << (quotient_bits - 1)), (1_i128 << (quotient_bits - 1)) - 1),
            Sign::Unsigned => (0, (1_i128 << quotient_bits) - 1),
        };
        let width = count_bits + quotient_bits;
        let previous = 1;
        for limit in [0_u64, 1, 2, 5, 1 << count_bits] {
            let cases: Vec<_> = (0..1_i128 << count_bits)
                .flat_map(|count| (-(1_i128 << width)..1 << width).map(move |sum| (sum, count)))
                .filter(|&(sum, count)| {
                    count == 0 || (least..=most).contains(&rounded_division(sum, count as u64, 0, 1))
                })
                .filter(|&(sum, _)| sum >= -(1 << (width - 1)) && (sign == Sign::Signed || sum >= 0))
                .filter(|&(sum, _)| sum < 1 << (width - usize::from(sign == Sign::Signed)))
                .collect();
            let sums: Vec<_> = cases.iter().map(|&(sum, _)| sum as u128).collect();
            let counts: Vec<_> = cases.iter().map(|&(_, count)| count as u128).collect();
            let mut b = Builder::new();
            let (sum, count) = (b.input_number(width), b.input_number(count_bits));
            let previous_wires = b.constant_number(previous, quotient_bits);
            let by = Divisor { count: &count, previous: &previous_wires, limit, sign };
            let form = DivisionForm { radix_bits: 2, depth: Depth::Shallow };
            let quotient = numbers::divide_rounded(&mut b, &sum, by, form);
            let circuit = b.finish(&quotient);
            let inputs = slices(&[(&sums, width), (&counts, count_bits)]);
            let found = numbers(&evaluate(&circuit, 1, &inputs), 0, quotient_bits);
            for (&(sum, count), &found) in cases.iter().zip(&found) {
                let expected = rounded_division(sum, count as u64, previous.into(), limit);
                let expected = expected as u128 & ((1 << quotient_bits) - 1);
                assert_eq!(found, expected, "{sum} / {count}, limit {limit}, {sign:?}");
            }
        }
    }
}

/// Numbers for one lane whose quotient fits, as limbs of the sum, the count, and the previous value.
struct Lane {
    sum: Vec<u64>,
    count: u64,
    previous: Vec<u64>,
}

/// Three limbs; at or next to the boundaries of what fits, at halves, or anywhere.
fn lane(stream: &mut Stream, shape: &SharedDivision) -> Lane {
    let words = stream.words(16);
    let full = u64::MAX >> (64 - shape.count_bits);
    let count = match words[0] % 6 {
        0 => 0,
        1 => 1,
        2 => full,
        3 => shape.limit & full,
        4 => shape.limit.saturating_sub(1) & full,
        _ => words[1] & full,
    };
    // sum = quotient · count + rest with the quotient in range and -count/2 <= rest < count/2, so that it rounds to it.
    let quotient = match words[2] % 5 {
        0 => vec![0; 4],
        1 => extreme(shape, false),
        2 => extreme(shape, true),
        _ => cut(&words[4..8], shape.quotient_bits, shape.sign),
    };
    let (lowest, highest) = (-(i128::from(count) / 2), (i128::from(count) - 1) / 2);
    let mut rest = match words[3] % 4 {
        0 => lowest,
        1 => highest,
        2 => 0,
        _ => lowest + i128::from(words[8]).rem_euclid(highest - lowest + 1),
    };
    if shape.sign == Sign::Unsigned && quotient.iter().all(|&limb| limb == 0) {
        rest = rest.max(0);
    }
    let rest = [rest as u64, (rest >> 64) as u64, (rest >> 127) as u64, (rest >> 127) as u64];
    let product = times(&quotient, count);
    let sum = RingVec::new(4, product).unwrap().add(&RingVec::new(4, rest.to_vec()).unwrap()).unwrap();
    Lane {
        sum: sum.as_limbs().to_vec(),
        count,
        previous: cut(&words[9..13], shape.quotient_bits, shape.sign),
    }
}

/// The low `bits` bits of `words`, extended to all limbs.
fn cut(words: &[u64], bits: usize, sign: Sign) -> Vec<u64> {
    let slices = BitSlices::from_limbs(words, words.len(), bits).unwrap();
    match sign {
        Sign::Signed => slices.to_signed_limbs(words.len()),
        Sign::Unsigned => slices.to_limbs(words.len()),
    }
    .unwrap()
}

/// The least or greatest quotient of the shape.
fn extreme(shape: &SharedDivision, greatest: bool) -> Vec<u64> {
    let top = shape.quotient_bits - 1;
    let mut limbs = vec![0; 4];
    limbs[top / 64] = 1 << (top % 64);
    match (shape.sign, greatest) {
        (Sign::Unsigned, false) => vec![0; 4],
        (Sign::Unsigned, true) => cut(&[u64::MAX; 4], shape.quotient_bits, Sign::Unsigned),
        (Sign::Signed, false) => cut(&limbs, shape.quotient_bits, Sign::Signed),
        (Sign::Signed, true) => cut(&[u64::MAX; 4], top, Sign::Unsigned),
    }
}

/// The product modulo 2^256, by doubling and adding.
fn times(value: &[u64], factor: u64) -> Vec<u64> {
    let value = RingVec::new(4, value.to_vec()).unwrap();
    let mut product = RingVec::zero(4, 1).unwrap();
    for bit in 0..64 {
        if factor >> bit & 1 == 1 {
            product = product.add(&value.shifted_left(bit)).unwrap();
        }
    }
    product.as_limbs().to_vec()
}

fn check_shared(number: u64, shape: SharedDivision, form: DivisionForm, lanes: usize) {
    let circuit = shape.circuit(form).unwrap();
    let mut stream = Stream::new(seed(number, "lanes"));
    let lanes: Vec<_> = core::iter::repeat_with(|| lane(&mut stream, &shape)).take(lanes).collect();
    let ring = |limbs: usize, values: &mut dyn Iterator<Item = Vec<u64>>| {
        RingVec::new(limbs, values.flat_map(|value| value[..limbs].to_vec()).collect()).unwrap()
    };
    let sums = ring(shape.sum_limbs, &mut lanes.iter().map(|lane| lane.sum.clone()));
    let counts = ring(shape.count_limbs, &mut lanes.iter().map(|lane| vec![lane.count, 0, 0, 0]));
    let previous: Vec<u64> = lanes.iter().flat_map(|lane| lane.previous.clone()).collect();
    let previous = BitSlices::from_limbs(&previous, 4, shape.quotient_bits).unwrap();
    let (left_sum, right_sum) = sums.share(&mut stream);
    let (left_count, right_count) = counts.share(&mut stream);
    let (left_previous, right_previous) = previous.share(&mut stream);
    let left = shape.inputs(Party::Left, &left_sum, &left_count, &left_previous).unwrap();
    let right = shape.inputs(Party::Right, &right_sum, &right_count, &right_previous).unwrap();
    let plain = circuit.evaluate_plain(&left.xor(&right).unwrap()).unwrap();
    let found = evaluate_shares(&circuit, number, &left, &right).outputs;
    assert!(plain == found, "the twins differ; seed {number}");
    let found = found.to_limbs(4).unwrap();
    for (lane, found) in lanes.iter().zip(found.chunks_exact(4)) {
        let exact = rounded_division_limbs(&lane.sum, lane.count, &lane.previous, shape.limit, shape.sign);
        let exact = cut(&exact, shape.quotient_bits, Sign::Unsigned);
        assert_eq!(found, exact, "{:?} / {}, {shape:?}, {form:?}, seed {number}", lane.sum, lane.count);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn shared_divisions(
        number: u64,
        form in forms(),
        count_bits in prop_oneof![Just(1_usize), 2_usize..40, Just(63)],
        quotient_bits in prop_oneof![Just(1_usize), 2_usize..90, Just(162)],
        extra_limbs in 0_usize..2,
        count_limbs in 1_usize..4,
        limit in prop_oneof![Just(0_u64), Just(1), 2_u64..100, any::<u64>()],
        two: bool,
        lanes in prop_oneof![Just(1_usize), 2_usize..80, Just(129)],
    ) {
        let sign = if two { Sign::Signed } else { Sign::Unsigned };
        let sum_limbs = ((count_bits + quotient_bits).div_ceil(64) + extra_limbs).min(4);
        let shape = SharedDivision { sum_limbs, count_limbs, count_bits, quotient_bits, limit, sign };
        check_shared(number, shape, form, lanes);
    }
}

#[test]
fn the_shapes_of_the_protocol() {
    for (sum_limbs, quotient_bits) in [(1, 32), (2, 82), (4, 162)] {
        for count_limbs in [1, sum_limbs] {
            let shape = SharedDivision {
                sum_limbs,
                count_limbs,
                count_bits: 32,
                quotient_bits,
                limit: 3,
                sign: Sign::Signed,
            };
            let plan = shape.plan(70, NetworkCost::LAN).unwrap();
            assert_eq!(plan.seconds, NetworkCost::LAN.seconds(&plan.circuit, 70));
            check_shared(7, shape, plan.form, 70);
        }
    }
}

/// The table of the documentation.
#[test]
fn costs_are_as_documented() {
    let rows = [
        ((24, 32, 1), [(4593, 199), (6747, 106), (10_126, 76), (16_494, 62), (25_804, 52)]),
        ((32, 32, 1), [(7064, 237), (10_200, 125), (15_098, 90), (24_307, 72), (37_708, 62)]),
        ((32, 82, 2), [(16_819, 583), (24_930, 298), (38_220, 205), (60_625, 158), (99_383, 130)]),
        ((32, 162, 4), [(33_087, 1144), (49_158, 578), (76_034, 389), (120_833, 298), (198_723, 242)]),
    ];
    for ((count_bits, quotient_bits, limbs), costs) in rows {
        let (limit, sign) = (1, Sign::Signed);
        let shape =
            SharedDivision { sum_limbs: limbs, count_limbs: limbs, count_bits, quotient_bits, limit, sign };
        for (radix_bits, cost) in (1..).zip(costs) {
            let circuit = shape.circuit(DivisionForm { radix_bits, depth: Depth::Shallow }).unwrap();
            assert_eq!((circuit.and_count(), circuit.depth()), cost, "{shape:?}, radix bits {radix_bits}");
        }
    }
}

#[test]
fn a_plan_is_the_least_of_all_forms() {
    let shape = SharedDivision {
        sum_limbs: 2,
        count_limbs: 2,
        count_bits: 20,
        quotient_bits: 32,
        limit: 1,
        sign: Sign::Signed,
    };
    for (lanes, network) in
        [(1, NetworkCost::LAN), (2000, NetworkCost::LAN), (200_000, NetworkCost::LAN), (64, NetworkCost::WAN)]
    {
        let plan = shape.plan(lanes, network).unwrap();
        for radix_bits in 1..=DivisionForm::MAX_RADIX_BITS {
            let other = shape.circuit(DivisionForm { radix_bits, depth: Depth::Shallow }).unwrap();
            assert!(plan.seconds <= network.seconds(&other, lanes), "radix bits {radix_bits}, {lanes} lanes");
        }
    }
}

#[test]
fn shapes_out_of_range_are_refused() {
    let good = SharedDivision {
        sum_limbs: 1,
        count_limbs: 1,
        count_bits: 20,
        quotient_bits: 32,
        limit: 1,
        sign: Sign::Signed,
    };
    let form = DivisionForm { radix_bits: 2, depth: Depth::Shallow };
    assert!(good.circuit(form).is_ok());
    let wrong = [
        SharedDivision { sum_limbs: 0, ..good },
        SharedDivision { sum_limbs: 5, ..good },
        SharedDivision { count_limbs: 0, ..good },
        SharedDivision { count_bits: 0, ..good },
        SharedDivision { count_bits: 64, ..good },
        SharedDivision { quotient_bits: 0, ..good },
        SharedDivision { quotient_bits: 193, ..good },
    ];
    for shape in wrong {
        assert!(matches!(shape.circuit(form), Err(Error::Range { .. })), "{shape:?}");
        assert!(matches!(shape.plan(1, NetworkCost::LAN), Err(Error::Range { .. })), "{shape:?}");
    }
    for radix_bits in [0, 9] {
        assert!(matches!(good.circuit(DivisionForm { radix_bits, ..form }), Err(Error::Range { .. })));
    }
    let ring = |limbs, len| RingVec::zero(limbs, len).unwrap();
    let inputs = |sum: &RingVec, count: &RingVec, previous: &BitSlices| {
        assert!(matches!(good.inputs(Party::Left, sum, count, previous), Err(Error::Length { .. })));
    };
    inputs(&ring(2, 3), &ring(1, 3), &BitSlices::zero(32, 3));
    inputs(&ring(1, 3), &ring(2, 3), &BitSlices::zero(32, 3));
    inputs(&ring(1, 3), &ring(1, 4), &BitSlices::zero(32, 3));
    inputs(&ring(1, 3), &ring(1, 3), &BitSlices::zero(31, 3));
    inputs(&ring(1, 3), &ring(1, 3), &BitSlices::zero(32, 4));
}
