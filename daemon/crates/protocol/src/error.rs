//! What can go wrong in a run, and who is to blame.

use kmeans::fixed::FixedError;

use crate::link::{Blame, Cause, LinkError, Place};
use crate::party::PartyId;

/// Why a role ended without a result. Messages carry no value of the run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProtocolError {
    /// The link to a party gave no message.
    #[error("{source}")]
    Link {
        /// The party at the other end.
        peer: PartyId,
        /// Where.
        place: Place,
        /// What the link says.
        source: LinkError,
    },
    /// A party sent a well-formed message that the protocol does not allow.
    #[error("{what}")]
    Misbehaviour {
        /// The party.
        peer: PartyId,
        /// Where.
        place: Place,
        /// What it did.
        what: Misbehaviour,
    },
    /// This host's own rows cannot take part.
    #[error(transparent)]
    Rows(#[from] FixedError),
    /// All hosts together have fewer rows than clusters were asked for.
    #[error("k = {k} is larger than the number of rows of all hosts together; ask for fewer clusters")]
    TooFewRows {
        /// The clusters asked for.
        k: usize,
    },
    /// What this host kept of an earlier run is not what the resumed run goes on from.
    #[error("the state kept of the earlier run does not fit; start a new run")]
    Checkpoint,
    /// The operating system gave no randomness.
    #[error("the operating system's random generator failed")]
    Randomness,
    /// The protocol broke its own rules.
    #[error("a defect in this program: {0}")]
    Defect(String),
}

/// What a misbehaving party did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misbehaviour {
    /// A vector of another length than the run's shape demands.
    #[error("sent {found} {what} where the run has {expected}")]
    Length {
        /// Of what.
        what: &'static str,
        /// The run's number.
        expected: usize,
        /// The number sent.
        found: usize,
    },
    /// Bytes that are no ciphertext under the run's key.
    #[error("sent a ciphertext that is not valid under the third party's key")]
    Ciphertext,
    /// A public key that is none, or not of the agreed size.
    #[error("sent a public key that is not valid or not of the agreed size")]
    PublicKey,
    /// An opened value that no honest run gives.
    #[error("led to an opened value out of its range")]
    Range,
}

impl ProtocolError {
    /// The blame to tell the other parties; `me` and `place` are the teller's own.
    pub fn blame(&self, me: PartyId, place: Place) -> Blame {
        let own = |cause, message: String| Blame { party: me, place, cause, message };
        match self {
            ProtocolError::Link { source: LinkError::Aborted(blame), .. } => (**blame).clone(),
            ProtocolError::Link { peer, place, source } => {
                let cause = match source {
                    LinkError::Closed | LinkError::Timeout { .. } => Cause::Unreachable,
                    _ => Cause::Misbehaved,
                };
                Blame { party: *peer, place: *place, cause, message: source.to_string() }
            }
            ProtocolError::Misbehaviour { peer, place, what } => {
                Blame { party: *peer, place: *place, cause: Cause::Misbehaved, message: what.to_string() }
            }
            // The attribute and the row count stay with their owner. A metric that fails is no fault of the rows.
            ProtocolError::Rows(error) if !matches!(error, FixedError::Metric(_)) => {
                own(Cause::Data, "its rows cannot take part; its own log says why".into())
            }
            ProtocolError::TooFewRows { .. } => own(Cause::Data, self.to_string()),
            ProtocolError::Rows(_)
            | ProtocolError::Checkpoint
            | ProtocolError::Randomness
            | ProtocolError::Defect(_) => {
                own(Cause::Internal, "failed for a reason of its own; its own log says why".into())
            }
        }
    }
}

impl From<sharing::Error> for ProtocolError {
    fn from(error: sharing::Error) -> Self {
        ProtocolError::Defect(error.to_string())
    }
}
