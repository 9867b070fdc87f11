//! Wrong lengths, missing triples and steps out of order are errors; what is sent tells nothing.

use sharing::numbers::{self, Depth};
use sharing::{BitSlices, Builder, Circuit, Dealer, Error, Evaluation, Party, Triples};

use crate::parties::{evaluate_shares, seed};

fn adder(bits: usize) -> Circuit {
    let mut b = Builder::new();
    let (x, y) = (b.input_number(bits), b.input_number(bits));
    let sum = numbers::add(&mut b, &x, &y, Depth::Shallow);
    b.finish(&sum)
}

fn triples(number: u64) -> (Dealer, Triples, Triples) {
    let (left, right) = (|| seed(number, "left"), || seed(number, "right"));
    (Dealer::new(left(), right()), Triples::left(left()), Triples::right(right()))
}

#[test]
fn refused_steps_change_nothing() {
    let circuit = adder(8);
    let inputs = BitSlices::from_limbs(&[3 | 5 << 8; 70], 1, 16).unwrap();
    let (mut dealer, mut left, mut right) = triples(1);
    let mut l = Evaluation::new(&circuit, Party::Left, &inputs).unwrap();
    let mut r = Evaluation::new(&circuit, Party::Right, &BitSlices::zero(16, 70)).unwrap();
    assert!(matches!(l.absorb(&[]), Err(Error::OutOfOrder(_))));
    assert!(matches!(l.open(&mut right), Err(Error::WrongParty)));
    for words in circuit.message_words(70) {
        let from_left = l.open(&mut left).unwrap().unwrap();
        assert!(matches!(l.open(&mut left), Err(Error::OutOfOrder(_))));
        right.supply(dealer.corrections(words / 2 - 1)).unwrap();
        assert!(matches!(r.open(&mut right), Err(Error::TriplesExhausted { .. })));
        right.supply(dealer.corrections(1)).unwrap();
        let from_right = r.open(&mut right).unwrap().unwrap();
        let mut longer = from_right.clone();
        longer.push(0);
        for wrong in [&longer[..], &from_right[1..], &[]] {
            assert!(matches!(l.absorb(wrong), Err(Error::Length { .. })));
        }
        l.absorb(&from_right).unwrap();
        r.absorb(&from_left).unwrap();
        assert!(matches!(l.absorb(&from_right), Err(Error::OutOfOrder(_))));
    }
    let sums = l.outputs().unwrap().xor(&r.outputs().unwrap()).unwrap();
    assert_eq!(sums.to_limbs(1).unwrap(), [8; 70]);
}

#[test]
fn wrong_inputs_and_early_outputs_are_refused() {
    let circuit = adder(8);
    for bits in [0, 15, 17] {
        let wrong = BitSlices::zero(bits, 70);
        assert!(matches!(Evaluation::new(&circuit, Party::Left, &wrong), Err(Error::Length { .. })));
        assert!(matches!(circuit.evaluate_plain(&wrong), Err(Error::Length { .. })));
    }
    let inputs = BitSlices::zero(16, 1);
    let evaluation = Evaluation::new(&circuit, Party::Left, &inputs).unwrap();
    assert!(matches!(evaluation.outputs(), Err(Error::OutOfOrder(_))));
    let mut opened = Evaluation::new(&circuit, Party::Left, &inputs).unwrap();
    opened.open(&mut triples(1).1).unwrap();
    assert!(matches!(opened.outputs(), Err(Error::OutOfOrder(_))));
}

#[test]
fn no_lane_and_no_gate_are_circuits_too() {
    let none = BitSlices::zero(16, 0);
    assert!(evaluate_shares(&adder(8), 1, &none, &none).outputs == BitSlices::zero(8, 0));
    let empty = Builder::new().finish(&[]);
    assert_eq!((empty.depth(), empty.width()), (0, 0));
    let nothing = BitSlices::zero(0, 5);
    assert!(evaluate_shares(&empty, 1, &nothing, &nothing).outputs == nothing);
}

/// Standard deviations that the ones among `words` are off one half.
fn bias(words: &[u64]) -> f64 {
    let ones: u64 = words.iter().map(|word| u64::from(word.count_ones())).sum();
    let bits = 64.0 * words.len() as f64;
    (ones as f64 - bits / 2.0).abs() / (bits / 4.0).sqrt()
}

#[test]
fn what_is_sent_is_uniform_and_new_each_time() {
    let circuit = adder(32);
    let lanes = 6400;
    // The most telling inputs: all zero, all one, and private to one side.
    for value in [0, u64::MAX] {
        let inputs = BitSlices::from_limbs(&vec![value; lanes], 1, 64).unwrap();
        let zero = BitSlices::zero(64, lanes);
        let mut first: Option<Vec<u64>> = None;
        for number in [11, 12] {
            let run = evaluate_shares(&circuit, number, &inputs, &zero);
            let (left, right) = (run.left_sent.concat(), run.right_sent.concat());
            for sent in [&left, &right] {
                assert!(bias(sent) < 5.0, "seed {number}: {} standard deviations", bias(sent));
                // A word that is repeated within a message shows a mask used twice.
                let mut sorted = sent.clone();
                sorted.sort_unstable();
                sorted.dedup();
                assert_eq!(sorted.len(), sent.len(), "seed {number}");
            }
            // Both parties' messages and their combination are uniform as well.
            let opened: Vec<u64> = left.iter().zip(&right).map(|(left, right)| left ^ right).collect();
            assert!(bias(&opened) < 5.0, "seed {number}");
            if let Some(first) = &first {
                let between: Vec<u64> = left.iter().zip(first).map(|(one, other)| one ^ other).collect();
                assert!(bias(&between) < 5.0);
            }
            first = Some(left);
        }
    }
}

#[test]
fn the_shape_alone_decides_the_lengths() {
    let circuit = adder(16);
    let shape = |value: u64| {
        let inputs = BitSlices::from_limbs(&[value; 100], 1, 32).unwrap();
        let run = evaluate_shares(&circuit, value, &inputs, &BitSlices::zero(32, 100));
        run.left_sent
            .iter()
            .zip(&run.right_sent)
            .map(|(left, right)| (left.len(), right.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(shape(0), shape(0xffff_1234));
}

#[test]
fn the_corrections_are_uniform() {
    let (mut dealer, ..) = triples(5);
    assert!(bias(&dealer.corrections(20_000)) < 5.0);
}
