//! The files under `conf/`: they load, they name every setting with its real default, and systemd accepts them.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use daemon::settings::{Role, Settings};
use tempfile::TempDir;

const SAMPLES: [&str; 2] = ["host.toml", "third-party.toml"];

fn conf() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../conf")
}

fn read(name: &str) -> String {
    let path = conf().join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn load(text: &str) -> Settings {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, text).unwrap();
    Settings::load_with(&path, BTreeMap::new()).unwrap_or_else(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}\n{text}", lines.join("\n"))
    })
}

/// The setting on a line, whether it is commented out or not: `key = value` or a table's head.
fn setting(line: &str) -> Option<&str> {
    let line = line.strip_prefix("# ").unwrap_or(line);
    let word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let key = line.split_once(" = ").is_some_and(|(key, _)| word(key));
    let table = word(line.trim_start_matches('[').trim_end_matches(']')) && line.starts_with('[');
    (key || table).then_some(line)
}

/// The sample with everything that is commented out put in force.
fn in_force(text: &str) -> String {
    text.lines().map(|line| setting(line).unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// Every key on the sample's lines, `peer.name` for the `name` of `[[peer]]`.
fn keys(text: &str) -> Vec<String> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in text.lines().filter_map(setting) {
        match line.split_once(" = ") {
            Some((key, _)) => keys.push(format!("{section}{key}")),
            None => section = format!("{}.", line.trim_matches(['[', ']'])),
        }
    }
    keys
}

#[test]
fn the_samples_load_as_they_are() {
    assert_eq!(load(&read("host.toml")).role, Role::Host);
    assert_eq!(load(&read("third-party.toml")).role, Role::ThirdParty);
}

#[test]
fn the_samples_name_every_setting_once() {
    let expected: BTreeSet<String> = Settings::keys().into_iter().collect();
    for name in SAMPLES {
        let found = keys(&read(name));
        let once: BTreeSet<String> = found.iter().cloned().collect();
        assert_eq!(found.len(), once.len(), "{name} names a key twice");
        assert_eq!(once, expected, "{name}");
    }
}

#[test]
fn what_is_commented_out_is_the_default() {
    for name in SAMPLES {
        let text = read(name);
        let plain = load(&text);
        let mut full = load(&in_force(&text));
        assert_eq!((full.operators.len(), full.peers.len()), (1, 1), "{name} shows one of each");
        full.operators.clear();
        full.peers.clear();
        assert_eq!(full, plain, "{name} shows a default that is none");
    }
}

#[test]
fn every_setting_has_a_sentence_above_it() {
    for name in SAMPLES {
        let text = read(name);
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            if setting(line).is_some_and(|line| !line.starts_with('[')) {
                let above = lines[index - 1];
                assert!(
                    above.starts_with("# ") && setting(above).is_none() && above.ends_with('.'),
                    "{name}: {line}"
                );
            }
        }
    }
}

/// Runs one of systemd's tools, or says that it is not there.
fn systemd(tool: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(tool).args(arguments).env("SYSTEMD_COLORS", "0").env("LC_ALL", "C").output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: {tool} is not installed");
            None
        }
        Err(error) => panic!("{tool}: {error}"),
    }
}

/// The unit with a program that exists here, for `verify` looks for it.
fn unit(folder: &TempDir) -> String {
    let text = read("systemd/cloisterd.service");
    assert!(text.contains("ExecStart=/usr/bin/cloisterd run --config /etc/cloister/host.toml\n"));
    let program = std::env::current_exe().unwrap();
    let path = folder.path().join("cloisterd.service");
    std::fs::write(&path, text.replace("/usr/bin/cloisterd", program.to_str().unwrap())).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn systemd_accepts_the_unit_without_a_word() {
    let folder = TempDir::new().unwrap();
    let unit = unit(&folder);
    let Some(output) = systemd("systemd-analyze", &["verify", "--man=no", &unit]) else { return };
    // It exits with 0 on directives that it does not know.
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_sandbox_scores_two_or_better() {
    let folder = TempDir::new().unwrap();
    let unit = unit(&folder);
    let Some(output) = systemd("systemd-analyze", &["security", "--offline=true", "--threshold=20", &unit])
    else {
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn user_group_and_folders_can_be_made() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    for path in ["etc/cloister", "usr/lib"] {
        std::fs::create_dir_all(root.join(path)).unwrap();
    }
    // Only root gives folders away.
    if std::fs::metadata(root).unwrap().uid() != 0 {
        eprintln!("skipped: users and folders can be made by root only");
        return;
    }
    let conf = conf().canonicalize().unwrap();
    let argument = format!("--root={}", root.display());
    let users = conf.join("sysusers.d/cloister.conf");
    let Some(output) = systemd("systemd-sysusers", &[&argument, users.to_str().unwrap()]) else { return };
    assert!(output.status.success(), "{output:?}");
    let line = |file: &str| {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        text.lines().find(|line| line.starts_with("cloister:")).map(str::to_owned)
    };
    assert!(line("etc/passwd").is_some_and(|line| line.ends_with(":/var/lib/cloister:/usr/sbin/nologin")));
    assert!(line("etc/group").is_some());

    let folders = conf.join("tmpfiles.d/cloister.conf");
    let Some(output) = systemd("systemd-tmpfiles", &["--create", &argument, folders.to_str().unwrap()])
    else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    assert!(root.join("usr/lib/cloister/plugins").is_dir());
    let mode = std::fs::metadata(root.join("etc/cloister")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o750);
}
