//! Messages as bytes: version, bincode, and frames with limits.
//!
//! A message is encoded with bincode (fixed-width integers, little endian), a version byte in front, and cut into
//! frames. A frame is a `u32`, least significant byte first, and a body: the low 31 bits are the body's length, at
//! most [`MAX_FRAME_BYTES`]; the top bit says that the message goes on in the next frame. A whole message is at most
//! [`MAX_MESSAGE_BYTES`]. A reader checks a length before it makes room for it, and only ever holds what was sent.

use std::io;

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest body of a frame, in bytes.
pub const MAX_FRAME_BYTES: usize = 1 << 20;

/// The largest message, over all its frames, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// The length in front of a frame's body, in bytes.
pub const HEADER_BYTES: usize = 4;

const FORMAT: u8 = 1;
const MORE: u32 = 1 << 31;

/// Why bytes are no message, or a message cannot become bytes.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The stream failed.
    #[error("the control connection broke: {0}")]
    Io(#[from] io::Error),
    /// The stream ended between two messages.
    #[error("the control connection was closed")]
    Closed,
    /// A frame announces more than [`MAX_FRAME_BYTES`].
    #[error("a control frame of {0} bytes is longer than the {MAX_FRAME_BYTES} allowed")]
    FrameTooLong(usize),
    /// A message is longer than [`MAX_MESSAGE_BYTES`].
    #[error("a control message is longer than the {MAX_MESSAGE_BYTES} bytes allowed")]
    MessageTooLong,
    /// A frame holds nothing but promises more.
    #[error("an empty control frame")]
    EmptyFrame,
    /// The version byte is not ours.
    #[error("a control message of format {0}; this program knows format {FORMAT}")]
    Format(u8),
    /// The bytes are not what the type expects.
    #[error("a control message that cannot be read")]
    Malformed,
}

fn options() -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .with_limit(MAX_MESSAGE_BYTES as u64)
        .reject_trailing_bytes()
}

/// A message as complete frames, ready to be written.
///
/// # Errors
/// [`CodecError::MessageTooLong`].
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, CodecError> {
    let length = options().serialized_size(message).map_err(|_| CodecError::MessageTooLong)? as usize + 1;
    if length > MAX_MESSAGE_BYTES {
        return Err(CodecError::MessageTooLong);
    }
    let mut body = Vec::with_capacity(length);
    body.push(FORMAT);
    options().serialize_into(&mut body, message).map_err(|_| CodecError::MessageTooLong)?;

    let mut frames = Vec::with_capacity(length + HEADER_BYTES * length.div_ceil(MAX_FRAME_BYTES));
    let mut pieces = body.chunks(MAX_FRAME_BYTES).peekable();
    while let Some(piece) = pieces.next() {
        let more = if pieces.peek().is_some() { MORE } else { 0 };
        frames.extend_from_slice(&(piece.len() as u32 | more).to_le_bytes());
        frames.extend_from_slice(piece);
    }
    Ok(frames)
}

/// Reads a whole message without its frames.
fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, CodecError> {
    match body.split_first() {
        Some((&FORMAT, message)) => options().deserialize(message).map_err(|_| CodecError::Malformed),
        Some((&format, _)) => Err(CodecError::Format(format)),
        None => Err(CodecError::Malformed),
    }
}

/// What a frame's four bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The body's length in bytes.
    pub length: usize,
    /// Whether the message goes on in the next frame.
    pub more: bool,
}

impl Header {
    /// Reads and checks the four bytes.
    ///
    /// # Errors
    /// [`CodecError::FrameTooLong`], [`CodecError::EmptyFrame`].
    pub fn parse(bytes: [u8; HEADER_BYTES]) -> Result<Self, CodecError> {
        let word = u32::from_le_bytes(bytes);
        let header = Self { length: (word & !MORE) as usize, more: word & MORE != 0 };
        if header.length > MAX_FRAME_BYTES {
            return Err(CodecError::FrameTooLong(header.length));
        }
        if header.length == 0 {
            return Err(CodecError::EmptyFrame);
        }
        Ok(header)
    }
}

/// Puts a message together from frames that somebody else reads.
///
/// For each frame: read [`HEADER_BYTES`] bytes, [`Header::parse`] them, read `length` bytes into what
/// [`space`](Self::space) gives, and call [`finish`](Self::finish), which yields the message after its last frame.
#[derive(Default)]
pub struct Decoder {
    body: Vec<u8>,
}

impl Decoder {
    /// A decoder at the beginning of a message.
    pub fn new() -> Self {
        Self::default()
    }

    /// Room for the body of the frame announced, to be filled completely.
    ///
    /// # Errors
    /// [`CodecError::MessageTooLong`], before any memory is taken.
    pub fn space(&mut self, header: Header) -> Result<&mut [u8], CodecError> {
        let start = self.body.len();
        if start + header.length > MAX_MESSAGE_BYTES {
            self.body = Vec::new();
            return Err(CodecError::MessageTooLong);
        }
        self.body.resize(start + header.length, 0);
        Ok(&mut self.body[start..])
    }

    /// The message, if that frame was its last.
    ///
    /// # Errors
    /// [`CodecError::Format`], [`CodecError::Malformed`].
    pub fn finish<T: DeserializeOwned>(&mut self, header: Header) -> Result<Option<T>, CodecError> {
        if header.more {
            return Ok(None);
        }
        let message = decode(&self.body);
        self.body.clear();
        // One long message must not keep its memory for the life of the connection.
        self.body.shrink_to(MAX_FRAME_BYTES);
        message.map(Some)
    }
}

/// Writes one message and flushes.
///
/// # Errors
/// [`CodecError::Io`], [`CodecError::MessageTooLong`].
pub fn write<T: Serialize>(stream: &mut impl io::Write, message: &T) -> Result<(), CodecError> {
    stream.write_all(&encode(message)?)?;
    Ok(stream.flush()?)
}

/// Reads one message.
///
/// # Errors
/// Any [`CodecError`]; [`CodecError::Closed`] only where the stream ends between two messages.
pub fn read<T: DeserializeOwned>(stream: &mut impl io::Read, decoder: &mut Decoder) -> Result<T, CodecError> {
    let mut first = true;
    loop {
        let header = Header::parse(read_header(stream, first)?)?;
        stream.read_exact(decoder.space(header)?)?;
        if let Some(message) = decoder.finish(header)? {
            return Ok(message);
        }
        first = false;
    }
}

/// Reads a frame's four bytes; an end before the first of them is [`CodecError::Closed`] where one may end.
pub(crate) fn read_header(
    stream: &mut impl io::Read,
    may_end: bool,
) -> Result<[u8; HEADER_BYTES], CodecError> {
    let mut bytes = [0; HEADER_BYTES];
    let mut filled = 0;
    while filled < HEADER_BYTES {
        match stream.read(&mut bytes[filled..]) {
            Ok(0) if filled == 0 && may_end => return Err(CodecError::Closed),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bytes)
}
