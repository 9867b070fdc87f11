//! Megabytes a second of reading, beside the parser underneath doing nothing with its events.
//!
//! `cargo bench -p table`; the ratio to the reference is the point, not the absolute number.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::fmt::Write;
use std::hint::black_box;
use table::{Attribute, Column, Kind, Limits, Schema, Table};

const ROWS: usize = 20_000;
const COLUMNS: usize = 20;

/// Numbers as measurements have them: three decimals, some negative, few equal.
fn sample() -> Table {
    let mut state = 1_u64;
    let mut next = || {
        // Knuth's MMIX generator: the data must be the same in each run, not unpredictable.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f64 - (1 << 23) as f64).trunc() / 1000.0
    };
    let attributes =
        (0..COLUMNS).map(|i| Attribute { name: format!("a{i}"), kind: Kind::Numeric, class: false });
    let columns = (0..COLUMNS).map(|_| Column::Numeric((0..ROWS).map(|_| next()).collect()));
    Table {
        schema: Schema { name: "sample".to_owned(), attributes: attributes.collect() },
        columns: columns.collect(),
        weights: None,
    }
}

/// Every instance and value on a line of its own, as Weka writes them.
fn indented(table: &Table) -> Vec<u8> {
    let mut xml = Vec::new();
    table::xrff::write(table, &mut xml).expect("the sample is valid");
    let xml = String::from_utf8(xml).expect("XRFF is UTF-8");
    let mut out = String::new();
    for line in xml.split_inclusive("</value>") {
        write!(out, "{line}\n         ").expect("strings take all");
    }
    out.into_bytes()
}

fn raw_events(xml: &[u8]) -> usize {
    let mut reader = quick_xml::Reader::from_reader(xml);
    let mut buf = Vec::new();
    let mut bytes = 0;
    loop {
        buf.clear();
        match reader.read_event_into(&mut buf).expect("well-formed") {
            quick_xml::events::Event::Eof => return bytes,
            event => bytes += event.len(),
        }
    }
}

fn raw_records(text: &[u8]) -> usize {
    let mut reader = csv::Reader::from_reader(text);
    let mut record = csv::ByteRecord::new();
    let mut fields = 0;
    while reader.read_byte_record(&mut record).expect("valid CSV") {
        fields += record.len();
    }
    fields
}

/// The least that turns the records into numbers.
fn parsed_records(text: &[u8]) -> f64 {
    let mut reader = csv::Reader::from_reader(text);
    let mut record = csv::StringRecord::new();
    let mut sum = 0.0;
    while reader.read_record(&mut record).expect("valid CSV") {
        sum += record.iter().map(|f| f.parse().unwrap_or(0.0)).sum::<f64>();
    }
    sum
}

fn read(bytes: &[u8]) -> usize {
    let document = table::read(bytes, &Limits::default()).expect("valid");
    document.table.rows()
}

fn benches(c: &mut Criterion) {
    let table = sample();
    let mut xrff = Vec::new();
    table::xrff::write(&table, &mut xrff).expect("the sample is valid");
    let indented = indented(&table);
    let mut text = Vec::new();
    table::csv::write(&table, &mut text).expect("the sample is valid");

    for (name, xml) in [("xrff", &xrff), ("xrff indented", &indented)] {
        let mut group = c.benchmark_group(name);
        group.sample_size(10);
        group.throughput(Throughput::Bytes(xml.len() as u64));
        group.bench_function("table::read", |b| b.iter(|| read(black_box(xml))));
        group.bench_function("reference: quick-xml events", |b| {
            b.iter(|| raw_events(black_box(xml)));
        });
        group.finish();
    }

    let mut group = c.benchmark_group("csv");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("table::read", |b| b.iter(|| read(black_box(&text))));
    group.bench_function("reference: csv byte records", |b| {
        b.iter(|| raw_records(black_box(&text)));
    });
    group.bench_function("reference: csv records and f64::parse", |b| {
        b.iter(|| parsed_records(black_box(&text)));
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
