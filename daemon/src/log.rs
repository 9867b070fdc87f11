//! The log, on standard error: for the journal under systemd, for people elsewhere.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing_subscriber::EnvFilter;

/// Starts the log at the level that `RUST_LOG` asks for, `info` if it does not say.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    // The journal has its own clock. A subscriber that is set already, by a test, may stay.
    let _ = if std::env::var_os("JOURNAL_STREAM").is_some() {
        lines.without_time().with_target(false).try_init()
    } else {
        lines.with_target(false).try_init()
    };
}

/// Lets a few lines a minute through, so that strangers cannot fill the disk with log.
pub(crate) struct Sparingly {
    window: Mutex<Window>,
}

struct Window {
    began: Instant,
    lines: u32,
    left_out: u64,
}

impl Sparingly {
    const LINES: u32 = 20;
    const WINDOW: Duration = Duration::from_secs(60);

    pub(crate) fn new() -> Self {
        Self { window: Mutex::new(Window { began: Instant::now(), lines: 0, left_out: 0 }) }
    }

    /// Whether a line may be written; if so, how many were left out before it.
    pub(crate) fn admit(&self) -> Option<u64> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(window.began) >= Self::WINDOW {
            (window.began, window.lines) = (now, 0);
        }
        if window.lines == Self::LINES {
            window.left_out += 1;
            return None;
        }
        window.lines += 1;
        Some(std::mem::take(&mut window.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted() {
        let log = Sparingly::new();
        let start = Instant::now();
        let admitted = (0..100).filter_map(|_| log.admit_at(start)).collect::<Vec<_>>();
        assert_eq!(admitted, [0; Sparingly::LINES as usize]);
        assert_eq!(log.admit_at(start + 2 * Sparingly::WINDOW), Some(80));
        assert_eq!(log.admit_at(start + 2 * Sparingly::WINDOW), Some(0));
    }
}
