//! Circuits evaluated by two parties on one core, each beside its plaintext twin.
//!
//! Throughput is of both parties' and the dealer's work together on one thread, without a network. "plain" is the same
//! circuit in the clear, "integers" the same function on plain integers.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sharing::numbers::{self, Depth, DivisionForm, Sign};
use sharing::{
    BitSlices, Builder, Circuit, Dealer, Evaluation, Party, Seed, SharedDivision, Stream, Triples, reference,
};

fn seed(byte: u8) -> Seed {
    Seed::from_bytes([byte; 32])
}

fn random(bits: usize, lanes: usize) -> BitSlices {
    BitSlices::from_words(Stream::new(seed(9)).words(bits * lanes.div_ceil(64)), bits, lanes).unwrap()
}

/// Both parties, their messages handed over in memory.
fn evaluate(
    circuit: &Circuit,
    left: &mut Triples,
    right: &mut Triples,
    shares: [&BitSlices; 2],
) -> BitSlices {
    let mut l = Evaluation::new(circuit, Party::Left, shares[0]).unwrap();
    let mut r = Evaluation::new(circuit, Party::Right, shares[1]).unwrap();
    while let Some(from_left) = l.open(left).unwrap() {
        let from_right = r.open(right).unwrap().unwrap();
        l.absorb(&from_right).unwrap();
        r.absorb(&from_left).unwrap();
    }
    l.outputs().unwrap().xor(&r.outputs().unwrap()).unwrap()
}

fn both_ways(c: &mut Criterion, group: &str, circuit: &Circuit, lanes: usize, elements: u64) {
    let shares = [random(circuit.inputs(), lanes), BitSlices::zero(circuit.inputs(), lanes)];
    let mut dealer = Dealer::new(seed(1), seed(2));
    let (mut left, mut right) = (Triples::left(seed(1)), Triples::right(seed(2)));
    let mut group = c.benchmark_group(group);
    group.throughput(Throughput::Elements(elements));
    group.bench_function(BenchmarkId::new("two parties", lanes), |b| {
        b.iter(|| {
            right.supply(dealer.corrections(circuit.triple_words(lanes))).unwrap();
            evaluate(circuit, &mut left, &mut right, [&shares[0], &shares[1]])
        });
    });
    group.bench_function(BenchmarkId::new("plain", lanes), |b| {
        b.iter(|| circuit.evaluate_plain(black_box(&shares[0])).unwrap());
    });
    group.finish();
}

/// Words of ANDs: one party, the dealer and the stream by themselves, and all together.
fn ands(c: &mut Criterion) {
    const WORDS: usize = 1 << 13;
    let mut group = c.benchmark_group("AND words");
    group.throughput(Throughput::Elements(WORDS as u64));
    let mut stream = Stream::new(seed(3));
    let mut buffer = vec![0; WORDS];
    group.bench_function("stream", |b| b.iter(|| stream.fill_words(black_box(&mut buffer))));
    let mut dealer = Dealer::new(seed(1), seed(2));
    group.bench_function("dealer", |b| b.iter(|| dealer.corrections(WORDS)));
    let mut left = Triples::left(seed(1));
    group.bench_function("triples, left", |b| b.iter(|| left.take(WORDS).unwrap()));

    let mut b = Builder::new();
    let wires = b.input_number(65);
    let products: Vec<_> = wires.windows(2).map(|pair| b.and(pair[0], pair[1])).collect();
    let circuit = b.finish(&products);
    let lanes = WORDS; // 64 gates of 128 words, a block of 64-bit comparisons
    let shares = random(circuit.inputs(), lanes);
    let peer = vec![0; 2 * WORDS];
    group.bench_function("left party", |b| {
        b.iter(|| {
            let mut evaluation = Evaluation::new(&circuit, Party::Left, &shares).unwrap();
            let words = evaluation.open(&mut left).unwrap().unwrap();
            evaluation.absorb(black_box(&peer)).unwrap();
            (words, evaluation.outputs().unwrap())
        });
    });
    group.finish();
    both_ways(c, "AND words", &circuit, lanes, WORDS as u64);
}

fn comparisons(c: &mut Criterion) {
    for depth in [Depth::Shallow, Depth::Narrow] {
        let mut b = Builder::new();
        let (x, y) = (b.input_number(64), b.input_number(64));
        let less = numbers::less_than_signed(&mut b, &x, &y, depth);
        let circuit = b.finish(&[less]);
        let name = format!("64-bit comparisons, {depth:?}");
        for lanes in [64, 8192] {
            both_ways(c, &name, &circuit, lanes, lanes as u64);
        }
    }
}

fn divisions(c: &mut Criterion) {
    let (lanes, limit) = (320, 1);
    let shape = SharedDivision {
        sum_limbs: 1,
        count_limbs: 1,
        count_bits: 24,
        quotient_bits: 32,
        limit,
        sign: Sign::Signed,
    };
    for radix_bits in [1, 3, 5] {
        let circuit = shape.circuit(DivisionForm { radix_bits, depth: Depth::Shallow }).unwrap();
        both_ways(c, &format!("divisions, radix bits {radix_bits}"), &circuit, lanes, lanes as u64);
    }
    let values = Stream::new(seed(4)).words(2 * lanes);
    let mut group = c.benchmark_group("divisions");
    group.throughput(Throughput::Elements(lanes as u64));
    group.bench_function(BenchmarkId::new("integers", lanes), |b| {
        b.iter(|| {
            let divide =
                |pair: &[u64]| reference::rounded_division((pair[0] as i64).into(), pair[1] >> 40, 0, limit);
            black_box(&values).chunks_exact(2).map(divide).sum::<i128>()
        });
    });
    group.finish();
}

criterion_group!(benches, ands, comparisons, divisions);
criterion_main!(benches);
