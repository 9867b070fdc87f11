//! What carries a run between daemons: pinned TLS identities, frames with limits and deadlines, and
//! [`protocol::Link`] over any byte stream; and the socket by which the operator's tool reaches the daemon.
//!
//! The order of a connection: [`tls::connect`] and [`tls::accept`] give an authenticated stream;
//! [`exchange`] carries the invitation and its answer on it; [`SessionLink::new`] then takes the stream for
//! the session. The wire format is in [`frame`] and [`codec`].

pub mod codec;
pub mod exchange;
pub mod frame;
mod identity;
mod link;
mod meter;
mod silence;
pub mod tls;
pub mod unix;

pub use identity::{Fingerprint, FingerprintError, Identity, IdentityError};
pub use link::{AbortHandle, LinkConfig, SessionLink};
pub use meter::{Count, Direction, Meter};
