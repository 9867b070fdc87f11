//! Two parties and a dealer in one process, exchanging words.

use sharing::{BitSlices, Circuit, Dealer, Evaluation, Party, Seed, Stream, Triples};

/// All that one party sent, message by message.
pub(crate) type Transcript = Vec<Vec<u64>>;

pub(crate) fn seed(number: u64, label: &str) -> Seed {
    let mut bytes = [0; Seed::BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Seed::from_bytes(bytes).derive(label.as_bytes())
}

pub(crate) struct Run {
    pub(crate) outputs: BitSlices,
    pub(crate) left_sent: Transcript,
    pub(crate) right_sent: Transcript,
}

/// Deals exactly the triples that the circuit says it needs, and evaluates on the given shares.
pub(crate) fn evaluate_shares(circuit: &Circuit, number: u64, left: &BitSlices, right: &BitSlices) -> Run {
    let mut dealer = Dealer::new(seed(number, "left"), seed(number, "right"));
    let mut left_triples = Triples::left(seed(number, "left"));
    let mut right_triples = Triples::right(seed(number, "right"));
    right_triples.supply(dealer.corrections(circuit.triple_words(left.lanes()))).unwrap();
    let mut l = Evaluation::new(circuit, Party::Left, left).unwrap();
    let mut r = Evaluation::new(circuit, Party::Right, right).unwrap();
    let (mut left_sent, mut right_sent) = (Transcript::new(), Transcript::new());
    while let Some(from_left) = l.open(&mut left_triples).unwrap() {
        let from_right = r.open(&mut right_triples).unwrap().expect("both parties have the same layers");
        assert_eq!(r.expected_words(), from_left.len());
        l.absorb(&from_right).unwrap();
        r.absorb(&from_left).unwrap();
        left_sent.push(from_left);
        right_sent.push(from_right);
    }
    assert!(r.open(&mut right_triples).unwrap().is_none());
    assert_eq!(right_triples.available(), 0, "the circuit uses what it says");
    let lengths: Vec<_> = left_sent.iter().map(Vec::len).collect();
    assert_eq!(lengths, circuit.message_words(left.lanes()).collect::<Vec<_>>());
    assert_eq!(lengths.len(), circuit.depth());
    let outputs = l.outputs().unwrap().xor(&r.outputs().unwrap()).unwrap();
    Run { outputs, left_sent, right_sent }
}

/// Evaluates in the clear and by two parties on random shares; both must agree.
pub(crate) fn evaluate(circuit: &Circuit, number: u64, inputs: &BitSlices) -> BitSlices {
    let plain = circuit.evaluate_plain(inputs).unwrap();
    let (left, right) = inputs.share(&mut Stream::new(seed(number, "input shares")));
    let shared = evaluate_shares(circuit, number, &left, &right).outputs;
    assert!(plain == shared, "the parties' result differs from the plaintext twin's; seed {number}");
    plain
}

/// One number a lane, from columns of 128-bit values with their widths.
pub(crate) fn slices(columns: &[(&[u128], usize)]) -> BitSlices {
    let columns: Vec<_> = columns
        .iter()
        .map(|(values, bits)| {
            let limbs: Vec<u64> =
                values.iter().flat_map(|&value| [value as u64, (value >> 64) as u64]).collect();
            BitSlices::from_limbs(&limbs, 2, *bits).unwrap()
        })
        .collect();
    BitSlices::concat(&columns).unwrap()
}

/// The numbers in wires `first..first + bits`, zero-extended.
pub(crate) fn numbers(slices: &BitSlices, first: usize, bits: usize) -> Vec<u128> {
    let limbs = slices.part(first..first + bits).unwrap().to_limbs(2).unwrap();
    limbs.chunks_exact(2).map(|limbs| u128::from(limbs[0]) | u128::from(limbs[1]) << 64).collect()
}
