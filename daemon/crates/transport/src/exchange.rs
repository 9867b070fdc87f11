//! Single messages before a session: the invitation and its answer, on the stream that then becomes a link.
//!
//! On the wire: the length as a little-endian `u32`, then the encoded value ([`codec`]). Not a
//! byte beyond the message is read, so the stream can be handed on.

use std::io;
use std::time::Duration;

use protocol::LinkError;
use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::codec::{self, CodecError};
use crate::link::{link_error, seconds};

/// Writes one message and flushes it.
///
/// # Errors
/// [`LinkError::TooLong`] if the value encodes to more than `limit` bytes, [`LinkError::Timeout`] if the
/// peer does not take it in time, [`LinkError::Closed`] if the connection broke.
pub async fn write_message<S, T>(
    stream: &mut S,
    value: &T,
    limit: usize,
    timeout: Duration,
) -> Result<(), LinkError>
where
    S: AsyncWrite + Unpin,
    T: Serialize,
{
    let bytes = codec::encode(value).map_err(own_defect)?;
    let too_long = LinkError::TooLong { len: bytes.len() as u64 - 1, limit: limit as u64 };
    if bytes.len() - 1 > limit {
        return Err(too_long);
    }
    let len = u32::try_from(bytes.len()).map_err(|_| too_long)?;
    let write = async {
        stream.write_all(&len.to_le_bytes()).await?;
        stream.write_all(&bytes).await?;
        stream.flush().await
    };
    within(timeout, write).await
}

/// Reads one message of at most `limit` encoded bytes.
///
/// # Errors
/// [`LinkError::TooLong`] before anything is allocated for it, [`LinkError::Malformed`] for bytes that are
/// no `T`, [`LinkError::Timeout`] if it is not there in full in time, [`LinkError::Closed`] if the
/// connection ended first.
pub async fn read_message<S, T>(stream: &mut S, limit: usize, timeout: Duration) -> Result<T, LinkError>
where
    S: AsyncRead + Unpin,
    T: DeserializeOwned,
{
    let mut header = [0; 4];
    let mut bytes = Vec::new();
    let read = async {
        stream.read_exact(&mut header).await?;
        let len = u64::from(u32::from_le_bytes(header));
        // The version byte is not the caller's to count.
        if len.saturating_sub(1) > limit as u64 {
            return Ok(Some(len - 1));
        }
        // `read_to_end` grows its buffer with what arrives, not with what is announced.
        stream.take(len).read_to_end(&mut bytes).await?;
        if (bytes.len() as u64) < len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(None)
    };
    if let Some(len) = within(timeout, read).await? {
        return Err(LinkError::TooLong { len, limit: limit as u64 });
    }
    codec::decode(&bytes, limit).map_err(|e| LinkError::Malformed { what: e.to_string() })
}

async fn within<T>(timeout: Duration, work: impl Future<Output = io::Result<T>>) -> Result<T, LinkError> {
    match tokio::time::timeout(timeout, work).await {
        Ok(result) => result.map_err(|e| link_error(&e, timeout)),
        Err(_) => Err(LinkError::Timeout { seconds: seconds(timeout) }),
    }
}

fn own_defect(error: CodecError) -> LinkError {
    LinkError::Malformed { what: format!("this party's own message cannot be encoded: {error}") }
}
