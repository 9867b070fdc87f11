//! Events of an XML document, each bounded, with what quick-xml leaves unchecked checked.

use super::plain::Extent;
use crate::error::{ErrorKind, TableError};
use crate::limits::Limits;
use crate::meter::Meter;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::borrow::Cow;

/// One event, borrowed from the buffer that it was read into.
pub(super) enum Step<'b> {
    /// A start tag, or an empty-element tag if `empty`.
    Open { tag: BytesStart<'b>, empty: bool },
    /// An end tag; it matches the start tag.
    Close,
    /// Text without markup or references.
    Text(Cow<'b, str>),
    /// A character that stood as a reference.
    Reference(char),
    /// A CDATA section.
    Literal(Cow<'b, str>),
    /// The XML declaration.
    Declaration { version: Option<Cow<'b, str>>, encoding: Option<Cow<'b, str>> },
    /// What is between `<!DOCTYPE` and its closing bracket.
    Doctype(Cow<'b, str>),
    /// A comment or a processing instruction.
    Aside,
    /// The end of the document, with all elements closed.
    End,
}

/// How much one event may hold, and what to call it when it holds more.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    pub(super) what: &'static str,
    pub(super) bytes: usize,
}

pub(super) struct Walk<'a> {
    xml: Reader<Meter<'a>>,
    pub(super) limits: &'a Limits,
    depth: usize,
}

/// Buffers larger than this are given back after a large event.
const KEPT: usize = 64 * 1024;

impl<'a> Walk<'a> {
    pub(super) fn new(text: Meter<'a>, limits: &'a Limits) -> Self {
        Self { xml: Reader::from_reader(text), limits, depth: 0 }
    }

    /// Reads one event into `buf`.
    pub(super) fn step<'b>(&mut self, buf: &'b mut Vec<u8>, budget: Budget) -> Result<Step<'b>, TableError> {
        buf.clear();
        if buf.capacity() > KEPT {
            buf.shrink_to(KEPT);
        }
        self.xml.get_mut().begin(budget.what, budget.bytes);
        let event = match self.xml.read_event_into(buf) {
            Err(e) => return Err(self.refusal(&e)),
            Ok(event) => event,
        };
        Ok(match event {
            Event::Start(tag) => {
                self.enter()?;
                self.depth += 1;
                Step::Open { tag, empty: false }
            }
            Event::Empty(tag) => {
                self.enter()?;
                Step::Open { tag, empty: true }
            }
            Event::End(_) => {
                self.depth -= 1;
                Step::Close
            }
            Event::Text(text) => Step::Text(text.into_inner()),
            Event::CData(text) => Step::Literal(text.into_inner()),
            Event::GeneralRef(name) => Step::Reference(self.reference(&name)?),
            Event::Decl(declaration) => {
                let version = declaration.version().ok();
                let version = version.map(|v| Cow::Owned(v.into_owned()));
                let encoding = match declaration.encoding() {
                    None => None,
                    Some(Ok(name)) => Some(Cow::Owned(name.into_owned())),
                    Some(Err(_)) => return Err(self.syntax("the XML declaration is malformed")),
                };
                Step::Declaration { version, encoding }
            }
            Event::DocType(text) => Step::Doctype(text.into_inner()),
            Event::Comment(_) | Event::PI(_) => Step::Aside,
            Event::Eof if self.depth > 0 => return Err(self.truncated()),
            Event::Eof => Step::End,
        })
    }

    /// The bytes that are in memory after the last event.
    #[inline]
    pub(super) fn buffered(&self) -> &[u8] {
        self.xml.get_ref().buffered()
    }

    /// Passes over a plain value; it becomes the current event and value.
    #[inline]
    pub(super) fn pass(&mut self, extent: Extent) {
        self.xml.get_mut().pass(extent.start, extent.end);
    }

    /// Remembers the current event as the start of a value, for [`Walk::value_error`].
    #[inline]
    pub(super) fn begin_value(&mut self) {
        self.xml.get_mut().begin_value();
    }

    /// An error at the current event.
    #[cold]
    pub(super) fn error(&self, kind: ErrorKind, message: impl Into<Box<str>>) -> TableError {
        let (line, column) = self.xml.get_ref().event_position();
        TableError::new(kind, message).at(line, column)
    }

    /// An error at the start of the current value.
    #[cold]
    pub(super) fn value_error(&self, kind: ErrorKind, message: impl Into<Box<str>>) -> TableError {
        let (line, column) = self.xml.get_ref().value_position();
        TableError::new(kind, message).at(line, column)
    }

    #[cold]
    pub(super) fn syntax(&self, message: impl Into<Box<str>>) -> TableError {
        self.error(ErrorKind::Syntax, message).hint("check the file with an XML tool such as xmllint")
    }

    #[cold]
    pub(super) fn structure(&self, message: impl Into<Box<str>>) -> TableError {
        self.error(ErrorKind::Structure, message)
    }

    #[cold]
    pub(super) fn truncated(&self) -> TableError {
        self.error(ErrorKind::Truncated, "the document ends too early")
            .hint("the file was cut off; fetch or export it again")
    }

    #[cold]
    pub(super) fn limit(&self, what: &str, limit: impl std::fmt::Display) -> TableError {
        let (line, column) = self.xml.get_ref().event_position();
        TableError::limit(what, limit).at(line, column)
    }

    fn enter(&self) -> Result<(), TableError> {
        if self.depth >= self.limits.depth {
            return Err(self
                .limit("elements inside each other", self.limits.depth)
                .hint("XRFF needs no deeper nesting"));
        }
        Ok(())
    }

    /// The character that `&name;` stands for.
    pub(super) fn reference(&self, name: &str) -> Result<char, TableError> {
        resolve(name).map_err(|why| self.error(ErrorKind::Refused, why.message()).hint(why.hint()))
    }

    #[cold]
    fn refusal(&self, error: &Error) -> TableError {
        let at = |e: TableError| {
            let (line, column) = self.xml.get_ref().event_position();
            match e.line {
                Some(_) => e,
                None => e.at(line, column),
            }
        };
        match error {
            Error::Io(e) => at(TableError::from_io(e)),
            Error::Syntax(SyntaxError::InvalidBangMarkup) => {
                self.syntax("markup starting with `<!` that XML does not know")
            }
            Error::Syntax(_) => self.truncated(),
            Error::IllFormed(_) => {
                self.syntax("not well-formed: a tag that does not match, or an `&` that starts no reference")
            }
            Error::InvalidAttr(_) => self.syntax("a tag with malformed attributes"),
            Error::Encoding(_) => self
                .error(ErrorKind::Encoding, "the bytes are not valid UTF-8")
                .hint("convert the file, for instance with iconv -t UTF-8"),
            Error::Escape(_) | Error::Namespace(_) => self.syntax("not well-formed"),
        }
    }
}

/// Why a reference is not resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadReference {
    Entity,
    Character,
}

impl BadReference {
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Entity => "a reference to an entity other than lt, gt, amp, quot and apos",
            Self::Character => "a reference to a character that XML 1.0 does not allow",
        }
    }

    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Entity => "entities are never expanded; write the text itself",
            Self::Character => "remove it",
        }
    }
}

/// Resolves the five predefined entities and character references; nothing else.
pub(super) fn resolve(name: &str) -> Result<char, BadReference> {
    let number = match name {
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "amp" => return Ok('&'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => name.strip_prefix('#').ok_or(BadReference::Entity)?,
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // `from_str_radix` would take a sign.
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(BadReference::Character);
    }
    u32::from_str_radix(digits, radix)
        .ok()
        .and_then(char::from_u32)
        .filter(|&c| is_xml_char(c))
        .ok_or(BadReference::Character)
}

/// Whether XML 1.0 (production 2, `Char`) allows the character.
pub(super) fn is_xml_char(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' | '\u{FFFE}' | '\u{FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        assert_eq!(resolve("amp"), Ok('&'));
        assert_eq!(resolve("#65"), Ok('A'));
        assert_eq!(resolve("#x1F600"), Ok('\u{1F600}'));
        for name in ["nbsp", "", "LT", "b"] {
            assert_eq!(resolve(name), Err(BadReference::Entity), "{name}");
        }
        for name in
            ["#0", "#x0", "#1", "#xD800", "#x110000", "#", "#x", "#+65", "#-1", "#xFFFE", "#99999999999"]
        {
            assert_eq!(resolve(name), Err(BadReference::Character), "{name}");
        }
    }
}
