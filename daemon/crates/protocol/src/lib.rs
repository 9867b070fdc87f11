//! The roles of a joint run as async functions over typed links; see `daemon/docs/protocol.md`.

mod checkpoint;
mod course;
mod engine;
mod error;
mod estimate;
mod host;
mod link;
pub mod message;
mod operation;
mod party;
mod plan;
mod roles;
mod schedule;
mod sealed;
mod secure;

pub use checkpoint::Checkpoint;
pub use error::{Misbehaviour, ProtocolError};
pub use estimate::{Estimate, Network, Traffic, estimate};
pub use host::{HostInput, Outcome};
pub use link::{Blame, Cause, Link, LinkError, Message, Place, SentBy, SentTo, Step};
pub use party::{Contributor, Lead, PartyId, Role, Second, ThirdParty};
pub use plan::{
    MAX_ATTRIBUTES, MAX_CLUSTERS, MAX_HOSTS, MAX_PAIRS, MAX_POINT_VALUES, MAX_ROUNDS, MAX_SCORES, MAX_SLOTS,
    MAX_STARTS, MAX_VALUES, Plan, PlanError, Privacy,
};
pub use roles::{LeadLinks, SecondLinks, ThirdPartyLinks, contributor, lead, second, third_party};
