//! Joint runs between daemons: agreeing on one, linking its parties, running this party's role.

mod blame;
mod descriptor;
mod invited;
mod lead;
mod links;
mod phases;
mod policy;
mod report;
mod run;
mod waiting;

pub use invited::{ping, serve};
pub use lead::{DEFAULT_STARTS, start};
pub use waiting::Sessions;
