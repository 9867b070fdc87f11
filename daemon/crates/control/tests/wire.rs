//! The control protocol as bytes: limits, truncation, garbage, and conversations over a real socket.

use std::io::{self, Cursor, Write};
use std::os::unix::net::UnixStream;
use std::thread;

use control::codec::{self, CodecError, Decoder, HEADER_BYTES, Header, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES};
use control::hello::{Hello, HelloError};
use control::{
    Bound, CHUNK_BYTES, ClusterRequest, ConnectError, Connection, ErrorCode, Failure, Normalize,
    PROTOCOL_VERSION, Request, Response,
};
use proptest::prelude::*;

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    codec::read(&mut Cursor::new(bytes), &mut Decoder::new())
}

fn cluster_request() -> ClusterRequest {
    ClusterRequest {
        peers: vec!["b".into()],
        third_party: Some("t".into()),
        normalize: Normalize::Range,
        bounds: vec![Bound { attribute: "height".into(), low: 0.0, high: 2.5 }],
        attributes: Some(vec!["height".into()]),
        tolerance: Some(1e-4),
        seed: Some(u64::MAX),
        ..ClusterRequest::new("patients", 8)
    }
}

#[test]
fn messages_survive_the_wire() {
    for request in [
        Request::Status,
        Request::Upload { name: "p".into(), file_name: "p.xrff.gz".into(), size: None },
        Request::Chunk(vec![0, 255, 7]),
        Request::Cluster(cluster_request()),
        Request::Reload,
    ] {
        assert_eq!(read::<Request>(&codec::encode(&request).unwrap()).unwrap(), request);
    }
    let failure = Failure::new(ErrorCode::PeerFailed, "clinic-b hung up in round 3").with_hint("look there");
    let response = Response::from(failure);
    assert_eq!(read::<Response>(&codec::encode(&response).unwrap()).unwrap(), response);
}

#[test]
fn a_chunk_costs_its_length_and_a_few_bytes() {
    let frames = codec::encode(&Request::Chunk(vec![1; CHUNK_BYTES])).unwrap();
    assert!(frames.len() <= CHUNK_BYTES + 32, "{}", frames.len());
}

#[test]
fn a_long_message_takes_several_frames() {
    let notes: Vec<String> = (0..3).map(|n| n.to_string().repeat(MAX_FRAME_BYTES)).collect();
    let response = Response::Reloaded { notes };
    let frames = codec::encode(&response).unwrap();
    let first = Header::parse(*frames.first_chunk().unwrap()).unwrap();
    assert_eq!(first, Header { length: MAX_FRAME_BYTES, more: true });
    assert_eq!(read::<Response>(&frames).unwrap(), response);
}

#[test]
fn too_long_is_refused_by_the_writer_and_by_the_reader() {
    let huge = Request::Chunk(vec![0; MAX_MESSAGE_BYTES]);
    assert!(matches!(codec::encode(&huge), Err(CodecError::MessageTooLong)));

    let announced = (MAX_FRAME_BYTES as u32 + 1).to_le_bytes();
    assert!(
        matches!(read::<Request>(&announced), Err(CodecError::FrameTooLong(n)) if n == MAX_FRAME_BYTES + 1)
    );

    // A sender that promises more for ever is stopped at the limit.
    let header = MAX_FRAME_BYTES as u32 | 1 << 31;
    let mut frame = header.to_le_bytes().to_vec();
    frame.resize(HEADER_BYTES + MAX_FRAME_BYTES, 7);
    let frames = frame.repeat(MAX_MESSAGE_BYTES / MAX_FRAME_BYTES + 1);
    assert!(matches!(read::<Request>(&frames), Err(CodecError::MessageTooLong)));
    assert!(matches!(read::<Request>(&(1_u32 << 31).to_le_bytes()), Err(CodecError::EmptyFrame)));
}

#[test]
fn lengths_inside_a_message_do_not_choose_the_memory() {
    // A chunk (variant 2) that claims 2^60 bytes and brings none.
    let mut body = vec![1, 2, 0, 0, 0];
    body.extend((1_u64 << 60).to_le_bytes());
    let mut frame = (body.len() as u32).to_le_bytes().to_vec();
    frame.extend(body);
    assert!(matches!(read::<Request>(&frame), Err(CodecError::Malformed)));
}

#[test]
fn another_format_and_trailing_bytes_are_refused() {
    let mut frames = codec::encode(&Request::Status).unwrap();
    frames[HEADER_BYTES] = 2;
    assert!(matches!(read::<Request>(&frames), Err(CodecError::Format(2))));

    let mut frames = codec::encode(&Request::Status).unwrap();
    frames.push(0);
    frames[0] += 1;
    assert!(matches!(read::<Request>(&frames), Err(CodecError::Malformed)));
}

#[test]
fn a_cut_message_is_no_orderly_end() {
    let frames = codec::encode(&Request::Cluster(cluster_request())).unwrap();
    assert!(matches!(read::<Request>(&[]), Err(CodecError::Closed)));
    for length in 1..frames.len() {
        let error = read::<Request>(&frames[..length]).unwrap_err();
        assert!(
            matches!(&error, CodecError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof),
            "{length}: {error}"
        );
    }
}

#[test]
fn client_and_server_talk_over_a_socket() {
    let (near, far) = UnixStream::pair().unwrap();
    let server = thread::spawn(move || {
        let mut connection = Connection::establish(far).unwrap();
        let mut document = Vec::new();
        assert!(matches!(connection.receive().unwrap(), Request::Upload { size: Some(6), .. }));
        connection.send(&Response::Ready).unwrap();
        loop {
            match connection.receive().unwrap() {
                Request::Chunk(piece) => document.extend(piece),
                Request::End => break,
                other => panic!("{other:?}"),
            }
        }
        connection.send(&Response::Done).unwrap();
        assert!(matches!(connection.receive::<Request>(), Err(CodecError::Closed)));
        document
    });
    let mut connection = Connection::establish(near).unwrap();
    assert_eq!(connection.other_side(), &Hello::ours());
    connection.ask(&Request::Upload { name: "d".into(), file_name: "d.csv".into(), size: Some(6) }).unwrap();
    assert_eq!(connection.answer().unwrap(), Response::Ready);
    connection.ask(&Request::Chunk(b"a,b".to_vec())).unwrap();
    connection.ask(&Request::Chunk(b"\n1,".to_vec())).unwrap();
    connection.ask(&Request::End).unwrap();
    assert_eq!(connection.answer().unwrap(), Response::Done);
    drop(connection);
    assert_eq!(server.join().unwrap(), b"a,b\n1,");
}

#[test]
fn other_releases_and_other_programs_are_told_apart() {
    let answer = |bytes: Vec<u8>| {
        let (near, mut far) = UnixStream::pair().unwrap();
        far.write_all(&bytes).unwrap();
        let error = Connection::establish(near).err().expect("no conversation");
        drop(far);
        error
    };
    let newer = Hello { protocol: PROTOCOL_VERSION + 1, program: "9.0.0".into() };
    assert!(matches!(answer(newer.encode()), ConnectError::Hello(HelloError::Mismatch { .. })));
    assert!(matches!(answer(b"HTTP/1.1 400".to_vec()), ConnectError::Hello(HelloError::NotCloister)));
    assert!(matches!(answer(b"\x0a\0\0\0nonsense!!".to_vec()), ConnectError::Hello(HelloError::NotCloister)));
}

proptest! {
    #[test]
    fn garbage_is_an_error_and_never_a_panic(mut body in proptest::collection::vec(any::<u8>(), 0..200)) {
        body.insert(0, 1);
        let mut frame = (body.len() as u32).to_le_bytes().to_vec();
        frame.extend(&body);
        // What happens to be readable must be the same message when it is written again.
        if let Ok(request) = read::<Request>(&frame) {
            let again = codec::encode(&request).unwrap();
            prop_assert_eq!(again, frame);
        }
    }

    #[test]
    fn a_flipped_byte_never_panics(at in 0usize..1000, flip in 1u8..) {
        let mut frames = codec::encode(&Request::Cluster(cluster_request())).unwrap();
        let at = HEADER_BYTES + at % (frames.len() - HEADER_BYTES);
        frames[at] ^= flip;
        let _ = read::<Request>(&frames);
    }
}
