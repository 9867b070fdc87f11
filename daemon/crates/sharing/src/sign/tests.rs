use proptest::prelude::*;

use super::*;
use crate::{Seed, Stream};

/// Both parties and the dealer over blocks of lanes, exchanges outermost.
struct Run {
    randomness: [Randomness; 2],
    dealing: Dealing,
}

impl Run {
    fn new(seed: u8) -> Self {
        let seed = |party| Seed::from_bytes([seed; 32]).derive(&[party]);
        Run {
            randomness: [Randomness::new(Party::Left, seed(0)), Randomness::new(Party::Right, seed(1))],
            dealing: Dealing::new(seed(0), seed(1)),
        }
    }

    /// The signs of each block's values, and all words that were sent.
    fn signs(&mut self, blocks: &[[Vec<u64>; 2]], limbs: usize, width: usize) -> (Vec<BitSlices>, Vec<u64>) {
        let start = |[left, right]: &[Vec<u64>; 2]| {
            let new = |party, values: &[u64]| Signs::new(party, values, limbs, width).unwrap();
            [new(Party::Left, left), new(Party::Right, right)]
        };
        let mut states: Vec<_> = blocks.iter().map(start).collect();
        let mut transcript = Vec::new();
        for exchange in 0..exchanges(width) {
            let open = |states: &mut [Signs; 2]| {
                let [left, right] = states;
                [left, right]
                    .into_iter()
                    .zip(&mut self.randomness)
                    .map(|(state, randomness)| state.open(randomness).unwrap().unwrap())
                    .collect::<Vec<_>>()
            };
            let sent: Vec<_> = states.iter_mut().map(open).collect();
            for (states, sent) in states.iter_mut().zip(sent) {
                let lanes = states[0].lanes;
                let dealt = deal(&mut self.dealing, width, lanes, exchange).unwrap();
                assert_eq!(dealt.len(), corrections(width, lanes)[exchange]);
                assert_eq!(sent[0].len(), words(width, lanes)[exchange]);
                assert_eq!(sent[1].len(), words(width, lanes)[exchange]);
                states[0].absorb(&sent[1], &[]).unwrap();
                states[1].absorb(&sent[0], &dealt).unwrap();
                transcript.extend(sent.into_iter().flatten().chain(dealt));
            }
        }
        let finish = |[mut left, mut right]: [Signs; 2]| {
            let [for_left, for_right] = &mut self.randomness;
            assert!(left.open(for_left).unwrap().is_none());
            assert!(right.open(for_right).unwrap().is_none());
            left.finish().unwrap().xor(&right.finish().unwrap()).unwrap()
        };
        (states.into_iter().map(finish).collect(), transcript)
    }
}

/// Values in shares: one uniform, the other what is missing, modulo 2^(64·limbs).
fn shared(values: &[u64], limbs: usize, stream: &mut Stream) -> [Vec<u64>; 2] {
    let values = RingVec::new(limbs, values.to_vec()).unwrap();
    let (left, right) = values.share(stream);
    [left, right].map(|share| share.as_limbs().to_vec())
}

/// Top bit of the low `width` bits of every value.
fn expected(values: &[u64], limbs: usize, width: usize) -> BitSlices {
    BitSlices::from_limbs(values, limbs, width).unwrap().part(width - 1..width).unwrap()
}

#[test]
fn small_numbers_have_the_right_sign_for_all_shares() {
    for width in 1..=6 {
        let size = 1_u64 << width;
        let pairs: Vec<_> = (0..size).flat_map(|x| (0..size).map(move |y| (x, y))).collect();
        let shares = [pairs.iter().map(|pair| pair.0).collect(), pairs.iter().map(|pair| pair.1).collect()];
        let sums: Vec<_> = pairs.iter().map(|(x, y)| x + y).collect();
        let (signs, _) = Run::new(width as u8).signs(&[shares], 1, width);
        assert_eq!(signs, [expected(&sums, 1, width)], "width {width}");
    }
}

#[test]
fn every_width_finds_the_sign_of_extreme_and_random_numbers() {
    let mut stream = Stream::new(Seed::from_bytes([7; 32]));
    for (width, limbs) in (1..=64).map(|width| (width, 1)).chain([
        (64, 2),
        (65, 2),
        (73, 2),
        (74, 2),
        (96, 2),
        (128, 2),
        (128, 4),
        (129, 3),
        (192, 3),
        (200, 4),
        (217, 4),
        (218, 4),
        (256, 4),
    ]) {
        // ±2^i, ±(2^i − 1) for all i below the width, then random numbers.
        let mut values = Vec::new();
        for bit in 0..width {
            let power: Vec<u64> =
                (0..limbs).map(|limb| if bit / 64 == limb { 1 << (bit % 64) } else { 0 }).collect();
            let power = RingVec::new(limbs, power).unwrap();
            let mut one = vec![0; limbs];
            one[0] = 1;
            let less = power.sub(&RingVec::new(limbs, one).unwrap()).unwrap();
            for value in [&power, &power.neg(), &less, &less.neg()] {
                values.extend_from_slice(value.as_limbs());
            }
        }
        values.extend(stream.words(37 * limbs));
        let shares = shared(&values, limbs, &mut stream);
        let (signs, _) = Run::new(8).signs(&[shares], limbs, width);
        assert_eq!(signs, [expected(&values, limbs, width)], "width {width}, {limbs} limbs");
    }
}

proptest! {
    #[test]
    fn blocks_of_any_lanes_run_side_by_side(
        seed: u8,
        width in 1_usize..=256,
        lanes in prop::collection::vec(prop_oneof![0..4_usize, 60..70_usize, 120..200_usize], 1..4),
        spare in 0..=1_usize,
    ) {
        let limbs = (width.div_ceil(64) + spare).min(4);
        let mut stream = Stream::new(Seed::from_bytes([seed; 32]));
        let values: Vec<_> = lanes.iter().map(|lanes| stream.words(lanes * limbs)).collect();
        let shares: Vec<_> = values.iter().map(|values| shared(values, limbs, &mut stream)).collect();
        let (signs, _) = Run::new(seed).signs(&shares, limbs, width);
        for (signs, values) in signs.iter().zip(&values) {
            prop_assert_eq!(signs, &expected(values, limbs, width));
        }
    }
}

#[test]
fn exchanges_are_few() {
    let count = [1, 2, 3, 5, 9, 10, 25, 26, 73, 74, 217, 218, 256].map(exchanges);
    assert_eq!(count, [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
}

/// Every word that crosses a link is masked, whatever is compared: all zeros, with one party's share all zeros, give
/// half ones, in the unused lanes too.
#[test]
fn what_is_sent_is_uniform() {
    for lanes in [64 * 40, 64 * 39 + 1] {
        for values in [[0, 0], [0, u64::MAX], [u64::MAX, 1], [u64::MAX, u64::MAX]] {
            let shares = values.map(|value| vec![value; lanes]);
            let (_, transcript) = Run::new(3).signs(&[shares], 1, 58);
            for bit in 0..64 {
                let ones = transcript.iter().filter(|word| *word >> bit & 1 == 1).count();
                let (count, ones) = (transcript.len() as f64, ones as f64);
                let deviations = (ones - count / 2.0).abs() / (count / 4.0).sqrt();
                assert!(deviations < 5.0, "bit {bit} of {count} words, {lanes} lanes: {ones} ones");
            }
            // Words of one wire differ from each other and from those of others.
            let mut sorted = transcript.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), transcript.len());
        }
    }
}

#[test]
fn wrong_shapes_lengths_and_orders_are_refused() {
    let values = [0; 10];
    for (limbs, width) in [(0, 1), (5, 1), (1, 0), (1, 65), (4, 257)] {
        let refused = Signs::new(Party::Left, &values, limbs, width);
        assert!(matches!(refused, Err(Error::Range { .. })), "{limbs} limbs, width {width}");
    }
    assert!(matches!(Signs::new(Party::Left, &values, 3, 64), Err(Error::Length { .. })));

    let Run { randomness: [mut left, mut right], mut dealing } = Run::new(1);
    for (width, exchange) in [(0, 0), (257, 0), (1, 0), (58, 4)] {
        assert!(matches!(deal(&mut dealing, width, 10, exchange), Err(Error::Range { .. })));
    }
    assert!(matches!(deal(&mut dealing, 58, usize::MAX, 0), Err(Error::Range { .. })));

    let mut state = Signs::new(Party::Right, &values, 1, 58).unwrap();
    assert!(matches!(state.absorb(&[], &[]), Err(Error::OutOfOrder(_))));
    assert!(matches!(state.open(&mut left), Err(Error::WrongParty)));
    for exchange in 0..exchanges(58) {
        let sent = state.open(&mut right).unwrap().unwrap();
        assert!(matches!(state.open(&mut right), Err(Error::OutOfOrder(_))));
        let dealt = deal(&mut dealing, 58, 10, exchange).unwrap();
        for (peer, corrections) in [(&sent[1..], &dealt[..]), (&sent, &dealt[1..]), (&[], &[]), (&sent, &[])]
        {
            assert!(matches!(state.absorb(peer, corrections), Err(Error::Length { .. })));
        }
        state.absorb(&sent, &dealt).unwrap();
    }
    state.finish().unwrap();

    let mut state = Signs::new(Party::Left, &values, 1, 58).unwrap();
    let sent = state.open(&mut left).unwrap().unwrap();
    assert!(matches!(state.absorb(&sent, &[0]), Err(Error::Length { .. })));
    assert!(matches!(state.finish(), Err(Error::OutOfOrder(_))));
}
