//! Sealed runs that lose a party go on from the last round that all hosts have kept, and end as if nothing had happened.
//!
//! A relay before the third party holds the run where a test wants it.

use cloister_tests::documents::{csv, deal, numbers, real};
use cloister_tests::expected::{Expected, defaults_of, euclidean};
use cloister_tests::fleet::{Fleet, FleetConfig};
use cloister_tests::wait_for;
use control::facts::{JobInfo, JobState, RunResult};
use control::{ErrorCode, Privacy};
use kmeans::fixed::RawRows;
use kmeans::fixed::reference::Parameters;
use kmeans::fixed::sealed::Form;

const RUN: [&str; 9] = ["iris", "-k", "6", "--starts", "1", "--seed", "3", "--privacy", "sealed"];

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

fn expected(hosts: usize) -> Expected {
    let rows: Vec<RawRows> = deal(&real("iris"), hosts).iter().map(|part| numbers(part, None)).collect();
    let parameters = Parameters { starts: 1, ..defaults_of(Privacy::Sealed, 6, 3) };
    let expected = Expected::sealed(&rows, Form::SquaredEuclid, &parameters, &euclidean());
    assert!(expected.outcome.rounds > 5, "or there is nothing to resume: {}", expected.outcome.rounds);
    expected
}

/// Waits until a party that is up takes the job for interrupted.
#[track_caller]
fn interrupted(fleet: &Fleet, index: usize, id: &str) -> JobInfo {
    let party = &fleet.parties[index];
    let job = party.job_ended(id);
    assert_eq!(job.state, JobState::Interrupted, "{}: {job:?}", party.name());
    let failure = job.failure.as_ref().expect("a reason");
    assert!(failure.hint.contains(&format!("cloisterctl jobs resume {id}")), "{}: {failure:?}", party.name());
    job
}

/// Resumes at the lead and holds that all ends as it should.
#[track_caller]
fn resumed(fleet: &Fleet, id: &str, expected: &Expected) {
    let result: RunResult = fleet.lead().json(&["jobs", "resume", id]);
    assert_eq!(result.id, id);
    for (host, party) in fleet.hosts().iter().enumerate() {
        let job = party.job_ended(id);
        assert_eq!((job.state, job.result.as_deref()), (JobState::Finished, Some(id)), "{job:?}");
        let result = party.result(id);
        expected.assert_equals(host, &result, &party.labels(id));
        assert!(result.seconds.contains_key("start"), "the costs of both sessions: {:?}", result.seconds);
    }
    assert_eq!(fleet.third_party().job_ended(id).state, JobState::Finished);
    fleet.lead().ctl(&["jobs", "resume", id]).refused(4, &["finished", "results show"]);
}

/// The last state that the lead went on from, by its log.
fn went_on_after(fleet: &Fleet) -> Option<u32> {
    let log = fleet.lead().log();
    let (_, after) = log.rsplit_once("going on after round ")?;
    after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn killed_in_a_round(hosts: usize, victim: usize) {
    let expected = expected(hosts);
    let mut fleet = fleet(hosts);
    let id = fleet.reach_round(4, &RUN);
    fleet.parties[victim].kill();
    fleet.relay().release();
    for index in (0..fleet.parties.len()).filter(|&index| index != victim) {
        interrupted(&fleet, index, &id);
    }
    if victim != 0 {
        // Not before it is back; and nothing is lost by trying.
        let name = fleet.parties[victim].name().to_owned();
        fleet.lead().ctl(&["jobs", "resume", &id]).refused(6, &[&name]);
        interrupted(&fleet, 0, &id);
    }
    fleet.parties[victim].start();
    interrupted(&fleet, victim, &id);
    if hosts == 2 {
        fleet.parties[1].ctl(&["jobs", "resume", &id]).refused(4, &["clinic-a"]);
    }
    resumed(&fleet, &id, &expected);
    // The fourth round is in progress, the third may be being written: the second is there.
    let round = went_on_after(&fleet).expect("it did not begin anew");
    assert!((2..expected.outcome.rounds).contains(&round), "{round}");
}

#[test]
fn the_lead_is_killed_in_a_round() {
    killed_in_a_round(2, 0);
}

#[test]
fn the_second_host_is_killed_in_a_round() {
    killed_in_a_round(2, 1);
}

#[test]
fn the_third_party_is_killed_in_a_round() {
    killed_in_a_round(2, 2);
}

#[test]
fn a_further_host_is_killed_in_a_round() {
    killed_in_a_round(3, 2);
}

#[test]
fn all_parties_lose_power_in_a_round() {
    let expected = expected(2);
    let mut fleet = fleet(2);
    let id = fleet.reach_round(4, &RUN);
    fleet.parties.iter_mut().for_each(|party| party.kill());
    fleet.relay().release();
    fleet.parties.iter_mut().for_each(|party| party.start());
    for index in 0..3 {
        interrupted(&fleet, index, &id);
    }
    resumed(&fleet, &id, &expected);
    assert!(went_on_after(&fleet).is_some());
}

#[test]
fn a_party_is_killed_in_the_reveal() {
    let expected = expected(2);
    let mut fleet = fleet(2);
    for victim in [2, 1] {
        let id = fleet.reach("reveal", &RUN);
        fleet.parties[victim].kill();
        fleet.relay().release();
        fleet.parties[victim].start();
        (0..3).for_each(|index| drop(interrupted(&fleet, index, &id)));
        resumed(&fleet, &id, &expected);
        assert!(went_on_after(&fleet).is_some());
    }
}

#[test]
fn a_run_is_interrupted_time_and_again() {
    let expected = expected(2);
    let mut fleet = fleet(2);
    let id = fleet.reach_round(2, &RUN);
    for (victim, round) in [(1, 3), (0, 4), (2, 5)] {
        fleet.parties[victim].kill();
        fleet.relay().release();
        fleet.parties[victim].start();
        (0..3).for_each(|index| drop(interrupted(&fleet, index, &id)));
        if round < 5 {
            fleet.relay().hold();
            fleet.lead().ctl(&["jobs", "resume", &id, "--detach"]).good();
            fleet.advance_to_round(&id, round);
        }
    }
    resumed(&fleet, &id, &expected);
}

#[test]
fn before_the_first_state_is_kept_a_run_begins_anew() {
    let expected = expected(2);
    let mut fleet = fleet(2);
    for (victim, step) in [(1, "setup"), (0, "normalise"), (2, "start")] {
        let id = fleet.reach(step, &RUN);
        fleet.parties[victim].kill();
        fleet.relay().release();
        fleet.parties[victim].start();
        let ended = wait_for("the end of the run at the lead", || {
            let job = fleet.lead().job(&id)?;
            (job.state != JobState::Running).then_some(job)
        });
        assert_eq!(ended.state, JobState::Interrupted, "{step}: {ended:?}");
        let result: RunResult = fleet.lead().json(&["jobs", "resume", &id]);
        expected.assert_equals(0, &result, &fleet.lead().labels(&id));
        assert!(fleet.lead().log().contains("no state is kept by all hosts: beginning anew"), "{step}");
        fleet.hosts()[1].job_ended(&id);
    }
}

#[test]
fn a_daemon_that_is_told_to_stop_interrupts_its_run() {
    let expected = expected(2);
    let mut fleet = fleet(2);
    let id = fleet.reach_round(3, &RUN);
    fleet.parties[1].terminate();
    fleet.relay().release();
    assert_eq!(fleet.parties[1].wait().and_then(|status| status.code()), Some(0), "a graceful end");
    interrupted(&fleet, 0, &id);
    fleet.parties[1].start();
    interrupted(&fleet, 1, &id);
    resumed(&fleet, &id, &expected);
}

#[test]
fn what_changed_meanwhile_is_refused_with_a_reason() {
    let mut fleet = fleet(2);
    let id = fleet.reach_round(2, &RUN);
    fleet.parties[1].kill();
    fleet.relay().release();
    fleet.parties[1].start();
    (0..3).for_each(|index| drop(interrupted(&fleet, index, &id)));
    let resume = ["jobs", "resume", &id];
    let parts = deal(&real("iris"), 2);

    fleet.parties[1].settings.reveal = vec!["inertia"];
    fleet.parties[1].apply();
    fleet.lead().ctl(&resume).refused(4, &["clinic-b", "policy.reveal"]);
    fleet.parties[1].settings.reveal = vec!["inertia", "sizes"];
    fleet.parties[1].settings.max_rounds = 100;
    fleet.parties[1].apply();
    fleet.lead().ctl(&resume).refused(4, &["clinic-b", "policy.max_rounds"]);
    fleet.parties[1].settings.max_rounds = 300;
    fleet.parties[1].apply();

    // The same rows in another document are not the same dataset; first at the peer, then at the lead too.
    for host in [1, 0] {
        let party = &fleet.parties[host];
        party.ctl(&["remove", "iris"]).good();
        let mut changed = csv(&parts[host]);
        changed.extend_from_slice(b"\n");
        party.upload("iris", "iris.csv", &changed);
        let failure = fleet.lead().ctl(&resume).refused(4, &["iris", "changed since"]);
        assert_eq!(failure.stderr.contains("clinic-b"), host == 1, "{}", failure.stderr);
        interrupted(&fleet, 0, &id);
    }
    // Given up, it is over, and nothing of it can be resumed.
    fleet.lead().ctl(&["jobs", "cancel", &id]).good();
    assert_eq!(fleet.lead().job(&id).expect("its job").state, JobState::Cancelled);
    fleet.lead().ctl(&resume).refused(4, &["cancelled"]);
}

#[test]
fn a_run_that_failed_for_good_or_is_open_cannot_be_resumed() {
    let mut fleet = fleet(2);
    let id = fleet.reach_round(2, &RUN);
    fleet.lead().ctl(&["jobs", "resume", &id]).refused(4, &["running"]);
    fleet.parties[1].ctl(&["jobs", "cancel", &id]).good();
    fleet.relay().release();
    assert_eq!(fleet.parties[1].job_ended(&id).state, JobState::Cancelled);
    for index in [0, 2] {
        assert_eq!(fleet.parties[index].job_ended(&id).state, JobState::Failed);
    }
    fleet.lead().ctl(&["jobs", "resume", &id]).refused(4, &["failed"]);

    let id = fleet.reach("round", &[&RUN[..7], &["--privacy", "open"]].concat());
    fleet.parties[1].kill();
    fleet.relay().release();
    let job = fleet.lead().job_ended(&id);
    assert_eq!((job.state, job.failure.expect("a reason").code), (JobState::Failed, ErrorCode::PeerFailed));
    fleet.lead().ctl(&["jobs", "resume", &id]).refused(4, &["failed"]);
    fleet.lead().ctl(&["jobs", "resume", "ffff"]).refused(3, &["ffff"]);
}
