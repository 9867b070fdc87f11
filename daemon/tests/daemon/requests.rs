//! What the control socket and the network's door answer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use control::facts::PeerOrigin;
use control::{ClusterRequest, Connection, ErrorCode, NewPeer, Request, Response, Role};
use transport::Identity;
use transport::tls::{TlsError, connect};

use crate::site::{Running, Site, assert_failure, csv};

const TIMEOUT: Duration = Duration::from_secs(20);

#[test]
fn what_is_not_there_is_not_found() {
    let site = Site::ready();
    let daemon = site.start();
    let name = || "nothing".to_owned();
    let requests = [
        Request::ShowDataset { name: name() },
        Request::RemoveDataset { name: name() },
        Request::WatchJob { id: name() },
        Request::CancelJob { id: name() },
        Request::ShowResult { id: name() },
        Request::Labels { id: name() },
        Request::RemoveResult { id: name() },
        Request::PingPeer { name: name() },
        Request::RemovePeer { name: name() },
        Request::CheckPlugin { file: "/nothing/libnothing.so".into() },
    ];
    let mut client = daemon.connect();
    for request in requests {
        assert_failure(&client.failure(&request), ErrorCode::NotFound, "nothing");
    }
    for request in [Request::Jobs, Request::Results, Request::Peers, Request::Datasets] {
        let empty = [
            Response::Jobs(vec![]),
            Response::Results(vec![]),
            Response::Peers(vec![]),
            Response::Datasets(vec![]),
        ];
        assert!(empty.contains(&client.ask(&request)), "{request:?}");
    }
    let relative = client.failure(&Request::CheckPlugin { file: "libx.so".into() });
    assert_failure(&relative, ErrorCode::Usage, "absolute");
}

#[test]
fn a_plugin_is_tried_without_being_taken_into_use() {
    let site = Site::ready();
    let daemon = site.start();
    let file = |name: &str| site.path("plugins").join(name).display().to_string();
    site.add_plugin("manhattan");
    let Response::Plugin(sound) = daemon.ask(&Request::CheckPlugin { file: file("libmanhattan.so") }) else {
        panic!("no plugin")
    };
    assert_eq!((sound.name.as_str(), sound.usable, sound.problem), ("manhattan", true, None));
    std::fs::write(file("libjunk.so"), "not a library").unwrap();
    let Response::Plugin(junk) = daemon.ask(&Request::CheckPlugin { file: file("libjunk.so") }) else {
        panic!("no plugin")
    };
    assert!(!junk.usable && junk.problem.is_some(), "{junk:?}");
    let Response::Plugins(list) = daemon.ask(&Request::Plugins) else { panic!("no plugins") };
    assert_eq!(list.iter().map(|plugin| plugin.name.as_str()).collect::<Vec<_>>(), ["euclidean"]);
}

#[test]
fn a_third_party_takes_no_rows_and_starts_nothing() {
    let mut site = Site::ready();
    site.top = "name = \"t\"\nrole = \"third-party\"\n".into();
    let daemon = site.start();
    let failure = daemon.upload("people", &csv(3)).unwrap_err();
    assert_failure(&failure, ErrorCode::Refused, "third party");
    let failure = daemon.failure(&Request::Cluster(ClusterRequest::new("people", 2)));
    assert_failure(&failure, ErrorCode::Refused, "third party");
}

fn pair(one: &Running, other: &Running, name: &str) -> NewPeer {
    let new = NewPeer {
        name: name.into(),
        role: Role::Host,
        address: other.address().to_string(),
        fingerprint: other.status().fingerprint,
        datasets: vec![],
    };
    assert!(matches!(one.ask(&Request::AddPeer(new.clone())), Response::Peer(_)));
    new
}

#[test]
fn peers_answer_once_both_know_each_other() {
    let (first, mut second) = (Site::ready(), Site::ready());
    second.top = "name = \"b\"\nrole = \"host\"\n".into();
    let (a, b) = (first.start(), second.start());
    let new = pair(&a, &b, "b");
    let Response::Peer(peer) = a.ask(&Request::PingPeer { name: "b".into() }) else { panic!("no peer") };
    assert_eq!((peer.answers, peer.origin), (Some(false), PeerOrigin::Added));
    assert!(peer.problem.unwrap().contains("does not accept this daemon"));
    // The log says whom it refused.
    b.wait_for_log(&a.status().fingerprint);

    pair(&b, &a, "a");
    let Response::Peer(peer) = a.ask(&Request::PingPeer { name: "b".into() }) else { panic!("no peer") };
    assert_eq!((peer.answers, peer.problem), (Some(true), None));
    assert_eq!(peer.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(a.status().peers[0].answers, Some(true));

    assert_failure(&a.failure(&Request::AddPeer(new.clone())), ErrorCode::Usage, "already");
    let own = NewPeer { name: "self".into(), fingerprint: a.status().fingerprint, ..new.clone() };
    assert_failure(&a.failure(&Request::AddPeer(own)), ErrorCode::Usage, "own fingerprint");
    let own = NewPeer { name: "a".into(), fingerprint: format!("{:064x}", 7), ..new };
    assert_failure(&a.failure(&Request::AddPeer(own)), ErrorCode::Usage, "own name");
    assert_eq!(a.ask(&Request::RemovePeer { name: "b".into() }), Response::Done);
    assert_eq!(a.ask(&Request::Peers), Response::Peers(vec![]));
}

#[test]
fn a_stranger_is_refused_at_the_network() {
    let site = Site::ready();
    let daemon = site.start();
    let (address, fingerprint) = (daemon.address(), daemon.status().fingerprint.parse().unwrap());
    let stranger = Identity::generate().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let refused = runtime.block_on(connect(&address.to_string(), &stranger, fingerprint, TIMEOUT));
    assert!(matches!(refused, Err(TlsError::NotAccepted { .. })));
    daemon.wait_for_log(&stranger.fingerprint().to_string());

    // One that speaks something else is cut off, and the daemon serves on.
    let mut garbage = TcpStream::connect(address).unwrap();
    garbage.set_read_timeout(Some(TIMEOUT)).unwrap();
    garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut rest = Vec::new();
    let _ = garbage.read_to_end(&mut rest);
    assert!(rest.len() < 100, "an alert at most");
    assert_eq!(daemon.status().name, "a");
}

#[test]
fn a_client_too_many_is_told_so() {
    let site = Site::ready();
    let daemon = site.start();
    let mut clients: Vec<_> = (0..64).map(|_| daemon.connect()).collect();
    let mut refused =
        Connection::establish(std::os::unix::net::UnixStream::connect(site.socket()).unwrap()).unwrap();
    let Response::Failed(failure) = refused.answer().unwrap() else { panic!("let in") };
    assert_failure(&failure, ErrorCode::Failed, "64 clients");
    // All the others are served.
    for client in &mut clients {
        assert_eq!(client.ask(&Request::Jobs), Response::Jobs(vec![]));
    }
}

#[test]
fn nonsense_on_the_socket_harms_nobody() {
    let site = Site::ready();
    let daemon = site.start();
    for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &[0; 4]] {
        let mut stream = std::os::unix::net::UnixStream::connect(site.socket()).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.write_all(nonsense).unwrap();
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        assert!(said.len() < 200);
    }
    assert_eq!(daemon.status().name, "a");
}
