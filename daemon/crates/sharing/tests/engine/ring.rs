//! The ring of additive shares.

use proptest::prelude::*;
use sharing::{Error, RingVec, Stream};

use crate::parties::seed;

/// Element by element, bit by bit: the school method, for any width.
fn school_sum(x: &[u64], y: &[u64]) -> Vec<u64> {
    let bit = |limbs: &[u64], place: usize| limbs[place / 64] >> (place % 64) & 1;
    let mut sum = vec![0; x.len()];
    let mut carry = 0;
    for place in 0..64 * x.len() {
        let total = bit(x, place) + bit(y, place) + carry;
        sum[place / 64] |= (total & 1) << (place % 64);
        carry = total >> 1;
    }
    sum
}

/// Random limbs, many of them all zeros or all ones so that carries run.
fn limbs(stream: &mut Stream, count: usize) -> Vec<u64> {
    let kinds = stream.words(count);
    let values = stream.words(count);
    let pick = |(kind, value): (u64, u64)| match kind % 4 {
        0 => 0,
        1 => u64::MAX,
        _ => value,
    };
    kinds.into_iter().zip(values).map(pick).collect()
}

proptest! {
    #[test]
    fn it_is_the_ring(number: u64, limbs_each in 1_usize..5, len in 0_usize..20, shift in 0_usize..300) {
        let mut stream = Stream::new(seed(number, "ring"));
        let x = RingVec::new(limbs_each, limbs(&mut stream, len * limbs_each)).unwrap();
        let y = RingVec::new(limbs_each, limbs(&mut stream, len * limbs_each)).unwrap();
        let sum = x.add(&y).unwrap();
        for element in 0..len {
            let range = element * limbs_each..(element + 1) * limbs_each;
            let expected = school_sum(&x.as_limbs()[range.clone()], &y.as_limbs()[range.clone()]);
            prop_assert_eq!(&sum.as_limbs()[range], &expected[..]);
        }
        prop_assert!(sum.sub(&y).unwrap() == x);
        prop_assert!(x.add(&x.neg()).unwrap() == RingVec::zero(limbs_each, len).unwrap());
        prop_assert!(x.add(&y.neg()).unwrap() == x.sub(&y).unwrap());
        let (left, right) = x.share(&mut stream);
        prop_assert!(left.add(&right).unwrap() == x);
        let mut doubled = x.clone();
        for _ in 0..shift {
            doubled = doubled.add(&doubled).unwrap();
        }
        prop_assert!(x.shifted_left(shift) == doubled);
        let bits = |x: &RingVec, element: usize| -> Vec<bool> {
            let limbs = &x.as_limbs()[element * limbs_each..][..limbs_each];
            (0..64 * limbs_each).map(|place| limbs[place / 64] >> (place % 64) & 1 == 1).collect()
        };
        let halved = x.shifted_right(shift);
        for element in 0..len {
            let kept = bits(&x, element).into_iter().skip(shift).chain(std::iter::repeat(false));
            prop_assert_eq!(bits(&halved, element), kept.take(64 * limbs_each).collect::<Vec<_>>());
        }
        let wide = x.with_limbs(4).unwrap();
        prop_assert!(wide.with_limbs(limbs_each).unwrap() == x);
        let slices = x.to_slices(64 * limbs_each).unwrap();
        prop_assert_eq!(slices.to_limbs(limbs_each).unwrap(), x.as_limbs());
    }
}

#[test]
fn wrong_shapes_are_refused() {
    assert!(matches!(RingVec::new(0, vec![]), Err(Error::Range { .. })));
    assert!(matches!(RingVec::new(5, vec![0; 5]), Err(Error::Range { .. })));
    assert!(matches!(RingVec::new(2, vec![0; 3]), Err(Error::Length { .. })));
    assert!(matches!(RingVec::zero(1, usize::MAX), Err(Error::Range { .. })));
    let x = RingVec::zero(2, 3).unwrap();
    assert!(matches!(x.add(&RingVec::zero(2, 4).unwrap()), Err(Error::Length { .. })));
    assert!(matches!(x.sub(&RingVec::zero(1, 3).unwrap()), Err(Error::Length { .. })));
    assert!(matches!(x.to_slices(129), Err(Error::Range { .. })));
    assert_eq!(format!("{x:?}"), "RingVec { limbs: 2, len: 3, .. }");
}
