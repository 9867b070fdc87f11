//! One pass (assignment and sums) per point and centre, beside the naive loop in the same run.
//!
//! The metric is the reference one, itself a naive loop: the ratio shows what checks, blocks and tiles cost
//! and what threads give, not how fast a plugin is.

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput};
use kmeans::reference::SquaredEuclid;
use kmeans::{Lloyd, assign};

const ROWS: usize = 20_000;
const SHAPES: [(usize, usize); 4] = [(2, 2), (10, 8), (32, 8), (32, 64)];

/// Values in [0, 1) that repeat from run to run.
fn values(count: usize, mut state: u64) -> Vec<f64> {
    (0..count)
        .map(|_| {
            // xorshift64
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64
        })
        .collect()
}

/// The reference: each row's nearest centre, and the sums, row by row.
fn naive(rows: &[f64], dim: usize, centres: &[f64]) -> (Vec<u32>, Vec<f64>, Vec<u64>, f64) {
    let k = centres.len() / dim;
    let (mut labels, mut sums, mut counts) = (Vec::new(), vec![0.0; k * dim], vec![0; k]);
    let mut inertia = 0.0;
    for row in rows.chunks_exact(dim) {
        let (mut label, mut least) = (0, f64::INFINITY);
        for (index, centre) in centres.chunks_exact(dim).enumerate() {
            let cost = row.iter().zip(centre).fold(0.0, |sum, (x, c)| sum + (x - c) * (x - c));
            if cost < least {
                (label, least) = (index, cost);
            }
        }
        labels.push(label as u32);
        counts[label] += 1;
        inertia += least;
        for (sum, x) in sums[label * dim..][..dim].iter_mut().zip(row) {
            *sum += x;
        }
    }
    (labels, sums, counts, inertia)
}

/// The median of nine runs, in nanoseconds per point and centre.
fn nanoseconds<T>(work: usize, mut run: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..9)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[4] * 1e9 / work as f64
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread starts");
    let threads = rayon::current_num_threads();
    let all = format!("{threads} threads");
    let mut ratios = Vec::new();
    for (dim, k) in SHAPES {
        let (rows, centres) = (values(ROWS * dim, 88_172_645_463_325_252), values(k * dim, 7));
        let pass = || assign(&rows, dim, &centres, &SquaredEuclid).expect("the rows are finite");
        assert_eq!(naive(&rows, dim, &centres).0, pass().labels);

        let shape = format!("d={dim} k={k}");
        let mut group = criterion.benchmark_group("pass");
        group.throughput(Throughput::Elements((ROWS * k) as u64));
        group.bench_function(BenchmarkId::new("naive", &shape), |b| b.iter(|| naive(&rows, dim, &centres)));
        group.bench_function(BenchmarkId::new("1 thread", &shape), |b| one.install(|| b.iter(pass)));
        group.bench_function(BenchmarkId::new(&all, &shape), |b| b.iter(pass));
        group.finish();

        let reference = nanoseconds(ROWS * k, || naive(&rows, dim, &centres));
        let alone = nanoseconds(ROWS * k, || one.install(pass));
        let together = nanoseconds(ROWS * k, pass);
        ratios.push(format!(
            "{shape}: naive {reference:.2} ns per point and centre, 1 thread {alone:.2} ({:.2} times), \
             {all} {together:.2} ({:.2} times)",
            alone / reference,
            together / reference
        ));
    }

    let rows = values(ROWS * 10, 3);
    let lloyd = Lloyd { starts: 1, max_rounds: 10, ..Lloyd::new(8) };
    let mut group = criterion.benchmark_group("start");
    group.bench_function("k-means++ and 10 rounds, d=10 k=8", |b| {
        b.iter(|| lloyd.run(&rows, 10, &SquaredEuclid).expect("the rows are finite"))
    });
    group.finish();
    criterion.final_summary();
    for ratio in ratios {
        println!("{ratio}");
    }
}
