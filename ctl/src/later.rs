//! Commands and options of later releases: named, so that asking for them gets a straight answer.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use control::{ErrorCode, Failure};

const COMMANDS: [&str; 5] = ["audit", "backup", "identity", "keys", "plot"];
const OPTIONS: [&str; 2] = ["--across", "--host"];
const VALUES: [&str; 1] = ["pmml"];

/// The answer, if what clap did not know is one of ours to come.
pub(crate) fn asked_for(error: &clap::Error) -> Option<Failure> {
    let (context, known): (_, &[&str]) = match error.kind() {
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, &COMMANDS),
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, &OPTIONS),
        ErrorKind::InvalidValue => (ContextKind::InvalidValue, &VALUES),
        _ => return None,
    };
    let Some(ContextValue::String(word)) = error.get(context) else { return None };
    // "--host=NAME" is reported whole.
    let word = word.split(['=', ' ']).next().unwrap_or_default();
    let word = known.iter().find(|name| **name == word)?;
    let failure = Failure::new(ErrorCode::Usage, format!("{word} is not available in this build"));
    Some(failure.with_hint("see cloisterctl --help for what is"))
}
