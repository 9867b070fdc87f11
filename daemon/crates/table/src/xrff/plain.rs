//! The short way for what nearly all of a data set consists of: `<value>`, text, `</value>`.
//!
//! A value that stands in the buffer as a whole, with neither markup nor references nor carriage
//! returns inside, is well-formed by its looks, so the event parser need not see it. All else
//! takes the long way.

use super::text::{is_blank, trim_blanks};
use super::walk::Walk;

const OPEN: &[u8] = b"<value>";
const CLOSE: &[u8] = b"</value>";

/// Longer values are not worth the scan.
const LONGEST: usize = 64;

/// A value found in the buffer.
pub(super) struct Plain<'b> {
    /// Its text, without blank edges.
    pub(super) text: &'b str,
    /// Where it starts, and how many bytes it takes with what is before it.
    pub(super) extent: Extent,
}

/// Bytes from the reading position.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// To the start of the tag.
    pub(super) start: usize,
    /// To the end of the end tag.
    pub(super) end: usize,
}

impl Walk<'_> {
    /// Finds a plain value right after the last event or the last plain value, and blanks.
    ///
    /// The last event must have been a tag, for the parser is then between events.
    #[inline]
    pub(super) fn plain_value(&self) -> Option<Plain<'_>> {
        let buffered = self.buffered();
        let most = self.limits.tag_bytes.min(self.limits.value_bytes);
        let blanks = buffered.iter().take(most);
        let start = blanks.take_while(|&&b| is_blank(b.into())).count();
        let rest = buffered.get(start..)?.strip_prefix(OPEN)?;
        let window = &rest[..rest.len().min(LONGEST).min(most)];
        let length = window.iter().position(|&b| matches!(b, b'<' | b'&' | b'\r'))?;
        if !rest[length..].starts_with(CLOSE) {
            return None;
        }
        let text = std::str::from_utf8(&rest[..length]).ok()?;
        Some(Plain {
            text: trim_blanks(text),
            extent: Extent { start, end: start + OPEN.len() + length + CLOSE.len() },
        })
    }
}
