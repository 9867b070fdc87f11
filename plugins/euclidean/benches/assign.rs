//! Nanoseconds per row and centre of `assign`, one thread, beside the plain loop (`naive`) in the same run.
//!
//! `scikit_learn.py` in this directory measures scikit-learn's Lloyd on data of the same shape.

use std::hint::black_box;
use std::time::Duration;

use abi::{AssignCall, DistancesCall};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const ROWS: usize = 10_000;

/// What anyone would write first; it gives the same bits.
fn naive(call: AssignCall<'_>) {
    let AssignCall { rows, dim, centres, labels, costs } = call;
    for ((row, label), cost) in rows.chunks_exact(dim).zip(labels).zip(costs) {
        (*label, *cost) = (0, f64::INFINITY);
        for (j, centre) in (0..).zip(centres.chunks_exact(dim)) {
            let mut sum = 0.0;
            for (x, c) in row.iter().zip(centre) {
                sum += (x - c) * (x - c);
            }
            if sum < *cost {
                (*label, *cost) = (j, sum);
            }
        }
    }
}

/// Values without a pattern that the branch predictor could learn.
fn values(count: usize, mut state: u64) -> Vec<f64> {
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..count).map(|_| next()).collect()
}

fn assign(c: &mut Criterion) {
    let mut group = c.benchmark_group("assign");
    for dim in [2, 10, 20, 32] {
        for k in [2, 5, 8, 10, 64] {
            let (rows, centres) = (values(ROWS * dim, 1), values(k * dim, 2));
            let (mut labels, mut costs) = (vec![0; ROWS], vec![0.0; ROWS]);
            // One element is one row at one centre.
            group.throughput(Throughput::Elements((ROWS * k) as u64));
            let shape = format!("d={dim},k={k}");
            group.bench_function(BenchmarkId::new("euclidean", &shape), |b| {
                b.iter(|| {
                    let (labels, costs) = (&mut labels, &mut costs);
                    euclidean::assign(AssignCall {
                        rows: black_box(&rows),
                        dim,
                        centres: &centres,
                        labels,
                        costs,
                    })
                });
            });
            group.bench_function(BenchmarkId::new("naive", &shape), |b| {
                b.iter(|| {
                    let (labels, costs) = (&mut labels, &mut costs);
                    naive(AssignCall { rows: black_box(&rows), dim, centres: &centres, labels, costs });
                });
            });
        }
    }
    group.finish();

    let mut group = c.benchmark_group("distances");
    for dim in [2, 32] {
        let (rows, centre) = (values(ROWS * dim, 1), values(dim, 2));
        let mut costs = vec![0.0; ROWS];
        group.throughput(Throughput::Elements(ROWS as u64));
        group.bench_function(BenchmarkId::new("euclidean", dim), |b| {
            b.iter(|| {
                let costs = &mut costs;
                euclidean::distances(DistancesCall { rows: black_box(&rows), dim, centre: &centre, costs })
            });
        });
        let mut labels = vec![0; ROWS];
        group.bench_function(BenchmarkId::new("naive", dim), |b| {
            b.iter(|| {
                let (labels, costs) = (&mut labels, &mut costs);
                naive(AssignCall { rows: black_box(&rows), dim, centres: &centre, labels, costs });
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(700));
    targets = assign
}
criterion_main!(benches);
