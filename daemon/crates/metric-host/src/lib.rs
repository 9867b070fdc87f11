//! Metric plugins, loaded at run time and kept on a short lead.
//!
//! A plugin is native code inside the daemon, so what it may be is settled before it runs: who owns the
//! file and the directories above it ([`Trust`]), what happens when it is loaded (first in a child process
//! with a time limit, [`Probe`]), whether its descriptor and its answers are right ([`conformance`]). After
//! every later call the results are checked again ([`LoadedMetric`]). A plugin is never unloaded.

mod descriptor;
mod host;
mod library;
mod loaded;
mod probe;
mod refusal;
mod trust;

pub mod conformance;

pub use host::{HostError, MetricHost, PluginInfo, Reloaded, check_file};
pub use loaded::{LoadedMetric, SecureForm, from_static};
pub use probe::{Probe, ProbeFailure, Sound, probe_child_main};
pub use refusal::{Refusal, Rejected};
pub use trust::Trust;
