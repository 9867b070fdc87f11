use kmeans::fixed::Normalise;
use vault::{MasterSecret, Unlock};

use super::*;
use crate::session::descriptor::tests::descriptor;

fn info(id: &str) -> JobInfo {
    JobInfo {
        id: id.into(),
        dataset: "people".into(),
        state: JobState::Running,
        step: "agree".into(),
        round: 3,
        max_rounds: 9,
        lead: "a".into(),
        started_unix: 1,
        ended_unix: None,
        result: None,
        failure: None,
    }
}

fn vault(folder: &tempfile::TempDir) -> Arc<Vault> {
    let unlock: Unlock = MasterSecret::from_bytes(&[7; 32]).unwrap().into();
    Arc::new(Vault::create(folder.path().join("vault"), &unlock).unwrap())
}

/// As a run keeps it: what was agreed and a state.
fn keep_a_session(vault: &Vault, id: &str) {
    let mut descriptor = descriptor(Normalise::ZScore);
    descriptor.invitation.job = id.into();
    keep::agree(vault, &keep::Agreed { me: PartyId::LEAD, descriptor, document: None, resumptions: 0 })
        .unwrap();
    vault.put_record(RecordKind::Session, &format!("{id}.1"), b"a state").unwrap();
}

fn sessions(vault: &Vault) -> Vec<String> {
    vault.list_records(RecordKind::Session).unwrap()
}

#[test]
fn an_interrupted_job_is_resumed_and_drops_what_it_kept_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    let jobs = Jobs::load(Arc::clone(&vault), now_unix()).unwrap();
    keep_a_session(&vault, "one");
    // The daemon dies while it runs.
    std::mem::forget(jobs.begin(info("one")).unwrap());
    let jobs = Jobs::load(Arc::clone(&vault), now_unix()).unwrap();
    let interrupted = jobs.find("one").unwrap();
    assert_eq!(interrupted.state, JobState::Interrupted);
    assert!(interrupted.failure.unwrap().hint.contains("cloisterctl jobs resume one"));
    assert_eq!(sessions(&vault), ["one", "one.1"]);

    let job = jobs.resume("one").unwrap();
    assert!(jobs.resume("one").is_err(), "it runs already");
    assert_eq!((jobs.find("one").unwrap().state, job.started_unix()), (JobState::Running, 1));
    job.interrupt(Failure::new(ErrorCode::PeerFailed, "b left"), PartyId::SECOND).unwrap();
    let hint = jobs.find("one").unwrap().failure.unwrap().hint;
    assert!(hint.contains("a goes on with"), "{hint}");

    jobs.resume("one").unwrap().finish(Some("one".into())).unwrap();
    assert_eq!(sessions(&vault), [""; 0]);
    assert!(jobs.resume("one").is_err());
}

#[test]
fn a_cancelled_job_drops_what_it_kept_and_one_whose_daemon_stops_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    let jobs = Jobs::load(Arc::clone(&vault), now_unix()).unwrap();
    let left = || Failure::new(ErrorCode::Failed, "stopped");
    for (id, by_operator) in [("one", true), ("two", false)] {
        keep_a_session(&vault, id);
        let job = jobs.begin(info(id)).unwrap();
        if by_operator {
            jobs.cancel(id).unwrap()
        } else {
            jobs.stop_all()
        }
        job.interrupt(left(), PartyId::LEAD).unwrap();
    }
    assert_eq!(jobs.find("one").unwrap().state, JobState::Cancelled);
    assert_eq!(jobs.find("two").unwrap().state, JobState::Interrupted);
    assert_eq!(sessions(&vault), ["two", "two.1"]);
    jobs.cancel("two").unwrap();
    assert_eq!(jobs.find("two").unwrap().state, JobState::Cancelled);
    assert_eq!(sessions(&vault), [""; 0]);
    // One that failed for good keeps nothing either, nor one whose end the daemon did not live to see.
    keep_a_session(&vault, "three");
    jobs.begin(info("three")).unwrap().fail(left()).unwrap();
    keep_a_session(&vault, "gone");
    Jobs::load(Arc::clone(&vault), now_unix()).unwrap();
    assert_eq!(sessions(&vault), [""; 0]);
}

#[test]
fn a_finished_job_is_done_and_a_failed_one_shows_where() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    let jobs = Jobs::load(Arc::clone(&vault), now_unix()).unwrap();
    jobs.begin(info("one")).unwrap().finish(Some("r".into())).unwrap();
    jobs.begin(info("two")).unwrap().fail(Failure::new(ErrorCode::PeerFailed, "b left")).unwrap();
    drop(jobs.begin(info("three")).unwrap());
    // The same now and after a restart.
    for jobs in [&jobs, &Jobs::load(vault, now_unix()).unwrap()] {
        for (id, state, step) in [
            ("one", JobState::Finished, "done"),
            ("two", JobState::Failed, "agree"),
            ("three", JobState::Failed, "agree"),
        ] {
            let view = jobs.watch(id).unwrap().borrow().clone();
            assert_eq!((view.info.state, view.info.step.as_str()), (state, step), "{id}");
            assert_eq!((view.progress.step.as_str(), view.info.round), (step, 3), "{id}");
        }
    }
}

#[test]
fn an_interrupted_job_waits_for_seven_days() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    let jobs = Jobs::load(Arc::clone(&vault), now_unix()).unwrap();
    for id in ["one", "two"] {
        keep_a_session(&vault, id);
        let left = Failure::new(ErrorCode::PeerFailed, "b left");
        jobs.begin(info(id)).unwrap().interrupt(left, PartyId::LEAD).unwrap();
    }
    let since = jobs.get("two").unwrap().ended_unix.unwrap();
    jobs.expire(since - 1 + WAITS).unwrap();
    assert_eq!(jobs.get("two").unwrap().state, JobState::Interrupted);
    assert_eq!(sessions(&vault).len(), 4);
    // One runs again: it is no longer waited for.
    let running = jobs.resume("one").unwrap();
    jobs.expire(since + WAITS).unwrap();
    assert_eq!(jobs.get("one").unwrap().state, JobState::Running);
    let expired = jobs.get("two").unwrap();
    assert_eq!(
        (expired.state, expired.failure.unwrap().message.as_str()),
        (JobState::Failed, "not resumed within 7 days")
    );
    assert_eq!(sessions(&vault), ["one", "one.1"]);
    assert!(jobs.resume("two").is_err());
    // The same at the next start.
    running.interrupt(Failure::new(ErrorCode::PeerFailed, "b left"), PartyId::LEAD).unwrap();
    let jobs = Jobs::load(Arc::clone(&vault), now_unix() + WAITS).unwrap();
    assert_eq!(jobs.get("one").unwrap().state, JobState::Failed);
    assert_eq!(sessions(&vault), [""; 0]);
}

#[test]
fn a_job_that_cannot_be_given_up_does_not_keep_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let vault = vault(&folder);
    let jobs = Jobs::load(Arc::clone(&vault), now_unix()).unwrap();
    // The names of its states would be longer than the vault takes.
    let stuck = "x".repeat(128);
    for id in [&stuck, "two"] {
        let left = Failure::new(ErrorCode::PeerFailed, "b left");
        jobs.begin(info(id)).unwrap().interrupt(left, PartyId::LEAD).unwrap();
    }
    keep_a_session(&vault, "two");
    jobs.expire(now_unix() + WAITS).unwrap_err();
    assert_eq!(jobs.get(&stuck).unwrap().state, JobState::Interrupted);
    assert_eq!(jobs.get("two").unwrap().state, JobState::Failed);
    assert_eq!(sessions(&vault), [""; 0]);
}
