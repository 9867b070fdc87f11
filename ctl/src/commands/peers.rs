use control::facts::PeerInfo;
use control::{ErrorCode, Failure, NewPeer, Request};

use super::Named;
use crate::cli::Peers;
use crate::daemon::{Daemon, answer};
use crate::output::{self, Outcome, Output};
use crate::text;

pub(super) const COLUMNS: [&str; 10] = [
    "name",
    "role",
    "address",
    "datasets",
    "origin",
    "answers",
    "rtt_ms",
    "version",
    "problem",
    "fingerprint",
];

pub(super) fn row(peer: &PeerInfo) -> [String; 10] {
    [
        peer.name.clone(),
        peer.role.to_string(),
        peer.address.clone(),
        if peer.datasets.is_empty() { "-".to_owned() } else { peer.datasets.join(", ") },
        peer.origin.as_str().to_owned(),
        text::or_dash(peer.answers.map(text::yes_no)),
        text::or_dash(peer.rtt_ms.map(text::number)),
        text::or_dash(peer.version.as_ref()),
        problem(peer).unwrap_or_default().to_owned(),
        peer.fingerprint.clone(),
    ]
}

/// Why it did not answer, without its address, which stands beside it.
fn problem(peer: &PeerInfo) -> Option<&str> {
    let problem = peer.problem.as_deref()?;
    let rest = problem.strip_prefix(peer.address.as_str()).and_then(|rest| rest.strip_prefix(": "));
    Some(rest.unwrap_or(problem))
}

pub(super) fn run(daemon: &mut Daemon, command: Option<&Peers>, output: &Output) -> Outcome {
    match command {
        None | Some(Peers::List) => {
            let peers = daemon.ask(&Request::Peers, answer!(Peers))?;
            output.list("peers", &peers, COLUMNS, row)
        }
        Some(Peers::Add { name, role, address, fingerprint, datasets }) => {
            let request = Request::AddPeer(NewPeer {
                name: name.clone(),
                role: *role,
                address: address.clone(),
                fingerprint: fingerprint.clone(),
                datasets: datasets.clone(),
            });
            let peer = daemon.ask(&request, answer!(Peer))?;
            let sentence = format!("added {} {} at {}", peer.role, peer.name, peer.address);
            output.done("peer", &*peer, &sentence)
        }
        Some(Peers::Ping { name }) => {
            let peer = daemon.ask(&Request::PingPeer { name: name.clone() }, answer!(Peer))?;
            if peer.answers == Some(true) {
                return output.facts("peer", &*peer, |peer| output::table(COLUMNS, [row(peer)]));
            }
            let why = problem(&peer).unwrap_or("no answer");
            let failure = Failure::new(ErrorCode::PeerFailed, format!("{name} at {}: {why}", peer.address));
            Err(failure
                .with_hint("is its daemon running, its address right, its fingerprint the pinned one?")
                .into())
        }
        Some(Peers::Remove { name }) => {
            daemon.order(&Request::RemovePeer { name: name.clone() })?;
            output.done("removed", &Named { name }, &format!("removed peer {name}"))
        }
    }
}
