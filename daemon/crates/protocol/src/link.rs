//! What a role asks of the network: typed messages to one named party.

use std::future::Future;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::party::{PartyId, Role};

/// The steps of a run, in their order. A message carries its step, and a receiver takes no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum Step {
    /// The public key, the session's seeds.
    Setup = 1,
    /// Joint sums of the raw rows and of their squared deviations.
    Normalise = 2,
    /// The first joint centres.
    Start = 3,
    /// The main rounds.
    Round = 4,
    /// What a run shows at its end.
    Reveal = 5,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Step; 5] = [Step::Setup, Step::Normalise, Step::Start, Step::Round, Step::Reveal];

    /// The step's name in messages to people.
    pub fn name(self) -> &'static str {
        match self {
            Step::Setup => "setup",
            Step::Normalise => "normalise",
            Step::Start => "start",
            Step::Round => "round",
            Step::Reveal => "reveal",
        }
    }
}

/// Where in a run a message belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The step.
    pub step: Step,
    /// The round within the step, from 0.
    pub round: u32,
}

/// A type that may leave the process.
///
/// What has no `Message` impl cannot be sent. Each message's documentation gives its symbol in
/// `daemon/docs/protocol.md`, its size, and what its receiver learns.
pub trait Message: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The message's name, unique in the protocol; it is bound into every frame.
    const NAME: &'static str;
    /// Unique number of the message in the protocol.
    const KIND: u16;
}

/// `R` may send this message.
pub trait SentBy<R: Role>: Message {}
/// This message may be sent to `R`.
pub trait SentTo<R: Role>: Message {}

/// An authenticated, ordered channel from `Local` to `Remote` within one session.
///
/// An implementation binds session, place, sender, receiver and sequence number to every message, puts a
/// deadline on every wait, and checks a length before it allocates.
pub trait Link<Local: Role, Remote: Role>: Send {
    /// The party at the other end.
    fn peer(&self) -> PartyId;

    /// Sends a message. Returns when the message is handed to the network, not when it has arrived.
    fn send<M>(&mut self, place: Place, message: &M) -> impl Future<Output = Result<(), LinkError>> + Send
    where
        M: Message + SentBy<Local> + SentTo<Remote>;

    /// Receives the next message, which must be an `M` at `place` of at most `max_len` encoded bytes.
    fn receive<M>(
        &mut self,
        place: Place,
        max_len: usize,
    ) -> impl Future<Output = Result<M, LinkError>> + Send
    where
        M: Message + SentBy<Remote> + SentTo<Local>;
}

/// Why a link gave no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The other end closed the connection.
    #[error("closed the connection")]
    Closed,
    /// Nothing arrived in time.
    #[error("did not answer within {seconds} s")]
    Timeout {
        /// How long was waited.
        seconds: u64,
    },
    /// The peer announced a message longer than its kind can be.
    #[error("sent a message of {len} bytes where at most {limit} can be")]
    TooLong {
        /// The announced length.
        len: u64,
        /// The limit of this message.
        limit: u64,
    },
    /// The bytes are no message of the expected kind.
    #[error("sent a malformed message: {what}")]
    Malformed {
        /// What is wrong, without any of its content.
        what: String,
    },
    /// A message of another session, place, sender or kind.
    #[error("sent {found} where {expected} was due")]
    Unexpected {
        /// What was due.
        expected: String,
        /// What came.
        found: String,
    },
    /// The other end gave up and said why.
    #[error("gave up: {0}")]
    Aborted(Box<Blame>),
}

/// Who made a run fail, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blame {
    /// The party at fault.
    pub party: PartyId,
    /// Where it happened.
    pub place: Place,
    /// What happened.
    pub cause: Cause,
    /// The same in words, without any value of the run.
    pub message: String,
}

impl std::fmt::Display for Blame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (step {}, round {})", self.message, self.place.step.name(), self.place.round)
    }
}

/// The kinds of failure that a party can be blamed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The party did not answer, or its connection broke.
    Unreachable,
    /// The party sent something that the protocol does not allow.
    Misbehaved,
    /// The party's own data cannot take part in this run.
    Data,
    /// The party's policy refuses.
    Refused,
    /// The party's operator stopped the run.
    Stopped,
    /// The party failed for a reason of its own (storage, plugin, defect).
    Internal,
}
