//! Single messages before a session.

mod support;

use protocol::{LinkError, PartyId};
use support::{PLACE, TIMEOUT, Words, config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use transport::SessionLink;
use transport::exchange::{read_message, write_message};

async fn read(bytes: &[u8], limit: usize) -> Result<Words, LinkError> {
    let (mut raw, mut stream) = tokio::io::duplex(1 << 10);
    raw.write_all(bytes).await.unwrap();
    drop(raw);
    read_message(&mut stream, limit, TIMEOUT).await
}

#[tokio::test(start_paused = true)]
async fn a_stream_carries_messages_and_then_a_link() {
    let (mut a, mut b) = tokio::io::duplex(1 << 10);
    let lead = async {
        write_message(&mut a, &Words(vec![1]), 16, TIMEOUT).await.unwrap();
        let answer: Words = read_message(&mut a, 24, TIMEOUT).await.unwrap();
        let mut link = SessionLink::new(a, config(PartyId::LEAD, PartyId::SECOND));
        protocol::Link::<protocol::Lead, protocol::Second>::send(&mut link, PLACE, &answer).await.unwrap();
        link.close().await;
    };
    let second = async {
        let asked: Words = read_message(&mut b, 16, TIMEOUT).await.unwrap();
        assert_eq!(asked, Words(vec![1]));
        write_message(&mut b, &Words(vec![2, 3]), 24, TIMEOUT).await.unwrap();
        let mut link = SessionLink::new(b, config(PartyId::SECOND, PartyId::LEAD));
        protocol::Link::<protocol::Second, protocol::Lead>::receive::<Words>(&mut link, PLACE, 24).await
    };
    let ((), heard) = tokio::join!(lead, second);
    assert_eq!(heard, Ok(Words(vec![2, 3])));
}

#[tokio::test(start_paused = true)]
async fn lengths_are_checked_at_both_ends() {
    let (mut a, mut b) = tokio::io::duplex(1 << 10);
    let too_long = Err(LinkError::TooLong { len: 24, limit: 23 });
    assert_eq!(write_message(&mut a, &Words(vec![1, 2]), 23, TIMEOUT).await, too_long);
    drop(a);
    assert_eq!(b.read_u8().await.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof, "nothing went out");
    assert_eq!(
        read(&u32::MAX.to_le_bytes(), 23).await,
        Err(LinkError::TooLong { len: u64::from(u32::MAX) - 1, limit: 23 })
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_cut_short_or_no_message_is_refused() {
    assert_eq!(read(&[], 100).await, Err(LinkError::Closed));
    assert_eq!(read(&[9, 0], 100).await, Err(LinkError::Closed));
    assert_eq!(read(&[9, 0, 0, 0, 1, 0, 0], 100).await, Err(LinkError::Closed));
    let malformed = |what: &str| Err(LinkError::Malformed { what: what.into() });
    assert_eq!(read(&[0, 0, 0, 0], 100).await, malformed("it is empty"));
    assert_eq!(read(&[2, 0, 0, 0, 1, 0], 100).await, malformed("it ends too early"));
    let trailing = [10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 5];
    assert_eq!(read(&trailing, 100).await, malformed("bytes follow its end"));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_given_up() {
    let (_raw, mut stream) = tokio::io::duplex(4);
    let read = read_message::<_, Words>(&mut stream, 100, TIMEOUT).await;
    assert_eq!(read, Err(LinkError::Timeout { seconds: 30 }));
    let write = write_message(&mut stream, &Words(vec![1]), 100, TIMEOUT).await;
    assert_eq!(write, Err(LinkError::Timeout { seconds: 30 }));
}
