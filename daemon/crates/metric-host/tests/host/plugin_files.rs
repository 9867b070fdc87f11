//! Which files become code, and what a reload does.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::directory::{assert_refused, compile, compile_faulty, load, outcome, plugin_dir, probe, set_mode};
use metric_host::{HostError, MetricHost, Refusal, Reloaded, Trust, check_file};

fn chebyshev(dir: &Path, file_name: &str) {
    compile(dir, "chebyshev.c", &[], file_name);
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn files_that_others_may_write_are_refused() {
    for mode in [0o666, 0o664, 0o646] {
        let dir = plugin_dir();
        chebyshev(dir.path(), "libchebyshev.so");
        set_mode(&dir.path().join("libchebyshev.so"), mode);
        assert_refused(&load(dir.path()), &format!("(mode {mode:04o}); take that away with chmod go-w"));
    }
}

#[test]
fn directories_that_others_may_write_are_refused_wherever_they_stand() {
    let dir = plugin_dir();
    let inner = dir.path().join("a/b");
    fs::create_dir_all(&inner).unwrap();
    set_mode(&dir.path().join("a"), 0o755);
    set_mode(&inner, 0o755);
    chebyshev(&inner, "libchebyshev.so");
    assert_eq!(load(&inner).list().len(), 1);
    // The sticky bit saves a directory high up only if it is root's, and never the plugin directory itself.
    for (at, mode) in [("a/b", 0o775), ("a/b", 0o1777), ("a", 0o757), ("", 0o770)] {
        let writable = dir.path().join(at);
        set_mode(&writable, mode);
        match MetricHost::load_dir(&inner, &Trust::own(), &probe()) {
            Err(HostError::Directory(Refusal::Writable { path, mode: found })) => {
                assert_eq!((path, found), (writable.canonicalize().unwrap(), mode));
            }
            other => panic!("{at:?} {mode:o}: {other:?}"),
        }
        set_mode(&writable, 0o755);
    }
}

/// The owner of every file in these tests is whoever runs them, or root.
#[test]
fn files_of_other_owners_are_refused() {
    let dir = plugin_dir();
    let stranger = Trust { owner: u32::MAX - 1 };
    let own = Trust::own();
    match (own.owner, MetricHost::load_dir(dir.path(), &stranger, &probe())) {
        // Root is always trusted.
        (0, answer) => drop(answer.unwrap()),
        (own, Err(HostError::Directory(Refusal::Owner { owner, trusted, .. }))) => {
            assert_eq!((owner, trusted), (own, stranger.owner));
        }
        (_, other) => panic!("{other:?}"),
    }
    if own.owner == 0 {
        // Root can make a file that belongs to somebody else.
        chebyshev(dir.path(), "libchebyshev.so");
        std::os::unix::fs::chown(dir.path().join("libchebyshev.so"), Some(54321), None).unwrap();
        assert_refused(&load(dir.path()), "libchebyshev.so belongs to user 54321; it must belong to root");
    }
}

#[test]
fn links_and_directories_are_refused() {
    let elsewhere = plugin_dir();
    chebyshev(elsewhere.path(), "libchebyshev.so");
    let dir = plugin_dir();
    symlink(elsewhere.path().join("libchebyshev.so"), dir.path().join("libchebyshev.so")).unwrap();
    assert_refused(&load(dir.path()), "not a regular file");
    let dir = plugin_dir();
    fs::create_dir(dir.path().join("libchebyshev.so")).unwrap();
    assert_refused(&load(dir.path()), "not a regular file");
}

#[test]
fn a_linked_directory_is_taken_for_what_it_points_to() {
    let dir = plugin_dir();
    let real = dir.path().join("real");
    fs::create_dir(&real).unwrap();
    set_mode(&real, 0o755);
    chebyshev(&real, "libchebyshev.so");
    symlink(&real, dir.path().join("link")).unwrap();
    let host = load(&dir.path().join("link"));
    assert_eq!(host.list()[0].file, real.canonicalize().unwrap().join("libchebyshev.so"));
}

#[test]
fn what_is_no_library_is_refused() {
    for content in [&b""[..], b"not a library", b"\x7fELF\x02\x01\x01"] {
        let dir = plugin_dir();
        fs::write(dir.path().join("libchebyshev.so"), content).unwrap();
        set_mode(&dir.path().join("libchebyshev.so"), 0o644);
        assert_refused(&load(dir.path()), "cannot be opened as a shared library: ");
    }
}

#[test]
fn file_names_say_the_metric() {
    for bad in ["chebyshev.so", "libChebyshev.so", "lib.so", "lib.2.so", "libcheby-shev.so"] {
        let dir = plugin_dir();
        chebyshev(dir.path(), bad);
        assert_refused(&load(dir.path()), "its file name must be lib<name>.so");
    }
    let dir = plugin_dir();
    chebyshev(dir.path(), "libchebyshev.1.2-rc.so");
    fs::write(dir.path().join("README"), "not looked at").unwrap();
    assert_eq!(outcome(&load(dir.path())), (names(&["chebyshev"]), vec![]));
}

#[test]
fn of_two_files_with_one_metric_the_first_is_taken() {
    let dir = plugin_dir();
    chebyshev(dir.path(), "libchebyshev.so");
    chebyshev(dir.path(), "libchebyshev.2.so");
    let host = load(dir.path());
    let (loaded, refused) = outcome(&host);
    assert_eq!((loaded, refused.len()), (names(&["chebyshev"]), 1));
    assert!(host.list()[0].file.ends_with("libchebyshev.2.so"));
    let first = dir.path().canonicalize().unwrap().join("libchebyshev.2.so");
    assert!(refused[0].contains(&format!("`chebyshev` is already loaded from {}", first.display())));
}

#[test]
fn a_missing_directory_is_an_error_that_names_it() {
    let dir = plugin_dir();
    let missing = dir.path().join("none");
    let error = MetricHost::load_dir(&missing, &Trust::own(), &probe()).unwrap_err();
    assert!(error.to_string().contains(&missing.display().to_string()), "{error}");
}

#[test]
fn a_reload_takes_up_new_files_and_retires_what_is_gone() {
    let dir = plugin_dir();
    let host = load(dir.path());
    assert_eq!(host.reload().unwrap(), Reloaded::default());

    chebyshev(dir.path(), "libchebyshev.so");
    assert_eq!(host.reload().unwrap(), Reloaded { added: names(&["chebyshev"]), retired: vec![] });
    let held = host.get("chebyshev").unwrap();
    assert_eq!(host.reload().unwrap(), Reloaded::default());

    fs::remove_file(dir.path().join("libchebyshev.so")).unwrap();
    chebyshev(dir.path(), "libchebyshev.2.so");
    assert_eq!(host.reload().unwrap(), Reloaded { added: names(&["chebyshev"]), retired: vec![] });
    assert!(host.list()[0].file.ends_with("libchebyshev.2.so"));

    fs::remove_file(dir.path().join("libchebyshev.2.so")).unwrap();
    assert_eq!(host.reload().unwrap(), Reloaded { added: vec![], retired: names(&["chebyshev"]) });
    assert!(host.get("chebyshev").is_none());
    // A run that began before goes on.
    let mut costs = [0.0];
    held.distances(&[1.0, 4.0], 2, &[2.0, 2.0], &mut costs).unwrap();
    assert_eq!(costs, [2.0]);
}

#[test]
fn a_file_replaced_under_its_name_needs_a_new_name() {
    let dir = plugin_dir();
    chebyshev(dir.path(), "libchebyshev.so");
    let host = load(dir.path());
    // As packages do it: written beside, then renamed over.
    chebyshev(dir.path(), "libchebyshev.so.new");
    fs::rename(dir.path().join("libchebyshev.so.new"), dir.path().join("libchebyshev.so")).unwrap();
    assert_eq!(host.reload().unwrap(), Reloaded::default());
    let (loaded, refused) = outcome(&host);
    assert_eq!((loaded, refused.len()), (names(&["chebyshev"]), 1));
    assert!(refused[0].contains("put the new version under a new file name"), "{}", refused[0]);
    assert!(host.get("chebyshev").is_some());

    // Also when it was away for one reload in between.
    fs::remove_file(dir.path().join("libchebyshev.so")).unwrap();
    host.reload().unwrap();
    chebyshev(dir.path(), "libchebyshev.so");
    assert_eq!(host.reload().unwrap(), Reloaded::default());
    assert_refused(&host, "put the new version under a new file name");
}

#[test]
fn a_new_mode_is_no_new_file() {
    let dir = plugin_dir();
    chebyshev(dir.path(), "libchebyshev.so");
    let host = load(dir.path());
    set_mode(&dir.path().join("libchebyshev.so"), 0o444);
    assert_eq!(host.reload().unwrap(), Reloaded::default());
    assert_eq!(outcome(&host), (names(&["chebyshev"]), vec![]));
}

#[test]
fn one_file_can_be_checked_without_loading_it() {
    let dir = plugin_dir();
    chebyshev(dir.path(), "libchebyshev.so");
    let check = |file_name: &str| check_file(&dir.path().join(file_name), &Trust::own(), &probe());
    let sound = check("libchebyshev.so").unwrap();
    assert_eq!((sound.name.as_str(), sound.version.as_str()), ("chebyshev", "1.0.0"));
    assert!(matches!(check("libnone.so"), Err(Refusal::Io { .. })));
    assert!(matches!(check("chebyshev"), Err(Refusal::FileName)));
    set_mode(&dir.path().join("libchebyshev.so"), 0o666);
    assert!(matches!(check("libchebyshev.so"), Err(Refusal::Writable { mode: 0o666, .. })));
    set_mode(dir.path(), 0o777);
    assert!(matches!(check("libchebyshev.so"), Err(Refusal::Writable { mode: 0o777, .. })));
}

#[test]
fn a_file_refused_by_the_trial_run_may_be_mended_in_place() {
    let dir = plugin_dir();
    compile_faulty(dir.path(), "wrong_magic");
    let host = load(dir.path());
    assert_refused(&host, "CLOISTER_METRIC_MAGIC");
    fs::remove_file(dir.path().join("libfaulty.so")).unwrap();
    compile_faulty(dir.path(), "none");
    assert_eq!(host.reload().unwrap(), Reloaded { added: names(&["faulty"]), retired: vec![] });
}
