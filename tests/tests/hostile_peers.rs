//! Peers that speak garbage: strangers, known peers, and one in the middle of an agreement.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use cloister_tests::documents::{deal, real};
use cloister_tests::fleet::{Fleet, FleetConfig};
use cloister_tests::party::Party;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use transport::{Fingerprint, Identity, tls};

const RUN: [&str; 5] = ["iris", "-k", "3", "--starts", "1"];
/// How long the attacker waits; the daemons wait 2 s.
const PATIENCE: Duration = Duration::from_secs(30);

fn iris() -> Fleet {
    let fleet = Fleet::start(&FleetConfig {
        datasets: &["iris"],
        change: &|settings| settings.timeout_seconds = 2,
        ..FleetConfig::default()
    });
    fleet.upload("iris", &deal(&real("iris"), 2));
    fleet
}

/// Bytes that are nothing in particular, always the same ones.
fn garbage(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| byte()).collect()
}

fn add_peer(party: &Party, name: &str, address: SocketAddr, fingerprint: &str) {
    let address = address.to_string();
    party
        .ctl(&[
            "peers",
            "add",
            name,
            "--role",
            "host",
            "--address",
            &address,
            "--fingerprint",
            fingerprint,
            "--dataset",
            "iris",
        ])
        .good();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn strangers_are_hung_up_on() {
    let fleet = iris();
    for party in &fleet.parties {
        let openings =
            [Vec::new(), garbage(5), garbage(100_000), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()];
        for opening in openings {
            let mut stream = TcpStream::connect(party.listen()).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            // A daemon that has seen enough hangs up before it has read everything.
            let _ = stream.write_all(&opening);
            let _ = stream.shutdown(Shutdown::Write);
            let mut answer = Vec::new();
            // A reset is an answer, too.
            let _ = stream.read_to_end(&mut answer);
            assert!(answer.len() < 1024, "{} bytes for nothing", answer.len());
        }
        // A whole handshake, with an identity that nobody has introduced.
        let address = party.listen().to_string();
        let expected: Fingerprint = party.fingerprint().parse().unwrap();
        let stranger = Identity::generate().unwrap();
        let refused = runtime().block_on(tls::connect(&address, &stranger, expected, PATIENCE));
        let refused = refused.map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains(&stranger.fingerprint().to_string()), "{refused}");
    }
    fleet.lead().cluster(&RUN);
}

#[test]
fn a_known_peer_that_sends_garbage_is_named_in_the_log() {
    let fleet = iris();
    let identity = Identity::generate().unwrap();
    let nowhere = "127.0.0.1:1".parse().unwrap();
    for party in &fleet.parties {
        add_peer(party, "mallory", nowhere, &identity.fingerprint().to_string());
        let address = party.listen().to_string();
        let expected: Fingerprint = party.fingerprint().parse().unwrap();
        // A length beyond every limit, an unfinished message, a message of the right length that is none.
        let mut wrong = 64_u32.to_le_bytes().to_vec();
        wrong.extend(garbage(64));
        for opening in [vec![0xff; 64], 1000_u32.to_le_bytes().to_vec(), wrong, garbage(3)] {
            runtime().block_on(async {
                let mut stream = tls::connect(&address, &identity, expected, PATIENCE).await.unwrap();
                stream.write_all(&opening).await.unwrap();
                let mut answer = Vec::new();
                let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
                assert!(read.is_ok(), "{} never hangs up", party.name());
                assert!(answer.is_empty(), "{} bytes for nothing", answer.len());
            });
        }
        assert!(party.log().contains("mallory"), "{}", party.log());
    }
    fleet.lead().cluster(&[&RUN[..], &["--peer", "clinic-b"]].concat());
}

/// Takes connections as `identity` and answers whatever comes with `answer`.
fn answering(identity: Identity, answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        runtime().block_on(async {
            let (stream, _) = listener.accept().unwrap();
            stream.set_nonblocking(true).unwrap();
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            let (mut stream, _) = tls::accept(stream, &identity, |_| true, PATIENCE).await.unwrap();
            let mut heard = [0; 16];
            stream.read_exact(&mut heard).await.unwrap();
            // The daemon may have left by then.
            let _ = stream.write_all(&answer).await;
            let _ = stream.flush().await;
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        });
    });
    address
}

#[test]
fn a_peer_that_answers_an_invitation_with_garbage_fails_the_run_by_name() {
    let fleet = iris();
    let mut wrong = 64_u32.to_le_bytes().to_vec();
    wrong.extend(garbage(64));
    for (index, answer) in [wrong, vec![0xff; 64], garbage(7), Vec::new()].into_iter().enumerate() {
        let identity = Identity::generate().unwrap();
        let fingerprint = identity.fingerprint().to_string();
        let name = format!("mallory-{index}");
        let address = answering(identity, answer);
        for party in [fleet.lead(), fleet.third_party()] {
            add_peer(party, &name, address, &fingerprint);
        }
        fleet.lead().try_cluster(&[&RUN[..], &["--peer", &name]].concat()).refused(6, &[&name]);
        assert!(fleet.lead().results().is_empty());
    }
    fleet.lead().cluster(&[&RUN[..], &["--peer", "clinic-b"]].concat());
}

#[test]
fn a_peer_whose_port_belongs_to_somebody_else_is_not_spoken_to() {
    let fleet = iris();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // The caller may have left.
            let _ = stream.write_all(&garbage(4096));
        }
    });
    add_peer(fleet.lead(), "mallory", address, &"77".repeat(32));
    fleet.lead().try_cluster(&[&RUN[..], &["--peer", "mallory"]].concat()).refused(6, &["mallory"]);
    fleet.lead().ctl(&["peers", "ping", "mallory"]).refused(6, &["mallory"]);
    fleet.lead().cluster(&[&RUN[..], &["--peer", "clinic-b"]].concat());
}
