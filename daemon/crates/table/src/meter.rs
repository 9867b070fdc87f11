//! The buffer under both parsers. It knows line and column, bounds what a parser may take
//! for one event, and lets only characters of XML 1.0 pass.

use crate::fault::Fault;
use std::io::{self, BufRead, Read};

const BLOCK: usize = 64 * 1024;

/// A place in the text, kept as an index while its block is still in memory.
#[derive(Clone, Copy)]
enum Mark {
    Here(usize),
    Gone { line: u64, column: u64 },
}

/// A buffered reader with a position and an allowance.
pub(crate) struct Meter<'a> {
    input: Box<dyn Read + 'a>,
    block: Box<[u8]>,
    taken: usize,
    filled: usize,
    /// Line and column of the block's first byte.
    line: u64,
    column: u64,
    event: Mark,
    value: Mark,
    /// Bytes that the parser may still take, of what, and out of how many.
    allowance: u64,
    what: &'static str,
    allowed: u64,
    /// Bytes that may still come from the input.
    rest: u64,
    expanded: u64,
    /// The last two bytes of the block before.
    tail: [u8; 2],
}

impl<'a> Meter<'a> {
    pub(crate) fn new(input: Box<dyn Read + 'a>, expanded: u64) -> Self {
        Self {
            input,
            block: vec![0; BLOCK].into_boxed_slice(),
            taken: 0,
            filled: 0,
            line: 1,
            column: 1,
            event: Mark::Here(0),
            value: Mark::Here(0),
            allowance: u64::MAX,
            what: "one event",
            allowed: u64::MAX,
            rest: expanded,
            expanded,
            tail: [0; 2],
        }
    }

    /// Starts an event: at most `bytes` may be taken until the next start.
    #[inline]
    pub(crate) fn begin(&mut self, what: &'static str, bytes: usize) {
        self.event = Mark::Here(self.taken);
        self.allowance = bytes as u64;
        self.allowed = bytes as u64;
        self.what = what;
    }

    /// Remembers the current event's start as that of a value.
    #[inline]
    pub(crate) fn begin_value(&mut self) {
        self.value = self.event;
    }

    /// Line and column where the current event starts.
    pub(crate) fn event_position(&self) -> (u64, u64) {
        self.resolve(self.event)
    }

    /// Line and column where the current value starts.
    pub(crate) fn value_position(&self) -> (u64, u64) {
        self.resolve(self.value)
    }

    /// Takes bytes that the parser on top has not seen: a value that starts `start` bytes ahead and
    /// ends `end` bytes ahead, both within [`Meter::buffered`].
    #[inline]
    pub(crate) fn pass(&mut self, start: usize, end: usize) {
        self.event = Mark::Here(self.taken + start);
        self.value = self.event;
        self.taken += end;
    }

    /// The first byte that is not blank, if it is within the first block; nothing is consumed.
    pub(crate) fn first_visible(&mut self) -> io::Result<Option<u8>> {
        if self.taken == self.filled {
            self.refill()?;
        }
        let block = &self.block[self.taken..self.filled];
        Ok(block.iter().copied().find(|b| !b.is_ascii_whitespace()))
    }

    /// The unread part of the current block.
    pub(crate) fn buffered(&self) -> &[u8] {
        &self.block[self.taken..self.filled]
    }

    fn resolve(&self, mark: Mark) -> (u64, u64) {
        match mark {
            Mark::Gone { line, column } => (line, column),
            Mark::Here(index) => advance(self.line, self.column, &self.block[..index]),
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        let gone = |(line, column)| Mark::Gone { line, column };
        self.event = gone(self.resolve(self.event));
        self.value = gone(self.resolve(self.value));
        let old = &self.block[..self.filled];
        (self.line, self.column) = advance(self.line, self.column, old);
        if let [.., a, b] = *old {
            self.tail = [a, b];
        } else if let [b] = *old {
            self.tail = [self.tail[1], b];
        }
        (self.taken, self.filled) = (0, 0);
        // Fill the block as far as possible: short reads would make the checks below costly.
        while self.filled < BLOCK {
            match self.input.read(&mut self.block[self.filled..]) {
                Ok(0) => break,
                Ok(n) => self.filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        let new = self.filled as u64;
        if new > self.rest {
            return Err(Fault::Expanded(self.expanded).into());
        }
        self.rest -= new;
        if let Some(index) = forbidden(self.tail, &self.block[..self.filled]) {
            let (line, column) = advance(self.line, self.column, &self.block[..index]);
            return Err(Fault::Character(line, column).into());
        }
        Ok(())
    }
}

/// Line and column after `text`, which starts at `line` and `column`.
fn advance(line: u64, column: u64, text: &[u8]) -> (u64, u64) {
    // A character starts at each byte that does not continue one.
    let starts_character = |b| b & 0xC0 != 0x80;
    match text.iter().rposition(|&b| b == b'\n') {
        None => (line, column + count(text, starts_character)),
        Some(last) => {
            (line + count(&text[..=last], |b| b == b'\n'), 1 + count(&text[last + 1..], starts_character))
        }
    }
}

/// How many bytes there are of a kind.
fn count(text: &[u8], of_kind: impl Fn(u8) -> bool) -> u64 {
    // Short runs keep the sums in single bytes, which makes for full vectors.
    let run = |run: &[u8]| run.iter().map(|&b| u8::from(of_kind(b))).sum::<u8>();
    text.chunks(u8::MAX as usize).map(|chunk| u64::from(run(chunk))).sum()
}

/// Index of the first byte in `block` of (or, across the block's start, after) a character
/// that is no XML 1.0 `Char`: C0 controls but tab, line feed and carriage return; U+FFFE; U+FFFF.
fn forbidden(tail: [u8; 2], block: &[u8]) -> Option<usize> {
    let control = |b: u8| (b < 0x20) & (b != b'\t') & (b != b'\n') & (b != b'\r');
    // One pass without branches, which the compiler turns into vector code; all the rest is rare.
    let suspect = block.iter().fold(false, |found, &b| found | control(b) | (b == 0xEF));
    if !suspect && !tail.contains(&0xEF) {
        return None;
    }
    let mut before = tail;
    for (index, &b) in block.iter().enumerate() {
        if control(b) || (before == [0xEF, 0xBF] && b >= 0xBE) {
            return Some(index.saturating_sub(if control(b) { 0 } else { 2 }));
        }
        before = [before[1], b];
    }
    None
}

impl Read for Meter<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(buf.len());
        buf[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Meter<'_> {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.filled {
            self.refill()?;
        }
        let available = self.filled - self.taken;
        if self.allowance < available as u64 {
            if self.allowance == 0 {
                return Err(Fault::TooLong(self.what, self.allowed).into());
            }
            return Ok(&self.block[self.taken..self.taken + self.allowance as usize]);
        }
        Ok(&self.block[self.taken..self.filled])
    }

    #[inline]
    fn consume(&mut self, amount: usize) {
        self.taken += amount;
        self.allowance -= amount as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, TableError};

    #[test]
    fn position_counts_characters_across_blocks() {
        let text = "é\n".repeat(BLOCK) + "äx";
        let mut meter = Meter::new(Box::new(text.as_bytes()), u64::MAX);
        let mut left = text.len() - 1;
        while left > 0 {
            let n = meter.fill_buf().unwrap().len().min(left);
            meter.consume(n);
            left -= n;
        }
        meter.begin("x", 10);
        assert_eq!(meter.event_position(), (BLOCK as u64 + 1, 2));
        meter.consume(1);
        assert!(meter.fill_buf().unwrap().is_empty());
        assert_eq!(meter.event_position(), (BLOCK as u64 + 1, 2));
    }

    #[test]
    fn noncharacters_are_found_across_blocks() {
        for shift in 0..4 {
            let text = "a".repeat(BLOCK - shift) + "\u{FFFE}";
            let mut meter = Meter::new(Box::new(text.as_bytes()), u64::MAX);
            let mut taken = 0;
            let error = loop {
                match meter.fill_buf() {
                    Ok(block) => {
                        let n = block.len();
                        assert!(n > 0, "passed {taken} bytes, shift {shift}");
                        meter.consume(n);
                        taken += n;
                    }
                    Err(e) => break kind_of(&e),
                }
            };
            assert_eq!(error, ErrorKind::Encoding);
        }
        // Characters next to them pass.
        let text = "\u{FFFD}\u{F000}".repeat(10);
        let mut meter = Meter::new(Box::new(text.as_bytes()), u64::MAX);
        assert_eq!(meter.fill_buf().unwrap().len(), text.len());
    }

    fn kind_of(error: &io::Error) -> ErrorKind {
        TableError::from_io(error).kind
    }

    #[test]
    fn the_allowance_is_exact() {
        let mut meter = Meter::new(Box::new(&b"0123456789"[..]), u64::MAX);
        meter.begin("a thing", 4);
        assert_eq!(meter.fill_buf().unwrap(), b"0123");
        meter.consume(4);
        let error = meter.fill_buf().unwrap_err();
        assert!(error.to_string().contains("a thing"), "{error}");
        meter.begin("a thing", 100);
        assert_eq!(meter.fill_buf().unwrap(), b"456789");
    }

    #[test]
    fn expansion_stops_at_the_limit() {
        let mut meter = Meter::new(Box::new(io::repeat(b' ')), 200_000);
        let error = io::copy(&mut meter, &mut io::sink()).unwrap_err();
        assert_eq!(kind_of(&error), ErrorKind::Limit);
    }
}
