//! The one error that crosses the control socket, and what it means to a shell.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a failure: the client's exit code, and a stable word in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// It was tried and did not work; none of the kinds below.
    Failed,
    /// The command or its arguments make no sense, or this build does not have them.
    Usage,
    /// No dataset, job, result, peer, plugin or file of that name.
    NotFound,
    /// Policy or permission forbids it; the message names the rule.
    Refused,
    /// The document or its values cannot be used.
    BadData,
    /// A peer, the third party or the daemon did not answer or broke off.
    PeerFailed,
    /// Stored data are damaged, or the key is not the one they were sealed with.
    Damaged,
}

impl ErrorCode {
    /// Every code, in the order of the exit codes.
    pub const ALL: [Self; 7] = [
        Self::Failed,
        Self::Usage,
        Self::NotFound,
        Self::Refused,
        Self::BadData,
        Self::PeerFailed,
        Self::Damaged,
    ];

    /// The exit code of a program that ends with this failure: 1 to 7.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Refused => 4,
            Self::BadData => 5,
            Self::PeerFailed => 6,
            Self::Damaged => 7,
        }
    }

    /// The code with this exit code, if there is one.
    pub fn from_exit_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.exit_code() == code)
    }

    /// The stable word for JSON and logs, for instance `not-found`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotFound => "not-found",
            Self::Refused => "refused",
            Self::BadData => "bad-data",
            Self::PeerFailed => "peer-failed",
            Self::Damaged => "damaged",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What went wrong, where, and what to do about it. Never holds a private value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind.
    pub code: ErrorCode,
    /// What happened and where (file, line, attribute, peer, round), one sentence without a full stop.
    pub message: String,
    /// What to do; empty where nothing useful can be said.
    pub hint: String,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: String::new() }
    }

    /// The same failure with advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_one_to_seven_and_reversible() {
        let codes: Vec<u8> = ErrorCode::ALL.iter().map(|code| code.exit_code()).collect();
        assert_eq!(codes, [1, 2, 3, 4, 5, 6, 7]);
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_exit_code(code.exit_code()), Some(code));
        }
        assert_eq!(ErrorCode::from_exit_code(0), None);
        assert_eq!(ErrorCode::from_exit_code(8), None);
    }

    #[test]
    fn the_word_in_json_is_the_word_in_print() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
        }
    }
}
