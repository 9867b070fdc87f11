//! What the whole-system tests and the demo share: real daemons in a temporary folder, real data, and the plaintext
//! result that a joint run must equal.
//!
//! Everything here panics where something does not go as planned, with the daemons' logs in the message, and leaves
//! neither processes nor files behind.

pub mod client;
pub mod documents;
pub mod expected;
pub mod fleet;
pub mod party;
pub mod plugins;
pub mod programs;
pub mod relay;
pub mod settings;
pub mod shaping;

use std::time::{Duration, Instant};

/// How long anything may take that should be done at once. Generous: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Between two questions, so that who waits does not take the processor from those it waits for.
const REST: Duration = Duration::from_millis(5);

/// Asks again until there is an answer.
///
/// # Panics
/// If there is none within [`PATIENCE`]; `what` says what was waited for.
#[track_caller]
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {} s for {what}", PATIENCE.as_secs());
        std::thread::park_timeout(REST);
    }
}
