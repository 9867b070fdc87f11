//! Joint runs between daemons: agreeing on one, linking its parties, running this party's role.

mod waiting;

pub use waiting::Sessions;
