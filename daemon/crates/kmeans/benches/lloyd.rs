//! Lloyd's rounds per point and centre, beside the naive loop in the same run.
//!
//! The metric is the naive loop's own, so the ratio shows what blocks, tiles and checks cost and what threads
//! give; how fast a plugin is, the plugins' benches show.

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput};
use kmeans::{Lloyd, Metric, MetricError};

const ROWS: usize = 20_000;
const SHAPES: [(usize, usize); 5] = [(2, 2), (10, 8), (20, 10), (32, 8), (32, 64)];

/// Ten rounds assign the rows eleven times: the labels shown belong to the last centres.
const ROUNDS: usize = 10;
const PASSES: usize = ROUNDS + 1;

/// The distance of the naive loop, as a metric.
#[derive(Debug)]
struct Naive;

impl Metric for Naive {
    fn name(&self) -> &str {
        "naive"
    }

    fn version(&self) -> &str {
        "1"
    }

    fn assign(
        &self,
        rows: &[f64],
        dim: usize,
        centres: &[f64],
        labels: &mut [u32],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        for ((row, label), cost) in rows.chunks_exact(dim).zip(labels).zip(costs) {
            (*label, *cost) = nearest(row, centres);
        }
        Ok(())
    }

    fn distances(
        &self,
        rows: &[f64],
        dim: usize,
        centre: &[f64],
        costs: &mut [f64],
    ) -> Result<(), MetricError> {
        for (row, cost) in rows.chunks_exact(dim).zip(costs) {
            *cost = square(row, centre);
        }
        Ok(())
    }
}

fn square(row: &[f64], centre: &[f64]) -> f64 {
    row.iter().zip(centre).fold(0.0, |sum, (x, c)| sum + (x - c) * (x - c))
}

fn nearest(row: &[f64], centres: &[f64]) -> (u32, f64) {
    let mut least = (0, f64::INFINITY);
    for (index, centre) in (0..).zip(centres.chunks_exact(row.len())) {
        let cost = square(row, centre);
        if cost < least.1 {
            least = (index, cost);
        }
    }
    least
}

/// The reference: row by row, with no blocks, no threads and no checks.
fn naive(rows: &[f64], dim: usize, centres: &[f64]) -> (Vec<u32>, Vec<f64>, f64) {
    let mut centres = centres.to_vec();
    let mut labels = vec![0; rows.len() / dim];
    for pass in 1.. {
        let (mut sums, mut counts) = (vec![0.0; centres.len()], vec![0.0; centres.len() / dim]);
        let mut inertia = 0.0;
        for (row, out) in rows.chunks_exact(dim).zip(&mut labels) {
            let (label, cost) = nearest(row, &centres);
            *out = label;
            inertia += cost;
            counts[label as usize] += 1.0;
            for (sum, x) in sums[label as usize * dim..][..dim].iter_mut().zip(row) {
                *sum += x;
            }
        }
        if pass == PASSES {
            return (labels, centres, inertia);
        }
        for ((centre, sums), &count) in centres.chunks_exact_mut(dim).zip(sums.chunks_exact(dim)).zip(&counts)
        {
            if count > 0.0 {
                for (coordinate, sum) in centre.iter_mut().zip(sums) {
                    *coordinate = sum / count;
                }
            }
        }
    }
    unreachable!("the last pass returns")
}

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

/// Nanoseconds per unit of work for each of `runs`: the least of 15 turns taken in rotation, for whatever else
/// the machine does only ever adds.
fn nanoseconds<const N: usize>(work: usize, mut runs: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut least = [f64::INFINITY; N];
    for _ in 0..15 {
        for (run, least) in runs.iter_mut().zip(&mut least) {
            let start = Instant::now();
            run();
            *least = least.min(start.elapsed().as_secs_f64() * 1e9 / work as f64);
        }
    }
    least
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread starts");
    let all = format!("{} threads", rayon::current_num_threads());
    let mut ratios = Vec::new();
    for (dim, k) in SHAPES {
        let (rows, centres) = (values(ROWS * dim, 88_172_645_463_325_252), values(k * dim, 7));
        let lloyd = Lloyd { max_rounds: ROUNDS, ..Lloyd::new(k) };
        let rounds = || lloyd.run_from(&rows, dim, &centres, &Naive).expect("the rows are finite");
        let found = rounds();
        assert_eq!(found.rounds, ROUNDS, "the work is not what is divided by");
        let (_, _, inertia) = naive(&rows, dim, &centres);
        assert!((found.inertia / inertia - 1.0).abs() < 1e-9, "the two do not compute the same");

        let shape = format!("d={dim} k={k}");
        let work = ROWS * k * PASSES;
        let mut group = criterion.benchmark_group("rounds");
        group.throughput(Throughput::Elements(work as u64));
        group.bench_function(BenchmarkId::new("naive", &shape), |b| b.iter(|| naive(&rows, dim, &centres)));
        group.bench_function(BenchmarkId::new("1 thread", &shape), |b| one.install(|| b.iter(rounds)));
        group.bench_function(BenchmarkId::new(&all, &shape), |b| b.iter(rounds));
        group.finish();

        let [reference, alone, together] = nanoseconds(
            work,
            [
                &mut || drop(black_box(naive(&rows, dim, &centres))),
                &mut || drop(black_box(one.install(rounds))),
                &mut || drop(black_box(rounds())),
            ],
        );
        ratios.push(format!(
            "{shape}: naive {reference:.2} ns per point and centre, 1 thread {alone:.2} ({:.2} times), \
             {all} {together:.2} ({:.2} times)",
            alone / reference,
            together / reference
        ));
    }

    let rows = values(ROWS * 10, 3);
    let lloyd = Lloyd { starts: 1, max_rounds: ROUNDS, ..Lloyd::new(8) };
    let mut group = criterion.benchmark_group("start");
    group.bench_function("k-means++ and 10 rounds, d=10 k=8", |b| {
        b.iter(|| lloyd.run(&rows, 10, &Naive).expect("the rows are finite"))
    });
    group.finish();
    criterion.final_summary();
    for ratio in ratios {
        println!("{ratio}");
    }
}
