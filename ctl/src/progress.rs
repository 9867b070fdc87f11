//! Progress on standard error: a bar on a terminal, a line now and then elsewhere, nothing when quiet.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use control::facts;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;
use crate::text;

/// How often a line may come within one phase.
const INTERVAL: Duration = Duration::from_secs(1);

/// Shows how far one command is; cleared when dropped.
pub(crate) struct Progress {
    form: Form,
}

enum Form {
    Silent,
    Bar(ProgressBar),
    Lines(Lines),
}

/// Lines for a log: one when a phase begins, then at most one per [`INTERVAL`].
#[derive(Default)]
struct Lines {
    phase: String,
    last: Option<Instant>,
}

impl Lines {
    fn due(&mut self, phase: &str, now: Instant) -> bool {
        let due = self.phase != phase || self.last.is_none_or(|last| now.duration_since(last) >= INTERVAL);
        if due {
            self.last = Some(now);
            phase.clone_into(&mut self.phase);
        }
        due
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Progress {
    fn new(output: &Output, template: &str, length: Option<u64>) -> Self {
        let form = if output.quiet() {
            Form::Silent
        } else if io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
            bar.set_style(style(template));
            bar.enable_steady_tick(Duration::from_millis(200));
            Form::Bar(bar)
        } else {
            Form::Lines(Lines::default())
        };
        Self { form }
    }

    /// For a document on its way, its length in bytes where it is known.
    pub(crate) fn transfer(output: &Output, length: Option<u64>) -> Self {
        let template = match length {
            Some(_) => "{msg} [{wide_bar}] {bytes}/{total_bytes} {bytes_per_sec} {eta}",
            None => "{spinner} {msg} {bytes} {bytes_per_sec}",
        };
        Self::new(output, template, length)
    }

    /// For a job.
    pub(crate) fn job(output: &Output) -> Self {
        Self::new(output, "{spinner} {msg} [{wide_bar}] {percent}% {elapsed}", Some(1_000))
    }

    /// So many bytes have gone through.
    pub(crate) fn bytes(&mut self, doing: &str, count: u64) {
        match &mut self.form {
            Form::Silent => {}
            Form::Bar(bar) => {
                bar.set_message(doing.to_owned());
                bar.set_position(count);
            }
            Form::Lines(lines) => {
                if lines.due(doing, Instant::now()) {
                    line(&format!("{doing}: {}", text::bytes(count)));
                }
            }
        }
    }

    /// A job says where it is.
    pub(crate) fn step(&mut self, progress: &facts::Progress) {
        let mut message = text::printable(&progress.step);
        if progress.round > 0 {
            message += &format!(" {}/{}", progress.round, progress.max_rounds);
        }
        if !progress.message.is_empty() {
            message += &format!(": {}", text::printable(&progress.message));
        }
        match &mut self.form {
            Form::Silent => {}
            Form::Bar(bar) => {
                bar.set_message(message);
                bar.set_position((progress.fraction.unwrap_or(0.0).clamp(0.0, 1.0) * 1_000.0) as u64);
            }
            Form::Lines(lines) => {
                if lines.due(&progress.step, Instant::now()) {
                    line(&message);
                }
            }
        }
    }
}

/// Nobody to tell if standard error is gone.
fn line(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_once_a_phase_and_once_a_second() {
        let start = Instant::now();
        let mut lines = Lines::default();
        let due: Vec<bool> =
            [("a", 0), ("a", 10), ("a", 999), ("b", 999), ("b", 1_500), ("b", 1_999), ("a", 2_000)]
                .map(|(phase, at)| lines.due(phase, start + Duration::from_millis(at)))
                .to_vec();
        assert_eq!(due, [true, false, false, true, false, true, true]);
    }
}
