//! Plugins written in C: one that is right, and one for each way of being wrong.

use std::time::Duration;

use crate::directory::{assert_refused, compile, compile_faulty, load, outcome, plugin_dir, probe};
use kmeans::MetricError;
use metric_host::{MetricHost, Probe, SecureForm, Trust};

#[test]
fn a_sound_plugin_is_loaded_listed_and_used() {
    let dir = plugin_dir();
    let file = compile(dir.path(), "chebyshev.c", &[], "libchebyshev.so");
    let host = load(dir.path());
    assert_eq!(outcome(&host), (vec!["chebyshev".to_owned()], vec![]));
    let info = host.list().remove(0);
    assert_eq!((info.version.as_str(), info.secure_form), ("1.0.0", SecureForm::None));
    assert_eq!((info.costs_are_squares, info.broken), (false, None));
    assert_eq!(info.file, file.canonicalize().unwrap());

    let metric = host.get("chebyshev").unwrap();
    assert_eq!((metric.name(), metric.version()), ("chebyshev", "1.0.0"));
    let (mut labels, mut costs) = ([9; 3], [0.0; 3]);
    let rows = [0.0, 0.0, 5.0, 9.0, 10.0, 10.0];
    metric.assign(&rows, 2, &[1.0, 2.0, 9.0, 9.0], &mut labels, &mut costs).unwrap();
    assert_eq!((labels, costs), ([0, 1, 1], [2.0, 4.0, 1.0]));
    assert_eq!(
        metric.distances(&[f64::NAN, 0.0], 2, &[0.0; 2], &mut costs[..1]),
        Err(MetricError::NonFinite)
    );
    assert!(host.get("euclidean").is_none());
}

/// Compiles and loads the faulty plugin for each fault; the words must be in its refusal.
fn refused_each(faults: &[(&str, &str)]) {
    for (fault, words) in faults {
        let dir = plugin_dir();
        compile_faulty(dir.path(), fault);
        println!("fault: {fault}");
        assert_refused(&load(dir.path()), words);
    }
}

#[test]
fn wrong_descriptors_are_refused() {
    refused_each(&[
        ("null_descriptor", "returned no descriptor"),
        ("misaligned_descriptor", "returned no descriptor"),
        ("wrong_magic", "CLOISTER_METRIC_MAGIC"),
        ("wrong_major", "major version 2"),
        ("short_struct", "48 bytes long, and must have at least 56"),
        ("unknown_flag", "flags that this daemon does not know (0x80000000)"),
        ("unknown_form", "secure_form 3"),
        ("form_without_flag", "secure_form 1"),
        ("null_name", "name is not 1 to 32"),
        ("empty_name", "name is not 1 to 32"),
        ("bad_name", "name is not 1 to 32"),
        ("long_name", "name is not 1 to 32"),
        ("other_name", "calls itself `euclidean`, and its file name says `faulty`"),
        ("bad_version", "version is not 1 to 32"),
        ("null_assign", "no `assign` function"),
        ("null_distances", "no `distances` function"),
    ]);
}

#[test]
fn wrong_answers_are_refused() {
    refused_each(&[
        ("false_form", "costs must be those of the declared secure form"),
        ("label_out_of_range", "gave a label that is no centre's"),
        ("nan_cost", "negative or not finite"),
        ("negative_cost", "negative or not finite"),
        ("last_among_equals", "the lowest among equals"),
        ("assign_costs_otherwise", "the same costs to the last bit"),
        ("depends_on_place", "must not depend on its batch"),
        ("writes_beyond", "nothing around the outputs"),
        ("leaves_out", "negative or not finite"),
        ("asymmetric", "exchanging row and centre"),
        ("cost_at_self", "equal to the centre must cost nothing"),
        ("takes_infinity", "negative or not finite"),
        ("status_internal", "failed inside the plugin"),
        ("status_unknown", "returned 77"),
        ("no_dimension", "must take some number of attributes"),
    ]);
}

/// As `-ffast-math` does at load time.
#[test]
fn what_changes_the_arithmetic_is_refused() {
    refused_each(&[("rounds_up", "-ffast-math")]);
    if cfg!(target_arch = "x86_64") {
        refused_each(&[("drops_subnormals", "-ffast-math")]);
    }
}

#[test]
fn a_newer_minor_version_is_welcome() {
    let dir = plugin_dir();
    compile_faulty(dir.path(), "newer_minor");
    assert_eq!(outcome(&load(dir.path())), (vec!["faulty".to_owned()], vec![]));
}

#[test]
fn a_library_without_the_entry_is_refused() {
    let dir = plugin_dir();
    compile(dir.path(), "faulty.c", &["-DFAULT=none", "-DNO_ENTRY"], "libfaulty.so");
    assert_refused(&load(dir.path()), "exports no function `cloister_metric_faulty`");
}

#[test]
fn what_crashes_or_exits_does_so_in_the_child() {
    refused_each(&[
        ("constructor_crashes", "ended by signal 11"),
        ("constructor_exits", "ended with status 0 and no result"),
        ("constructor_prints", "printed more than"),
        ("call_crashes", "ended by signal 11"),
    ]);
}

#[test]
fn a_process_that_the_plugin_leaves_behind_keeps_nobody_waiting() {
    refused_each(&[("constructor_forks", "CLOISTER_METRIC_MAGIC")]);
}

#[test]
fn what_hangs_is_killed() {
    for fault in ["constructor_loops", "call_loops"] {
        let dir = plugin_dir();
        compile_faulty(dir.path(), fault);
        let probe = Probe { timeout: Duration::from_millis(500), ..probe() };
        let host = MetricHost::load_dir(dir.path(), &Trust::own(), &probe).unwrap();
        assert_refused(&host, "did not end within 500ms and was killed");
    }
}

#[test]
fn a_probe_that_cannot_start_refuses_the_plugin() {
    let dir = plugin_dir();
    compile(dir.path(), "chebyshev.c", &[], "libchebyshev.so");
    let probe = Probe { program: dir.path().join("no such program"), ..probe() };
    let host = MetricHost::load_dir(dir.path(), &Trust::own(), &probe).unwrap();
    assert_refused(&host, "did not start");
}

/// A program that ends well but says nothing is no probe.
#[test]
fn a_probe_that_says_nothing_refuses_the_plugin() {
    let dir = plugin_dir();
    compile(dir.path(), "chebyshev.c", &[], "libchebyshev.so");
    let probe = Probe { program: "/bin/true".into(), ..probe() };
    let host = MetricHost::load_dir(dir.path(), &Trust::own(), &probe).unwrap();
    assert_refused(&host, "no result");
}

#[test]
fn one_bad_plugin_does_not_keep_the_others_out() {
    let dir = plugin_dir();
    compile_faulty(dir.path(), "constructor_crashes");
    compile(dir.path(), "chebyshev.c", &[], "libchebyshev.so");
    let (names, refused) = outcome(&load(dir.path()));
    assert_eq!((names, refused.len()), (vec!["chebyshev".to_owned()], 1));
}

#[test]
fn a_breach_after_loading_disables_the_metric_for_good() {
    for (poison, words) in [(424242.0, "label"), (434343.0, "negative"), (444444.0, "returned 77")] {
        let dir = plugin_dir();
        compile_faulty(dir.path(), "breaks_later");
        let host = load(dir.path());
        let metric = host.get("faulty").unwrap();
        let assign = |value: f64| metric.assign(&[value], 1, &[0.0, 5.0], &mut [0], &mut [0.0]);
        assert_eq!(assign(4.0), Ok(()));
        let breach = assign(poison).unwrap_err();
        let MetricError::Broken { name, what } = &breach else { panic!("{breach}") };
        assert_eq!(name, "faulty");
        assert!(what.contains(words), "{what}");
        assert!(!what.contains(&poison.to_string()), "the value is private");
        assert_eq!(assign(4.0), Err(breach.clone()), "stays disabled");
        assert_eq!(metric.distances(&[1.0], 1, &[1.0], &mut [0.0]), Err(breach.clone()));
        assert!(host.get("faulty").is_none());
        assert_eq!(host.list()[0].broken.as_ref(), Some(what));
    }
}
