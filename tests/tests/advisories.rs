//! Versions that must not come back, read from `Cargo.lock`: what `.deny.toml` leaves to a network, without one.

use cargo_metadata::semver::{Version, VersionReq};

/// Crate, versions to refuse, why.
const REFUSED: &[(&str, &str, &str)] = &[
    ("num-bigint", "=0.4.7", "divides large numbers wrongly"),
    ("num-bigint", "=0.5.0", "divides large numbers wrongly"),
    ("quick-xml", "<0.41", "denial of service by crafted documents"),
    ("bincode", ">=3", "3.0.0 is a tombstone, not a library"),
    ("crossbeam-epoch", "<0.9.20", "RUSTSEC-2026-0204"),
    ("aes-gcm", "<0.10.3", "RUSTSEC-2023-0096: plaintext is exposed when a tag does not verify"),
    ("rustls", "<0.23.18", "RUSTSEC-2024-0399: a crafted hello ends the server"),
    ("ring", "<0.17.12", "RUSTSEC-2025-0009: panics where overflow is checked"),
    ("tokio", "<1.44.2", "RUSTSEC-2025-0023: unsound broadcast channel"),
    ("sled", ">=1.0.0-alpha", "no transactions and no promised format"),
];

/// The name and version of every package in the lock file.
fn locked() -> Vec<(String, Version)> {
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).unwrap();
    let value = |line: &str, key: &str| {
        let quoted = line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')?;
        Some(quoted.to_owned())
    };
    let mut name = String::new();
    let mut packages = Vec::new();
    for line in lock.lines() {
        if let Some(found) = value(line, "name") {
            name = found;
        } else if let Some(version) = value(line, "version") {
            packages.push((name.clone(), Version::parse(&version).unwrap()));
        }
    }
    packages
}

#[test]
fn no_refused_version_is_locked() {
    let packages = locked();
    for (name, range, reason) in REFUSED {
        let range = VersionReq::parse(range).unwrap();
        let found: Vec<_> = packages.iter().filter(|(package, _)| package == name).collect();
        assert!(!found.is_empty(), "{name} is not used any more: remove its lines here");
        for (_, version) in found {
            assert!(!range.matches(version), "{name} {version}: {reason}");
        }
    }
}

#[test]
fn pinned_versions_are_the_locked_ones() {
    let packages = locked();
    for (name, version) in [("sled", "0.34.7"), ("bincode", "1.3.3")] {
        assert!(packages.contains(&(name.into(), Version::parse(version).unwrap())), "{name} {version}");
    }
}

#[test]
fn every_exception_in_deny_toml_is_still_needed() {
    let deny = include_str!("../../.deny.toml");
    let packages = locked();
    for (advisory, package) in
        [("RUSTSEC-2025-0141", "bincode"), ("RUSTSEC-2024-0384", "instant"), ("RUSTSEC-2025-0057", "fxhash")]
    {
        let excepted = deny.contains(advisory);
        let used = packages.iter().any(|(name, _)| name == package);
        assert_eq!(excepted, used, "{advisory} ({package}): the exception goes when the package does");
    }
}
