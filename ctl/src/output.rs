//! What goes to standard output and standard error: tables and text for people, documents for programs.

use std::io::{self, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};
use control::{ErrorCode, Failure};
use serde::Serialize;

use crate::text;

/// Why a command did not run to its end.
pub(crate) enum Stop {
    /// It failed; said on standard error.
    Failed(Failure),
    /// Whoever read our output has gone: nothing to say, and nobody to say it to.
    ReaderGone,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

pub(crate) type Outcome<T = ()> = Result<T, Stop>;

/// How this invocation speaks.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
}

/// A document of its own: the schema's name in front of its facts.
#[derive(Serialize)]
struct Document<'a, T> {
    schema: String,
    #[serde(flatten)]
    facts: &'a T,
}

#[derive(Serialize)]
struct Items<'a, T> {
    items: &'a [T],
}

#[derive(Serialize)]
struct ErrorDocument<'a> {
    error: &'a Failure,
}

/// One JSON document, `"schema":"cloister.NAME/1"` first, ending in a line feed.
pub(crate) fn document<T: Serialize>(name: &str, facts: &T) -> Outcome<String> {
    let document = Document { schema: format!("cloister.{name}/1"), facts };
    let text = serde_json::to_string(&document)
        .map_err(|error| Failure::new(ErrorCode::Failed, format!("cannot write JSON: {error}")))?;
    Ok(text + "\n")
}

impl Output {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Whether standard error is for failures alone: asked to be quiet, or read by a program.
    pub(crate) fn silent(&self) -> bool {
        self.quiet || self.json
    }

    /// Facts as a JSON document, or as what `people` makes of them.
    pub(crate) fn facts<T: Serialize>(
        &self,
        name: &str,
        facts: &T,
        people: impl FnOnce(&T) -> String,
    ) -> Outcome {
        if self.json { raw(document(name, facts)?.as_bytes()) } else { raw(people(facts).as_bytes()) }
    }

    /// A list of facts as a JSON document, or as a table with these columns.
    pub(crate) fn list<T: Serialize, const N: usize>(
        &self,
        name: &str,
        items: &[T],
        columns: [&str; N],
        row: impl Fn(&T) -> [String; N],
    ) -> Outcome {
        self.facts(name, &Items { items }, |list| table(columns, list.items.iter().map(row)))
    }

    /// What was done: a JSON document on standard output, or a line on standard error unless quiet.
    pub(crate) fn done<T: Serialize>(&self, name: &str, facts: &T, sentence: &str) -> Outcome {
        if self.json {
            return raw(document(name, facts)?.as_bytes());
        }
        self.note(sentence);
        Ok(())
    }

    /// A line for people on standard error, unless that is for failures alone.
    pub(crate) fn note(&self, sentence: &str) {
        if !self.silent() {
            // Nobody to tell if standard error is gone.
            let _ = writeln!(io::stderr(), "{}", text::printable(sentence));
        }
    }

    /// A failure on standard error; said even when quiet.
    pub(crate) fn failure(&self, failure: &Failure) {
        let mut lines = String::new();
        if self.json {
            lines = serde_json::to_string(&ErrorDocument { error: failure }).unwrap_or_default();
        } else {
            lines += &format!("cloisterctl: {}", text::printable(&failure.message));
            if !failure.hint.is_empty() {
                lines += &format!("\n  hint: {}", text::printable(&failure.hint));
            }
        }
        let _ = writeln!(io::stderr(), "{lines}");
    }
}

/// Bytes to standard output.
pub(crate) fn raw(bytes: &[u8]) -> Outcome {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Stop::ReaderGone,
        _ => Failure::new(ErrorCode::Failed, format!("cannot write to standard output: {error}")).into(),
    })
}

/// A table for people: fitted to the terminal, plain and unwrapped elsewhere. A column that is empty in every row is
/// left out.
pub(crate) fn table<C, R>(columns: C, rows: impl IntoIterator<Item = R>) -> String
where
    C: IntoIterator<Item: AsRef<str>>,
    R: IntoIterator<Item: AsRef<str>>,
{
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(printable).collect();
    let columns = printable(columns);
    let told: Vec<bool> = (0..columns.len())
        .map(|column| {
            rows.is_empty() || rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.is_empty()))
        })
        .collect();
    let kept = |cells: Vec<String>| -> Vec<String> {
        cells.into_iter().zip(&told).filter_map(|(cell, &told)| told.then_some(cell)).collect()
    };
    table.set_header(kept(columns));
    for row in rows {
        table.add_row(kept(row));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

fn printable(cells: impl IntoIterator<Item: AsRef<str>>) -> Vec<String> {
    cells.into_iter().map(|cell| text::printable(cell.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_begins_with_its_schema() {
        let Ok(text) = document("peers", &Items { items: &["a"] }) else { panic!("no document") };
        assert_eq!(text, "{\"schema\":\"cloister.peers/1\",\"items\":[\"a\"]}\n");
    }

    #[test]
    fn a_column_without_content_is_left_out() {
        let text = table(["name", "file", "problem"], [["a", "", "gone"], ["b", "", ""]]);
        assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["name", "problem", "a", "gone", "b"]);
        let empty: [[&str; 2]; 0] = [];
        assert_eq!(table(["name", "file"], empty).split_whitespace().collect::<Vec<_>>(), ["name", "file"]);
    }

    #[test]
    fn a_table_prints_no_control_characters() {
        let text = table(["name"], [["a\u{1b}[2J\nb"]]);
        assert!(!text.contains('\u{1b}') && text.lines().count() == 2, "{text:?}");
    }
}
