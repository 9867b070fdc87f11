//! Sealed runs over real daemons: every host's result is the plaintext result on the pooled rows, to the last bit, and a
//! run costs what was estimated.

use cloister_tests::documents::{self, deal, numbers, real};
use cloister_tests::expected::{Expected, defaults_of, euclidean, manhattan};
use cloister_tests::fleet::{Fleet, FleetConfig};
use cloister_tests::plugins::install_c;
use control::Privacy;
use control::facts::{EstimateInfo, JobState, RunResult};
use kmeans::Metric;
use kmeans::fixed::reference::Parameters;
use kmeans::fixed::sealed::Form;
use kmeans::fixed::{Missing, Normalise, RawRows};
use table::Table;

const SEED: u64 = 20_260_417;
const SEALED: [&str; 4] = ["--privacy", "sealed", "--seed", "20260417"];

fn rows(parts: &[Table]) -> Vec<RawRows> {
    parts.iter().map(|part| numbers(part, None)).collect()
}

fn defaults(k: usize) -> Parameters {
    defaults_of(Privacy::Sealed, k, SEED)
}

/// Runs at the lead and holds what every host has afterwards against the expected result.
#[track_caller]
fn run(fleet: &Fleet, arguments: &[&str], expected: &Expected) -> RunResult {
    let shown = fleet.lead().cluster(&[arguments, &SEALED].concat());
    for (host, party) in fleet.hosts().iter().enumerate() {
        // The lead may hear of the end first.
        let job = party.job_ended(&shown.id);
        assert_eq!((job.state, job.result.as_ref()), (JobState::Finished, Some(&shown.id)), "{job:?}");
        let result = party.result(&shown.id);
        expected.assert_equals(host, &result, &party.labels(&shown.id));
        assert_eq!(result.privacy, Privacy::Sealed);
        for link in &result.links {
            assert_ne!(link.peer, party.name());
            let sum: u64 = link.sent_bytes.values().chain(link.received_bytes.values()).sum();
            assert!(sum > 0 && link.sent_messages + link.received_messages > 0, "{link:?}");
        }
        let by_link: u64 = result
            .links
            .iter()
            .flat_map(|link| link.sent_bytes.values().chain(link.received_bytes.values()))
            .sum();
        assert_eq!(by_link, result.bytes.values().sum::<u64>(), "{}", party.name());
    }
    assert!(fleet.third_party().results().is_empty());
    shown
}

#[test]
fn two_hosts_get_the_pooled_result_with_either_form_and_sealed_is_the_default() {
    // No host allows `open`: sealed runs need no leave.
    let fleet = Fleet::start(&FleetConfig {
        datasets: &["wine"],
        change: &|settings| settings.allow_open = false,
        ..FleetConfig::default()
    });
    let parts = deal(&real("wine"), 2);
    fleet.upload("wine", &parts);
    let rows = rows(&parts);
    for (name, form, metric) in [
        ("euclidean", Form::SquaredEuclid, &euclidean() as &dyn Metric),
        ("manhattan", Form::Manhattan, &manhattan()),
    ] {
        let expected = Expected::sealed(&rows, form, &defaults(3), metric);
        let result = run(&fleet, &["wine", "-k", "3", "--metric", name], &expected);
        assert_eq!(result.metric, name);
    }
    let expected = Expected::sealed(&rows, Form::SquaredEuclid, &defaults(3), &euclidean());
    let result: RunResult = fleet.lead().json(&["cluster", "wine", "-k", "3", "--seed", "20260417"]);
    assert_eq!(result.privacy, Privacy::Sealed);
    expected.assert_equals(0, &result, &fleet.lead().labels(&result.id));
}

#[test]
fn three_hosts_get_the_pooled_result_with_every_normalisation_and_missing_values() {
    let fleet = Fleet::start(&FleetConfig { hosts: 3, datasets: &["gaps"], ..FleetConfig::default() });
    let parts = deal(&documents::parse(&documents::with_gaps(90)), 3);
    fleet.upload("gaps", &parts);
    let rows = rows(&parts);
    let bounds = Normalise::Range(vec![(0.0, 64.0), (0.0, 64.0)]);
    for (name, normalise, bounds, missing) in [
        ("z-score", Normalise::ZScore, &[] as &[&str], Missing::Drop),
        ("mean", Normalise::Mean, &[], Missing::Mean),
        ("none", Normalise::None, &[], Missing::Drop),
        ("range", bounds, &["--bounds", "a=0:64,b=0:64"], Missing::Drop),
    ] {
        let parameters = Parameters { normalise, missing, starts: 2, ..defaults(3) };
        let expected = Expected::sealed(&rows, Form::SquaredEuclid, &parameters, &euclidean());
        let missing = if missing == Missing::Drop { "drop" } else { "mean" };
        let arguments = ["gaps", "-k", "3", "--starts", "2", "--normalize", name, "--missing", missing];
        run(&fleet, &[&arguments[..], bounds].concat(), &expected);
    }
}

#[test]
fn small_clusters_are_withheld() {
    let parts = deal(&real("iris"), 2);
    let parameters = Parameters { starts: 2, ..defaults(5) };
    let expected = Expected::sealed(&rows(&parts), Form::SquaredEuclid, &parameters, &euclidean());
    let mut sizes = expected.own_sizes(1);
    sizes.sort_unstable();
    let least = sizes[1] + 1;
    let fleet = Fleet::start(&FleetConfig {
        datasets: &["iris"],
        change: &|settings| settings.min_cluster_rows = if settings.name == "clinic-b" { least } else { 1 },
        ..FleetConfig::default()
    });
    fleet.upload("iris", &parts);
    let result = fleet.lead().cluster(&[&["iris", "-k", "5", "--starts", "2"][..], &SEALED].concat());
    let hidden: Vec<bool> = result.centres.iter().map(Option::is_none).collect();
    let few = expected.withheld(&[1, least]);
    assert!(few.contains(&true) && few.contains(&false), "or this shows nothing: {few:?}");
    assert_eq!(hidden, few);
    assert_eq!((&result.sizes, result.inertia), (&None, None), "what is withheld would follow");
    let centres = expected.centres();
    for (cluster, centre) in result.centres.iter().enumerate() {
        assert!(centre.as_ref().is_none_or(|centre| *centre == centres[cluster]));
    }
    assert_eq!(fleet.lead().labels(&result.id), expected.labels[0], "own labels are one's own");
}

#[test]
fn a_metric_without_a_secure_form_or_with_another_one_is_refused() {
    let fleet = Fleet::start(&FleetConfig { datasets: &["iris"], ..FleetConfig::default() });
    fleet.upload("iris", &deal(&real("iris"), 2));
    let source = include_str!("../../daemon/crates/metric-host/tests/plugins/chebyshev.c");
    for host in fleet.hosts() {
        install_c(&host.folder().join("plugins"), "chebyshev", source);
        host.ctl(&["reload"]).good();
    }
    let named = ["cluster", "iris", "-k", "3", "--metric", "chebyshev"];
    fleet.lead().ctl(&named).refused(4, &["chebyshev", "secure form", "plugins list", "--privacy open"]);
    assert!(fleet.lead().jobs().is_empty(), "nothing was started");
    fleet.lead().cluster(&named[1..]);
}

/// What a run costs by estimate and by the word of its parties: all messages, each counted once.
#[test]
fn a_run_costs_what_was_estimated() {
    let fleet = Fleet::start(&FleetConfig { hosts: 3, datasets: &["iris"], ..FleetConfig::default() });
    fleet.upload("iris", &deal(&real("iris"), 3));
    let arguments = [&["iris", "-k", "3", "--starts", "4", "--max-rounds", "3"][..], &SEALED].concat();
    let estimate: EstimateInfo = fleet.lead().json(&[&["cluster"], &arguments[..], &["--estimate"]].concat());
    for party in &fleet.parties {
        assert!(party.jobs().is_empty(), "an estimate starts nothing at {}", party.name());
    }
    assert_eq!(estimate.padded_rows, [64, 64, 64]);
    assert_eq!((estimate.starts, estimate.max_rounds, estimate.attributes.len()), (4, 3, 4));
    assert_eq!(estimate.memory_bytes.len(), 4);

    let result = fleet.lead().cluster(&arguments);
    let rounds = u64::from(result.rounds);
    let results: Vec<RunResult> = fleet
        .hosts()
        .iter()
        .map(|host| {
            host.job_ended(&result.id);
            host.result(&result.id)
        })
        .collect();
    let phases: Vec<&str> = estimate.phases.iter().map(|cost| cost.phase.as_str()).collect();
    assert_eq!(phases, ["setup", "normalise", "start", "round", "reveal"]);
    for cost in &estimate.phases {
        let times = if cost.phase == "round" { rounds } else { 1 };
        // What one host sends another is counted by its receiver too; what the third party hears and says, by hosts alone.
        let mut bytes = 0;
        let mut messages_of_frames = 0;
        for result in &results {
            for link in &result.links {
                let sent = link.sent_bytes.get(&cost.phase).copied().unwrap_or(0);
                let received = link.received_bytes.get(&cost.phase).copied().unwrap_or(0);
                bytes += sent + if link.peer == "notary" { received } else { 0 };
            }
            messages_of_frames += result.messages;
        }
        let estimated = cost.bytes * times;
        assert!(bytes >= estimated, "{}: {bytes} where {estimated} was estimated", cost.phase);
        // Frames have headers, and there are no more frames than messages, but for long ones.
        let slack = 64 * messages_of_frames;
        assert!(bytes <= estimated + slack, "{}: {bytes} where {estimated} was estimated", cost.phase);
    }
    // The busiest network is still a network: time grows from one to the other.
    let total = &estimate.total;
    assert!(total.seconds["wan"] > total.seconds["lan"] && total.seconds["lan"] > 0.0, "{total:?}");
    assert!(total.exchanges > 0 && total.bytes > 0);
}

#[test]
fn an_estimate_is_refused_as_the_run_would_be() {
    let mut fleet = Fleet::start(&FleetConfig { datasets: &["iris"], ..FleetConfig::default() });
    fleet.upload("iris", &deal(&real("iris"), 2));
    fleet.parties[1].settings.min_rows = 76;
    fleet.parties[1].apply();
    let estimate = ["cluster", "iris", "-k", "3", "--estimate"];
    fleet.lead().ctl(&estimate).refused(4, &["clinic-b", "policy.min_rows"]);
    fleet.parties[1].settings.min_rows = 1;
    fleet.parties[1].apply();
    fleet.lead().ctl(&estimate).good();
    fleet.parties[2].kill();
    fleet.lead().ctl(&estimate).refused(6, &["notary"]);
}
