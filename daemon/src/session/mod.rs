//! Joint runs between daemons: agreeing on one, linking its parties, running this party's role, going on with one that
//! was interrupted.

mod ask;
mod blame;
mod costs;
pub(crate) mod descriptor;
mod estimate;
mod invited;
pub(crate) mod keep;
mod lead;
mod links;
mod pace;
mod phases;
mod policy;
mod report;
mod resume;
mod run;
mod waiting;

pub use estimate::estimate;
pub use invited::{ping, serve};
pub use lead::{default_starts, start};
pub use resume::resume;
pub use waiting::Sessions;
