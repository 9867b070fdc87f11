//! Upload and retrieval beside their limits in the same run: zstd and AES-256-GCM on one core over the same bytes.

use std::{
    hint::black_box,
    io::{self, Write},
    time::{Duration, Instant},
};

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sha2::{Digest, Sha256};
use vault::{MasterSecret, RecordKind, Unlock, UploadMeta, Vault};

#[path = "../tests/scratch/mod.rs"]
mod scratch;

const BYTES: usize = 32 << 20;
const CHUNK: usize = 128 * 1024;

/// What no sealed store can beat: each chunk compressed, encrypted under its own key, and hashed as plaintext.
fn seal_raw(bytes: &[u8], room: &mut [u8]) -> usize {
    let mut compressor = zstd::bulk::Compressor::new(1).unwrap();
    let mut content = Sha256::new();
    let mut stored = 0;
    for chunk in bytes.chunks(CHUNK) {
        content.update(chunk);
        let cipher = Aes256Gcm::new_from_slice(&[7; 32]).unwrap();
        let length = compressor.compress_to_buffer(chunk, room).unwrap();
        let nonce = [0; 12].into();
        black_box(cipher.encrypt_inout_detached(&nonce, &[], InOutBuf::from(&mut room[..length])).unwrap());
        stored += length;
    }
    black_box(content.finalize());
    stored
}

fn upload(vault: &Vault, name: &str, bytes: &[u8]) {
    let meta = UploadMeta { format: "csv".into(), gzip: false, file_name: "rows.csv".into() };
    let mut upload = vault.upload(name, meta).unwrap();
    for portion in bytes.chunks(1 << 20) {
        upload.write_all(portion).unwrap();
    }
    upload.commit(Vec::new(), 0).unwrap();
}

/// The time that `work` takes each time, without that of `undo`.
fn timed(times: u64, mut work: impl FnMut(), mut undo: impl FnMut()) -> Duration {
    (0..times)
        .map(|_| {
            let start = Instant::now();
            work();
            let taken = start.elapsed();
            undo();
            taken
        })
        .sum()
}

fn documents(criterion: &mut Criterion) {
    let root = tempfile::tempdir().unwrap();
    let unlock = Unlock::from(MasterSecret::generate().unwrap());
    let vault = Vault::create(root.path().join("vault"), &unlock).unwrap();
    let mut group = criterion.benchmark_group("document");
    group.throughput(Throughput::Bytes(BYTES as u64)).sample_size(10);
    for (kind, bytes) in [("text", scratch::text(BYTES)), ("noise", scratch::noise(BYTES, 1))] {
        let mut room = vec![0; zstd::zstd_safe::compress_bound(CHUNK)];
        group.bench_function(BenchmarkId::new("limit: zstd, AES-256-GCM, SHA-256", kind), |bencher| {
            bencher.iter(|| seal_raw(&bytes, &mut room));
        });
        group.bench_function(BenchmarkId::new("upload", kind), |bencher| {
            bencher.iter_custom(|times| {
                timed(times, || upload(&vault, "bench", &bytes), || vault.remove("bench").unwrap())
            });
        });
        upload(&vault, "kept", &bytes);
        group.bench_function(BenchmarkId::new("retrieve", kind), |bencher| {
            bencher.iter(|| io::copy(&mut vault.reader("kept").unwrap(), &mut io::sink()).unwrap());
        });
        vault.remove("kept").unwrap();
    }
    group.finish();
}

fn records(criterion: &mut Criterion) {
    let root = tempfile::tempdir().unwrap();
    let unlock = Unlock::from(MasterSecret::generate().unwrap());
    let vault = Vault::create(root.path().join("vault"), &unlock).unwrap();
    let mut group = criterion.benchmark_group("record of 1 KiB");
    let bytes = scratch::noise(1024, 1);
    let mut file = tempfile::tempfile_in(root.path()).unwrap();
    group.bench_function("limit: write and fsync", |bencher| {
        bencher.iter(|| {
            file.write_all(&bytes).unwrap();
            file.sync_all().unwrap();
        });
    });
    group.bench_function("put", |bencher| {
        bencher.iter(|| vault.put_record(RecordKind::Job, "j", &bytes).unwrap())
    });
    group.bench_function("get", |bencher| bencher.iter(|| vault.get_record(RecordKind::Job, "j").unwrap()));
    group.finish();
}

criterion_group!(benches, documents, records);
criterion_main!(benches);
