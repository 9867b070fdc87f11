//! Start, reload and stop.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use control::facts::JobState;
use control::{ClusterRequest, ErrorCode, Failure, Privacy, Request, Response};
use rustix::process::Signal;

use crate::site::{Site, assert_failure, csv, is_gone};

#[test]
fn ready_means_that_the_socket_answers_and_is_closed_to_others() {
    let site = Site::ready();
    let daemon = site.start();
    let mode = fs::symlink_metadata(site.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o660);
    let status = daemon.status();
    assert_eq!((status.name.as_str(), status.paillier_bits, status.test_keys), ("a", 1024, true));
    assert!(status.warnings.iter().any(|warning| warning.contains("test keys allowed: not for real data")));
    daemon.address();
    // A check beside a daemon at work looks at what it can.
    let said = site.command("check");
    assert_eq!((said.code, said.out.as_str()), (Some(0), "OK\n"), "{}", said.err);
    assert!(said.err.contains("in use by a running daemon"), "{}", said.err);
}

#[test]
fn a_stop_is_clean() {
    let site = Site::ready();
    for signal in [Signal::TERM, Signal::INT] {
        let mut daemon = site.start();
        let mut idle = daemon.connect();
        let mut busy = daemon.connect();
        busy.announce("people", None).unwrap();
        daemon.signal(signal);
        daemon.wait_for("STOPPING=1");
        assert_eq!(daemon.end().code(), Some(0), "{}", daemon.log());
        assert!(is_gone(&site.socket()));
        assert!(idle.0.answer().is_err());
        let Response::Failed(failure) = busy.0.answer().unwrap() else { panic!("stored") };
        assert_failure(&failure, ErrorCode::Failed, "the daemon is stopping");
        assert!(failure.hint.contains("start the upload again"), "{failure:?}");
    }
    // Nothing is left that keeps the next one from starting.
    assert_eq!(site.start().dataset_names(), [] as [String; 0]);
}

#[test]
fn whoever_sends_a_document_hears_of_the_stop() {
    let site = Site::ready();
    let mut daemon = site.start();
    let mut client = daemon.connect();
    client.announce("people", None).unwrap();
    let document = csv(2_000);
    // Sends without end, and so is in the middle of it when the daemon hangs up.
    let sender = std::thread::spawn(move || {
        while client.0.ask(&Request::Chunk(document.clone())).is_ok() {}
        client.0.answer()
    });
    daemon.signal(Signal::TERM);
    let Response::Failed(failure) = sender.join().unwrap().unwrap() else { panic!("stored") };
    assert_failure(&failure, ErrorCode::Failed, "the daemon is stopping");
    assert_eq!(daemon.end().code(), Some(0), "{}", daemon.log());
    assert_eq!(site.start().dataset_names(), [] as [String; 0]);
}

#[test]
fn a_run_does_not_hold_up_a_stop() {
    let mut site = Site::ready();
    // Takes connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    site.sections += "[policy]\nallow_open = true\n";
    for (name, role) in [("b", "host"), ("t", "third-party")] {
        let fingerprint = format!("{:064x}", name.as_bytes()[0]);
        site.sections += &format!(
            "[[peer]]\nname = {name:?}\nrole = {role:?}\naddress = \"{address}\"\nfingerprint = {fingerprint:?}\n\
             datasets = [\"people\"]\n"
        );
    }
    // Longer than any patience here.
    let mut daemon = site.start();
    daemon.upload("people", &csv(100)).unwrap();
    let request = ClusterRequest { privacy: Privacy::Open, ..ClusterRequest::new("people", 2) };
    let Response::JobStarted { id } = daemon.ask(&Request::Cluster(request)) else { panic!("no job") };
    let mut watcher = daemon.connect();
    let Response::Progress(progress) = watcher.ask(&Request::WatchJob { id: id.clone() }) else {
        panic!("no progress")
    };
    assert_eq!(progress.step, "agree");
    daemon.signal(Signal::TERM);
    let last = loop {
        match watcher.0.answer().unwrap() {
            Response::Progress(_) => {}
            other => break other,
        }
    };
    assert!(matches!(last, Response::Failed(Failure { .. })), "{last:?}");
    assert_eq!(daemon.end().code(), Some(0), "{}", daemon.log());

    let daemon = site.start();
    let Response::Jobs(jobs) = daemon.ask(&Request::Jobs) else { panic!("no jobs") };
    assert_eq!((jobs.len(), &jobs[0].id), (1, &id));
    assert_eq!(jobs[0].state, JobState::Cancelled, "{:?}", jobs[0]);
}

#[test]
fn two_daemons_do_not_share_a_state() {
    let site = Site::ready();
    let daemon = site.start();
    let second = site.command("run");
    assert_eq!(second.code, Some(1));
    assert!(second.err.contains("in use by another process"), "{}", second.err);
    assert_eq!(daemon.status().name, "a");

    // Another state under the same socket.
    let other = Site::ready();
    let path = other.settings();
    let quoted = |site: &Site| format!("{:?}", site.socket());
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(&quoted(&other), &quoted(&site))).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cloisterd"))
        .args(["run", "--config"])
        .arg(&path)
        .output()
        .unwrap();
    let said = crate::site::Said::from(output);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("another daemon answers on this socket"), "{}", said.err);
    assert_eq!(daemon.status().name, "a");
}

#[test]
fn the_socket_of_a_killed_daemon_is_replaced() {
    let site = Site::ready();
    drop(site.start());
    assert!(UnixStream::connect(site.socket()).is_err());
    assert!(!is_gone(&site.socket()));
    assert_eq!(site.start().status().name, "a");
}

#[test]
fn a_hang_up_puts_the_default_metric_into_force() {
    let mut site = Site::ready();
    let daemon = site.start();
    let settings = site.settings();
    let text = fs::read_to_string(&settings).unwrap();
    assert_eq!(daemon.status().metric, "euclidean");

    let swapped = text.replace("[plugins]\n", "[plugins]\nmetric = \"manhattan\"\n");
    fs::write(&settings, &swapped).unwrap();
    daemon.signal(Signal::HUP);
    daemon.wait_for("RELOADING=1");
    assert!(daemon.wait_for("READY=1").contains("the last reload failed"), "its plugin is not there yet");
    assert_eq!(daemon.status().metric, "euclidean");

    site.add_plugin("manhattan");
    daemon.signal(Signal::HUP);
    daemon.wait_for("RELOADING=1");
    daemon.wait_for("READY=1");
    assert_eq!(daemon.status().metric, "manhattan");
    let Response::Plugins(plugins) = daemon.ask(&Request::Plugins) else { panic!("no plugins") };
    let defaults: Vec<_> =
        plugins.iter().filter(|plugin| plugin.default).map(|plugin| plugin.name.as_str()).collect();
    assert_eq!((defaults, plugins.len()), (vec!["manhattan"], 2));

    fs::write(&settings, swapped.replace("role = \"host\"", "role = \"hots\"")).unwrap();
    daemon.signal(Signal::HUP);
    daemon.wait_for("RELOADING=1");
    daemon.wait_for("READY=1");
    assert_eq!(daemon.status().metric, "manhattan");
    site.top.clear();
}

#[test]
fn a_reload_says_what_changed_and_what_must_wait() {
    let mut site = Site::ready();
    let daemon = site.start();
    let listen = daemon.address();
    site.top = "name = \"z\"\nrole = \"host\"\n".into();
    site.sections = "[paillier]\nbits = 3072\n[policy]\nmin_rows = 7\n\
                     [[peer]]\nname = \"b\"\nrole = \"host\"\naddress = \"127.0.0.1:1\"\n"
        .into();
    site.sections += &format!("fingerprint = \"{:064x}\"\n", 11);
    site.settings();
    let Response::Reloaded { notes } = daemon.ask(&Request::Reload) else { panic!("not reloaded") };
    let expected = [
        "policy.min_rows is 7 (was 20)",
        "peer b is new",
        "name has changed; restart",
        "paillier.bits has changed; restart",
        "paillier.test_keys has changed; restart",
    ];
    assert_eq!(notes.len(), expected.len(), "{notes:?}");
    for (note, expected) in notes.iter().zip(expected) {
        assert!(note.starts_with(expected), "{note:?} is not {expected:?}");
    }
    let status = daemon.status();
    assert_eq!((status.name.as_str(), status.test_keys, status.peers.len()), ("a", true, 1));
    assert_eq!(daemon.address(), listen);
    assert_eq!(status.peers[0].answers, Some(false));

    site.sections = "[policy]\nmin_rows = 0\n".into();
    site.settings();
    assert_failure(&daemon.failure(&Request::Reload), ErrorCode::Usage, "policy.min_rows");
    assert_eq!(daemon.status().peers.len(), 1);
}
