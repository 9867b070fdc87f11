//! A conversation over a blocking stream.

use std::io::{Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{self, CodecError, Decoder, HEADER_BYTES};
use crate::hello::{Hello, HelloError, MAX_HELLO_BYTES};
use crate::{Request, Response};

/// Why no conversation came about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The stream failed, or ended too early.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The other side is not one we can talk to.
    #[error(transparent)]
    Hello(#[from] HelloError),
}

/// One side of a conversation, after both hellos.
pub struct Connection<S> {
    stream: S,
    decoder: Decoder,
    theirs: Hello,
}

impl<S: Read + Write> Connection<S> {
    /// Says hello and takes the other side's. Both sides speak first, so the same call serves client and server.
    ///
    /// # Errors
    /// [`ConnectError`]; a version mismatch names both versions.
    pub fn establish(mut stream: S) -> Result<Self, ConnectError> {
        stream.write_all(&Hello::ours().encode()).map_err(CodecError::Io)?;
        stream.flush().map_err(CodecError::Io)?;
        let header: [u8; HEADER_BYTES] = codec::read_header(&mut stream, true)?;
        let length = u32::from_le_bytes(header) as usize;
        if length > MAX_HELLO_BYTES {
            return Err(HelloError::NotCloister.into());
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).map_err(CodecError::Io)?;
        let theirs = Hello::decode(&body)?;
        theirs.check()?;
        Ok(Self { stream, decoder: Decoder::new(), theirs })
    }

    /// Whom we talk to.
    pub fn other_side(&self) -> &Hello {
        &self.theirs
    }

    /// The stream below, to set deadlines or to shut it down.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// The client's side: asks.
    ///
    /// # Errors
    /// [`CodecError::Io`], [`CodecError::MessageTooLong`].
    pub fn ask(&mut self, request: &Request) -> Result<(), CodecError> {
        self.send(request)
    }

    /// The client's side: takes the next response.
    ///
    /// # Errors
    /// Any [`CodecError`].
    pub fn answer(&mut self) -> Result<Response, CodecError> {
        self.receive()
    }

    /// Sends any message, for instance a [`Response`] from the server's side.
    ///
    /// # Errors
    /// [`CodecError::Io`], [`CodecError::MessageTooLong`].
    pub fn send<T: Serialize>(&mut self, message: &T) -> Result<(), CodecError> {
        codec::write(&mut self.stream, message)
    }

    /// Receives any message, for instance a [`Request`] on the server's side.
    ///
    /// # Errors
    /// Any [`CodecError`].
    pub fn receive<T: DeserializeOwned>(&mut self) -> Result<T, CodecError> {
        codec::read(&mut self.stream, &mut self.decoder)
    }
}
