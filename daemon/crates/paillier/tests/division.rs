//! num-bigint 0.4.7 and 0.5.0 divided large numbers wrongly. This crate leaves the modulus, gcd and square
//! root to num-bigint, at the lengths tested here.

use num_bigint::BigUint;
use num_integer::Integer;
use proptest::prelude::*;

fn of_bits(bits: usize) -> impl Strategy<Value = BigUint> {
    // Long runs of equal bits are where quotient digits are guessed wrongly.
    let digit = prop_oneof![2 => any::<u32>(), 1 => Just(0), 1 => Just(u32::MAX)];
    prop::collection::vec(digit, bits / 32)
        .prop_map(move |digits| BigUint::new(digits) | BigUint::from(1u32) << (bits - 1))
}

proptest! {
    #[test]
    fn quotient_and_remainder_return(
        (b, q, r) in prop::sample::select(vec![2048usize, 4096, 6144])
            .prop_flat_map(|bits| (of_bits(bits), of_bits(bits), of_bits(bits)))
    ) {
        let r = r % &b;
        prop_assert!(r < b);
        let a = &b * &q + &r;
        prop_assert_eq!(a.div_rem(&b), (q.clone(), r.clone()));
        let shorter = &a >> 1000u32;
        let (quotient, remainder) = shorter.div_rem(&b);
        prop_assert!(remainder < b);
        prop_assert_eq!(quotient * &b + remainder, shorter);
        let root = (&b * &b).sqrt();
        prop_assert_eq!(root, b);
    }
}
