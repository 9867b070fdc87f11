//! What an operator does with jobs and results, against real daemons.

use std::fs;

use cloister_tests::documents::{csv, deal, real};
use cloister_tests::fleet::{Fleet, FleetConfig};
use cloister_tests::{client, wait_for};
use control::facts::{JobState, RunResult, StatusInfo};
use serde_json::Value;

fn iris() -> Fleet {
    let fleet = Fleet::start(&FleetConfig { datasets: &["iris"], relay: true, ..FleetConfig::default() });
    fleet.upload("iris", &deal(&real("iris"), 2));
    fleet
}

#[test]
fn results_are_listed_shown_exported_and_removed() {
    let fleet = iris();
    let lead = fleet.lead();
    let result = lead.cluster(&["iris", "-k", "3", "--starts", "1"]);
    let id = result.id.as_str();
    let file = |name: &str| lead.folder().join(name);
    let path = |name: &str| file(name).display().to_string();

    let list = lead.results();
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].id.as_str(), list[0].k, list[0].rounds), (id, 3, result.rounds));
    assert_eq!(lead.result(&id[..6]), result, "the beginning of an id will do");

    lead.ctl(&["results", "labels", id, "-o", &path("labels.csv")]).good();
    let labels = fs::read_to_string(file("labels.csv")).unwrap();
    assert_eq!(labels.lines().count(), 76);
    assert_eq!(labels, lead.ctl(&["results", "labels", id]).good().stdout);

    lead.ctl(&["results", "export", id, "--format", "json", "-o", &path("result.json")]).good();
    let exported = fs::read_to_string(file("result.json")).unwrap();
    let document: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(document["schema"], "cloister.result/1");
    assert_eq!(serde_json::from_str::<RunResult>(&exported).unwrap(), result);

    let table = lead.ctl(&["results", "export", id, "--format", "csv"]).good().stdout;
    let mut lines = table.lines();
    assert_eq!(
        lines.next(),
        Some("cluster,sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)")
    );
    for (cluster, line) in lines.enumerate() {
        let mut fields = line.split(',').map(|field| field.parse::<f64>().unwrap());
        assert_eq!(fields.next(), Some(cluster as f64));
        assert_eq!(Some(fields.collect::<Vec<f64>>()), result.centres[cluster]);
    }

    // People's form says the same.
    let shown = lead.ctl(&["results", "show", id]).good().stdout;
    for word in [id, "euclidean", "clinic-b", "third party notary", "petal width (cm)"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }

    lead.ctl(&["results", "remove", id]).good();
    lead.ctl(&["results", "show", id]).refused(3, &[id]);
    lead.ctl(&["results", "labels", id]).refused(3, &[id]);
    assert!(lead.results().is_empty());
    let other = &fleet.hosts()[1];
    other.job_ended(id);
    assert_eq!(other.results().len(), 1, "the other host's copy is its own");
}

#[test]
fn a_detached_run_is_watched_and_another_cancelled() {
    let fleet = iris();
    let lead = fleet.lead();
    fleet.relay().hold();
    let id = lead.detach(&["iris", "-k", "3", "--starts", "2"]);
    let watcher = client::spawn(&lead.socket(), &["jobs", "watch", &id, "--json"]);
    let job = lead.job(&id).unwrap();
    assert_eq!((job.state, job.lead.as_str(), job.dataset.as_str()), (JobState::Running, "clinic-a", "iris"));
    let [status]: [StatusInfo; 1] = lead.ctl(&["status", "--json"]).items().try_into().unwrap();
    assert_eq!(status.jobs.len(), 1);
    fleet.relay().release();
    let watched: RunResult = client::Answer::of(watcher.wait_with_output().unwrap()).json();
    assert_eq!(watched, lead.result(&id));
    // Watching what is over gives its end.
    assert_eq!(lead.json::<RunResult>(&["jobs", "watch", &id]), watched);
    for party in &fleet.parties {
        assert_eq!(party.job_ended(&id).state, JobState::Finished, "{}", party.name());
    }

    fleet.relay().hold();
    let cancelled = lead.detach(&["iris", "-k", "3"]);
    let watcher = client::spawn(&lead.socket(), &["jobs", "watch", &cancelled, "--json"]);
    lead.ctl(&["jobs", "cancel", &cancelled]).good();
    fleet.relay().release();
    client::Answer::of(watcher.wait_with_output().unwrap()).refused(1, &["cancelled"]);
    assert_eq!(lead.job_ended(&cancelled).state, JobState::Cancelled);
    lead.ctl(&["jobs", "cancel", &cancelled]).refused(1, &["over already"]);
    // The others may not have begun; if they did, they have stopped.
    for party in &fleet.parties[1..] {
        wait_for("no running job", || {
            party.jobs().iter().all(|job| job.state != JobState::Running).then_some(())
        });
        assert!(party.results().iter().all(|result| result.id != cancelled));
    }
    assert_eq!(lead.jobs()[0].id, cancelled, "newest first");
    assert_eq!(lead.jobs()[1].id, id);
    lead.cluster(&["iris", "-k", "3", "--starts", "1"]);
}

#[test]
fn a_run_is_cancelled_from_any_host_and_at_any_step() {
    let fleet = iris();
    for (party, step) in [(0, "normalise"), (1, "start"), (0, "round"), (1, "round")] {
        let id = fleet.reach(step, &["iris", "-k", "3", "--starts", "2"]);
        fleet.parties[party].ctl(&["jobs", "cancel", &id]).good();
        fleet.relay().release();
        for (index, other) in fleet.parties.iter().enumerate() {
            let job = other.job_ended(&id);
            let state = if index == party { JobState::Cancelled } else { JobState::Failed };
            assert_eq!(job.state, state, "{} after {step}", other.name());
            if index != party {
                let name = fleet.parties[party].name();
                let failure = job.failure.unwrap();
                assert!(failure.message.contains(name), "{name} is not in: {}", failure.message);
            }
            assert!(other.results().is_empty());
        }
    }
    fleet.lead().cluster(&["iris", "-k", "3", "--starts", "1"]);
}

#[test]
fn documents_come_back_byte_for_byte_and_as_the_other_format() {
    let fleet = iris();
    let lead = fleet.lead();
    let document = csv(&real("wine"));
    lead.upload("wine", "wine.csv", &document);
    let path = lead.folder().join("back");
    lead.ctl(&["retrieve", "wine", "-o", &path.display().to_string()]).good();
    assert_eq!(fs::read(&path).unwrap(), document);
    let xrff = lead.ctl(&["retrieve", "wine", "--format", "xrff"]).good().stdout;
    let again = cloister_tests::documents::parse(xrff.as_bytes());
    assert_eq!(again.rows(), 178);
    assert_eq!(again.columns, real("wine").columns);
    lead.ctl(&["remove", "wine"]).good();
    lead.ctl(&["retrieve", "wine"]).refused(3, &["wine"]);
    lead.ctl(&["remove", "wine"]).refused(3, &["wine"]);
    assert_eq!(lead.ctl(&["datasets", "--json"]).items::<Value>().len(), 1);
}

#[test]
fn peers_are_reached_added_and_removed() {
    let fleet = iris();
    let [status]: [StatusInfo; 1] = fleet.lead().ctl(&["status", "--json"]).items().try_into().unwrap();
    assert_eq!(status.peers.len(), 2);
    for peer in &status.peers {
        assert_eq!((peer.answers, peer.problem.as_ref()), (Some(true), None), "{}", peer.name);
    }
    assert!(status.test_keys && status.paillier_bits == 1024);
    assert!(status.warnings.iter().any(|warning| warning.contains("test keys")), "{:?}", status.warnings);
    let lead = fleet.lead();
    lead.ctl(&["peers", "ping", "clinic-b"]).good();
    lead.ctl(&["peers", "ping", "nobody"]).refused(3, &["nobody"]);
    lead.ctl(&["peers", "remove", "clinic-b"]).refused(4, &["clinic-b", "settings"]);
    let fingerprint = "5a".repeat(32);
    let add = |name: &str| {
        let address = fleet.hosts()[1].listen().to_string();
        lead.ctl(&[
            "peers",
            "add",
            name,
            "--role",
            "host",
            "--address",
            &address,
            "--fingerprint",
            &fingerprint,
        ])
    };
    add("clinic-x").good();
    add("clinic-b").refused(2, &["clinic-b"]);
    // Somebody listens there, but it is somebody else.
    lead.ctl(&["peers", "ping", "clinic-x"]).refused(6, &["clinic-x"]);
    lead.ctl(&["peers", "remove", "clinic-x"]).good();
    lead.ctl(&["peers", "ping", "clinic-x"]).refused(3, &["clinic-x"]);
}

#[test]
fn runs_that_are_started_all_at_once_end_and_leave_the_daemons_well() {
    let fleet = iris();
    let lead = fleet.lead();
    let started: Vec<_> = (0..5)
        .map(|_| {
            client::spawn(
                &lead.socket(),
                &["cluster", "iris", "-k", "3", "--privacy", "open", "--starts", "1"],
            )
        })
        .collect();
    let ended: Vec<_> =
        started.into_iter().map(|run| client::Answer::of(run.wait_with_output().unwrap())).collect();
    assert!(ended.iter().any(|answer| answer.code == Some(0)));
    // A host answers one invitation of a lead at a time, and says so.
    for answer in ended.iter().filter(|answer| answer.code != Some(0)) {
        assert_eq!(answer.code, Some(4), "{}", answer.stderr);
        assert!(answer.stderr.contains("try again"), "{}", answer.stderr);
    }
    lead.cluster(&["iris", "-k", "3", "--starts", "1"]);
}
