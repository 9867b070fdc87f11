//! Whether this daemon takes part in a run that it is invited to, and with what.

use std::sync::Arc;

use control::{ErrorCode, Failure, Role};
use kmeans::Metric;
use kmeans::fixed::sealed::Form;
use kmeans::fixed::{Missing, RawRows};
use metric_host::SecureForm;
use paillier::KeySize;
use protocol::{PartyId, Plan, Privacy};
use transport::Fingerprint;

use super::descriptor::{Contribution, Descriptor, Invitation, Purpose, VERSION};
use super::keep::Agreed;
use super::resume;
use crate::failure::from_rows;
use crate::node::Node;
use crate::peers::KnownPeer;
use crate::rows::{self, Loaded};
use crate::settings::{self, Settings};

/// What a host brings to a run that it takes part in.
pub(crate) struct HostPart {
    pub(crate) rows: RawRows,
    /// SHA-256 of the document that the rows are of.
    pub(crate) document: [u8; 32],
    pub(crate) metric: Arc<dyn Metric>,
    pub(crate) min_cluster_rows: u64,
}

/// What this daemon is in a run.
pub(crate) enum Part {
    Host(HostPart),
    ThirdParty,
}

/// An invitation that this daemon accepts.
pub(crate) struct Accepted {
    /// Its place in the run.
    pub(crate) me: PartyId,
    pub(crate) part: Part,
    pub(crate) contribution: Contribution,
    /// What was agreed before on a run that is to go on.
    pub(crate) before: Option<Agreed>,
}

/// Row counts are public only up to a multiple of this.
const ROW_PADDING: u64 = 64;
/// Runs of one lead at a time: each holds a dataset and a thread, and may fail over its rows before it is counted.
const MOST_RUNS: usize = 4;
/// The most rows of one host, so that sixteen of them stay within the protocol's limit.
const MAX_OWN_ROWS: u64 = 1 << 26;
/// The most memory of one sealed run, by its estimate: this part of the machine's. How many rows of others there are
/// shares of is another party's word.
const MEMORY_PART: u64 = 2;

fn refused(rule: &str, message: String) -> Failure {
    Failure::new(ErrorCode::Refused, message).with_hint(format!("the rule is {rule}"))
}

/// Checks an invitation that came from `from`.
pub(crate) fn judge(
    node: &Node,
    purpose: Purpose,
    invitation: &Invitation,
    from: &KnownPeer,
) -> Result<Accepted, Failure> {
    let settings = node.settings();
    if invitation.version != VERSION {
        let message =
            format!("the run speaks version {} of the protocol, this daemon {VERSION}", invitation.version);
        return Err(
            Failure::new(ErrorCode::Refused, message).with_hint("run the same release at all parties")
        );
    }
    check_names(invitation)?;
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
    if node.jobs.running().iter().filter(|job| job.lead == from.name).count() >= MOST_RUNS {
        let message = format!("{MOST_RUNS} runs of this lead are going on at {}", settings.name);
        return Err(Failure::new(ErrorCode::Refused, message).with_hint("wait until one of them has ended"));
    }
    if node.sessions.failed_too_often(&from.fingerprint) {
        let message = format!("too many runs of this lead failed over the rows of {}", settings.name);
        let failure = Failure::new(ErrorCode::Refused, message);
        return Err(failure
            .with_hint("its operator can allow more with `cloisterctl reload`, after a look at the log"));
    }
    let before = match purpose {
        Purpose::Resume => resume::agreed_before(node, &settings, invitation)?,
        Purpose::Run | Purpose::Estimate => None,
    };
    let (part, mut contribution) = part_of(node, &settings, purpose, invitation, from, me)?;
    if let Some(before) = &before {
        contribution.kept = resume::kept(node, &settings, before, &part, &contribution)?;
    }
    Ok(Accepted { me, part, contribution, before })
}

/// What this daemon is in the run, and brings to it.
fn part_of(
    node: &Node,
    settings: &Settings,
    purpose: Purpose,
    invitation: &Invitation,
    from: &KnownPeer,
    me: PartyId,
) -> Result<(Part, Contribution), Failure> {
    match (me, settings.role) {
        (PartyId::THIRD_PARTY, settings::Role::ThirdParty) => {
            Ok((Part::ThirdParty, third_party_contribution(node)?))
        }
        (PartyId::THIRD_PARTY, _) => Err(refused("role", "this daemon is a host, not a third party".into())),
        (_, settings::Role::ThirdParty) => {
            Err(refused("role", "this daemon is a third party and has no rows".into()))
        }
        _ => {
            let judged = host_part(node, settings, invitation).and_then(|part| {
                host_contribution(settings, &part, purpose, invitation).map(|own| (part, own))
            });
            let (part, contribution) = judged.map_err(|objection| match objection {
                Objection::Told(failure) => failure,
                Objection::Counted(failure) => {
                    node.sessions.count_failure(from.fingerprint);
                    failure
                }
                Objection::Own(failure) => {
                    node.sessions.count_failure(from.fingerprint);
                    for_others(&failure, settings, invitation)
                }
            })?;
            Ok((Part::Host(part), contribution))
        }
    }
}

/// Why a host does not take part.
pub(crate) enum Objection {
    /// Its policy, or what the lead asked for.
    Told(Failure),
    /// The same, but it says a bit about the rows or the schema, and is counted.
    Counted(Failure),
    /// Its own rows: attributes, counts and the rest of the schema stay here.
    Own(Failure),
}

impl Objection {
    /// For this host's own operator.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Objection::Told(failure) | Objection::Counted(failure) | Objection::Own(failure) => failure,
        }
    }
}

/// What the lead may read of a failure over this host's own rows.
fn for_others(failure: &Failure, settings: &Settings, invitation: &Invitation) -> Failure {
    tracing::warn!(job = invitation.job, reason = failure.message, "own rows cannot take part in a run");
    let message = format!(
        "the rows of dataset {} at {} cannot take part in this run; its own log says why",
        invitation.dataset, settings.name
    );
    Failure::new(ErrorCode::BadData, message)
        .with_hint("ask its operator; attributes and missing values are the usual causes")
}

/// Names that will be printed and kept: those of another party's choosing are held to the syntax of names.
fn check_names(invitation: &Invitation) -> Result<(), Failure> {
    let is_name = |name: &str| {
        (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let named = invitation.parties().into_iter().map(|(_, member)| member.name.as_str());
    if !named.chain([invitation.dataset.as_str(), invitation.metric.0.as_str()]).all(is_name) {
        return Err(refused("the invitation", "a name in it is none".into()));
    }
    // Whether it is new is settled when the job begins.
    if !is_job_id(&invitation.job) {
        return Err(refused("the invitation", "its job id is malformed".into()));
    }
    Ok(())
}

/// Whether a lead would make such an id.
pub(crate) fn is_job_id(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
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
        let role = if *party == PartyId::THIRD_PARTY { Role::ThirdParty } else { Role::Host };
        let needs_dataset = me != PartyId::THIRD_PARTY && role == Role::Host;
        let accepted = node.peers.by_fingerprint(&member.fingerprint).is_some_and(|known| {
            known.role == role && (!needs_dataset || known.datasets.contains(&invitation.dataset))
        });
        if !accepted {
            // One message for all reasons, so that nobody can probe who is known here and as what.
            let name = &member.name;
            let message = match needs_dataset {
                true => {
                    format!("{name} is not a peer here with role {role} and dataset {}", invitation.dataset)
                }
                false => format!("{name} is not a peer here with role {role}"),
            };
            return Err(refused("[[peer]]", message));
        }
    }
    Ok(())
}

/// The checks that every host makes, the lead too.
pub(crate) fn host_part(
    node: &Node,
    settings: &Settings,
    invitation: &Invitation,
) -> Result<HostPart, Objection> {
    let policy = &settings.policy;
    if !invitation.is_sealed() && !policy.allow_open {
        let message = format!("{} does not allow runs that show joint centres round by round", settings.name);
        return Err(Objection::Told(refused("policy.allow_open", message)));
    }
    if invitation.max_rounds > policy.max_rounds {
        let (asked, most) = (invitation.max_rounds, policy.max_rounds);
        let message = format!("{asked} rounds were asked for, at most {most} are allowed");
        return Err(Objection::Told(refused("policy.max_rounds", message)));
    }
    let (name, version) = &invitation.metric;
    let Some(metric) = node.metrics.get(name) else {
        let failure =
            Failure::new(ErrorCode::NotFound, format!("metric {name} is not loaded at {}", settings.name));
        return Err(Objection::Told(
            failure.with_hint("install the plugin there and reload, or choose another with --metric"),
        ));
    };
    if metric.version() != version {
        let message = format!(
            "metric {name} is version {} at {}, version {version} at the lead",
            metric.version(),
            settings.name
        );
        let failure = Failure::new(ErrorCode::Refused, message);
        return Err(Objection::Told(failure.with_hint("install the same version at all hosts")));
    }
    check_form(node, settings, invitation).map_err(Objection::Told)?;
    if node.vault.dataset(&invitation.dataset).is_err() {
        let message = format!("{} has no dataset {}, or it is damaged", settings.name, invitation.dataset);
        let failure = Failure::new(ErrorCode::NotFound, message);
        return Err(Objection::Told(failure.with_hint("its operator uploads it there, under the same name")));
    }
    let named = invitation.named.then_some(invitation.attributes.as_slice());
    let Loaded { rows, document } =
        rows::load(&node.vault, &invitation.dataset, named).map_err(Objection::Own)?;
    match rows.attributes == invitation.attributes {
        true => Ok(HostPart { rows, document, metric, min_cluster_rows: policy.min_cluster_rows }),
        false => Err(Objection::Counted(schema_mismatch(&settings.name, invitation, &rows.attributes))),
    }
}

/// What the hosts see of a run, and the form in which a sealed one computes this host's metric.
pub(crate) fn privacy(node: &Node, asked: control::Privacy, metric: &str) -> Result<Privacy, Failure> {
    match asked {
        control::Privacy::Open => Ok(Privacy::Open),
        control::Privacy::Sealed => match secure_form(node, metric) {
            Some(form) => Ok(Privacy::Sealed(form)),
            None => {
                let message =
                    format!("metric {metric} has no secure form, so a sealed run cannot compute it");
                Err(Failure::new(ErrorCode::Refused, message).with_hint(
                    "choose one that has with --metric (`cloisterctl plugins list` shows them), or --privacy open where \
                     every host's policy allows it",
                ))
            }
        },
    }
}

/// The form that a metric's plugin declares.
fn secure_form(node: &Node, metric: &str) -> Option<Form> {
    let plugin = node.metrics.list().into_iter().find(|plugin| plugin.name == metric)?;
    match plugin.secure_form {
        SecureForm::None => None,
        SecureForm::SquaredEuclidean => Some(Form::SquaredEuclid),
        SecureForm::Manhattan => Some(Form::Manhattan),
    }
}

/// A sealed run's form must be the one that this host's own plugin declares.
fn check_form(node: &Node, settings: &Settings, invitation: &Invitation) -> Result<(), Failure> {
    let Privacy::Sealed(agreed) = invitation.privacy else { return Ok(()) };
    let metric = &invitation.metric.0;
    let own = secure_form(node, metric);
    if own == Some(agreed) {
        return Ok(());
    }
    let name = |form| match form {
        None => "no secure form",
        Some(Form::SquaredEuclid) => "the squared Euclidean form",
        Some(Form::Manhattan) => "the Manhattan form",
    };
    let message =
        format!("metric {metric} has {} at {}, {} at the lead", name(own), settings.name, name(Some(agreed)));
    Err(Failure::new(ErrorCode::Refused, message).with_hint("install the same plugin at all hosts"))
}

/// This host's public part of the descriptor. An estimate's counts all rows: how many are complete in attributes of a
/// lead's choosing is for a run to tell, which is seen and counted.
pub(crate) fn host_contribution(
    settings: &Settings,
    part: &HostPart,
    purpose: Purpose,
    invitation: &Invitation,
) -> Result<Contribution, Objection> {
    let rows = match purpose {
        Purpose::Estimate => part.rows.rows(),
        Purpose::Run | Purpose::Resume => {
            let prepared = part.rows.prepare(invitation.missing);
            prepared.map_err(|error| Objection::Own(from_rows(&error)))?.1.len()
        }
    };
    let (rows, policy) = (rows as u64, &settings.policy);
    let (host, dataset, k) = (&settings.name, &invitation.dataset, invitation.k as u64);
    if rows < policy.min_rows {
        let message = format!("{host} has fewer than {} rows in dataset {dataset}", policy.min_rows);
        return Err(Objection::Counted(refused("policy.min_rows", message)));
    }
    if rows == 0 || rows > MAX_OWN_ROWS {
        let message = format!("dataset {dataset} at {host} has no rows, or more than {MAX_OWN_ROWS}");
        return Err(Objection::Counted(Failure::new(ErrorCode::BadData, message)));
    }
    // With as many centres as rows a joint centre is a row, and mode `open` shows it. Judged by the padded count, so
    // that no refusal says more of the true one. That of all rows is public; that of the rows complete in attributes
    // of the lead's choosing is for runs to tell, so a refusal by it is counted.
    let of_complete_rows = invitation.missing == Missing::Drop && purpose != Purpose::Estimate;
    let objection = if of_complete_rows { Objection::Counted } else { Objection::Told };
    let padded_rows = rows.next_multiple_of(ROW_PADDING);
    if k > padded_rows {
        let failure =
            Failure::new(ErrorCode::BadData, format!("k = {k} is larger than the number of rows at {host}"));
        return Err(objection(failure.with_hint("ask for fewer clusters")));
    }
    if k.saturating_mul(policy.min_cluster_rows) > padded_rows {
        let least = policy.min_cluster_rows;
        let message = format!("k = {k} leaves fewer than {least} rows of {host} a cluster on average");
        return Err(objection(refused("policy.min_cluster_rows", message)));
    }
    Ok(Contribution {
        nonce: nonce().map_err(Objection::Told)?,
        padded_rows,
        min_cluster_rows: policy.min_cluster_rows,
        reveal_sizes: policy.reveal.sizes,
        reveal_inertia: policy.reveal.inertia,
        key_bits: 0,
        kept: Vec::new(),
    })
}

/// What party `me` checks of the others' contributions; a host also of the third party's key.
pub(crate) fn check_contributions(
    settings: &Settings,
    descriptor: &Descriptor,
    me: PartyId,
) -> Result<(), Failure> {
    let (Some((third, hosts)), members) =
        (descriptor.contributions.split_last(), &descriptor.invitation.hosts)
    else {
        return Err(refused("the invitation", "it has no contributions".into()));
    };
    if descriptor.resume != Descriptor::last_common(&descriptor.contributions) {
        let message = "the run does not go on from the last state that all hosts have kept";
        return Err(refused("the invitation", message.into()));
    }
    let padded = |host: &Contribution| {
        host.padded_rows.is_multiple_of(ROW_PADDING) && (1..=MAX_OWN_ROWS).contains(&host.padded_rows)
    };
    if hosts.len() != members.len() || !hosts.iter().all(padded) {
        return Err(refused("the invitation", "its contributions do not fit its hosts".into()));
    }
    let size = KeySize::from_bits(third.key_bits).map_err(|_| {
        refused("paillier.bits", format!("the third party has a key of {} bits", third.key_bits))
    })?;
    if size.is_test() && settings.role == settings::Role::Host && !settings.paillier.test_keys {
        let message = format!("the third party has a test key of {} bits", third.key_bits);
        return Err(refused("paillier.test_keys", message));
    }
    let plan = descriptor.plan();
    plan.check().map_err(|error| Failure::new(ErrorCode::Usage, error.to_string()))?;
    match descriptor.invitation.is_sealed() {
        true => check_memory(&settings.name, &plan, me, machine_memory() / MEMORY_PART),
        // Nobody holds anything of others' rows.
        false => Ok(()),
    }
}

/// The estimate of what party `me`, which is called `name`, needs must not be above `most` bytes.
fn check_memory(name: &str, plan: &Plan, me: PartyId, most: u64) -> Result<(), Failure> {
    // Of the largest plans it takes a good part of a second.
    let found = tokio::task::block_in_place(|| protocol::estimate(plan));
    let found = found.map_err(|error| Failure::new(ErrorCode::Usage, error.to_string()))?;
    let needed = match me {
        PartyId::THIRD_PARTY => found.third_party_memory,
        _ => found.host_memory,
    };
    if needed <= most {
        return Ok(());
    }
    let (needed, most) = (needed.div_ceil(1 << 20), most >> 20);
    let message =
        format!("the run would take up to {needed} MiB of memory at {name}, which gives {most} MiB");
    Err(Failure::new(ErrorCode::Refused, message)
        .with_hint("ask for fewer attributes, clusters or starts, or take fewer rows"))
}

/// Bytes of memory of this machine, as Linux counts them; no limit where it does not say.
fn machine_memory() -> u64 {
    let counts = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = counts.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = total.and_then(|total| total.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.map_or(u64::MAX, |kibibytes| kibibytes.saturating_mul(1024))
}

fn third_party_contribution(node: &Node) -> Result<Contribution, Failure> {
    Ok(Contribution {
        nonce: nonce()?,
        padded_rows: 0,
        min_cluster_rows: 0,
        reveal_sizes: true,
        reveal_inertia: true,
        key_bits: node.paillier.public().bits(),
        kept: Vec::new(),
    })
}

fn nonce() -> Result<[u8; 16], Failure> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce)
        .map_err(|_| Failure::new(ErrorCode::Failed, "the operating system's random generator failed"))?;
    Ok(nonce)
}

/// Names what was asked for only: a lead could else read the whole schema, one invitation an attribute.
fn schema_mismatch(host: &str, invitation: &Invitation, own: &[String]) -> Failure {
    let asked = &invitation.attributes;
    let differs = (0..own.len().max(asked.len())).find(|&at| own.get(at) != asked.get(at)).unwrap_or(0);
    let what = match asked.get(differs) {
        Some(name) => {
            format!("{name}, number {} at the lead, is not the attribute in this place", differs + 1)
        }
        None => format!("there are more than the {} attributes of the lead", asked.len()),
    };
    let message = format!("the attributes of dataset {} differ at {host}: {what}", invitation.dataset);
    Failure::new(ErrorCode::BadData, message)
        .with_hint("name the attributes to use with --attributes, or bring the datasets in line")
}

#[cfg(test)]
mod tests {
    use kmeans::fixed::Normalise;

    use super::super::descriptor::tests::descriptor;
    use super::*;

    #[test]
    fn a_run_that_needs_too_much_memory_is_refused_with_how_much() {
        let mut descriptor = descriptor(Normalise::ZScore);
        let check = |descriptor: &Descriptor, me| check_memory("clinic-b", &descriptor.plan(), me, 1 << 30);
        for me in [PartyId::LEAD, PartyId::SECOND, PartyId::THIRD_PARTY] {
            check(&descriptor, me).unwrap();
        }
        // Another host's word is enough: the compute parties hold shares of its rows.
        descriptor.contributions[1].padded_rows = MAX_OWN_ROWS;
        let failure = check(&descriptor, PartyId::LEAD).unwrap_err();
        assert_eq!(failure.code, ErrorCode::Refused);
        assert!(failure.message.ends_with("MiB of memory at clinic-b, which gives 1024 MiB"), "{failure:?}");
        check(&descriptor, PartyId::THIRD_PARTY).unwrap();
        assert!(machine_memory() > 1 << 20);
    }
}
