//! Joint runs over real daemons: every host's result is the pooled plaintext result, to the last bit.

use cloister_tests::documents::{self, deal, numbers, real};
use cloister_tests::expected::{Expected, defaults, defaults_of, euclidean, manhattan};
use cloister_tests::fleet::{Fleet, FleetConfig, THIRD_PARTY};
use control::Privacy;
use control::facts::{JobState, RunResult};
use kmeans::Metric;
use kmeans::fixed::reference::Parameters;
use kmeans::fixed::sealed::Form;
use kmeans::fixed::{Missing, Normalise, RawRows};
use table::Table;

const SEED: u64 = 20_260_417;

/// Runs at the lead and holds what every host has afterwards against the expected result.
#[track_caller]
fn run(fleet: &Fleet, arguments: &[&str], expected: &Expected) -> RunResult {
    let shown = fleet.lead().cluster(arguments);
    for (host, party) in fleet.hosts().iter().enumerate() {
        // The lead may hear of the end first.
        let job = party.job_ended(&shown.id);
        assert_eq!(
            (job.state, job.result.as_ref()),
            (JobState::Finished, Some(&shown.id)),
            "{}",
            party.name()
        );
        let result = party.result(&shown.id);
        expected.assert_equals(host, &result, &party.labels(&shown.id));
        let names: Vec<&str> = fleet.hosts().iter().map(|host| host.name()).collect();
        assert_eq!(
            (result.parties.hosts, result.parties.third_party.as_str()),
            (names.iter().map(|&name| name.into()).collect(), THIRD_PARTY)
        );
        assert_eq!((&result.attributes, result.k, result.seed), (&shown.attributes, shown.k, shown.seed));
        assert!(result.messages > 0 && result.peak_memory_bytes > 0);
        for phase in ["setup", "round", "reveal"] {
            assert!(result.bytes[phase] > 0, "{phase}: {:?}", result.bytes);
            assert!(result.seconds[phase] >= 0.0, "{phase}: {:?}", result.seconds);
        }
    }
    let third = fleet.third_party().job_ended(&shown.id);
    assert_eq!((third.state, third.result), (JobState::Finished, None), "the third party keeps no result");
    assert!(fleet.third_party().results().is_empty());
    shown
}

fn rows(parts: &[Table]) -> Vec<RawRows> {
    parts.iter().map(|part| numbers(part, None)).collect()
}

fn seeded<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--seed", "20260417"]].concat()
}

/// The table of `tests/data/README.md`, z-score; what `--starts` at its default must come near to.
#[test]
fn every_dataset_comes_near_the_best_known_inertia_with_default_starts() {
    let datasets =
        [("iris", 3, 139.820496, 0.01), ("wine", 3, 1277.928489, 0.01), ("digits", 10, 69416.840005, 0.03)];
    let names: Vec<&str> = datasets.iter().map(|dataset| dataset.0).collect();
    let fleet = Fleet::start(&FleetConfig { datasets: &names, ..FleetConfig::default() });
    for (name, k, best, slack) in datasets {
        let parts = deal(&real(name), 2);
        fleet.upload(name, &parts);
        let rows = rows(&parts);
        let sealed = defaults_of(Privacy::Sealed, k, SEED);
        for (mode, expected) in [
            ("sealed", Expected::sealed(&rows, Form::SquaredEuclid, &sealed, &euclidean())),
            ("open", Expected::of(&rows, &defaults(k, SEED), &euclidean())),
        ] {
            let k = k.to_string();
            let result = run(&fleet, &seeded(&[name, "-k", &k, "--privacy", mode]), &expected);
            let inertia = result.inertia.expect("policy shows it");
            assert!(inertia < best * (1.0 + slack), "{name}, {mode}: {inertia} where {best} is known");
            assert!(inertia > best * 0.99, "{name}, {mode}: {inertia} where {best} is known");
        }
    }
}

#[test]
fn two_hosts_get_the_pooled_result_with_either_metric_and_default_starts() {
    let fleet = Fleet::start(&FleetConfig { datasets: &["wine"], ..FleetConfig::default() });
    let parts = deal(&real("wine"), 2);
    fleet.hosts()[0].upload("wine", "wine.xrff", &documents::xrff(&parts[0]));
    fleet.hosts()[1].upload("wine", "wine.csv", &documents::csv(&parts[1]));
    let rows = rows(&parts);
    for (name, metric) in [("euclidean", &euclidean() as &dyn Metric), ("manhattan", &manhattan())] {
        let expected = Expected::of(&rows, &defaults(3, SEED), metric);
        let result = run(&fleet, &seeded(&["wine", "-k", "3", "--metric", name]), &expected);
        assert_eq!((result.metric.as_str(), result.seed), (name, Some(SEED)));
        let again = run(&fleet, &seeded(&["wine", "-k", "3", "--metric", name]), &expected);
        assert_ne!(result.id, again.id);
        assert_eq!(result.centres, again.centres);
    }
    // Without --seed the daemon draws one, and says which.
    let drawn = fleet.lead().cluster(&["wine", "-k", "3", "--starts", "2"]);
    let seed = drawn.seed.expect("a drawn seed is public");
    let parameters = Parameters { starts: 2, ..defaults(3, seed) };
    let expected = Expected::of(&rows, &parameters, &euclidean());
    expected.assert_equals(0, &drawn, &fleet.lead().labels(&drawn.id));
    assert_eq!(fleet.lead().results().len(), 5);
}

#[test]
fn three_hosts_get_the_pooled_result_with_every_normalisation() {
    let fleet = Fleet::start(&FleetConfig { hosts: 3, datasets: &["iris"], ..FleetConfig::default() });
    let parts = deal(&real("iris"), 3);
    fleet.upload("iris", &parts);
    let rows = rows(&parts);
    let bounds = Normalise::Range(vec![(4.0, 8.0), (2.0, 4.5), (1.0, 7.0), (0.0, 2.5)]);
    let range = [
        "--bounds=sepal length (cm)=4:8",
        "--bounds=sepal width (cm)=2:4.5",
        "--bounds=petal length (cm)=1:7",
        "--bounds=petal width (cm)=0:2.5",
    ];
    for (name, normalise, bounds) in [
        ("z-score", Normalise::ZScore, &[] as &[&str]),
        ("mean", Normalise::Mean, &[]),
        ("none", Normalise::None, &[]),
        ("range", bounds, &range),
    ] {
        let parameters = Parameters { normalise, starts: 2, ..defaults(4, SEED) };
        let expected = Expected::of(&rows, &parameters, &euclidean());
        let arguments = [&["iris", "-k", "4", "--starts", "2", "--normalize", name], bounds].concat();
        let result = run(&fleet, &seeded(&arguments), &expected);
        assert_eq!(result.normalize.as_str(), name);
    }
}

#[test]
fn attributes_limits_and_parties_are_as_asked() {
    let fleet = Fleet::start(&FleetConfig { hosts: 3, datasets: &["iris"], ..FleetConfig::default() });
    let parts = deal(&real("iris"), 3);
    fleet.upload("iris", &parts);
    // Two of the three hosts, named; two attributes, in another order than the document's.
    let attributes = ["petal width (cm)", "sepal length (cm)"];
    let two: Vec<RawRows> = [0, 2].map(|part: usize| numbers(&parts[part], Some(&attributes))).into();
    let parameters = Parameters { starts: 1, max_rounds: 2, ..defaults(3, SEED) };
    let expected = Expected::of(&two, &parameters, &euclidean());
    assert!(!expected.outcome.converged, "two rounds are not enough, or this shows nothing");
    let result = fleet.lead().cluster(&seeded(&[
        "iris",
        "-k",
        "3",
        "--starts",
        "1",
        "--max-rounds",
        "2",
        "--attributes",
        "petal width (cm),sepal length (cm)",
        "--peer",
        "clinic-c",
        "--third-party",
        THIRD_PARTY,
    ]));
    assert_eq!(result.attributes, attributes);
    assert_eq!(result.parties.hosts, ["clinic-a", "clinic-c"]);
    expected.assert_equals(0, &result, &fleet.lead().labels(&result.id));
    let other = &fleet.hosts()[2];
    other.job_ended(&result.id);
    expected.assert_equals(1, &other.result(&result.id), &other.labels(&result.id));
    assert!(fleet.hosts()[1].jobs().is_empty(), "who is not named hears nothing");
    // A wide tolerance stops sooner, and says so.
    let parameters = Parameters { starts: 1, tolerance: 0.1, ..defaults(3, SEED) };
    let expected = Expected::of(&rows(&parts), &parameters, &euclidean());
    let arguments = seeded(&["iris", "-k", "3", "--starts", "1", "--tolerance", "0.1"]);
    assert!(run(&fleet, &arguments, &expected).converged);
}

#[test]
fn missing_values_are_handled_as_asked() {
    let fleet = Fleet::start(&FleetConfig { datasets: &["gaps"], ..FleetConfig::default() });
    let parts = deal(&documents::parse(&documents::with_gaps(60)), 2);
    fleet.upload("gaps", &parts);
    let rows = rows(&parts);
    for (name, missing) in [("drop", Missing::Drop), ("mean", Missing::Mean)] {
        for (scaled, normalise) in [("z-score", Normalise::ZScore), ("none", Normalise::None)] {
            let parameters = Parameters { missing, normalise, starts: 2, ..defaults(3, SEED) };
            let expected = Expected::of(&rows, &parameters, &euclidean());
            let arguments = ["gaps", "-k", "3", "--starts", "2", "--missing", name, "--normalize", scaled];
            let result = run(&fleet, &seeded(&arguments), &expected);
            let all = missing == Missing::Mean;
            assert_eq!(result.own.rows == 30, all, "dropped rows take no part");
            assert_eq!(fleet.lead().labels(&result.id).iter().all(Option::is_some), all);
        }
    }
    fleet.lead().try_cluster(&["gaps", "-k", "3"]).refused(5, &["attribute a", "--missing drop"]);
}

#[test]
fn small_clusters_are_withheld_and_all_hosts_decide_what_is_shown() {
    let parts = deal(&real("iris"), 3);
    let parameters = Parameters { starts: 2, ..defaults(5, SEED) };
    let expected = Expected::of(&rows(&parts), &parameters, &euclidean());
    // One host withholds its two smallest clusters.
    let mut sizes = expected.own_sizes(2);
    sizes.sort_unstable();
    let least = sizes[1] + 1;
    let fleet = Fleet::start(&FleetConfig {
        hosts: 3,
        datasets: &["iris"],
        change: &|settings| match settings.name.as_str() {
            "clinic-b" => settings.reveal = vec!["sizes"],
            "clinic-c" => settings.min_cluster_rows = least,
            _ => {}
        },
        ..FleetConfig::default()
    });
    fleet.upload("iris", &parts);
    let result = fleet.lead().cluster(&seeded(&["iris", "-k", "5", "--starts", "2"]));
    assert_eq!(result.inertia, None, "one host does not reveal it");
    assert!(result.sizes.is_some(), "all hosts reveal them");
    let few: Vec<bool> = expected.own_sizes(2).iter().map(|size| (1..least).contains(size)).collect();
    assert!(few.contains(&true) && few.contains(&false), "or this shows nothing: {few:?}");
    let hidden: Vec<bool> = result.centres.iter().map(Option::is_none).collect();
    assert_eq!(hidden, few);
    let centres = expected.centres();
    for (cluster, centre) in result.centres.iter().enumerate() {
        assert!(centre.as_ref().is_none_or(|centre| *centre == centres[cluster]));
        let size = result.sizes.as_ref().unwrap()[cluster];
        assert_eq!(size, (!hidden[cluster]).then_some(expected.outcome.sizes[cluster]));
    }
    assert_eq!(fleet.lead().labels(&result.id), expected.labels[0], "own labels are one's own");
    fleet.hosts()[1].job_ended(&result.id);
    assert_eq!(fleet.hosts()[1].result(&result.id).centres, result.centres);
}
