//! What `cloisterctl` and `cloisterd` say to each other over the control socket.
//!
//! The conversation is synchronous and one-sided: after a [hello] in each direction the client sends one
//! [`Request`] at a time and reads [`Response`]s until that request is answered. Which responses answer which
//! request, and in what order, stands at each variant of [`Request`]. A daemon that will not serve a client says
//! hello all the same and then [`Response::Failed`], so that the client can say why.
//!
//! * [`codec`] turns messages into length-framed bytes and back, for any transport ([`codec::encode`],
//!   [`codec::Decoder`]: no input or output of their own, so an asynchronous server can use them as they are).
//! * [`Connection`] does the same over a blocking stream.
//! * [`facts`] are the answers, typed; the same structs are printed as JSON by the client.
//! * [`Failure`] is the one error that crosses the socket; its [`ErrorCode`] is also the client's exit code.

mod bytes;
pub mod codec;
mod connection;
pub mod facts;
mod failure;
pub mod hello;
mod request;
mod response;

pub use codec::CodecError;
pub use connection::{ConnectError, Connection};
pub use failure::{ErrorCode, Failure};
pub use request::{
    Bound, ClusterRequest, Missing, NewPeer, Normalize, Privacy, Request, RetrieveFormat, Role, UnknownName,
};
pub use response::Response;

/// The version of this conversation; both sides must name the same one in their [hello].
///
/// Raised whenever a message changes in a way the other side could misread: the encoding carries no field names.
pub const PROTOCOL_VERSION: u16 = 2;

/// The largest piece of a document that one [`Request::Chunk`] or [`Response::Chunk`] carries, in bytes.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// Where the daemon listens unless its settings say otherwise.
pub const DEFAULT_SOCKET: &str = "/run/cloister/control.sock";
