//! Parties that die or hang in the middle of a run: all others end it with an error that names the culprit, nobody
//! keeps half of anything, and the next run works.
//!
//! A relay before the third party holds the run at the step that a test is about.

use cloister_tests::documents::{deal, real};
use cloister_tests::fleet::{Fleet, FleetConfig};
use cloister_tests::settings::Role;
use cloister_tests::wait_for;
use control::ErrorCode;
use control::facts::{JobInfo, JobState};

const STEPS: [&str; 6] = ["agree", "setup", "normalise", "start", "round", "reveal"];
const RUN: [&str; 5] = ["iris", "-k", "3", "--starts", "1"];

fn fleet(hosts: usize) -> Fleet {
    let fleet = Fleet::start(&FleetConfig {
        hosts,
        datasets: &["iris"],
        relay: true,
        change: &|settings| settings.timeout_seconds = 3,
    });
    fleet.upload("iris", &deal(&real("iris"), hosts));
    fleet
}

/// The end of a run at a party that lived through it: as it should be with `culprit` gone at `step`.
#[track_caller]
fn ended_well(fleet: &Fleet, index: usize, id: &str, culprit: &str, step: &str) {
    let party = &fleet.parties[index];
    let place = format!("{} after {culprit} was lost in step {step}", party.name());
    // Who was not told to begin has no job.
    let job: Option<JobInfo> = party.job(id).map(|_| party.job_ended(id));
    let results = party.results().iter().filter(|result| result.id == id).count();
    match job {
        None => assert!(step == "agree" && index > 0, "{place}: no job"),
        Some(job) if job.state == JobState::Finished => {
            // A party that had all it needed when the other went away.
            assert_eq!(step, "reveal", "{place}: {job:?}");
            let host = party.settings.role == Role::Host;
            assert_eq!((results, job.result.is_some()), (usize::from(host), host), "{place}");
            return;
        }
        Some(job) => {
            let failure = job.failure.as_ref().unwrap_or_else(|| panic!("{place}: no reason"));
            assert_eq!(
                (job.state, failure.code),
                (JobState::Failed, ErrorCode::PeerFailed),
                "{place}: {failure:?}"
            );
            assert!(failure.message.contains(culprit), "{place}: {}", failure.message);
            assert!(!failure.hint.is_empty(), "{place}: {}", failure.message);
            assert_eq!(job.result, None, "{place}");
        }
    }
    assert_eq!(results, 0, "{place}: half a result");
}

fn killed(hosts: usize, victim: usize, steps: &[&str]) {
    let mut fleet = fleet(hosts);
    let culprit = fleet.parties[victim].name().to_owned();
    for step in steps {
        let id = fleet.reach(step, &RUN);
        fleet.parties[victim].kill();
        fleet.relay().release();
        for index in (0..fleet.parties.len()).filter(|&index| index != victim) {
            ended_well(&fleet, index, &id, &culprit, step);
        }
        if victim != 0 {
            // While it is away, a run ends with its name too.
            fleet.lead().try_cluster(&RUN).refused(6, &[&culprit]);
        }
        fleet.parties[victim].start();
        // What it was in the middle of has failed, and left nothing.
        let party = &fleet.parties[victim];
        if let Some(job) = party.job(&id) {
            assert_eq!((job.state, job.result), (JobState::Failed, None), "{culprit} after {step}");
        }
        assert!(party.results().iter().all(|result| result.id != id), "{culprit} after {step}");
        let next = fleet.lead().cluster(&RUN);
        for host in fleet.hosts() {
            assert_eq!(host.job_ended(&next.id).state, JobState::Finished, "{} after {step}", host.name());
            assert_eq!(host.result(&next.id).centres, next.centres);
        }
    }
}

fn hung(hosts: usize, victim: usize, steps: &[&str]) {
    let fleet = fleet(hosts);
    let culprit = fleet.parties[victim].name().to_owned();
    for step in steps {
        let id = fleet.reach(step, &RUN);
        fleet.parties[victim].hold();
        fleet.relay().release();
        for index in (0..fleet.parties.len()).filter(|&index| index != victim) {
            ended_well(&fleet, index, &id, &culprit, step);
        }
        fleet.parties[victim].resume();
        // It finds the others gone, or had all it needed.
        if let Some(job) = wait_for("a resumed daemon", || {
            let jobs = fleet.parties[victim].jobs();
            let job = jobs.into_iter().find(|job| job.id == id);
            job.as_ref().is_none_or(|job| job.state != JobState::Running).then_some(job)
        }) {
            let results = fleet.parties[victim].results();
            let kept = results.iter().any(|result| result.id == id);
            assert_eq!(kept, job.result.is_some(), "{culprit} after {step}");
            assert!(job.state == JobState::Failed || *step == "reveal", "{culprit} after {step}: {job:?}");
        }
        fleet.lead().cluster(&RUN);
    }
}

#[test]
fn a_peer_is_killed_at_any_step() {
    killed(2, 1, &STEPS);
}

#[test]
fn the_third_party_is_killed_at_any_step() {
    killed(2, 2, &STEPS);
}

#[test]
fn the_lead_is_killed_at_any_step() {
    killed(2, 0, &STEPS);
}

#[test]
fn a_further_host_is_killed_at_any_step() {
    killed(3, 2, &STEPS);
}

#[test]
fn a_peer_hangs() {
    hung(2, 1, &["agree", "normalise", "round"]);
}

#[test]
fn the_third_party_hangs() {
    hung(2, 2, &["agree", "normalise", "round"]);
}

#[test]
fn the_lead_hangs() {
    hung(2, 0, &["setup", "start", "reveal"]);
}

#[test]
fn a_further_host_hangs() {
    hung(3, 2, &["agree", "start", "round"]);
}

#[test]
fn a_peer_that_is_down_is_named_at_once() {
    let mut fleet = fleet(3);
    for victim in [1, 3] {
        fleet.parties[victim].terminate();
        assert_eq!(fleet.parties[victim].wait().and_then(|status| status.code()), Some(0), "a graceful end");
        let name = fleet.parties[victim].name().to_owned();
        fleet.lead().try_cluster(&RUN).refused(6, &[&name]);
        fleet.lead().ctl(&["peers", "ping", &name]).refused(6, &[&name]);
        fleet.parties[victim].start();
    }
    fleet.lead().cluster(&RUN);
}

#[test]
fn a_daemon_that_is_told_to_stop_ends_its_run_and_tells_the_others() {
    let mut fleet = fleet(2);
    let id = fleet.reach("round", &RUN);
    fleet.parties[1].terminate();
    fleet.relay().release();
    assert_eq!(fleet.parties[1].wait().and_then(|status| status.code()), Some(0), "a graceful end");
    assert!(!fleet.parties[1].socket().exists(), "the control socket is gone");
    for index in [0, 2] {
        let job = fleet.parties[index].job_ended(&id);
        let failure = job.failure.expect("a reason");
        assert_eq!(job.state, JobState::Failed);
        assert!(failure.message.contains("clinic-b"), "{}", failure.message);
    }
    fleet.parties[1].start();
    assert_ne!(fleet.parties[1].job(&id).expect("its own record").state, JobState::Running);
    fleet.lead().cluster(&RUN);
}
