//! CSV to tables.

use super::infer::{Inferred, Refusal, TextBudget, has_decimal_comma};
use super::trim;
use crate::column::Column;
use crate::document::Note;
use crate::error::{ErrorKind, TableError};
use crate::fault::Fault;
use crate::limits::Limits;
use crate::meter::Meter;
use crate::number;
use crate::schema::{Attribute, Kind, Schema};
use crate::source::Source;
use crate::table::Table;
use csv::StringRecord;
use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, Read};
use std::rc::Rc;

/// The csv crate's own buffer; it reads this far ahead of the record it delivers.
const AHEAD: usize = 64 * 1024;

/// Reads a document.
pub(crate) fn read(source: Source<'_>, limits: &Limits, notes: &mut Vec<Note>) -> Result<Table, TableError> {
    let delimiter = delimiter(source.text.buffered());
    let reach = Rc::new(Cell::new(0));
    let text =
        Marked { text: source.text, read: 0, reach: Rc::clone(&reach), limit: limits.record_bytes, end: END };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(AHEAD)
        .from_reader(text);
    let mut records = Records {
        reader: &mut reader,
        reach,
        limits,
        current: StringRecord::new(),
        ahead: StringRecord::new(),
        not_utf8: None,
    };
    records.start()?;
    records.check_ahead()?;
    if !records.next()? {
        return Err(TableError::new(ErrorKind::Truncated, "the document is empty")
            .hint("CSV starts with a line that names the attributes"));
    }
    let names = header(&records)?;
    let class = names
        .last()
        .filter(|name| names.len() > 1 && name.eq_ignore_ascii_case("class"))
        .map(|_| names.len() - 1);
    let mut columns: Vec<Inferred> =
        (0..names.len()).map(|index| Inferred::new(class == Some(index))).collect();
    let mut budget =
        TextBudget { kept: limits.text_bytes, written: limits.text_bytes, labels: limits.labels };
    rows(&mut records, &names, &mut columns, &mut budget)?;
    finish(names, class, columns, &mut budget, notes)
}

/// The delimiter that stands most often in the first line, outside quotation marks.
fn delimiter(text: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0_u32), (b';', 0), (b'\t', 0)];
    for &byte in text {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => {
                if let Some((_, count)) = counts.iter_mut().find(|(d, _)| *d == byte) {
                    *count += 1;
                }
            }
        }
    }
    // In a tie the first wins: the comma.
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    most.map_or(b',', |&(delimiter, _)| delimiter)
}

/// The record that [`Marked`] puts after the document's end. A quotation mark that is still open
/// there swallows it, which is how a document that was cut off inside quotes shows.
const END: &[u8] = b"\n\x01end\n";
const END_FIELD: &str = "\x01end";

/// The text, let through only as far as the current record may reach, and [`END`].
struct Marked<'a> {
    text: Meter<'a>,
    read: u64,
    reach: Rc<Cell<u64>>,
    limit: usize,
    end: &'static [u8],
}

impl Read for Marked<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.read > self.reach.get() {
            return Err(Fault::TooLong("one record", self.limit as u64).into());
        }
        let mut n = self.text.read(buf)?;
        if n == 0 {
            n = self.end.read(buf)?;
        }
        self.read += n as u64;
        Ok(n)
    }
}

/// The document's records, one ahead.
struct Records<'r, 'a> {
    reader: &'r mut csv::Reader<Marked<'a>>,
    reach: Rc<Cell<u64>>,
    limits: &'r Limits,
    current: StringRecord,
    ahead: StringRecord,
    /// Line and field (from 1) if the record ahead is not UTF-8.
    not_utf8: Option<(u64, u64)>,
}

impl Records<'_, '_> {
    fn start(&mut self) -> Result<(), TableError> {
        self.fetch().map(drop)
    }

    /// Reads a record into `ahead`; `false` at the end of input.
    #[inline]
    fn fetch(&mut self) -> Result<bool, TableError> {
        let reach = self.reader.position().byte() + (self.limits.record_bytes + AHEAD) as u64;
        self.reach.set(reach);
        match self.reader.read_record(&mut self.ahead) {
            Ok(more) => Ok(more),
            Err(e) => {
                let line = self.reader.position().line();
                Err(match e.kind() {
                    csv::ErrorKind::Utf8 { pos, err } => {
                        let line = pos.as_ref().map_or(line, csv::Position::line);
                        self.not_utf8 = Some((line, err.field() as u64 + 1));
                        return Ok(true);
                    }
                    csv::ErrorKind::Io(e) => {
                        let error = TableError::from_io(e);
                        match error.line {
                            None => error.at(line, 1),
                            Some(_) => error,
                        }
                    }
                    _ => TableError::new(ErrorKind::Syntax, "malformed CSV").at(line, 1),
                })
            }
        }
    }

    /// Moves to the next record; `false` after the last.
    #[inline]
    fn next(&mut self) -> Result<bool, TableError> {
        if let Some((line, field)) = self.not_utf8 {
            let error = TableError::new(ErrorKind::Encoding, "the field is not valid UTF-8");
            return Err(error.at(line, field).hint("convert the file, for instance with iconv -t UTF-8"));
        }
        std::mem::swap(&mut self.current, &mut self.ahead);
        if self.fetch()? {
            return Ok(true);
        }
        // `current` is now the last record of all, which must be the end mark.
        if self.current.len() == 1 && self.current.get(0) == Some(END_FIELD) {
            return Ok(false);
        }
        Err(self
            .error(1, ErrorKind::Truncated, "the document ends inside quotation marks that this record opens")
            .hint("close them, or fetch the file again if it was cut off"))
    }

    /// The error if the record ahead is not UTF-8.
    #[inline]
    fn check_ahead(&self) -> Result<(), TableError> {
        match self.not_utf8 {
            None => Ok(()),
            Some((line, field)) => Err(TableError::new(ErrorKind::Encoding, "the field is not valid UTF-8")
                .at(line, field)
                .hint("convert the file, for instance with iconv -t UTF-8")),
        }
    }

    /// An error in a field (from 1) of the current record.
    #[cold]
    fn error(&self, field: usize, kind: ErrorKind, message: impl Into<Box<str>>) -> TableError {
        let line = self.current.position().map_or(1, csv::Position::line);
        TableError::new(kind, message).at(line, field as u64)
    }
}

/// The attributes' names.
fn header(records: &Records<'_, '_>) -> Result<Vec<String>, TableError> {
    let limits = records.limits;
    let width = records.current.len();
    if width > limits.attributes {
        return Err(TableError::limit("attributes", limits.attributes).at(1, 1));
    }
    let mut names: Vec<String> = Vec::with_capacity(width);
    let mut seen = HashSet::with_capacity(width);
    for index in 0..width {
        let name = trim(&records.current[index]);
        let wrong = |message| records.error(index + 1, ErrorKind::Schema, message);
        if name.trim().is_empty() {
            return Err(wrong("the header has a field without a name")
                .hint("the first line must name every attribute"));
        }
        if name.len() > limits.value_bytes {
            return Err(
                TableError::limit("bytes of an attribute's name", limits.value_bytes).at(1, index as u64 + 1)
            );
        }
        if !seen.insert(name.to_owned()) {
            return Err(wrong("two attributes have this name")
                .attribute(name)
                .hint("give them distinct names"));
        }
        names.push(name.to_owned());
    }
    if names.iter().all(|name| number::parse(name).is_ok()) {
        return Err(records
            .error(1, ErrorKind::Schema, "the first line holds numbers, not names")
            .hint("add a header line that names the attributes"));
    }
    Ok(names)
}

fn rows(
    records: &mut Records<'_, '_>,
    names: &[String],
    columns: &mut [Inferred],
    budget: &mut TextBudget,
) -> Result<(), TableError> {
    let limits = records.limits;
    let mut instance = 0;
    loop {
        instance += 1;
        records.check_ahead().map_err(|error| in_record(error, instance, names))?;
        if !records.next()? {
            return Ok(());
        }
        if instance > limits.rows {
            return Err(TableError::limit("instances", limits.rows).instance(instance));
        }
        if instance.saturating_mul(names.len() as u64) > limits.cells {
            return Err(TableError::limit("instances times attributes", limits.cells).instance(instance));
        }
        let width = records.current.len();
        if width != names.len() {
            return Err(records
                .error(
                    width.min(names.len()),
                    ErrorKind::Structure,
                    format!("the record has {width} fields for {} attributes", names.len()),
                )
                .instance(instance)
                .hint("a field that holds the delimiter must stand in quotation marks"));
        }
        for (index, column) in columns.iter_mut().enumerate() {
            let in_field = |error: TableError| error.instance(instance).attribute(&names[index]);
            let field = &records.current[index];
            if field.len() > limits.string_bytes {
                let error = TableError::limit("bytes of one field", limits.string_bytes);
                let line = records.error(index + 1, ErrorKind::Limit, "").line;
                return Err(in_field(error.at(line.unwrap_or(1), index as u64 + 1)));
            }
            if let Err(why) = column.push(field, budget) {
                let (kind, message, hint) = explain(why);
                let error = records.error(index + 1, kind, message).hint(hint);
                return Err(in_field(error));
            }
        }
    }
}

/// Adds what an error that has only its place does not know.
#[cold]
fn in_record(error: TableError, instance: u64, names: &[String]) -> TableError {
    let name = error.column.and_then(|field| names.get(field as usize - 1));
    match name {
        Some(name) => error.attribute(name),
        None => error,
    }
    .instance(instance)
}

#[cold]
fn explain(why: Refusal) -> (ErrorKind, &'static str, &'static str) {
    match why {
        Refusal::Range => (
            ErrorKind::Value,
            "the number is beyond the range of 64-bit floating-point numbers",
            "correct it, or change the unit",
        ),
        Refusal::NotFinite => (
            ErrorKind::Value,
            "NaN or an infinity in a column of numbers",
            "correct the value, or leave it empty if it is missing",
        ),
        Refusal::TextBytes => (
            ErrorKind::Limit,
            "more text in all than the limit allows",
            "leave text columns out, or raise the limit",
        ),
        Refusal::LateText => (
            ErrorKind::Value,
            "text in a column that held only numbers so far, in a document too large to go back",
            "correct the value, leave it empty if missing, or use XRFF, which declares its types",
        ),
        Refusal::Labels => (
            ErrorKind::Limit,
            "the class has more labels than the limit allows",
            "rename the column if it is no class, or raise the limit",
        ),
    }
}

fn finish(
    names: Vec<String>,
    class: Option<usize>,
    columns: Vec<Inferred>,
    budget: &mut TextBudget,
    notes: &mut Vec<Note>,
) -> Result<Table, TableError> {
    let mut table =
        Table { schema: Schema::default(), columns: Vec::with_capacity(columns.len()), weights: None };
    for (index, (name, column)) in names.into_iter().zip(columns).enumerate() {
        let (kind, column) = column.finish(budget).map_err(|why| {
            let (kind, message, hint) = explain(why);
            TableError::new(kind, message).attribute(&name).hint(hint)
        })?;
        if decimal_comma(&kind, &column) {
            let attribute = name.clone();
            notes.push(Note::DecimalComma { attribute });
        }
        let class = class == Some(index);
        table.schema.attributes.push(Attribute { name, kind, class });
        table.columns.push(column);
    }
    Ok(table)
}

/// Whether a column that is not numeric consists of numbers with a decimal comma, as far as a
/// look at its first values tells.
fn decimal_comma(kind: &Kind, column: &Column) -> bool {
    const LOOKS: usize = 100;
    let mut texts: Box<dyn Iterator<Item = &str> + '_> = match (kind, column) {
        (Kind::Nominal { labels }, _) => Box::new(labels.iter().map(String::as_str)),
        (_, Column::Text(strings)) => Box::new(strings.iter().flatten()),
        _ => return false,
    };
    // Whole numbers have no comma, so not every value needs one.
    let mut commas = 0;
    let all = texts.by_ref().take(LOOKS).all(|text| {
        let comma = has_decimal_comma(text);
        commas += usize::from(comma);
        comma || number::parse(trim(text)).is_ok()
    });
    all && commas > 0
}

#[cfg(test)]
mod tests {
    use super::delimiter;

    #[test]
    fn delimiters() {
        for (text, expected) in [
            ("a,b;c,d\n;;;;", b','),
            ("a;b;\"c,,,,\"\n", b';'),
            ("a\tb\r\n", b'\t'),
            ("a,b;c", b','),
            ("a", b','),
            ("", b','),
        ] {
            assert_eq!(delimiter(text.as_bytes()), expected, "{text:?}");
        }
    }
}
