//! Comparisons and choices on shares: each party and the dealer by itself on one core, beside plain integers.
//!
//! The lanes are cut into blocks, and all blocks go through an exchange before the next, as over a network; but the
//! words of the others lie ready.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sharing::choose::{self, Choice};
use sharing::sign::{self, Signs};
use sharing::{BitSlices, Dealing, Party, Randomness, Seed, Stream};

const BLOCK: usize = 1 << 14;
const LANES: usize = 16 * BLOCK;

fn seed(byte: u8) -> Seed {
    Seed::from_bytes([byte; 32])
}

/// Both words of the other party and corrections for a block, exchange after exchange.
fn received(party: Party, lengths: [Vec<usize>; 2]) -> Vec<[Vec<u64>; 2]> {
    let mut stream = Stream::new(seed(3));
    let [words, corrections] = lengths;
    words
        .into_iter()
        .zip(corrections)
        .map(|(words, corrections)| {
            let corrections = if party == Party::Left { 0 } else { corrections };
            [stream.words(words), stream.words(corrections)]
        })
        .collect()
}

fn compare(
    party: Party,
    randomness: &mut Randomness,
    values: &[u64],
    width: usize,
    received: &[[Vec<u64>; 2]],
) {
    let blocks = values.chunks(BLOCK);
    let mut states: Vec<_> = blocks.map(|values| Signs::new(party, values, 1, width).unwrap()).collect();
    for [peer, corrections] in received {
        for state in &mut states {
            black_box(state.open(randomness).unwrap());
        }
        for state in &mut states {
            state.absorb(black_box(peer), black_box(corrections)).unwrap();
        }
    }
    for state in states {
        black_box(state.finish().unwrap());
    }
}

fn comparisons(c: &mut Criterion) {
    let values = Stream::new(seed(4)).words(LANES);
    for width in [52, 58, 64] {
        let [words, corrections] = [sign::words(width, BLOCK), sign::corrections(width, BLOCK)];
        let total = 2 * words.iter().sum::<usize>() + corrections.iter().sum::<usize>();
        let bytes = total as f64 * 8.0 / BLOCK as f64;
        let mut group = c.benchmark_group(format!("{width}-bit comparisons, {bytes:.1} bytes on all links"));
        group.throughput(Throughput::Elements(LANES as u64));
        for (name, party) in [("left", Party::Left), ("right", Party::Right)] {
            let received = received(party, [words.clone(), corrections.clone()]);
            let mut randomness = Randomness::new(party, seed(1));
            group.bench_function(BenchmarkId::new(name, LANES), |b| {
                b.iter(|| compare(party, &mut randomness, &values, width, &received));
            });
        }
        let mut dealing = Dealing::new(seed(1), seed(2));
        group.bench_function(BenchmarkId::new("dealer", LANES), |b| {
            b.iter(|| {
                for exchange in 0..sign::exchanges(width) {
                    for _ in 0..LANES / BLOCK {
                        black_box(sign::deal(&mut dealing, width, BLOCK, exchange).unwrap());
                    }
                }
            });
        });
        group.bench_function(BenchmarkId::new("plain", LANES), |b| {
            let mut less = vec![false; LANES];
            b.iter(|| {
                for ((less, x), y) in less.iter_mut().zip(black_box(&values)).zip(values.iter().rev()) {
                    *less = (x.wrapping_sub(*y) << (64 - width)) as i64 <= 0;
                }
                black_box(&mut less);
            });
        });
        group.finish();
    }
}

fn choices(c: &mut Criterion) {
    let [x, y] = [5, 6].map(|byte| Stream::new(seed(byte)).words(BLOCK));
    let conditions = BitSlices::from_words(Stream::new(seed(7)).words(BLOCK / 64), 1, BLOCK).unwrap();
    let mut group = c.benchmark_group("choices");
    group.throughput(Throughput::Elements(BLOCK as u64));
    for (name, party) in [("left", Party::Left), ("right", Party::Right)] {
        let lengths = [vec![choose::words(BLOCK, 1)], vec![choose::corrections(BLOCK, 1)]];
        let received = received(party, lengths);
        let mut randomness = Randomness::new(party, seed(1));
        group.bench_function(BenchmarkId::new(name, BLOCK), |b| {
            b.iter(|| {
                let (state, words) = Choice::open(&mut randomness, &conditions, &x, &y, 1).unwrap();
                black_box(words);
                let [peer, corrections] = &received[0];
                black_box(state.absorb(black_box(peer), black_box(corrections)).unwrap())
            });
        });
    }
    let mut dealing = Dealing::new(seed(1), seed(2));
    group.bench_function(BenchmarkId::new("dealer", BLOCK), |b| {
        b.iter(|| choose::deal(&mut dealing, BLOCK, 1).unwrap());
    });
    group.bench_function(BenchmarkId::new("plain", BLOCK), |b| {
        let mut out = vec![0; BLOCK];
        b.iter(|| {
            let lanes = out.iter_mut().zip(black_box(&x).iter().zip(black_box(&y)));
            for (lane, (out, (x, y))) in lanes.enumerate() {
                let bit = conditions.as_words()[lane / 64] >> (lane % 64) & 1;
                *out = if bit == 1 { *x } else { *y };
            }
            black_box(&mut out);
        });
    });
    group.finish();
}

/// What the above are made of.
fn parts(c: &mut Criterion) {
    let mut group = c.benchmark_group("parts");
    let mut stream = Stream::new(seed(3));
    let mut buffer = vec![0; BLOCK];
    group.throughput(Throughput::Bytes(8 * BLOCK as u64));
    group.bench_function("stream", |b| b.iter(|| stream.fill_words(black_box(&mut buffer))));
    group.bench_function("transposition", |b| {
        b.iter(|| BitSlices::from_limbs(black_box(&buffer), 1, 58).unwrap());
    });
    group.finish();
}

criterion_group!(benches, comparisons, choices, parts);
criterion_main!(benches);
