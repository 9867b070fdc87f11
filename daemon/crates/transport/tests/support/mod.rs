//! A message in each direction, and links over pipes.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use protocol::{Lead, Message, PartyId, Place, Second, SentBy, SentTo, Step};
use serde::{Deserialize, Serialize};
use transport::frame::{FRAME_MAX, FrameKind, Header};
use transport::{LinkConfig, Meter, SessionLink};

pub(crate) const SESSION: [u8; 16] = [7; 16];
pub(crate) const PLACE: Place = Place { step: Step::Round, round: 5 };
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// Sent by the lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Words(pub(crate) Vec<u64>);
/// Sent by the second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer(pub(crate) Vec<u64>);

impl Message for Words {
    const NAME: &'static str = "Words";
    const KIND: u16 = 801;
}
impl SentBy<Lead> for Words {}
impl SentTo<Second> for Words {}
impl Message for Answer {
    const NAME: &'static str = "Answer";
    const KIND: u16 = 802;
}
impl SentBy<Second> for Answer {}
impl SentTo<Lead> for Answer {}

pub(crate) fn config(local: PartyId, remote: PartyId) -> LinkConfig {
    LinkConfig::new(SESSION, local, remote, TIMEOUT, Arc::new(Meter::new()))
}

/// The lead's link and the second's, joined by a pipe of 64 KiB.
pub(crate) fn pair() -> (SessionLink, SessionLink) {
    let (a, b) = tokio::io::duplex(64 << 10);
    (
        SessionLink::new(a, config(PartyId::LEAD, PartyId::SECOND)),
        SessionLink::new(b, config(PartyId::SECOND, PartyId::LEAD)),
    )
}

/// A header as the lead would write it for its first frame, with `Words` of so many bytes.
pub(crate) fn header(total: usize) -> Header {
    Header {
        kind: FrameKind::Data,
        message: Words::KIND,
        step: PLACE.step as u8,
        round: PLACE.round,
        sender: PartyId::LEAD,
        receiver: PartyId::SECOND,
        session: SESSION,
        sequence: 0,
        payload_len: total.min(FRAME_MAX) as u32,
        total: total as u64,
    }
}
