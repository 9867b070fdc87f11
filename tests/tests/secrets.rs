//! What must not be found in a daemon's files and logs.

use std::fs;
use std::path::{Path, PathBuf};

use cloister_tests::documents::{csv, deal, real, xrff};
use cloister_tests::fleet::{Fleet, FleetConfig};

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(files(&entry.path())),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn rows_and_keys_are_in_no_file_and_in_no_log() {
    let mut fleet = Fleet::start(&FleetConfig { datasets: &["wine", "other"], ..FleetConfig::default() });
    let parts = deal(&real("wine"), 2);
    fleet.upload("wine", &parts);
    fleet.lead().upload("other", "other.xrff", &xrff(&parts[0]));
    let id = fleet.lead().cluster(&["wine", "-k", "3", "--starts", "1"]).id;
    // Errors about rows, too.
    fleet.lead().try_cluster(&["wine", "-k", "200"]).refused(5, &[]);
    fleet.lead().try_upload("bad", "bad.csv", b"a\n1\n8765.4321\nx\n8765.4321,2\n").refused(5, &[]);
    for party in &fleet.parties {
        party.job_ended(&id);
    }

    // Stopped, so that everything is on the disk.
    for party in &mut fleet.parties {
        party.terminate();
        assert_eq!(party.wait().and_then(|status| status.code()), Some(0), "{}", party.log());
    }
    let lines: Vec<Vec<u8>> = parts
        .iter()
        .flat_map(|part| csv(part).split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>())
        .filter(|line| line.len() > 20)
        .collect();
    assert_eq!(lines.len(), 180, "178 rows and a header each");
    for party in &fleet.parties {
        let key = fs::read(party.folder().join("master.key")).unwrap();
        assert!(key.len() >= 32);
        // The key itself or its text, as it stands in the file.
        let key = key.trim_ascii();
        let log = party.log();
        assert!(!log.is_empty());
        let state = files(&party.folder().join("state"));
        assert!(!state.is_empty());
        for file in state.iter().chain([&party.folder().join("log"), &party.config()]) {
            let content = fs::read(file).unwrap();
            let place = file.display();
            assert!(!contains(&content, key), "the master key is in {place}");
            assert!(!contains(&content, hex(key).as_bytes()), "the master key is in {place}");
            for line in &lines {
                // Not the header only: no row, nor the numbers of a row.
                assert!(!contains(&content, line), "a row is in {place}");
            }
            // Eight bytes of an f64 are rare enough by chance: 14.23, the first value of the first row.
            assert!(!contains(&content, &14.23_f64.to_le_bytes()), "a value is in {place}");
            assert!(!contains(&content, b"BEGIN PRIVATE KEY"), "{place}");
        }
        for value in ["14.23", "8765.4321", "127,2.8"] {
            assert!(!log.contains(value), "{value} is in the log of {}", party.name());
        }
        let open = files(party.folder());
        for file in open
            .iter()
            .filter(|file| file.ends_with("master.key") || file.starts_with(party.folder().join("state")))
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{} is open to others: {mode:o}", file.display());
        }
    }
}

#[test]
fn another_master_key_opens_nothing() {
    let mut fleet = Fleet::start(&FleetConfig { datasets: &["wine"], ..FleetConfig::default() });
    fleet.upload("wine", &deal(&real("wine"), 2));
    let other = fs::read(fleet.parties[1].folder().join("master.key")).unwrap();
    let party = &mut fleet.parties[0];
    party.terminate();
    party.wait();
    let own = party.folder().join("master.key");
    let kept = fs::read(&own).unwrap();
    fs::write(&own, &other).unwrap();
    for command in ["fingerprint", "check", "run"] {
        party.cloisterd(&[command]).refused(7, &["key"]);
    }
    // `init` makes what is missing; it must not take this for missing.
    party.cloisterd(&["init"]).refused(7, &["key"]);
    fs::write(&own, &kept).unwrap();
    party.start();
    assert_eq!(fleet.lead().ctl(&["retrieve", "wine"]).good().stdout.lines().count(), 90);
}
