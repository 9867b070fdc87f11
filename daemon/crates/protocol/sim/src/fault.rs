//! What can go wrong, and where.

use std::time::Duration;

use protocol::{Message, PartyId, Place, Step};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The party dies: its role is dropped and all its connections end, without the message.
    Kill,
    /// The party stops like a process under SIGSTOP: nothing more comes from it, not even signs of life,
    /// and it takes nothing, but its connections stay open.
    Hang,
    /// Random bytes come in place of the message and its frame headers.
    Garbage,
    /// One byte of the message has one bit turned. The byte counts from 0 in the encoded value and wraps at
    /// its end.
    Tamper {
        /// Which byte.
        byte: usize,
    },
    /// Another value comes in place of the message, well framed: made by [`Fault::replace`].
    Replace {
        /// The encoded value, with its version byte.
        encoded: Vec<u8>,
    },
    /// The message comes later, with signs of life meanwhile: a party that computes for so long.
    Delay(Duration),
}

impl Fault {
    /// `message` in place of whatever was sent, under the number of the message that it replaces.
    ///
    /// # Panics
    /// If the message does not encode.
    pub fn replace<M: Message>(message: &M) -> Self {
        let encoded = transport::codec::encode(message).expect("a message encodes");
        Fault::Replace { encoded }
    }
}

/// When a fault strikes its party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// As the party sends the message.
    Sends,
    /// As the message is about to reach the party. Killing and hanging strike the receiver; what spoils the
    /// message does the same at either moment.
    Receives,
}

/// The messages that a fault strikes: each that fits all that is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    party: PartyId,
    moment: Moment,
    step: Option<Step>,
    round: Option<u32>,
    peer: Option<PartyId>,
    message: Option<u16>,
}

impl Site {
    /// Every message that `party` sends.
    pub fn sends(party: PartyId) -> Self {
        Self { party, moment: Moment::Sends, step: None, round: None, peer: None, message: None }
    }

    /// Every message that `party` receives.
    pub fn receives(party: PartyId) -> Self {
        Self { moment: Moment::Receives, ..Self::sends(party) }
    }

    /// Only in this step.
    pub fn step(self, step: Step) -> Self {
        Self { step: Some(step), ..self }
    }

    /// Only in this round of any step.
    pub fn round(self, round: u32) -> Self {
        Self { round: Some(round), ..self }
    }

    /// Only at this place.
    pub fn at(self, place: Place) -> Self {
        self.step(place.step).round(place.round)
    }

    /// Only from or to this peer.
    pub fn peer(self, peer: PartyId) -> Self {
        Self { peer: Some(peer), ..self }
    }

    /// Only messages of this kind.
    pub fn message<M: Message>(self) -> Self {
        self.message_number(M::KIND)
    }

    /// Only messages of this number.
    pub fn message_number(self, number: u16) -> Self {
        Self { message: Some(number), ..self }
    }

    /// The party that is struck.
    pub fn party(&self) -> PartyId {
        self.party
    }

    pub(crate) fn moment(&self) -> Moment {
        self.moment
    }

    pub(crate) fn fits(&self, from: PartyId, to: PartyId, place: Place, message: u16) -> bool {
        let (party, peer) = match self.moment {
            Moment::Sends => (from, to),
            Moment::Receives => (to, from),
        };
        party == self.party
            && self.step.is_none_or(|step| step == place.step)
            && self.round.is_none_or(|round| round == place.round)
            && self.peer.is_none_or(|wanted| wanted == peer)
            && self.message.is_none_or(|wanted| wanted == message)
    }
}
