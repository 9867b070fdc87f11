//! Links between two well-behaved parties, and between parties of which one is gone or gives up.

mod support;

use std::sync::Arc;
use std::time::Duration;

use protocol::{Blame, Cause, Lead, Link, LinkError, PartyId, Place, Second, Step};
use support::{Answer, PLACE, TIMEOUT, Words, config, pair};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use transport::frame::{self, FRAME_MAX, FrameKind, HEADER_LEN, Header};
use transport::{Count, Direction, Meter, SessionLink, codec};

async fn say(link: &mut SessionLink, words: &Words) -> Result<(), LinkError> {
    Link::<Lead, Second>::send(link, PLACE, words).await
}

async fn hear(link: &mut SessionLink, max_len: usize) -> Result<Words, LinkError> {
    Link::<Second, Lead>::receive(link, PLACE, max_len).await
}

async fn answer(link: &mut SessionLink, words: &Answer) -> Result<(), LinkError> {
    Link::<Second, Lead>::send(link, PLACE, words).await
}

async fn hear_answer(link: &mut SessionLink, max_len: usize) -> Result<Answer, LinkError> {
    Link::<Lead, Second>::receive(link, PLACE, max_len).await
}

fn blame() -> Blame {
    Blame {
        party: PartyId(2),
        place: Place { step: Step::Normalise, round: 1 },
        cause: Cause::Data,
        message: "attribute `height`\nhas 3 rows\u{1b}[31m out of range".into(),
    }
}

#[tokio::test(start_paused = true)]
async fn messages_of_all_sizes_arrive_in_order() {
    let (mut a, mut b) = pair();
    // Around one and two frames: the value is 8 bytes and 8 a word, after the version byte.
    let per_frame = FRAME_MAX / 8;
    let sizes = [0, 1, per_frame - 2, per_frame - 1, per_frame, 2 * per_frame - 1, 2 * per_frame];
    let words = |n: usize| Words((0..n as u64).collect());
    let send = async {
        for n in sizes {
            say(&mut a, &words(n)).await.unwrap();
        }
    };
    let receive = async {
        for n in sizes {
            assert_eq!(hear(&mut b, 8 + 8 * n).await.unwrap(), words(n), "{n} words");
        }
    };
    tokio::join!(send, receive);
}

#[tokio::test(start_paused = true)]
async fn both_may_send_64_megabytes_before_they_receive() {
    let (mut a, mut b) = pair();
    let (out, back) = (Words(vec![3; 8 << 20]), Answer(vec![4; 8 << 20]));
    let limit = 8 + (64 << 20);
    let lead = async {
        say(&mut a, &out).await.unwrap();
        hear_answer(&mut a, limit).await.unwrap()
    };
    let second = async {
        answer(&mut b, &back).await.unwrap();
        hear(&mut b, limit).await.unwrap()
    };
    let (got_back, got_out) = tokio::join!(lead, second);
    assert!(got_back == back && got_out == out);
}

#[tokio::test(start_paused = true)]
async fn send_waits_for_room_and_gives_up_at_the_step_limit() {
    let (a, b) = tokio::io::duplex(1 << 10);
    let mut small = config(PartyId::LEAD, PartyId::SECOND).step_limit(Duration::from_secs(300));
    small.send_queue = 4 << 10;
    let mut a = SessionLink::new(a, small);
    let mut b = SessionLink::new(b, config(PartyId::SECOND, PartyId::LEAD));
    // One message larger than the queue is taken; the reader's short queue and the pipe take some more,
    // and then it is the receiver's turn, who lives but does not receive.
    let message = Words(vec![1; FRAME_MAX / 8]);
    let mut taken = 0;
    let error = loop {
        match say(&mut a, &message).await {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, LinkError::Timeout { seconds: 300 });
    assert!((2..20).contains(&taken), "{taken} messages were taken");
    assert_eq!(say(&mut a, &message).await, Err(error), "the link stays broken");
    for _ in 0..taken - 1 {
        hear(&mut b, 8 + FRAME_MAX).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_party_that_computes_for_long_is_not_dead() {
    let (mut a, mut b) = pair();
    let start = Instant::now();
    let slow = async {
        tokio::time::sleep(20 * TIMEOUT).await;
        say(&mut a, &Words(vec![1])).await.unwrap();
    };
    let (_, heard) = tokio::join!(slow, hear(&mut b, 16));
    assert_eq!(heard, Ok(Words(vec![1])));
    assert_eq!(start.elapsed(), 20 * TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_party_that_lives_but_never_sends_meets_the_step_limit() {
    let (a, b) = tokio::io::duplex(64 << 10);
    let _a = SessionLink::new(a, config(PartyId::LEAD, PartyId::SECOND));
    let limited = config(PartyId::SECOND, PartyId::LEAD).step_limit(Duration::from_millis(600_500));
    let mut b = SessionLink::new(b, limited);
    assert_eq!(hear(&mut b, 16).await, Err(LinkError::Timeout { seconds: 601 }));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_the_link() {
    let (mut silent, b) = tokio::io::duplex(64 << 10);
    let mut b = SessionLink::new(b, config(PartyId::SECOND, PartyId::LEAD));
    let start = Instant::now();
    assert_eq!(hear(&mut b, 16).await, Err(LinkError::Timeout { seconds: 30 }));
    assert_eq!(start.elapsed(), TIMEOUT);
    assert_eq!(hear(&mut b, 16).await, Err(LinkError::Timeout { seconds: 30 }), "it stays so");
    // Meanwhile this side gave signs of life, four in a timeout.
    drop(b);
    let mut bytes = Vec::new();
    silent.read_to_end(&mut bytes).await.unwrap();
    let kinds: Vec<u8> = bytes.chunks(HEADER_LEN).map(|frame| frame[1]).collect();
    assert!(kinds.iter().filter(|kind| **kind == FrameKind::Alive as u8).count() >= 3, "{kinds:?}");
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_send_that_waits() {
    let (_silent, b) = tokio::io::duplex(1 << 10);
    let mut small = config(PartyId::LEAD, PartyId::SECOND);
    small.send_queue = 1;
    let mut link = SessionLink::new(b, small);
    say(&mut link, &Words(vec![0; 1000])).await.unwrap();
    assert_eq!(say(&mut link, &Words(vec![])).await, Err(LinkError::Timeout { seconds: 30 }));
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_a_drop_still_arrives() {
    let (mut a, mut b) = pair();
    let long = Words(vec![9; 1 << 20]);
    say(&mut a, &long).await.unwrap();
    drop(a);
    assert_eq!(hear(&mut b, 8 + (8 << 20)).await.unwrap(), long);
    assert_eq!(hear(&mut b, 16).await, Err(LinkError::Closed));
    assert_eq!(answer(&mut b, &Answer(vec![])).await, Err(LinkError::Closed));
}

#[tokio::test(start_paused = true)]
async fn close_waits_until_the_peer_has_read_everything() {
    let (mut a, mut b) = pair();
    say(&mut a, &Words(vec![5; 4 << 20])).await.unwrap();
    let start = Instant::now();
    let receiver = async {
        tokio::time::sleep(3 * TIMEOUT).await;
        hear(&mut b, 8 + (32 << 20)).await.map(|words| words.0.len())
    };
    let closer = async {
        a.close().await;
        start.elapsed()
    };
    let (closed_after, heard) = tokio::join!(closer, receiver);
    assert_eq!(heard, Ok(4 << 20));
    assert_eq!(closed_after, 3 * TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn closing_on_a_dead_peer_ends_with_the_timeout() {
    let (_silent, b) = tokio::io::duplex(16);
    let mut link = SessionLink::new(b, config(PartyId::LEAD, PartyId::SECOND));
    say(&mut link, &Words(vec![1; 1000])).await.unwrap();
    let start = Instant::now();
    link.close().await;
    assert!(start.elapsed() <= 2 * TIMEOUT, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_within_a_message_counts_as_closed() {
    let (mut raw, b) = tokio::io::duplex(1 << 10);
    let mut b = SessionLink::new(b, config(PartyId::SECOND, PartyId::LEAD));
    let bytes = support::header(100).to_bytes();
    tokio::io::AsyncWriteExt::write_all(&mut raw, &bytes).await.unwrap();
    drop(raw);
    assert_eq!(hear(&mut b, 1000).await, Err(LinkError::Closed));
}

#[tokio::test(start_paused = true)]
async fn an_abort_reaches_a_waiting_peer_and_ends_the_local_role_as_well() {
    let (mut a, mut b) = pair();
    let handle = b.abort_handle();
    assert_eq!(handle.remote(), PartyId::LEAD);
    let canceller = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        handle.abort(blame());
    };
    let (remote, local, ()) = tokio::join!(hear_answer(&mut a, 16), hear(&mut b, 16), canceller);
    let Err(LinkError::Aborted(told)) = remote else { panic!("{remote:?}") };
    assert_eq!((told.party, told.place, told.cause), (blame().party, blame().place, blame().cause));
    assert_eq!(told.message, "attribute `height` has 3 rows [31m out of range");
    assert_eq!(local, Err(LinkError::Aborted(Box::new(blame()))));
    assert_eq!(a.abort_handle().aborted().await, *told);
    assert_eq!(say(&mut a, &Words(vec![])).await, Err(LinkError::Aborted(told)));
}

#[tokio::test(start_paused = true)]
async fn an_abort_goes_before_what_is_queued_and_what_was_not_received() {
    let (mut a, mut b) = pair();
    say(&mut a, &Words(vec![1])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    say(&mut a, &Words(vec![2; 8 << 20])).await.unwrap();
    a.abort(blame());
    drop(a);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let heard = hear(&mut b, 16).await;
    assert!(matches!(heard, Err(LinkError::Aborted(_))), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn long_words_of_blame_are_cut() {
    let (a, mut b) = pair();
    a.abort(Blame { message: "\u{1F9EE}".repeat(100_000), ..blame() });
    let Err(LinkError::Aborted(told)) = hear(&mut b, 16).await else { panic!("no abort") };
    assert_eq!(told.message.chars().count(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_receive_that_is_dropped_half_way_loses_nothing() {
    let (mut raw, b) = tokio::io::duplex(2 * FRAME_MAX);
    let mut b = SessionLink::new(b, config(PartyId::SECOND, PartyId::LEAD));
    let long = Words((0..FRAME_MAX as u64 / 8).collect());
    let bytes = codec::encode(&long).unwrap();
    let first = support::header(bytes.len());
    frame::write(&mut raw, &first, &bytes[..FRAME_MAX]).await.unwrap();
    let half = tokio::time::timeout(Duration::from_secs(1), hear(&mut b, 8 + FRAME_MAX)).await;
    assert!(half.is_err(), "{half:?}");
    let rest = &bytes[FRAME_MAX..];
    let second = Header { sequence: 1, payload_len: rest.len() as u32, ..first };
    frame::write(&mut raw, &second, rest).await.unwrap();
    assert_eq!(hear(&mut b, 8 + FRAME_MAX).await, Ok(long));
}

#[tokio::test(start_paused = true)]
async fn the_meter_counts_messages_and_bytes_by_step_and_direction() {
    let (x, y) = tokio::io::duplex(64 << 10);
    let meter = Arc::new(Meter::new());
    let mut a = SessionLink::new(x, {
        let mut config = config(PartyId::LEAD, PartyId::SECOND);
        config.meter = Arc::clone(&meter);
        config
    });
    let mut b = SessionLink::new(y, config(PartyId::SECOND, PartyId::LEAD));
    say(&mut a, &Words(vec![1, 2])).await.unwrap();
    say(&mut a, &Words(vec![0; FRAME_MAX / 8])).await.unwrap();
    answer(&mut b, &Answer(vec![])).await.unwrap();
    hear_answer(&mut a, 8).await.unwrap();
    let header = HEADER_LEN as u64;
    let count = |direction, messages, bytes| Count {
        step: Step::Round,
        peer: PartyId::SECOND,
        direction,
        messages,
        bytes,
    };
    assert_eq!(
        meter.snapshot(),
        [
            count(Direction::Sent, 2, (1 + 8 + 16 + header) + (1 + 8 + FRAME_MAX as u64 + 2 * header)),
            count(Direction::Received, 1, 1 + 8 + header),
        ]
    );
}
