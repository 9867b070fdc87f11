//! The lead's side of an agreement: from an operator's request to a run that all parties have accepted.

use std::sync::Arc;
use std::time::Duration;

use control::facts::{JobInfo, JobState};
use control::{ClusterRequest, ErrorCode, Failure, Normalize, Privacy, Role};
use kmeans::fixed::{Missing, Normalise, sealed};
use protocol::PartyId;

use super::ask::{Proposal, Streams, agree};
use super::descriptor::{Contribution, Descriptor, Invitation, Member, Purpose, VERSION};
use super::policy::{self, HostPart, Objection, Part, host_contribution, host_part};
use super::{links, run};
use crate::failure::from_vault;
use crate::jobs::{RunningJob, now_unix};
use crate::node::Node;
use crate::peers::KnownPeer;
use crate::rows;
use crate::settings::{self, Settings};

/// Starts of an `open` run unless asked for otherwise: enough that the best of them is near the best known result on
/// every dataset of the tests. Each shows joint centres of its own.
const OPEN_STARTS: u32 = 6;

/// Starts side by side unless asked for otherwise.
pub const fn default_starts(privacy: Privacy) -> u32 {
    match privacy {
        Privacy::Sealed => sealed::STARTS as u32,
        Privacy::Open => OPEN_STARTS,
    }
}

/// A run that this host can propose to the others.
pub(super) struct Prepared {
    pub(super) proposal: Proposal,
    pub(super) part: HostPart,
    pub(super) settings: Arc<Settings>,
}

/// Checks a request as far as this host can alone.
pub(super) fn prepare(
    node: &Arc<Node>,
    request: &ClusterRequest,
    purpose: Purpose,
) -> Result<Prepared, Failure> {
    let settings = node.settings();
    if settings.role == settings::Role::ThirdParty {
        return Err(Failure::new(ErrorCode::Refused, "this daemon is a third party; runs start at a host"));
    }
    node.vault.dataset(&request.dataset).map_err(from_vault)?;
    let (hosts, third_party) = choose_parties(node, request)?;
    let invitation = invitation(node, &settings, request, &hosts, &third_party)?;
    let part = host_part(node, &settings, &invitation).map_err(Objection::into_failure)?;
    let own = host_contribution(&settings, &part, purpose, &invitation).map_err(Objection::into_failure)?;
    // What can be checked before the others have answered is; their rows are not known yet.
    let mut contributions = vec![Contribution { padded_rows: 64, ..own.clone() }; hosts.len() + 2];
    contributions[0] = own.clone();
    let trial = Descriptor { invitation: invitation.clone(), contributions, resume: None };
    trial.plan().check().map_err(|error| Failure::new(ErrorCode::Usage, error.to_string()))?;
    let parties = hosts.into_iter().chain([third_party]).collect();
    Ok(Prepared {
        proposal: Proposal { purpose, invitation, own, document: part.document, parties },
        part,
        settings,
    })
}

/// Starts a joint run with this daemon as the lead; gives the job's id once the request itself is good.
pub fn start(node: &Arc<Node>, request: ClusterRequest) -> Result<String, Failure> {
    let Prepared { proposal, part, settings } = prepare(node, &request, Purpose::Run)?;
    let invitation = &proposal.invitation;
    let job = node.jobs.begin(JobInfo {
        id: invitation.job.clone(),
        dataset: invitation.dataset.clone(),
        state: JobState::Running,
        step: "agree".into(),
        round: 0,
        max_rounds: invitation.max_rounds,
        lead: settings.name.clone(),
        started_unix: now_unix(),
        ended_unix: None,
        result: None,
        failure: None,
    })?;
    let id = job.id().to_owned();
    let node = Arc::clone(node);
    node.runtime.clone().spawn(async move {
        let timeout = settings.network.timeout;
        match agree(&node, &job, proposal, |_| Ok(()), timeout).await {
            Ok((descriptor, streams)) => begin(node, job, descriptor, part, streams, timeout).await,
            Err(failure) => run::lost(&node, &job, PartyId::LEAD, failure),
        }
    });
    Ok(id)
}

/// The other hosts and the third party, as the request names them or as the settings leave no choice.
fn choose_parties(node: &Node, request: &ClusterRequest) -> Result<(Vec<KnownPeer>, KnownPeer), Failure> {
    let usage = |message: String, hint: &str| Failure::new(ErrorCode::Usage, message).with_hint(hint);
    let hosts: Vec<KnownPeer> = if request.peers.is_empty() {
        let listed = |peer: &KnownPeer| peer.role == Role::Host && peer.datasets.contains(&request.dataset);
        node.peers.list().into_iter().filter(listed).collect()
    } else {
        request.peers.iter().map(|name| node.peers.by_name(name)).collect::<Result<_, _>>()?
    };
    if hosts.is_empty() {
        let failure =
            Failure::new(ErrorCode::Refused, format!("no host peer lists dataset {}", request.dataset));
        return Err(failure.with_hint("add it to the `datasets` of a [[peer]] in the settings and reload"));
    }
    for (index, host) in hosts.iter().enumerate() {
        if host.role != Role::Host {
            return Err(usage(
                format!("peer {} is a third party, not a host", host.name),
                "name hosts with --peer",
            ));
        }
        if hosts[..index].iter().any(|other| other.name == host.name) {
            return Err(usage(format!("peer {} is named twice", host.name), "name each host once"));
        }
        if !host.datasets.contains(&request.dataset) {
            let message = format!("dataset {} is not listed for peer {}", request.dataset, host.name);
            return Err(Failure::new(ErrorCode::Refused, message).with_hint("the rule is [[peer]] datasets"));
        }
    }
    let thirds = || node.peers.list().into_iter().filter(|peer| peer.role == Role::ThirdParty);
    let third_party = match &request.third_party {
        Some(name) => node.peers.by_name(name)?,
        None => match (thirds().next(), thirds().nth(1)) {
            (Some(only), None) => only,
            (None, _) => return Err(usage("no peer is a third party".into(), "add one to the peers")),
            _ => return Err(usage("several peers are third parties".into(), "name one with --third-party")),
        },
    };
    if third_party.role != Role::ThirdParty {
        return Err(usage(
            format!("peer {} is not a third party", third_party.name),
            "name one with --third-party",
        ));
    }
    Ok((hosts, third_party))
}

fn invitation(
    node: &Node,
    settings: &Settings,
    request: &ClusterRequest,
    hosts: &[KnownPeer],
    third_party: &KnownPeer,
) -> Result<Invitation, Failure> {
    let own = rows::load(&node.vault, &request.dataset, request.attributes.as_deref())?.rows;
    let metric = request.metric.as_ref().unwrap_or(&settings.plugins.metric);
    let Some(loaded) = node.metrics.get(metric) else {
        return Err(Failure::new(ErrorCode::NotFound, format!("metric {metric} is not loaded here"))
            .with_hint("`cloisterctl plugins list` shows the loaded ones and why others are not"));
    };
    let member = |peer: &KnownPeer| Member { name: peer.name.clone(), fingerprint: peer.fingerprint };
    let me = Member { name: settings.name.clone(), fingerprint: node.identity.fingerprint() };
    Ok(Invitation {
        version: VERSION,
        job: random::<8>()?.map(|byte| format!("{byte:02x}")).concat(),
        dataset: request.dataset.clone(),
        hosts: [me].into_iter().chain(hosts.iter().map(member)).collect(),
        third_party: member(third_party),
        normalise: normalise(request, &own.attributes)?,
        attributes: own.attributes,
        named: request.attributes.is_some(),
        metric: (metric.clone(), loaded.version().to_owned()),
        privacy: policy::privacy(node, request.privacy, metric)?,
        k: request.k as usize,
        starts: request.starts.unwrap_or(default_starts(request.privacy)) as usize,
        // Below 2^53, so that every reader of JSON keeps it exactly.
        seed: request
            .seed
            .map_or_else(|| random().map(|bytes: [u8; 8]| u64::from_le_bytes(bytes) >> 11), Ok)?,
        max_rounds: request.max_rounds.unwrap_or(settings.policy.max_rounds),
        tolerance: request.tolerance.unwrap_or(0.0),
        missing: match request.missing {
            control::Missing::Fail => Missing::Fail,
            control::Missing::Drop => Missing::Drop,
            control::Missing::Mean => Missing::Mean,
        },
    })
}

fn normalise(request: &ClusterRequest, attributes: &[String]) -> Result<Normalise, Failure> {
    let usage = |message: String| {
        Failure::new(ErrorCode::Usage, message)
            .with_hint("--normalize range takes one --bounds NAME=LOW:HIGH for every attribute")
    };
    if request.normalize != Normalize::Range && !request.bounds.is_empty() {
        return Err(usage("--bounds goes with --normalize range only".into()));
    }
    Ok(match request.normalize {
        Normalize::ZScore => Normalise::ZScore,
        Normalize::Mean => Normalise::Mean,
        Normalize::None => Normalise::None,
        Normalize::Range => {
            if let Some(bound) = request.bounds.iter().find(|bound| !attributes.contains(&bound.attribute)) {
                return Err(usage(format!(
                    "--bounds names {}, which is not an attribute of the run",
                    bound.attribute
                )));
            }
            let bound_of = |attribute: &String| {
                let mut named = request.bounds.iter().filter(|bound| bound.attribute == *attribute);
                match (named.next(), named.next()) {
                    (Some(bound), None) => Ok((bound.low, bound.high)),
                    (None, _) => Err(usage(format!("attribute {attribute} has no bounds"))),
                    _ => Err(usage(format!("attribute {attribute} has bounds twice"))),
                }
            };
            Normalise::Range(attributes.iter().map(bound_of).collect::<Result<_, _>>()?)
        }
    })
}

/// Links the parties of a run and plays the lead's role in it.
pub(super) async fn begin(
    node: Arc<Node>,
    job: RunningJob,
    descriptor: Descriptor,
    part: HostPart,
    streams: Streams,
    timeout: Duration,
) {
    match links::establish(&node, &descriptor, PartyId::LEAD, streams, None, timeout).await {
        Ok(links) => run::spawn(node, job, descriptor, PartyId::LEAD, Part::Host(part), links),
        Err(links::Unlinked { failure, .. }) => run::lost(&node, &job, PartyId::LEAD, failure),
    }
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| Failure::new(ErrorCode::Failed, "the operating system's random generator failed"))?;
    Ok(bytes)
}
