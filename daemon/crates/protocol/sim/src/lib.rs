//! A network in memory for tests of the protocol, with faults.
//!
//! A [`World`] holds the parties of one run. Each party's role is given its [`Links`], which are the very
//! [`SessionLink`](transport::SessionLink)s that the daemon uses, over pipes in memory; between each two
//! parties stands a wire that can lose, spoil, hold back or write down what passes. All runs on one thread
//! with a clock that jumps ahead when everybody waits, so a timeout of minutes takes no time.
//!
//! ```
//! # use protocol::PartyId;
//! use sim::World;
//!
//! let mut world = World::new(2);
//! for party in world.parties() {
//!     world.play(party, async move |links| links.peers().len());
//! }
//! let report = world.run();
//! assert_eq!(report.result(PartyId::LEAD), &2);
//! ```

mod fault;
mod links;
mod report;
mod wire;
mod world;

pub use fault::{Fault, Moment, Site};
pub use links::Links;
pub use report::{Outcome, Received, Report};
pub use world::World;
