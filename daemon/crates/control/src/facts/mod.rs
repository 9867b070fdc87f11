//! The facts a daemon states, typed once for the wire and for JSON.
//!
//! Field names are the names in JSON and the column names of the client's tables. Because the same structs cross
//! the socket in an encoding without field names, none of them may skip, flatten or tag anything. Times are seconds
//! since 1970-01-01 UTC (`…_unix`), sizes are bytes, fingerprints are 64 lower-case hexadecimal digits.

mod dataset;
mod estimate;
mod job;
mod peer;
mod plugin;
mod result;
mod status;

pub use dataset::{AttributeInfo, DatasetInfo, DatasetSummary};
pub use estimate::{EstimateInfo, Network, PhaseCost};
pub use job::{JobInfo, JobState, Progress};
pub use peer::{PeerInfo, PeerOrigin};
pub use plugin::PluginInfo;
pub use result::{LinkTraffic, Own, Parties, ResultInfo, RunResult, Scale};
pub use status::StatusInfo;
