//! A round in mode `open` at two shapes and two key sizes, and where its time goes.
//!
//! All parties run on one machine over pipes in memory, without TLS and without a network's delays, one role at a time.
//! First a table: the median main round of a whole run, its ratio to one round of the plaintext reference in the same
//! process, and the parts of a round measured by themselves. Then criterion's samples of the parts.

#[path = "../tests/play/mod.rs"]
mod play;

use std::hint::black_box;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode};
use kmeans::fixed::{GridRows, Normalise, RawRows, assign, cluster_sums, normalise, scale_from_shown};
use paillier::{Ciphertext, Encryptor, KeySize, Mask, Packing, SecretKey};
use play::{Play, euclidean};
use protocol::{PartyId, Place, Plan, Step};
use sharing::numbers::Sign;
use sharing::{BitSlices, Dealer, Evaluation, NetworkCost, Party, RingVec, Seed, SharedDivision, Triples};
use sim::World;

/// Rows of each of two hosts.
const ROWS: usize = 2_000;
const SHAPES: [(usize, usize); 2] = [(10, 20), (64, 32)];
const SIZES: [(KeySize, &str); 2] = [(KeySize::Bits2048, "2048"), (KeySize::Bits3072, "3072")];
/// Main rounds of a run, if it does not come to rest before.
const ROUNDS: u32 = 9;

fn rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

/// Rows without structure, so that no run comes to rest early.
fn data(dim: usize) -> Vec<RawRows> {
    let mut state = 1u64;
    let mut value = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1 << 20) as f64
    };
    (0..2).map(|_| play::rows(dim, (0..ROWS * dim).map(|_| value()).collect())).collect()
}

fn once<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

/// The mean of a few.
fn mean_time(times: u32, mut work: impl FnMut()) -> Duration {
    work();
    once(|| (0..times).for_each(|_| work())).0 / times
}

/// One joint sum of a round's slots, as two hosts and the third party do it.
struct JointSum<'a> {
    key: &'a SecretKey,
    encryptor: Encryptor,
    packing: Packing,
    own: Vec<u64>,
}

impl<'a> JointSum<'a> {
    fn new(key: &'a SecretKey, k: usize, dim: usize) -> Self {
        let encryptor = Encryptor::new(key.public(), &mut rng());
        let packing = Packing::new(key.public(), 1).expect("one limb");
        JointSum { key, encryptor, packing, own: (0..k * (dim + 1)).map(|i| (i as u64) << 20).collect() }
    }

    /// What each host does.
    fn encrypted(&self) -> Vec<Ciphertext> {
        let plaintexts = self.packing.pack(&self.own).expect("whole slots");
        self.encryptor.encrypt_all(&plaintexts, &mut rng()).expect("plaintexts of this key")
    }

    /// What the lead does beside: masks its own vector, adds the other host's.
    fn masked(&self, theirs: &[Ciphertext]) -> (Vec<Ciphertext>, Mask) {
        let mask = Mask::random(&self.packing, self.own.len(), &mut rng());
        let plaintexts = mask.plaintexts(&self.own).expect("as many values");
        let own = self.encryptor.encrypt_all(&plaintexts, &mut rng()).expect("plaintexts of this key");
        (own.iter().zip(theirs).map(|(a, b)| self.key.public().add(a, b)).collect(), mask)
    }

    /// What the third party does.
    fn decrypted(&self, masked: &[Ciphertext]) -> Vec<u64> {
        self.packing.unpack(&self.key.decrypt_all(masked), self.own.len()).expect("whole slots")
    }

    fn whole(&self) -> Vec<u64> {
        self.decrypted(&self.masked(&self.encrypted()).0)
    }
}

/// A round's divisions by both compute parties and the dealer on one thread.
struct Divisions {
    circuit: sharing::Circuit,
    shares: [BitSlices; 2],
}

impl Divisions {
    fn new(k: usize, dim: usize) -> Self {
        let count_bits = (2 * ROWS).next_multiple_of(64).ilog2() as usize + 1;
        let shape = SharedDivision {
            sum_limbs: 1,
            count_limbs: 1,
            count_bits,
            quotient_bits: 32,
            limit: 1,
            sign: Sign::Signed,
        };
        let lanes = k * dim;
        let circuit = shape.plan(lanes, NetworkCost::LAN).expect("a shape of the protocol").circuit;
        let of = |value: u64| RingVec::new(1, vec![value; lanes]).expect("whole elements");
        let shares = [Party::Left, Party::Right].map(|party| {
            let previous = BitSlices::zero(32, lanes);
            shape.inputs(party, &of(5 << 20), &of(50), &previous).expect("shares of the shape")
        });
        Divisions { circuit, shares }
    }

    fn evaluate(&self) -> BitSlices {
        let seed = |byte| Seed::from_bytes([byte; 32]);
        let mut dealer = Dealer::new(seed(1), seed(2));
        let (mut left, mut right) = (Triples::left(seed(1)), Triples::right(seed(2)));
        let lanes = self.shares[0].lanes();
        right.supply(dealer.corrections(self.circuit.triple_words(lanes))).expect("the right party");
        let mut l = Evaluation::new(&self.circuit, Party::Left, &self.shares[0]).expect("inputs fit");
        let mut r = Evaluation::new(&self.circuit, Party::Right, &self.shares[1]).expect("inputs fit");
        while let Some(from_left) = l.open(&mut left).expect("triples") {
            let from_right = r.open(&mut right).expect("triples").expect("as many layers");
            l.absorb(&from_right).expect("as many words");
            r.absorb(&from_left).expect("as many words");
        }
        l.outputs().expect("at its end").xor(&r.outputs().expect("at its end")).expect("one shape")
    }
}

/// One host's share of a plaintext round: assignment and sums of its rows.
fn local_round(rows: &GridRows, centres: &[i64], k: usize) {
    let assigned = assign(rows, centres, &*euclidean()).expect("rows and centres fit");
    black_box(cluster_sums(rows, &assigned.labels, k));
}

/// The median main round of a whole run, from one round's beginning at the lead to the next one's.
fn main_round(key: &SecretKey, hosts: &[RawRows], k: usize) -> Duration {
    let metric = euclidean();
    let plan = Plan {
        starts: 1,
        max_rounds: ROUNDS,
        key_bits: key.public().bits(),
        normalise: Normalise::None,
        ..play::plan(hosts, k)
    };
    let begun = Mutex::new(Vec::new());
    let observer = |party: PartyId, place: Place| {
        if party == PartyId::LEAD && matches!(place.step, Step::Round | Step::Reveal) {
            begun.lock().expect("nobody panics with it").push(Instant::now());
        }
    };
    let report = Play { key, observer: &observer, ..Play::new(&plan, hosts, &*metric) }.run(World::new(2));
    assert!(report.result(PartyId::LEAD).is_ok());
    let begun = begun.lock().expect("nobody panics with it");
    let mut rounds: Vec<Duration> = begun.windows(2).map(|pair| pair[1] - pair[0]).collect();
    rounds.sort();
    rounds[rounds.len() / 2]
}

fn table() {
    println!("{ROWS} rows at each of 2 hosts; times in ms; all parties share this machine's cores");
    println!(
        "{:>4} {:>3} {:>5} | {:>8} {:>9} {:>6} | {:>8} {:>8} {:>8} {:>8} {:>8}",
        "k", "d", "key", "round", "plaintext", "ratio", "G enc", "L mask", "T dec", "circuits", "assign"
    );
    for (k, dim) in SHAPES {
        let hosts = data(dim);
        let centres: Vec<i64> = (0..k * dim).map(|i| ((i * 7919) % 1_000_000) as i64).collect();
        let grid = |host: &RawRows| {
            normalise(host, &scale_from_shown(&Normalise::None, dim, &[])).expect("in range")
        };
        let grids: Vec<GridRows> = hosts.iter().map(grid).collect();
        let local = mean_time(20, || local_round(&grids[0], &centres, k));
        let plaintext = mean_time(20, || grids.iter().for_each(|rows| local_round(rows, &centres, k)));
        let divisions = Divisions::new(k, dim);
        let circuits = mean_time(5, || {
            black_box(divisions.evaluate());
        });
        for (size, name) in SIZES {
            let key = SecretKey::generate(size, &mut rng());
            let sum = JointSum::new(&key, k, dim);
            let theirs = sum.encrypted();
            let encryption = mean_time(5, || {
                black_box(sum.encrypted());
            });
            let masking = mean_time(5, || {
                black_box(sum.masked(&theirs));
            });
            let masked = sum.masked(&theirs).0;
            let decryption = mean_time(5, || {
                black_box(sum.decrypted(&masked));
            });
            let round = main_round(&key, &hosts, k);
            let ms = |time: Duration| time.as_secs_f64() * 1e3;
            println!(
                "{k:>4} {dim:>3} {name:>5} | {:>8.2} {:>9.3} {:>6.0} | {:>8.2} {:>8.2} {:>8.2} {:>8.2} {:>8.3}",
                ms(round),
                ms(plaintext),
                ms(round) / ms(plaintext),
                ms(encryption),
                ms(masking),
                ms(decryption),
                ms(circuits),
                ms(local),
            );
        }
    }
}

fn parts(c: &mut Criterion) {
    for (k, dim) in SHAPES {
        let mut group = c.benchmark_group(format!("k={k} d={dim}"));
        group.sampling_mode(SamplingMode::Flat).sample_size(10).measurement_time(Duration::from_secs(2));
        let divisions = Divisions::new(k, dim);
        group.bench_function("divisions, both parties and dealer", |b| b.iter(|| divisions.evaluate()));
        for (size, name) in SIZES {
            let key = SecretKey::generate(size, &mut rng());
            let sum = JointSum::new(&key, k, dim);
            group.bench_function(format!("joint sum, {name} bits"), |b| b.iter(|| sum.whole()));
        }
        group.finish();
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    // `cargo test --benches` only asks whether it runs.
    if !std::env::args().any(|argument| argument == "--test") {
        table();
    }
    parts(&mut criterion);
    criterion.final_summary();
}
