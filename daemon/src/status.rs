//! The state of the daemon in one answer.

use std::sync::Arc;
use std::time::Duration;

use control::facts::{PeerInfo, StatusInfo};
use control::{Failure, Role};
use vault::RecordKind;

use crate::failure::from_vault;
use crate::node::Node;
use crate::peers::KnownPeer;
use crate::service::Service;
use crate::settings::{self, Settings};
use crate::{session, startup};

/// How long a peer may take to answer somebody who wants to know the state.
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// Everything in `status`; asks all peers at once. For threads that may block.
pub(crate) fn status(service: &Service) -> Result<StatusInfo, Failure> {
    let node = &service.node;
    let settings = node.settings();
    Ok(StatusInfo {
        name: settings.name.clone(),
        role: role(&settings),
        version: env!("CARGO_PKG_VERSION").into(),
        fingerprint: node.identity.fingerprint().to_string(),
        listen: service.listen.to_string(),
        paillier_bits: node.paillier.public().bits(),
        test_keys: settings.paillier.test_keys,
        uptime_seconds: node.started.elapsed().as_secs(),
        metric: settings.plugins.metric.clone(),
        datasets: node.vault.datasets().map_err(from_vault)?.len() as u64,
        results: node.vault.list_records(RecordKind::Result).map_err(from_vault)?.len() as u64,
        jobs: node.jobs.running(),
        peers: ask_all(node),
        warnings: warnings(node, &settings)?,
    })
}

fn role(settings: &Settings) -> Role {
    match settings.role {
        settings::Role::Host => Role::Host,
        settings::Role::ThirdParty => Role::ThirdParty,
    }
}

/// What an operator should know, in words.
pub(crate) fn warnings(node: &Node, settings: &Settings) -> Result<Vec<String>, Failure> {
    let mut warnings = Vec::new();
    if settings.paillier.test_keys {
        warnings.push("test keys allowed: not for real data (paillier.test_keys = true)".to_owned());
    }
    let bits = node.paillier.public().bits();
    if bits < 3072 {
        warnings.push(format!("the Paillier key has {bits} bits, too few for real data"));
    }
    warnings.extend(settings.without_effect().map(str::to_owned));
    let missing = startup::check_default_metric(settings, &node.metrics).err();
    warnings.extend(missing.map(|failure| format!("{}: {}", failure.message, failure.hint)));
    warnings.extend(node.metrics.rejected().iter().map(|rejected| rejected.to_string()));
    warnings.extend(node.vault.damage().map_err(from_vault)?.iter().map(ToString::to_string));
    Ok(warnings)
}

/// A peer as it is known, not asked.
pub(crate) fn known(peer: &KnownPeer) -> PeerInfo {
    PeerInfo {
        name: peer.name.clone(),
        role: peer.role,
        address: peer.address.clone(),
        fingerprint: peer.fingerprint.to_string(),
        datasets: peer.datasets.clone(),
        origin: peer.origin,
        answers: None,
        rtt_ms: None,
        version: None,
        problem: None,
    }
}

/// Asks one peer; takes no longer than the limit in all.
pub(crate) async fn ask(node: &Node, peer: &KnownPeer) -> PeerInfo {
    tokio::time::timeout(PING_TIMEOUT, session::ping(node, peer, PING_TIMEOUT)).await.unwrap_or_else(|_| {
        PeerInfo {
            answers: Some(false),
            problem: Some(format!("no answer within {} s", PING_TIMEOUT.as_secs())),
            ..known(peer)
        }
    })
}

/// Asks all peers at once; the answers come in the peers' order.
fn ask_all(node: &Arc<Node>) -> Vec<PeerInfo> {
    let questions: Vec<_> = node
        .peers
        .list()
        .into_iter()
        .map(|peer| {
            let (node, known) = (Arc::clone(node), known(&peer));
            (known, node.runtime.clone().spawn(async move { ask(&node, &peer).await }))
        })
        .collect();
    node.runtime.block_on(async {
        let mut answers = Vec::with_capacity(questions.len());
        for (known, question) in questions {
            // A question that broke off leaves what is known without it.
            answers.push(question.await.unwrap_or(known));
        }
        answers
    })
}
