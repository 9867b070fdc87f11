//! What went wrong, where, and what to do about it.

use std::fmt;

/// The class of a [`TableError`]; stable enough to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input could not be read or the output could not be written.
    Io,
    /// A limit of [`Limits`](crate::Limits) was passed.
    Limit,
    /// The gzip layer is damaged or cut off.
    Gzip,
    /// The text is not in a supported encoding, or has characters that XML 1.0 does not allow.
    Encoding,
    /// Not well-formed XML or CSV.
    Syntax,
    /// The document ends too early.
    Truncated,
    /// Well-formed XML that asks for what is refused on purpose: entities, external references.
    Refused,
    /// Well-formed, but not built like a data set of this format.
    Structure,
    /// The header declares an attribute wrongly, or of a type that is not supported.
    Schema,
    /// A value does not fit its attribute.
    Value,
    /// A selection names an attribute that the table does not have.
    UnknownAttribute,
    /// A selection names an attribute twice.
    DuplicateAttribute,
    /// A selection names an attribute that is not numeric.
    NotNumeric,
    /// The table cannot be written in this format, or contradicts itself.
    Unwritable,
}

/// An error about a data set. It says what is wrong, where, and what to do.
///
/// Cell values are never part of it, since they may be personal data; names of attributes are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TableError {
    /// The class of the error.
    pub kind: ErrorKind,
    /// Line in the document (after unpacking), counted from 1.
    pub line: Option<u64>,
    /// Column: the character in the line for XRFF, the field in the record for CSV; from 1.
    pub column: Option<u64>,
    /// The attribute concerned.
    pub attribute: Option<String>,
    /// The instance (data row) concerned, counted from 1.
    pub instance: Option<u64>,
    /// What is wrong.
    pub message: Box<str>,
    /// What to do about it; may be empty.
    pub hint: Box<str>,
}

impl TableError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Box<str>>) -> Self {
        Self {
            kind,
            line: None,
            column: None,
            attribute: None,
            instance: None,
            message: message.into(),
            hint: Box::default(),
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<Box<str>>) -> Self {
        self.hint = hint.into();
        self
    }

    pub(crate) fn at(mut self, line: u64, column: u64) -> Self {
        self.line = Some(line);
        self.column = Some(column);
        self
    }

    pub(crate) fn attribute(mut self, name: &str) -> Self {
        self.attribute = Some(printable(name));
        self
    }

    pub(crate) fn instance(mut self, instance: u64) -> Self {
        self.instance = Some(instance);
        self
    }

    pub(crate) fn limit(what: &str, limit: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Limit, format!("{what}: more than the limit of {limit}"))
            .hint("split the data or raise the limit")
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = false;
        let mut say = |f: &mut fmt::Formatter<'_>, part: fmt::Arguments<'_>| {
            f.write_str(if place { ", " } else { "" })?;
            place = true;
            f.write_fmt(part)
        };
        if let Some(line) = self.line {
            say(f, format_args!("line {line}"))?;
        }
        if let Some(column) = self.column {
            say(f, format_args!("column {column}"))?;
        }
        if let Some(instance) = self.instance {
            say(f, format_args!("instance {instance}"))?;
        }
        if let Some(attribute) = &self.attribute {
            say(f, format_args!("attribute `{attribute}`"))?;
        }
        if place {
            f.write_str(": ")?;
        }
        f.write_str(&self.message)?;
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

/// A name cut and cleaned for a terminal: at most 80 characters, none of them a control character.
pub(crate) fn printable(name: &str) -> String {
    const LONGEST: usize = 80;
    let mut out: String =
        name.chars().take(LONGEST).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    if name.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}
