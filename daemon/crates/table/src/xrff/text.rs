//! Character data: normalised line ends, blank edges cut, references resolved.

use super::walk::{BadReference, resolve};

/// The white space of XML 1.0.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Whether there is nothing but white space.
pub(super) fn all_blank(text: &str) -> bool {
    text.chars().all(is_blank)
}

/// An element's text, put together from its pieces.
///
/// Blank edges are cut, as Weka does, since indented documents have them; a blank that stood as
/// a reference or in a CDATA section was put there on purpose and stays.
#[derive(Default)]
pub(super) struct Content {
    text: String,
    /// The part that is never cut.
    firm: Option<(usize, usize)>,
}

impl Content {
    #[inline]
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.firm = None;
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Adds literal text.
    #[inline]
    pub(super) fn push(&mut self, text: &str) {
        if text.contains('\r') {
            // XML 1.0, 2.11: line ends are read as a line feed.
            let mut rest = text.chars().peekable();
            while let Some(c) = rest.next() {
                if c != '\r' {
                    self.text.push(c);
                } else if rest.peek() != Some(&'\n') {
                    self.text.push('\n');
                }
            }
        } else {
            self.text.push_str(text);
        }
    }

    /// Adds the text of a CDATA section.
    pub(super) fn push_literal(&mut self, text: &str) {
        let start = self.text.len();
        self.push(text);
        self.keep(start);
    }

    /// Adds a character that stood as a reference.
    pub(super) fn push_char(&mut self, c: char) {
        let start = self.text.len();
        self.text.push(c);
        self.keep(start);
    }

    fn keep(&mut self, start: usize) {
        let start = self.firm.map_or(start, |(first, _)| first);
        self.firm = Some((start, self.text.len()));
    }

    /// The text without its blank edges.
    #[inline]
    pub(super) fn get(&self) -> &str {
        match self.firm {
            None => trim_blanks(&self.text),
            Some((start, end)) => {
                let head = self.text[..start].trim_start_matches(is_blank).len();
                let tail = self.text[end..].trim_end_matches(is_blank).len();
                &self.text[start - head..end + tail]
            }
        }
    }
}

/// The text without white space at its edges.
#[inline]
pub(super) fn trim_blanks(text: &str) -> &str {
    // Most texts have none; finding that out must not decode characters.
    match has_edge(text.as_bytes()) {
        false => text,
        true => text.trim_matches(is_blank),
    }
}

/// Whether the first or last byte may be white space.
#[inline]
fn has_edge(text: &[u8]) -> bool {
    let may = |b: Option<&u8>| b.is_some_and(|&b| b <= b' ');
    may(text.first()) || may(text.last())
}

/// The value of an XML attribute, from the raw text between its quotation marks.
pub(super) fn attribute_value(raw: &str) -> Result<String, BadReference> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        value.push_str(&rest[..at]);
        if rest.as_bytes()[at] == b'&' {
            let tail = &rest[at + 1..];
            let end = tail.find(';').ok_or(BadReference::Entity)?;
            value.push(resolve(&tail[..end])?);
            rest = &tail[end + 1..];
        } else {
            // XML 1.0, 3.3.3: literal white space becomes a space; a line end is one of them.
            value.push(' ');
            let skip = if rest[at..].starts_with("\r\n") { 2 } else { 1 };
            rest = &rest[at + skip..];
        }
    }
    value.push_str(rest);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges() {
        let mut content = Content::default();
        content.push("\r\n  a b\r");
        assert_eq!(content.get(), "a b");
        content.clear();
        content.push("  ");
        content.push_char(' ');
        content.push("x");
        content.push_char('\r');
        content.push(" y\r\n\n");
        assert_eq!(content.get(), " x\r y");
        content.clear();
        content.push(" \n");
        content.push_literal(" ");
        content.push(" ");
        assert_eq!(content.get(), " ");
        content.clear();
        content.push(" \t");
        assert_eq!(content.get(), "");
    }

    #[test]
    fn attribute_values() {
        assert_eq!(attribute_value("a\r\nb\tc&#10;&lt;").unwrap(), "a b c\n<");
        assert_eq!(attribute_value("&b;"), Err(BadReference::Entity));
        assert_eq!(attribute_value("a & b"), Err(BadReference::Entity));
        assert_eq!(attribute_value("&#0;"), Err(BadReference::Character));
    }
}
