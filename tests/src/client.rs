//! Runs of `cloisterctl`, and what they answered.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::programs::programs;

/// What one run of the client ended with.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A command of the client that speaks to `socket`.
pub fn command(socket: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(&programs().cloisterctl);
    command.env_remove("CLOISTER_SOCKET").arg("--socket").arg(socket).args(arguments).stdin(Stdio::null());
    command
}

/// Runs the client to its end.
pub fn run(socket: &Path, arguments: &[&str]) -> Answer {
    Answer::of(command(socket, arguments).output().expect("cloisterctl starts"))
}

/// Starts the client and leaves it running.
pub fn spawn(socket: &Path, arguments: &[&str]) -> Child {
    command(socket, arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cloisterctl starts")
}

impl Answer {
    /// From a program's end.
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the client writes UTF-8");
        Answer { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The same, if it went well.
    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.stdout, self.stderr);
        self
    }

    /// The document on standard output of a command that went well.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(self) -> T {
        let answer = self.good();
        serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {}", answer.stdout))
    }

    /// Holds that the command ended with `code` and all `words` in its message or hint.
    #[track_caller]
    pub fn refused(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in: {}", self.stderr);
        }
        self
    }

    /// The `items` of a list.
    #[track_caller]
    pub fn items<T: DeserializeOwned>(self) -> Vec<T> {
        let list: Value = self.json();
        serde_json::from_value(list["items"].clone()).expect("a list of facts")
    }
}
