//! What the parties of a run agree on, and the messages with which they do.

use control::ErrorCode;
use kmeans::fixed::{Missing, Normalise};
use protocol::{PartyId, Plan, Privacy};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use transport::Fingerprint;

/// The version of agreement and protocol; parties of another version refuse.
pub(crate) const VERSION: u16 = 2;
/// The longest message of an agreement: a thousand attribute names.
pub(crate) const AGREEMENT_LIMIT: usize = 1 << 20;

/// What all of a session's messages are bound to: the hash of everything agreed.
pub(crate) type SessionId = [u8; 16];

/// The first message on every connection between daemons.
#[derive(Serialize, Deserialize)]
pub(crate) enum Opening {
    /// Are you there? Answered by [`Pong`].
    Ping,
    /// Take part in a run. Answered by [`Answer`]; if all accept, [`Begin`] follows, unless it is an estimate.
    Invite(Purpose, Box<Invitation>),
    /// This connection is a link of the session.
    Join(SessionId),
}

/// What an invitation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// A new run.
    Run,
    /// To go on with one that was interrupted; a party that knows nothing of it takes it for a new one.
    Resume,
    /// To know what a run would cost; none follows.
    Estimate,
}

/// The answer to a ping.
#[derive(Serialize, Deserialize)]
pub(crate) struct Pong {
    pub(crate) version: String,
}

/// A party as all others know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// Its name, as the lead calls it; for people only.
    pub(crate) name: String,
    /// What it is known by.
    pub(crate) fingerprint: Fingerprint,
}

/// What the lead proposes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Invitation {
    /// [`VERSION`].
    pub(crate) version: u16,
    /// The job's id at every party.
    pub(crate) job: String,
    /// The dataset's name at every host.
    pub(crate) dataset: String,
    /// The hosts, the lead first, then the second.
    pub(crate) hosts: Vec<Member>,
    /// The third party.
    pub(crate) third_party: Member,
    /// The attributes, in order.
    pub(crate) attributes: Vec<String>,
    /// Whether the operator named them; otherwise they must be each host's own default ones.
    pub(crate) named: bool,
    /// The metric's name and version.
    pub(crate) metric: (String, String),
    /// What the hosts see of the run, and in mode `sealed` the metric's secure form.
    pub(crate) privacy: Privacy,
    /// Number of clusters.
    pub(crate) k: usize,
    /// Starts side by side.
    pub(crate) starts: usize,
    /// Fixes the public choices.
    pub(crate) seed: u64,
    /// The most main rounds.
    pub(crate) max_rounds: u32,
    /// The stop test's tolerance.
    pub(crate) tolerance: f64,
    /// How attributes are made comparable.
    pub(crate) normalise: Normalise,
    /// What to do with missing values.
    pub(crate) missing: Missing,
}

/// What a party answers to an invitation.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// It takes part, and puts in what only it knows.
    Accept(Contribution),
    /// It does not.
    Refuse(Refusal),
}

/// Why a party does not take part. No value of its data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// A party's part of the descriptor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contribution {
    /// Fresh for this session.
    pub(crate) nonce: [u8; 16],
    /// A host's rows, padded to a multiple of 64; 0 at the third party.
    pub(crate) padded_rows: u64,
    /// Of clusters with fewer rows of this host, but some, it shows no centre; 0 at the third party.
    pub(crate) min_cluster_rows: u64,
    /// Whether its policy shows joint sizes; true at the third party, which has no say.
    pub(crate) reveal_sizes: bool,
    /// Whether its policy shows the joint inertia.
    pub(crate) reveal_inertia: bool,
    /// The third party's key size; 0 at a host.
    pub(crate) key_bits: u32,
    /// The states that a host has kept of an interrupted run; none at the third party and in a new run.
    pub(crate) kept: Vec<Kept>,
}

/// The state after a round, kept by the hosts of a session. Shares go together only if both are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Main rounds done.
    pub(crate) round: u32,
    /// The session that made it.
    pub(crate) session: SessionId,
}

/// The agreed descriptor: all that is public in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Descriptor {
    pub(crate) invitation: Invitation,
    /// Of the hosts in their order, then of the third party.
    pub(crate) contributions: Vec<Contribution>,
    /// Where a resumed run goes on; `None` for one that begins at the beginning.
    pub(crate) resume: Option<Kept>,
}

/// The lead's word that all have accepted.
#[derive(Serialize, Deserialize)]
pub(crate) struct Begin {
    pub(crate) descriptor: Descriptor,
}

impl Contribution {
    /// Whether this is what the party said of itself before, but for what is new in every session.
    pub(crate) fn is_still(&self, before: &Contribution) -> bool {
        let fixed = |own: &Contribution| {
            (own.padded_rows, own.min_cluster_rows, own.reveal_sizes, own.reveal_inertia, own.key_bits)
        };
        fixed(self) == fixed(before)
    }
}

impl Invitation {
    /// Whether what is kept between two rounds is enough to go on after a failure.
    pub(crate) fn is_sealed(&self) -> bool {
        matches!(self.privacy, Privacy::Sealed(_))
    }

    /// All parties with their place in the run.
    pub(crate) fn parties(&self) -> Vec<(PartyId, &Member)> {
        let hosts = self.hosts.iter().enumerate().map(|(index, member)| (PartyId(index as u8), member));
        hosts.chain([(PartyId::THIRD_PARTY, &self.third_party)]).collect()
    }

    /// The name of a party.
    pub(crate) fn name_of(&self, party: PartyId) -> &str {
        self.parties()
            .into_iter()
            .find(|(id, _)| *id == party)
            .map_or("an unknown party", |(_, member)| &member.name)
    }
}

impl Descriptor {
    /// The first half of the SHA-256 of everything agreed.
    pub(crate) fn session_id(&self) -> SessionId {
        let encoded = transport::codec::encode(self).expect("a descriptor that came over the wire encodes");
        let mut hash = Sha256::new_with_prefix(b"cloister session 1");
        hash.update(&encoded);
        hash.finalize()[..16].try_into().expect("16 of 32 bytes")
    }

    /// The last state that all hosts have kept; `None` if there is none.
    pub(crate) fn last_common(contributions: &[Contribution]) -> Option<Kept> {
        let (_, hosts) = contributions.split_last()?;
        let (lead, others) = hosts.split_first()?;
        let common = |kept: &&Kept| others.iter().all(|host| host.kept.contains(kept));
        lead.kept.iter().filter(common).max_by_key(|kept| kept.round).copied()
    }

    /// A party's contribution.
    pub(crate) fn contribution(&self, party: PartyId) -> Option<&Contribution> {
        match party {
            PartyId::THIRD_PARTY => self.contributions.last(),
            PartyId(host) => {
                self.contributions[..self.contributions.len().saturating_sub(1)].get(usize::from(host))
            }
        }
    }

    /// The run's public shape.
    pub(crate) fn plan(&self) -> Plan {
        let invitation = &self.invitation;
        let hosts = &self.contributions[..invitation.hosts.len()];
        Plan {
            privacy: invitation.privacy,
            hosts: invitation.hosts.len(),
            rows: hosts.iter().map(|host| host.padded_rows).collect(),
            min_cluster_rows: hosts.iter().map(|host| host.min_cluster_rows).collect(),
            dim: invitation.attributes.len(),
            k: invitation.k,
            starts: invitation.starts,
            seed: invitation.seed,
            max_rounds: invitation.max_rounds,
            tolerance: invitation.tolerance,
            normalise: invitation.normalise.clone(),
            missing: invitation.missing,
            reveal_sizes: hosts.iter().all(|host| host.reveal_sizes),
            reveal_inertia: hosts.iter().all(|host| host.reveal_inertia),
            key_bits: self.contributions.last().map_or(0, |third| third.key_bits),
            resume: self.resume.map(|kept| kept.round),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use kmeans::fixed::sealed::Form;

    use super::*;

    /// Two hosts, `a` and `b`, and a third party `t`.
    pub(crate) fn descriptor(normalise: Normalise) -> Descriptor {
        let member =
            |name: &str, byte| Member { name: name.into(), fingerprint: Fingerprint::from_bytes([byte; 32]) };
        let contribution = |padded_rows, key_bits| Contribution {
            nonce: [7; 16],
            padded_rows,
            min_cluster_rows: 5,
            reveal_sizes: true,
            reveal_inertia: true,
            key_bits,
            kept: Vec::new(),
        };
        Descriptor {
            invitation: Invitation {
                version: VERSION,
                job: "0123456789abcdef".into(),
                dataset: "people".into(),
                hosts: vec![member("a", 1), member("b", 2)],
                third_party: member("t", 3),
                attributes: vec!["height".into(), "weight".into()],
                named: false,
                metric: ("euclidean".into(), "1.0".into()),
                privacy: Privacy::Sealed(Form::SquaredEuclid),
                k: 3,
                starts: 2,
                seed: 5,
                max_rounds: 9,
                tolerance: 0.0,
                normalise,
                missing: Missing::Fail,
            },
            contributions: vec![contribution(64, 0), contribution(128, 0), contribution(0, 3072)],
            resume: None,
        }
    }

    #[test]
    fn a_run_goes_on_from_the_last_state_that_all_hosts_have() {
        let mut descriptor = descriptor(Normalise::ZScore);
        let common = |descriptor: &Descriptor| Descriptor::last_common(&descriptor.contributions);
        let kept = |round, session: u8| Kept { round, session: [session; 16] };
        assert_eq!(common(&descriptor), None);
        descriptor.contributions[0].kept = vec![kept(4, 1), kept(5, 1), kept(2, 1), kept(3, 1)];
        assert_eq!(common(&descriptor), None, "the second host has none");
        descriptor.contributions[1].kept = vec![kept(1, 1), kept(2, 1), kept(3, 1), kept(4, 1)];
        assert_eq!(common(&descriptor), Some(kept(4, 1)));
        // Shares of one round from two sessions do not go together.
        descriptor.contributions[1].kept = vec![kept(4, 2), kept(5, 2), kept(2, 1), kept(3, 1)];
        assert_eq!(common(&descriptor), Some(kept(3, 1)));
        descriptor.resume = common(&descriptor);
        assert_eq!(descriptor.plan().resume, Some(3));
        assert_eq!(descriptor.plan().min_cluster_rows, [5, 5]);
    }

    #[test]
    fn what_is_new_in_every_session_is_no_change() {
        let [before, ..] = &descriptor(Normalise::None).contributions[..] else { panic!("three parties") };
        let kept = vec![Kept { round: 1, session: [0; 16] }];
        assert!(Contribution { nonce: [8; 16], kept, ..before.clone() }.is_still(before));
        assert!(!Contribution { padded_rows: 128, ..before.clone() }.is_still(before));
        assert!(!Contribution { min_cluster_rows: 4, ..before.clone() }.is_still(before));
        assert!(!Contribution { reveal_sizes: false, ..before.clone() }.is_still(before));
    }
}
