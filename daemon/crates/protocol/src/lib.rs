//! The roles of a joint run as async functions over typed links; see `daemon/docs/protocol.md`.

mod link;
mod party;

pub use link::{Blame, Cause, Link, LinkError, Message, Place, SentBy, SentTo, Step};
pub use party::{Contributor, Lead, PartyId, Role, Second, ThirdParty};
