//! Whether this daemon takes part in a run that it is invited to, and with what.

use std::sync::Arc;

use control::{ErrorCode, Failure, Role};
use kmeans::Metric;
use kmeans::fixed::RawRows;
use protocol::PartyId;
use transport::Fingerprint;

use super::descriptor::{Contribution, Invitation, VERSION};
use crate::failure::from_rows;
use crate::node::Node;
use crate::peers::KnownPeer;
use crate::results;
use crate::rows;
use crate::settings::{self, Settings};

/// What a host brings to a run that it takes part in.
pub(crate) struct HostPart {
    pub(crate) rows: RawRows,
    pub(crate) metric: Arc<dyn Metric>,
    pub(crate) min_cluster_rows: u64,
}

/// What this daemon is in a run.
pub(crate) enum Part {
    Host(HostPart),
    ThirdParty,
}

/// Row counts are public only up to a multiple of this.
const ROW_PADDING: u64 = 64;
/// The most rows of one host, so that sixteen of them stay within the protocol's limit.
const MAX_OWN_ROWS: u64 = 1 << 26;

fn refused(rule: &str, message: String) -> Failure {
    Failure::new(ErrorCode::Refused, message).with_hint(format!("the rule is {rule}"))
}

/// Checks an invitation that came from `from`; gives this daemon's place and part.
pub(crate) fn judge(
    node: &Node,
    invitation: &Invitation,
    from: &KnownPeer,
) -> Result<(PartyId, Part, Contribution), Failure> {
    let settings = node.settings();
    if invitation.version != VERSION {
        let message =
            format!("the run speaks version {} of the protocol, this daemon {VERSION}", invitation.version);
        return Err(
            Failure::new(ErrorCode::Refused, message).with_hint("run the same release at all parties")
        );
    }
    check_names(node, invitation)?;
    let own = node.identity.fingerprint();
    let Some(me) =
        invitation.parties().into_iter().find(|(_, member)| member.fingerprint == own).map(|(id, _)| id)
    else {
        return Err(refused("the invitation", "this daemon is not among the parties of the run".into()));
    };
    if invitation.hosts.first().map(|lead| lead.fingerprint) != Some(from.fingerprint) || me == PartyId::LEAD
    {
        return Err(refused("the invitation", "only the lead of a run may invite to it".into()));
    }
    check_members(node, invitation, own, me)?;
    match (me, settings.role) {
        (PartyId::THIRD_PARTY, settings::Role::ThirdParty) => {
            Ok((me, Part::ThirdParty, third_party_contribution(node)?))
        }
        (PartyId::THIRD_PARTY, _) => Err(refused("role", "this daemon is a host, not a third party".into())),
        (_, settings::Role::ThirdParty) => {
            Err(refused("role", "this daemon is a third party and has no rows".into()))
        }
        _ => {
            check_attributes(node, &settings, invitation)?;
            let judged = host_part(node, &settings, invitation)
                .and_then(|part| host_contribution(&settings, &part, invitation).map(|own| (part, own)));
            let (part, contribution) =
                judged.map_err(|failure| for_others(failure, &settings, invitation))?;
            Ok((me, Part::Host(part), contribution))
        }
    }
}

/// What the lead may read of a failure over this host's own rows: attributes, counts and the rest of the schema
/// stay in this host's log.
fn for_others(failure: Failure, settings: &Settings, invitation: &Invitation) -> Failure {
    if !matches!(failure.code, ErrorCode::BadData | ErrorCode::Usage | ErrorCode::Damaged) {
        return failure;
    }
    tracing::warn!(job = invitation.job, reason = failure.message, "own rows cannot take part in a run");
    let message = format!(
        "the rows of dataset {} at {} cannot take part in this run; its own log says why",
        invitation.dataset, settings.name
    );
    Failure::new(ErrorCode::BadData, message)
        .with_hint("ask its operator; attributes and missing values are the usual causes")
}

/// Names that will be printed and kept: those of another party's choosing are held to the syntax of names, and an id
/// must be new, so that no earlier job or result is touched.
fn check_names(node: &Node, invitation: &Invitation) -> Result<(), Failure> {
    let is_name = |name: &str| {
        (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let named = invitation.parties().into_iter().map(|(_, member)| member.name.as_str());
    if !named.chain([invitation.dataset.as_str(), invitation.metric.0.as_str()]).all(is_name) {
        return Err(refused("the invitation", "a name in it is none".into()));
    }
    let job = &invitation.job;
    let is_id = job.len() == 16 && job.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !is_id
        || node.jobs.list().iter().any(|known| known.id == *job)
        || results::get(&node.vault, job).is_ok()
    {
        return Err(refused("the invitation", "its job id is malformed or was used before".into()));
    }
    Ok(())
}

/// Every other party must be known here in its role, and every other host be allowed the dataset.
fn check_members(node: &Node, invitation: &Invitation, own: Fingerprint, me: PartyId) -> Result<(), Failure> {
    let members = invitation.parties();
    for (index, (_, member)) in members.iter().enumerate() {
        if members[..index].iter().any(|(_, other)| other.fingerprint == member.fingerprint) {
            return Err(refused(
                "the invitation",
                format!("{} is named twice among the parties", member.name),
            ));
        }
    }
    for (party, member) in members.iter().filter(|(_, member)| member.fingerprint != own) {
        let Some(known) = node.peers.by_fingerprint(&member.fingerprint) else {
            return Err(refused(
                "[[peer]]",
                format!("{} ({}) is not a peer here", member.name, member.fingerprint),
            )
            .with_hint("add it with `cloisterctl peers add` or as [[peer]] in the settings"));
        };
        let role = if *party == PartyId::THIRD_PARTY { Role::ThirdParty } else { Role::Host };
        if known.role != role {
            return Err(refused(
                "[[peer]] role",
                format!("peer {} is a {} here, not a {role}", known.name, known.role),
            ));
        }
        if me != PartyId::THIRD_PARTY && role == Role::Host && !known.datasets.contains(&invitation.dataset) {
            let message = format!("dataset {} is not listed for peer {}", invitation.dataset, known.name);
            return Err(refused("[[peer]] datasets", message));
        }
    }
    Ok(())
}

/// The checks that every host makes, the lead too.
pub(crate) fn host_part(
    node: &Node,
    settings: &Settings,
    invitation: &Invitation,
) -> Result<HostPart, Failure> {
    let policy = &settings.policy;
    if !policy.allow_open {
        return Err(refused(
            "policy.allow_open",
            format!("{} does not allow runs that show joint centres round by round", settings.name),
        ));
    }
    if invitation.max_rounds > policy.max_rounds {
        let (asked, most) = (invitation.max_rounds, policy.max_rounds);
        return Err(refused(
            "policy.max_rounds",
            format!("{asked} rounds were asked for, at most {most} are allowed"),
        ));
    }
    let (name, version) = &invitation.metric;
    let metric = node.metrics.get(name).ok_or_else(|| {
        Failure::new(ErrorCode::NotFound, format!("metric {name} is not loaded at {}", settings.name))
            .with_hint("install the plugin there and reload, or choose another with --metric")
    })?;
    if metric.version() != version {
        let message = format!(
            "metric {name} is version {} at {}, version {version} at the lead",
            metric.version(),
            settings.name
        );
        return Err(
            Failure::new(ErrorCode::Refused, message).with_hint("install the same version at all hosts")
        );
    }
    let rows = rows::load(&node.vault, &invitation.dataset, Some(&invitation.attributes))?;
    Ok(HostPart { rows, metric, min_cluster_rows: policy.min_cluster_rows })
}

/// Attributes that no operator named must be this host's own default ones, in the same order.
fn check_attributes(node: &Node, settings: &Settings, invitation: &Invitation) -> Result<(), Failure> {
    if invitation.named {
        return Ok(());
    }
    let own = rows::load(&node.vault, &invitation.dataset, None)
        .map_err(|failure| for_others(failure, settings, invitation))?
        .attributes;
    match own == invitation.attributes {
        true => Ok(()),
        false => Err(schema_mismatch(&settings.name, &invitation.dataset, &own, &invitation.attributes)),
    }
}

/// This host's public part of the descriptor.
pub(crate) fn host_contribution(
    settings: &Settings,
    part: &HostPart,
    invitation: &Invitation,
) -> Result<Contribution, Failure> {
    let (_, kept) = part.rows.prepare(invitation.missing).map_err(|error| from_rows(&error))?;
    let (rows, least) = (kept.len() as u64, settings.policy.min_rows);
    if rows < least {
        // The number itself stays here; the rule's number is no secret.
        let message =
            format!("{} has fewer than {least} rows in dataset {}", settings.name, invitation.dataset);
        return Err(refused("policy.min_rows", message));
    }
    if rows == 0 || rows > MAX_OWN_ROWS {
        let message = format!(
            "dataset {} at {} has no rows, or more than {MAX_OWN_ROWS}",
            invitation.dataset, settings.name
        );
        return Err(Failure::new(ErrorCode::BadData, message));
    }
    Ok(Contribution {
        nonce: nonce()?,
        padded_rows: rows.next_multiple_of(ROW_PADDING),
        reveal_sizes: settings.policy.reveal.sizes,
        reveal_inertia: settings.policy.reveal.inertia,
        key_bits: 0,
    })
}

fn third_party_contribution(node: &Node) -> Result<Contribution, Failure> {
    Ok(Contribution {
        nonce: nonce()?,
        padded_rows: 0,
        reveal_sizes: true,
        reveal_inertia: true,
        key_bits: node.paillier.public().bits(),
    })
}

fn nonce() -> Result<[u8; 16], Failure> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce)
        .map_err(|_| Failure::new(ErrorCode::Failed, "the operating system's random generator failed"))?;
    Ok(nonce)
}

fn schema_mismatch(host: &str, dataset: &str, own: &[String], asked: &[String]) -> Failure {
    let differs = (0..own.len().max(asked.len())).find(|&at| own.get(at) != asked.get(at)).unwrap_or(0);
    let name = |names: &[String]| names.get(differs).cloned().unwrap_or_else(|| "none".into());
    let message = format!(
        "the attributes of dataset {dataset} differ: number {} is {} at the lead and {} at {host}",
        differs + 1,
        name(asked),
        name(own)
    );
    Failure::new(ErrorCode::BadData, message)
        .with_hint("name the attributes to use with --attributes, or bring the datasets in line")
}
