//! `cargo bench -p cloister-tests --bench sealed`: what a round of a joint run costs.
//!
//! Two hosts and a third party as real processes on this machine, over the loopback or with a network of the given
//! rate and delay between them. Figures are the daemons' own; beside them stand those of the best public system and,
//! from the same run, plaintext k-means over the pooled rows.

mod measure;
mod network;
mod options;
mod plaintext;
mod shape;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;

use cloister_tests::fleet::{Fleet, FleetConfig};
use cloister_tests::programs::programs;
use serde::Serialize;

use measure::{Measurement, measure, peak_bytes};
use network::{Found, Network};
use options::{Options, Privacy};
use shape::Shape;

/// Short, for they are no part of a round.
const KEY_BITS: u32 = 2048;

/// Everything that was found.
#[derive(Serialize)]
struct Findings<'a> {
    privacy: &'a str,
    seed: u64,
    machine: &'a str,
    reference: &'a str,
    networks: &'a BTreeMap<&'static str, Found>,
    runs: &'a [Measurement],
}

fn main() -> ExitCode {
    let options = Options::read();
    let runs = options.runs();
    let machine = table::machine();
    println!("mode {}, seed {}, {} rounds at most", options.privacy.name(), options.seed, options.rounds);
    println!("{machine}");
    println!("Paillier keys of {KEY_BITS} bits; reference: {}", shape::SOURCE);
    println!("L lead, G second host, T third party; MB are millions of bytes before TLS");
    programs();

    let mut networks = BTreeMap::new();
    for network in Network::ALL.into_iter().filter(|network| runs.iter().any(|(of, _)| of == network)) {
        let found = network.found();
        println!(
            "{}: {:.3} ms there and back, {:.0} Mbit/s, as found with nothing else going on",
            network.name(),
            found.round_trip_ms,
            found.megabits_per_second
        );
        networks.insert(network.name(), found);
    }

    let (found, failed) = run_all(&options, &runs);
    println!("\nA round\n{}\n{}", table::rounds(&found), table::LEGEND);
    println!("\nThe whole run; processor time is of all phases\n{}\n", table::phases(&found));
    if options.privacy == Privacy::Sealed {
        table::goals(&found).iter().for_each(|goal| println!("{goal}"));
    }
    if let Some(file) = &options.json {
        let findings = Findings {
            privacy: options.privacy.name(),
            seed: options.seed,
            machine: &machine,
            reference: shape::SOURCE,
            networks: &networks,
            runs: &found,
        };
        let json = serde_json::to_string_pretty(&findings).expect("numbers and names");
        if let Err(error) = fs::write(file, json + "\n") {
            eprintln!("{}: {error}", file.display());
            return ExitCode::FAILURE;
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Gives what was found, and whether a run failed.
fn run_all(options: &Options, runs: &[(Network, Shape)]) -> (Vec<Measurement>, bool) {
    let mut names: Vec<String> = runs.iter().map(|(_, shape)| shape.dataset()).collect();
    names.sort_unstable();
    names.dedup();
    let mut fleet = Fleet::start(&FleetConfig {
        datasets: &names.iter().map(String::as_str).collect::<Vec<_>>(),
        change: &|settings| {
            settings.key_bits = KEY_BITS;
            settings.timeout_seconds = 300;
        },
        ..FleetConfig::default()
    });
    let mut rows: BTreeMap<String, [Vec<f64>; 2]> = BTreeMap::new();
    let (mut found, mut failed) = (Vec::new(), false);
    let mut now = None;
    for &(network, shape) in runs {
        if now.as_ref().is_none_or(|(of, _)| *of != network) {
            // The old one goes first: nobody uses it any more.
            drop(now.take());
            now = Some((network, network.between(&mut fleet)));
        }
        let parts = rows.entry(shape.dataset()).or_insert_with(|| upload(&fleet, shape, options));
        let turns = (0..options.turns).map(|_| measure(&mut fleet, network, shape, parts, options));
        let best = turns.reduce(|best, next| Ok(best?.best(next?))).expect("one turn at least");
        match best {
            Ok(measured) => {
                println!(
                    "{} n={} d={} k={}: {:.4} s and {:.2} MB a round",
                    network.name(),
                    shape.rows,
                    shape.dim,
                    shape.k,
                    measured.seconds,
                    measured.bytes() / 1e6
                );
                found.push(measured);
            }
            Err(why) => {
                failed = true;
                println!("{} n={} d={} k={} failed", network.name(), shape.rows, shape.dim, shape.k);
                eprintln!("{why}");
            }
        }
    }
    (found, failed)
}

/// Gives each host its rows, and keeps them for the comparison.
fn upload(fleet: &Fleet, shape: Shape, options: &Options) -> [Vec<f64>; 2] {
    let (seed, parts) = shape.moving_rows(options.seed, options.rounds);
    for (host, part) in fleet.hosts().iter().zip(&parts) {
        host.upload(&shape.dataset(), "rows.csv", shape.csv(part).as_bytes());
    }
    let most = fleet.hosts().iter().map(peak_bytes).max().unwrap_or(0);
    println!(
        "{}: rows of seed {seed}; hosts' peak after the upload {} MB",
        shape.dataset(),
        most / 1_000_000
    );
    parts
}
