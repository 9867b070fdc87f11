//! Who may know whom: the crates' dependencies, held against `cargo metadata`.
//!
//! Normal dependencies only: tests and benches may use what they like.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// One crate and everything that it may depend on.
struct Layer {
    name: &'static str,
    /// Of ours.
    ours: &'static [&'static str],
    /// Of others.
    others: &'static [&'static str],
}

/// Plugins are machine code in a daemon's process: they know the ABI and nothing of the daemon. Arithmetic (paillier,
/// sharing, kmeans, protocol) knows neither sockets nor files nor a clock, so that it runs the same in memory and
/// between machines. Storage does not know the protocol, and the client knows nothing but what the daemon tells it.
const LAYERS: &[Layer] = &[
    // Plugins.
    Layer { name: "abi", ours: &[], others: &[] },
    // The SIMD helper of our own plugins.
    Layer { name: "lanes", ours: &[], others: &[] },
    Layer { name: "euclidean", ours: &["abi", "lanes"], others: &[] },
    Layer { name: "manhattan", ours: &["abi", "lanes"], others: &[] },
    // Arithmetic. Generators come in as `rand_core` traits; `getrandom` is the one source behind them.
    Layer {
        name: "paillier",
        ours: &[],
        others: &[
            "num-bigint", // holds and prints the numbers
            "num-integer",
            "num-traits",
            "rand_core",
            "serde",
            "subtle", // comparisons in constant time
            "thiserror",
            "zeroize",
        ],
    },
    Layer {
        name: "sharing",
        ours: &[],
        others: &[
            "aes",       // the dealer's streams
            "getrandom", // their seeds
            "rand_core",
            "thiserror",
            "zeroize",
        ],
    },
    Layer {
        name: "kmeans",
        ours: &[],
        others: &[
            "num-bigint", // sums of squares on the wide grid are exact
            "rayon",
            "serde", // a run's parameters are part of what its parties agree on
            "thiserror",
        ],
    },
    Layer {
        name: "protocol",
        ours: &["kmeans", "paillier", "sharing"],
        others: &["getrandom", "num-bigint", "rand_core", "serde", "thiserror", "zeroize"],
    },
    // The network: a Link over bytes.
    Layer {
        name: "transport",
        ours: &["protocol"], // Link, Message, Blame
        others: &[
            "bincode",
            "getrandom",
            "rcgen", // self-signed identities
            "rustix",
            "rustls",
            "serde",
            "sha2", // fingerprints
            "thiserror",
            "tokio",
            "tokio-rustls",
            "zeroize",
        ],
    },
    // A network in memory, with faults, for the tests of the protocol.
    Layer { name: "sim", ours: &["protocol", "transport"], others: &["serde", "tokio"] },
    // Data.
    Layer { name: "table", ours: &[], others: &["csv", "flate2", "quick-xml", "serde", "thiserror"] },
    Layer {
        name: "vault",
        ours: &[], // it keeps bytes: what is in them is the daemon's to know
        others: &[
            "aes-gcm",
            "argon2",
            "bincode",
            "ctr", // for a feature of aes-gcm's
            "getrandom",
            "hkdf",
            "hmac",
            "rustix", // syncfs: sled's flush is no barrier
            "serde",
            "sha2",
            "sled",
            "subtle",
            "thiserror",
            "zeroize",
            "zstd",
        ],
    },
    Layer { name: "metric-host", ours: &["abi", "kmeans"], others: &["libloading", "rustix", "thiserror"] },
    // Control.
    Layer { name: "control", ours: &[], others: &["bincode", "serde", "thiserror"] },
    Layer {
        name: "ctl",
        ours: &["control"],
        others: &[
            "clap",
            "clap_complete",
            "comfy-table",
            "config", // finds the socket in a daemon's settings
            "indicatif",
            "serde",
            "serde_json",
            "signal-hook",
            "tempfile", // a document is whole or not there
        ],
    },
    // Wiring.
    Layer {
        name: "daemon",
        ours: &["control", "kmeans", "metric-host", "paillier", "protocol", "table", "transport", "vault"],
        others: &[
            "clap",
            "config",
            "getrandom",
            "rand_core", // makes keys from the operating system's generator
            "rustix",
            "sd-notify",
            "serde",
            "sha2", // a session's id
            "strsim",
            "thiserror",
            "tokio",
            "tracing",
            "tracing-subscriber",
            "zeroize",
        ],
    },
];

/// Tests know everything.
const UNBOUND: &str = "cloister-tests";

fn metadata() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    // Reads the lock file and the packages that the build has fetched already.
    MetadataCommand::new().manifest_path(manifest).other_options(vec!["--offline".into()]).exec().unwrap()
}

fn normal(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

#[test]
fn every_crate_knows_what_its_layer_may_know_and_nothing_else() {
    let metadata = metadata();
    let members = metadata.workspace_packages();
    let names: BTreeSet<&str> = members.iter().map(|package| package.name.as_str()).collect();
    let bound: BTreeSet<&str> = LAYERS.iter().map(|layer| layer.name).chain([UNBOUND]).collect();
    assert_eq!(names, bound, "every crate of the workspace has a line in the table");
    let mut wrong = Vec::new();
    for layer in LAYERS {
        let package = members.iter().find(|package| package.name == layer.name).unwrap();
        let allowed: BTreeSet<&str> = layer.ours.iter().chain(layer.others).copied().collect();
        let known = normal(package);
        for name in known.difference(&allowed) {
            wrong.push(format!("{} must not know {name}", layer.name));
        }
        for name in allowed.difference(&known) {
            wrong.push(format!("{} may know {name} and does not: narrow the table", layer.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn ours_and_others_are_told_apart() {
    let metadata = metadata();
    let members = metadata.workspace_packages();
    let names: BTreeSet<&str> = members.iter().map(|package| package.name.as_str()).collect();
    for layer in LAYERS {
        assert!(layer.ours.iter().all(|name| names.contains(name)), "{}", layer.name);
        assert!(layer.others.iter().all(|name| !names.contains(name)), "{}", layer.name);
    }
}

/// What a crate may not come to know through another crate either.
#[test]
fn arithmetic_stays_free_of_the_network_and_the_disk() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().unwrap();
    let package = |id| metadata.packages.iter().find(|package| package.id == id).unwrap();
    let forbidden = ["tokio", "rustls", "sled", "libloading", "bincode", "tracing", "chrono", "time"];
    for name in ["paillier", "sharing", "kmeans", "protocol", "table"] {
        let root = metadata.workspace_packages().into_iter().find(|package| package.name == name).unwrap();
        let mut reached = BTreeSet::new();
        let mut open = vec![root.id.clone()];
        while let Some(id) = open.pop() {
            let node = resolve.nodes.iter().find(|node| node.id == id).unwrap();
            for dependency in &node.deps {
                let normal = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
                if normal && reached.insert(dependency.pkg.clone()) {
                    open.push(dependency.pkg.clone());
                }
            }
        }
        for id in &reached {
            let reached = package(id.clone()).name.to_string();
            assert!(!forbidden.contains(&reached.as_str()), "{name} comes to know {reached}");
        }
        assert!(!reached.is_empty(), "{name} depends on something");
    }
}
