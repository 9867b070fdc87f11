//! A peer that writes what no link would write.

mod support;

use proptest::prelude::*;
use protocol::{Lead, Link, LinkError, Message, PartyId, Place, Second, Step};
use support::{Answer, PLACE, SESSION, Words, config, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use transport::frame::{FRAME_MAX, FrameKind, HEADER_LEN, Header};
use transport::{SessionLink, codec};

/// What the second hears of these bytes, with messages of at most `limit` bytes; then the same again.
async fn heard_of(bytes: &[u8], limit: usize) -> Result<Words, LinkError> {
    let (mut raw, b) = tokio::io::duplex(bytes.len() + HEADER_LEN);
    raw.write_all(bytes).await.unwrap();
    let mut link = SessionLink::new(b, config(PartyId::SECOND, PartyId::LEAD));
    let first = Link::<Second, Lead>::receive(&mut link, PLACE, limit).await;
    if let Err(error) = &first {
        let again = Link::<Second, Lead>::receive::<Words>(&mut link, PLACE, limit).await;
        assert_eq!(again.as_ref(), Err(error), "an error is for good");
    }
    first
}

fn words() -> Vec<u8> {
    codec::encode(&Words(vec![1, 2])).unwrap()
}

/// One frame with the words, its header changed.
fn framed(change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut header = header(words().len());
    change(&mut header);
    [header.to_bytes().as_slice(), &words()].concat()
}

async fn refusal(change: impl FnOnce(&mut Header)) -> String {
    heard_of(&framed(change), 1000).await.unwrap_err().to_string()
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_frame_is_taken() {
    assert_eq!(heard_of(&framed(|_| ()), 24).await, Ok(Words(vec![1, 2])));
}

#[tokio::test(start_paused = true)]
async fn whatever_belongs_elsewhere_is_refused() {
    assert_eq!(
        refusal(|h| h.session[3] = 0).await,
        "sent a message of another session where a message of this session was due"
    );
    assert_eq!(
        refusal(|h| h.sender = PartyId(4)).await,
        "sent one from party 4 to party 1 where a message from party 0 to party 1 was due"
    );
    assert_eq!(
        refusal(|h| h.receiver = PartyId::THIRD_PARTY).await,
        "sent one from party 0 to party 255 where a message from party 0 to party 1 was due"
    );
    assert_eq!(refusal(|h| h.sequence = 1).await, "sent frame 1 where frame 0 was due");
    assert_eq!(
        refusal(|h| h.round = 6).await,
        "sent Words of step round, round 6 where Words of step round, round 5 was due"
    );
    assert_eq!(
        refusal(|h| h.step = Step::Reveal as u8).await,
        "sent Words of step reveal, round 5 where Words of step round, round 5 was due"
    );
    assert_eq!(
        refusal(|h| h.step = 200).await,
        "sent Words of step unknown, round 5 where Words of step round, round 5 was due"
    );
    assert_eq!(
        refusal(|h| h.message = Answer::KIND).await,
        "sent message 802 of step round, round 5 where Words of step round, round 5 was due"
    );
}

#[tokio::test(start_paused = true)]
async fn a_replayed_frame_is_refused() {
    let twice = [framed(|_| ()), framed(|_| ())].concat();
    let (mut raw, b) = tokio::io::duplex(1 << 10);
    raw.write_all(&twice).await.unwrap();
    let mut link = SessionLink::new(b, config(PartyId::SECOND, PartyId::LEAD));
    assert!(Link::<Second, Lead>::receive::<Words>(&mut link, PLACE, 24).await.is_ok());
    let again = Link::<Second, Lead>::receive::<Words>(&mut link, PLACE, 24).await;
    assert_eq!(again, Err(LinkError::Unexpected { expected: "frame 1".into(), found: "frame 0".into() }));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_long_is_refused_by_its_first_frame() {
    assert_eq!(heard_of(&framed(|_| ()), 23).await, Err(LinkError::TooLong { len: 24, limit: 23 }));
    // 16 EiB announced: nothing of the kind is allocated, and no more frames are waited for.
    let mut huge = header(FRAME_MAX);
    huge.total = u64::MAX;
    let bytes = [huge.to_bytes().as_slice(), &vec![1; FRAME_MAX]].concat();
    assert_eq!(heard_of(&bytes, 1000).await, Err(LinkError::TooLong { len: u64::MAX - 1, limit: 1000 }));
}

#[tokio::test(start_paused = true)]
async fn broken_headers_are_refused() {
    let broken = |at: usize, value: u8| {
        let mut bytes = framed(|_| ());
        bytes[at] = value;
        bytes
    };
    for (bytes, what) in [
        (broken(0, 2), "a frame of version 2 where this build speaks 1"),
        (broken(1, 9), "a frame of unknown kind 9"),
        (broken(7, 1), "a frame with its reserved byte set"),
        (broken(15, 255), "a frame with a payload of 4278190105 bytes"),
        (broken(12, 26), "a frame with a payload of 26 bytes"),
        (broken(12, 24), "a part of a message has the wrong length"),
        (framed(|h| (h.payload_len, h.total) = (0, 0)), "a frame whose lengths do not fit its kind"),
        (framed(|h| h.kind = FrameKind::Alive), "a frame whose lengths do not fit its kind"),
        (framed(|h| h.kind = FrameKind::Close), "a frame whose lengths do not fit its kind"),
        (framed(|h| h.kind = FrameKind::Abort), "its reason to give up: it ends too early"),
    ] {
        assert_eq!(heard_of(&bytes, 1000).await, Err(LinkError::Malformed { what: what.into() }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_another_one_interrupts_is_refused() {
    let total = FRAME_MAX + 9;
    let first = [header(total).to_bytes().as_slice(), &vec![1; FRAME_MAX]].concat();
    let mut second = header(9);
    (second.sequence, second.round, second.total) = (1, 6, total as u64);
    let bytes = [first.as_slice(), &second.to_bytes(), &[0; 9]].concat();
    assert_eq!(
        heard_of(&bytes, 2 * FRAME_MAX).await,
        Err(LinkError::Malformed { what: "a message breaks off and another begins".into() })
    );
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_is_no_such_value_is_refused() {
    let mut bytes = framed(|_| ());
    bytes[HEADER_LEN + 1] = 3;
    assert_eq!(
        heard_of(&bytes, 1000).await,
        Err(LinkError::Malformed { what: "Words: it ends too early".into() })
    );
    bytes[HEADER_LEN] = 2;
    let error = heard_of(&bytes, 1000).await.unwrap_err();
    assert!(error.to_string().contains("encoding version 2"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_misbehaves_is_still_told_why_the_run_ends() {
    let (mut raw, b) = tokio::io::duplex(1 << 10);
    raw.write_all(&[0xee; 100]).await.unwrap();
    let mut link = SessionLink::new(b, config(PartyId::SECOND, PartyId::LEAD));
    assert!(Link::<Second, Lead>::receive::<Words>(&mut link, PLACE, 24).await.is_err());
    link.abort(protocol::Blame {
        party: PartyId::LEAD,
        place: Place { step: Step::Setup, round: 0 },
        cause: protocol::Cause::Misbehaved,
        message: "nonsense".into(),
    });
    drop(link);
    let mut told = Vec::new();
    raw.read_to_end(&mut told).await.unwrap();
    assert_eq!(told[1], FrameKind::Abort as u8);
    assert!(told.windows(8).any(|window| window == b"nonsense"));
    let mut last = [0; HEADER_LEN];
    last.copy_from_slice(&told[told.len() - HEADER_LEN..]);
    assert_eq!(Header::from_bytes(&last).unwrap().kind, FrameKind::Close);
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let builder = &mut tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap().block_on(future)
}

proptest! {
    #[test]
    fn garbage_is_refused_within_the_timeout(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(run(heard_of(&bytes, 100)).is_err());
    }

    #[test]
    fn one_wrong_header_byte_is_never_taken(at in 0..HEADER_LEN, xor in 1..=255u8) {
        let mut bytes = framed(|_| ());
        bytes[at] ^= xor;
        prop_assert!(run(heard_of(&bytes, 1000)).is_err(), "byte {} xor {}", at, xor);
    }

    #[test]
    fn a_header_comes_back_from_its_bytes(
        message in any::<u16>(), step in any::<u8>(), round in any::<u32>(), sequence in any::<u64>(),
        payload_len in 0..=FRAME_MAX as u32, more in any::<u32>(), sender in any::<u8>(),
    ) {
        let header = Header {
            kind: FrameKind::Data, message, step, round, sequence, payload_len,
            total: u64::from(payload_len) + u64::from(more),
            sender: PartyId(sender), receiver: PartyId(sender ^ 1), session: SESSION,
        };
        prop_assert_eq!(Header::from_bytes(&header.to_bytes()), Ok(header));
    }
}
