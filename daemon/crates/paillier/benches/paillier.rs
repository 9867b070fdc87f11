//! Benchmarks of the cryptosystem, each beside the same operation done textbook-wise with num-bigint.
//!
//! `cargo bench -p paillier` prints criterion's times, and at the end the ratio of each operation to its
//! reference. `PAILLIER_KERNEL=portable` keeps to the portable kernel. `against_phe.py` times
//! python-paillier for comparison.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use getrandom::SysRng;
use num_bigint::BigUint;
use paillier::{Ciphertext, Encryptor, KeySize, Mask, Packing, Plaintext, SecretKey};
use rand_core::{Rng, UnwrapErr};

/// Paillier as in the textbook, with decryption by the Chinese remainder theorem, on num-bigint alone.
struct Textbook {
    n: BigUint,
    square: BigUint,
    p: BigUint,
    q: BigUint,
}

impl Textbook {
    fn new(secret: &SecretKey) -> Self {
        let bytes = secret.to_bytes();
        let (p, q) = bytes.split_at(bytes.len() / 2);
        let (p, q) = (BigUint::from_bytes_be(p), BigUint::from_bytes_be(q));
        let n = &p * &q;
        Textbook { square: &n * &n, n, p, q }
    }

    fn encrypt(&self, m: &BigUint, r: &BigUint) -> BigUint {
        (m * &self.n + 1u32) * r.modpow(&self.n, &self.square) % &self.square
    }

    fn decrypt(&self, c: &BigUint) -> BigUint {
        let log = |p: &BigUint, q: &BigUint| {
            let power = c.modpow(&(p - 1u32), &(p * p));
            let scale = (p - q % p).modpow(&(p - 2u32), p);
            (power - 1u32) / p * scale % p
        };
        let (m_p, m_q) = (log(&self.p, &self.q), log(&self.q, &self.p));
        let inverse = self.q.modpow(&(&self.p - 2u32), &self.p);
        let difference = (m_p + &self.p - &m_q % &self.p) * inverse % &self.p;
        m_q + difference * &self.q
    }
}

/// Seconds that `f` takes, the least of several runs within about half a second.
fn least(mut f: impl FnMut()) -> f64 {
    let mut least = Duration::MAX;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(500) {
        let start = Instant::now();
        f();
        least = least.min(start.elapsed());
    }
    least.as_secs_f64()
}

fn operations(c: &mut Criterion) {
    let rng = &mut UnwrapErr(SysRng);
    let mut ratios = Vec::new();
    for size in [KeySize::Bits2048, KeySize::Bits3072] {
        let bits = size.bits();
        let secret = SecretKey::generate(size, rng);
        let key = secret.public();
        let encryptor = Encryptor::new(key, rng);
        let textbook = Textbook::new(&secret);

        let mut bytes = vec![0; key.plaintext_len()];
        rng.fill_bytes(&mut bytes[1..]);
        let m = Plaintext::from_bytes(key, &bytes).expect("its first byte is zero");
        rng.fill_bytes(&mut bytes[1..]);
        let r = BigUint::from_bytes_be(&bytes);
        let m_big = BigUint::from_bytes_be(&m.to_bytes());
        let x = encryptor.encrypt(&m, rng).expect("it is below the modulus");
        let y = key.encrypt_textbook(&m, rng).expect("it is below the modulus");
        let (x_big, y_big) = (BigUint::from_bytes_be(&x.to_bytes()), BigUint::from_bytes_be(&y.to_bytes()));
        let constant: Vec<u64> = (0..key.plaintext_len() / 8).map(|_| rng.next_u64()).collect();
        let constant_big = constant.iter().rev().fold(BigUint::ZERO, |sum, limb| (sum << 64) + *limb);
        assert_eq!(textbook.decrypt(&x_big), m_big);
        assert_eq!(BigUint::from_bytes_be(&secret.decrypt(&y).to_bytes()), m_big);

        let mut group = c.benchmark_group("paillier");
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
        let mut compare = |name: &str, ours: &mut dyn FnMut(), reference: &mut dyn FnMut()| {
            group.bench_function(BenchmarkId::new(name, bits), |b| b.iter(&mut *ours));
            group.bench_function(BenchmarkId::new(format!("{name}, num-bigint textbook"), bits), |b| {
                b.iter(&mut *reference);
            });
            ratios.push((format!("{name}/{bits}"), least(&mut *ours), least(&mut *reference)));
        };
        compare(
            "encrypt",
            &mut || drop(black_box(encryptor.encrypt(&m, &mut UnwrapErr(SysRng)))),
            &mut || drop(black_box(textbook.encrypt(&m_big, &r))),
        );
        compare(
            "encrypt without table",
            &mut || drop(black_box(key.encrypt_textbook(&m, &mut UnwrapErr(SysRng)))),
            &mut || drop(black_box(textbook.encrypt(&m_big, &r))),
        );
        compare("decrypt", &mut || drop(black_box(secret.decrypt(&x))), &mut || {
            drop(black_box(textbook.decrypt(&x_big)));
        });
        compare("add", &mut || drop(black_box(key.add(&x, &y))), &mut || {
            drop(black_box(&x_big * &y_big % &textbook.square));
        });
        compare("mul constant", &mut || drop(black_box(key.mul_constant(&x, &constant))), &mut || {
            drop(black_box(x_big.modpow(&constant_big, &textbook.square)));
        });

        for count in [200, 2112] {
            let packing = Packing::new(key, 1).expect("one limb is supported");
            let values: Vec<u64> = (0..count).map(|_| rng.next_u64()).collect();
            let mask = Mask::random(&packing, count, rng);
            let masked = mask.plaintexts(&values).expect("as many as the mask has");
            let sealed = encryptor.encrypt_all(&masked, rng).expect("they are below the modulus");
            let id = |name: &str| BenchmarkId::new(format!("{name} {count} packed values"), bits);
            group.bench_function(id("encrypt"), |b| {
                b.iter(|| {
                    let plaintexts = packing.pack(&values).expect("whole values");
                    encryptor.encrypt_all(&plaintexts, &mut UnwrapErr(SysRng))
                });
            });
            let bytes: Vec<u8> = sealed.iter().flat_map(Ciphertext::to_bytes).collect();
            group.bench_function(id("read"), |b| b.iter(|| Ciphertext::all_from_bytes(key, &bytes)));
            group.bench_function(id("add"), |b| {
                b.iter(|| sealed.iter().zip(&sealed).map(|(a, b)| key.add(a, b)).collect::<Vec<_>>());
            });
            group.bench_function(id("decrypt"), |b| {
                b.iter(|| packing.unpack(&secret.decrypt_all(&sealed), count));
            });
        }
        group.bench_function(BenchmarkId::new("prepare an encryptor", bits), |b| {
            b.iter(|| Encryptor::new(key, &mut UnwrapErr(SysRng)));
        });
        group.bench_function(BenchmarkId::new("generate a key", bits), |b| {
            b.iter(|| SecretKey::generate(size, &mut UnwrapErr(SysRng)));
        });
        group.bench_function(BenchmarkId::new("load a key", bits), |b| {
            let bytes = secret.to_bytes();
            b.iter(|| SecretKey::from_bytes(&bytes).map(drop));
        });
        group.finish();
    }
    println!("\n{:<32}{:>12}{:>14}{:>10}", "operation/bits", "ms", "num-bigint", "times");
    for (name, ours, reference) in ratios {
        println!("{name:<32}{:>12.4}{:>14.4}{:>10.1}", ours * 1e3, reference * 1e3, reference / ours);
    }
}

criterion_group!(benches, operations);
criterion_main!(benches);
