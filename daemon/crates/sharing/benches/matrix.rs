//! Rows times a shared matrix, and weighted sums of rows: each party's work apart, beside the same product in the clear.
//!
//! Throughput is in rows. Everything is on one thread and without a network; "plain" is the product on plain integers.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use sharing::matrix::{
    Block, BlockMasks, DealtProduct, DealtSums, Parts, Product, RowMasks, Rows, Shape, Sums,
};
use sharing::{Dealing, Party, Randomness, Seed, Stream};

/// Rows in all, and in a block.
const ROWS: usize = 1 << 15;
const BLOCK: usize = 1 << 12;

/// Columns of the rows, columns of the shared matrix.
const SHAPES: [(usize, usize); 3] = [(3, 5), (11, 10), (65, 10)];

fn seed(byte: u8) -> Seed {
    Seed::from_bytes([byte; 32])
}

fn shape(columns: usize, width: usize) -> Shape {
    Shape { rows: ROWS, columns, width, parts: Parts { left: true, right: false } }
}

/// The left party owns all rows, the right party has them masked.
fn block(party: Party, values: &[u64], columns: usize) -> Block<'_> {
    let rows = Some(Rows::new(values, columns, 0..columns).unwrap());
    match party {
        Party::Left => Block { own: rows, peer: None },
        Party::Right => Block { own: None, peer: rows },
    }
}

fn name(party: Party) -> &'static str {
    match party {
        Party::Left => "owner",
        Party::Right => "other",
    }
}

fn group<'a>(c: &'a mut Criterion, what: &str, columns: usize, width: usize) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(format!("{what}, {columns} columns by {width}"));
    group.throughput(Throughput::Elements(ROWS as u64));
    group
}

fn products(c: &mut Criterion) {
    for (columns, width) in SHAPES {
        let mut group = group(c, "product", columns, width);
        let values = Stream::new(seed(3)).words(ROWS * columns);
        let factor = Stream::new(seed(4)).words(columns * width);
        group.bench_function("plain", |b| {
            b.iter(|| {
                let mut product = vec![0_u64; ROWS * width];
                for (factor, product) in factor.chunks_exact(columns).zip(product.chunks_exact_mut(ROWS)) {
                    for (row, product) in values.chunks_exact(columns).zip(product) {
                        for (x, y) in row.iter().zip(factor) {
                            *product = product.wrapping_add(x.wrapping_mul(*y));
                        }
                    }
                }
                product
            });
        });
        let shape = shape(columns, width);
        for party in [Party::Left, Party::Right] {
            let mut randomness = Randomness::new(party, seed(1));
            let other = if party == Party::Left { Party::Right } else { Party::Left };
            let peer = vec![0; shape.product_words(other)];
            let corrections =
                vec![0; if party == Party::Right { shape.product_corrections(BLOCK) } else { 0 }];
            group.bench_function(name(party), |b| {
                b.iter(|| {
                    let (state, words) = Product::open(&mut randomness, shape, &factor).unwrap();
                    let mut state = state.absorb(black_box(&peer)).unwrap();
                    for rows in values.chunks(BLOCK * columns) {
                        let block = block(party, rows, columns);
                        state.block(&mut randomness, BLOCK, block, black_box(&corrections)).unwrap();
                    }
                    (words, state.finish().unwrap())
                });
            });
        }
        let mut dealing = Dealing::new(seed(1), seed(2));
        let masks = RowMasks::new(seed(5), columns);
        let mut expanded = Vec::new();
        group.bench_function("dealer", |b| {
            b.iter(|| {
                let mut state = DealtProduct::new(&mut dealing, shape).unwrap();
                for first in (0..ROWS).step_by(BLOCK) {
                    masks.expand(first..first + BLOCK, &mut expanded).unwrap();
                    let left = Some(Rows::new(&expanded, columns, 0..columns).unwrap());
                    let masks = BlockMasks { left, right: None };
                    black_box(state.block(&mut dealing, BLOCK, masks).unwrap());
                }
            });
        });
    }
}

fn sums(c: &mut Criterion) {
    for (columns, width) in SHAPES {
        let mut group = group(c, "sums", columns, width);
        let values = Stream::new(seed(3)).words(ROWS * columns);
        let weights = Stream::new(seed(4)).words(ROWS * width);
        group.bench_function("plain", |b| {
            b.iter(|| {
                let mut sums = vec![0_u64; columns * width];
                for (weights, sums) in weights.chunks_exact(ROWS).zip(sums.chunks_exact_mut(columns)) {
                    for (row, weight) in values.chunks_exact(columns).zip(weights) {
                        for (sum, x) in sums.iter_mut().zip(row) {
                            *sum = sum.wrapping_add(x.wrapping_mul(*weight));
                        }
                    }
                }
                sums
            });
        });
        let shape = shape(columns, width);
        for party in [Party::Left, Party::Right] {
            let mut randomness = Randomness::new(party, seed(1));
            let other = if party == Party::Left { Party::Right } else { Party::Left };
            let peer = vec![0; shape.sums_words(other, BLOCK, shape.parts)];
            let corrections = vec![0; if party == Party::Right { shape.sums_corrections() } else { 0 }];
            group.bench_function(name(party), |b| {
                b.iter(|| {
                    let mut state = Sums::new(&mut randomness, shape).unwrap();
                    let blocks = || values.chunks(BLOCK * columns).zip(weights.chunks(BLOCK * width));
                    for (rows, weights) in blocks() {
                        let block = block(party, rows, columns);
                        black_box(state.open(&mut randomness, BLOCK, block, weights).unwrap());
                        state.absorb(BLOCK, block, weights, black_box(&peer)).unwrap();
                    }
                    state.finish(&corrections).unwrap()
                });
            });
        }
        let mut dealing = Dealing::new(seed(1), seed(2));
        let masks = RowMasks::new(seed(5), columns);
        let mut expanded = Vec::new();
        group.bench_function("dealer", |b| {
            b.iter(|| {
                let mut state = DealtSums::new(&mut dealing, shape).unwrap();
                for first in (0..ROWS).step_by(BLOCK) {
                    masks.expand(first..first + BLOCK, &mut expanded).unwrap();
                    let left = Some(Rows::new(&expanded, columns, 0..columns).unwrap());
                    state.block(&mut dealing, BLOCK, BlockMasks { left, right: None }).unwrap();
                }
                state.finish().unwrap()
            });
        });
    }
}

criterion_group!(benches, products, sums);
criterion_main!(benches);
