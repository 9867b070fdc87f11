//! Progress on standard error: a bar on a terminal, a line now and then elsewhere, nothing when quiet or read by a
//! program.

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
        let form = if output.silent() {
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
        let message = sentence(progress);
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

/// The step, the round and the message, unless that only says the first two again.
fn sentence(progress: &facts::Progress) -> String {
    let facts::Progress { step, round, max_rounds, message, .. } = progress;
    let mut sentence = text::printable(step);
    if *round > 0 {
        sentence += &format!(" {round}/{max_rounds}");
    }
    if !message.is_empty() && *message != format!("{step} {round}") {
        sentence += &format!(": {}", text::printable(message));
    }
    sentence
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
    fn a_round_is_said_once() {
        let said = |round, message: &str| {
            let step = "round".to_owned();
            sentence(&facts::Progress {
                step,
                round,
                max_rounds: 300,
                message: message.into(),
                fraction: None,
            })
        };
        assert_eq!(said(1, "round 1"), "round 1/300");
        assert_eq!(said(1, "round 2"), "round 1/300: round 2");
        assert_eq!(said(0, "exchanging keys"), "round: exchanging keys");
    }

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
