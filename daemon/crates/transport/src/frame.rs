//! Frames: the unit on the wire. A header of [`HEADER_LEN`] bytes, then at most [`FRAME_MAX`] bytes of payload.
//!
//! All integers little-endian. A message longer than one frame goes out as several with the same message,
//! place and total, each full but the last, so that a receiver's memory grows only with what has arrived.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 1 | version, [`VERSION`] |
//! | 1 | 1 | kind, [`FrameKind`] |
//! | 2 | 2 | message number (`Message::KIND`), 0 in frames without one |
//! | 4 | 1 | step |
//! | 5 | 1 | sender |
//! | 6 | 1 | receiver |
//! | 7 | 1 | 0 |
//! | 8 | 4 | round |
//! | 12 | 4 | payload bytes in this frame |
//! | 16 | 16 | session |
//! | 32 | 8 | sequence number, from 0, one per frame and direction |
//! | 40 | 8 | total bytes of the message |

use std::io;

use crate::codec;
use protocol::{PartyId, Place, Step};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The version of the frame format.
pub const VERSION: u8 = 1;
/// Bytes of a header.
pub const HEADER_LEN: usize = 48;
/// Most payload bytes of a frame.
pub const FRAME_MAX: usize = 1 << 20;
/// A payload this short is written together with its header: one TLS record, one packet.
const ONE_WRITE: usize = 8 << 10;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// A message or a part of one.
    Data = 1,
    /// A sign of life from a party that computes.
    Alive = 2,
    /// The sender gave up; the payload is the encoded `Blame`.
    Abort = 3,
    /// The sender has said everything and reads no more.
    Close = 4,
}

impl FrameKind {
    fn from_number(number: u8) -> Option<Self> {
        [FrameKind::Data, FrameKind::Alive, FrameKind::Abort, FrameKind::Close]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame carries.
    pub kind: FrameKind,
    /// The message's number in the protocol.
    pub message: u16,
    /// The step's number; see [`step_from_number`].
    pub step: u8,
    /// The round within the step.
    pub round: u32,
    /// Who sent it.
    pub sender: PartyId,
    /// For whom it is.
    pub receiver: PartyId,
    /// The session, the same in every frame of a link.
    pub session: [u8; 16],
    /// The frame's number in its direction.
    pub sequence: u64,
    /// Payload bytes in this frame, at most [`FRAME_MAX`].
    pub payload_len: u32,
    /// Bytes of the whole message.
    pub total: u64,
}

/// Bytes that are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Another version, or no frame at all.
    #[error("a frame of version {0} where this build speaks {VERSION}")]
    Version(u8),
    /// A kind that the format does not know.
    #[error("a frame of unknown kind {0}")]
    Kind(u8),
    /// A byte that must be zero is not.
    #[error("a frame with its reserved byte set")]
    Reserved,
    /// A payload longer than a frame's, or longer than its message.
    #[error("a frame with a payload of {0} bytes")]
    Payload(u32),
}

impl Header {
    /// The header's bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = VERSION;
        bytes[1] = self.kind as u8;
        bytes[2..4].copy_from_slice(&self.message.to_le_bytes());
        bytes[4] = self.step;
        bytes[5] = self.sender.0;
        bytes[6] = self.receiver.0;
        bytes[8..12].copy_from_slice(&self.round.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.payload_len.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.session);
        bytes[32..40].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.total.to_le_bytes());
        bytes
    }

    /// The header in `bytes`.
    ///
    /// # Errors
    /// [`HeaderError`] for whatever no sender of this format writes.
    pub fn from_bytes(bytes: &[u8; HEADER_LEN]) -> Result<Self, HeaderError> {
        if bytes[0] != VERSION {
            return Err(HeaderError::Version(bytes[0]));
        }
        let kind = FrameKind::from_number(bytes[1]).ok_or(HeaderError::Kind(bytes[1]))?;
        if bytes[7] != 0 {
            return Err(HeaderError::Reserved);
        }
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        let header = Header {
            kind,
            message: u16::from_le_bytes([bytes[2], bytes[3]]),
            step: bytes[4],
            round: word(8),
            sender: PartyId(bytes[5]),
            receiver: PartyId(bytes[6]),
            session: std::array::from_fn(|i| bytes[16 + i]),
            sequence: long(32),
            payload_len: word(12),
            total: long(40),
        };
        if header.payload_len as usize > FRAME_MAX || u64::from(header.payload_len) > header.total {
            return Err(HeaderError::Payload(header.payload_len));
        }
        Ok(header)
    }

    /// Step and round, if this build knows the step.
    pub fn place(&self) -> Option<Place> {
        step_from_number(self.step).map(|step| Place { step, round: self.round })
    }
}

/// The step of this number. Asks the type's own `Deserialize` for its variants, so that there is no second
/// list of the steps to forget.
pub fn step_from_number(number: u8) -> Option<Step> {
    let variant = |index: u32| {
        let [a, b, c, d] = index.to_le_bytes();
        codec::decode::<Step>(&[codec::VERSION, a, b, c, d], 4).ok()
    };
    (0..).map_while(variant).find(|step| *step as u8 == number)
}

/// Why no frame could be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream ended or broke.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes are no header.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// Reads one frame; `None` if the stream ends where a frame could begin.
///
/// # Errors
/// [`FrameError::Header`] before any payload is allocated; [`FrameError::Io`] with `UnexpectedEof` if the
/// stream ends within the frame.
pub async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Option<(Header, Vec<u8>)>, FrameError> {
    let mut bytes = [0; HEADER_LEN];
    let mut filled = 0;
    while filled < HEADER_LEN {
        match stream.read(&mut bytes[filled..]).await? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            count => filled += count,
        }
    }
    let header = Header::from_bytes(&bytes)?;
    let mut payload = vec![0; header.payload_len as usize];
    stream.read_exact(&mut payload).await?;
    Ok(Some((header, payload)))
}

/// Writes one frame and flushes it.
///
/// # Errors
/// Those of the stream.
pub async fn write<S: AsyncWrite + Unpin>(stream: &mut S, header: &Header, payload: &[u8]) -> io::Result<()> {
    debug_assert_eq!(header.payload_len as usize, payload.len());
    if payload.len() <= ONE_WRITE {
        stream.write_all(&[&header.to_bytes(), payload].concat()).await?;
    } else {
        stream.write_all(&header.to_bytes()).await?;
        stream.write_all(payload).await?;
    }
    stream.flush().await
}
