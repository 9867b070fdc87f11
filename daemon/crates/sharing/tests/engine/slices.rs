//! Bit slices hold exactly the numbers given.

use proptest::prelude::*;
use sharing::{BitSlices, Error, Stream};

use crate::parties::seed;

proptest! {
    #[test]
    fn numbers_come_back(number: u64, lanes in 0_usize..200, limbs in 1_usize..5, short in 0_usize..64) {
        let values = Stream::new(seed(number, "values")).words(lanes * limbs);
        let bits = 64 * limbs - short;
        let slices = BitSlices::from_limbs(&values, limbs, bits).unwrap();
        prop_assert_eq!((slices.bits(), slices.lanes(), slices.words()), (bits, lanes, lanes.div_ceil(64)));
        let unsigned = slices.to_limbs(limbs + 1).unwrap();
        let signed = slices.to_signed_limbs(limbs + 1).unwrap();
        for lane in 0..lanes {
            let value = &values[lane * limbs..][..limbs];
            let sign = value[limbs - 1] >> (63 - short) & 1;
            for limb in 0..=limbs {
                let full = if limb < limbs { value[limb] } else { 0 };
                let kept = match limb {
                    top if top == limbs - 1 => u64::MAX >> short,
                    top if top == limbs => 0,
                    _ => u64::MAX,
                };
                prop_assert_eq!(unsigned[lane * (limbs + 1) + limb], full & kept);
                let fill = if sign == 1 { !kept } else { 0 };
                prop_assert_eq!(signed[lane * (limbs + 1) + limb], full & kept | fill);
            }
            for bit in 0..bits {
                prop_assert_eq!(slices.wire(bit)[lane / 64] >> (lane % 64) & 1, value[bit / 64] >> (bit % 64) & 1);
            }
        }
    }

    #[test]
    fn unused_lanes_are_zero(number: u64, lanes in 1_usize..200) {
        let mut stream = Stream::new(seed(number, "words"));
        let slices = BitSlices::from_words(stream.words(3 * lanes.div_ceil(64)), 3, lanes).unwrap();
        let (left, right) = slices.share(&mut stream);
        for part in [&slices, &left, &right] {
            for bit in 0..3 {
                let last = part.wire(bit).last().unwrap();
                prop_assert!(lanes % 64 == 0 || last >> (lanes % 64) == 0);
            }
        }
        prop_assert!(left.xor(&right).unwrap() == slices);
        // Of fewer lanes a share may equal the value by chance.
        prop_assert!(lanes < 64 || (left != slices && right != slices));
    }
}

#[test]
fn parts_are_what_was_joined() {
    let x = BitSlices::from_limbs(&[1, 2, 3], 1, 2).unwrap();
    let y = BitSlices::from_limbs(&[4, 5, 6], 1, 3).unwrap();
    let both = BitSlices::concat([&x, &y]).unwrap();
    assert!(both.part(0..2).unwrap() == x && both.part(2..5).unwrap() == y);
    assert!(BitSlices::concat([]).unwrap() == BitSlices::zero(0, 0));
}

#[test]
fn wrong_shapes_are_refused() {
    let length = |result: Result<BitSlices, Error>| assert!(matches!(result, Err(Error::Length { .. })));
    let range = |result: Result<BitSlices, Error>| assert!(matches!(result, Err(Error::Range { .. })));
    length(BitSlices::from_limbs(&[1, 2, 3], 2, 100));
    range(BitSlices::from_limbs(&[1, 2], 1, 65));
    range(BitSlices::from_limbs(&[], 0, 0));
    length(BitSlices::from_words(vec![0; 3], 2, 64));
    length(BitSlices::from_words(vec![0; 3], usize::MAX, usize::MAX));
    let slices = BitSlices::zero(3, 10);
    length(BitSlices::concat([&slices, &BitSlices::zero(3, 11)]));
    length(slices.xor(&BitSlices::zero(2, 10)));
    length(slices.xor(&BitSlices::zero(3, 11)));
    range(slices.part(0..4));
    range(slices.part(core::ops::Range { start: 2, end: 1 }));
    assert!(matches!(BitSlices::zero(65, 10).to_limbs(1), Err(Error::Range { .. })));
    assert!(matches!(slices.to_limbs(0), Err(Error::Range { .. })));
}

#[test]
fn shares_do_not_print() {
    let slices = BitSlices::from_limbs(&[0xdead_beef], 1, 64).unwrap();
    assert_eq!(format!("{slices:?}"), "BitSlices { bits: 64, lanes: 1, .. }");
}
