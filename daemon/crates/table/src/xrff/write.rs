//! Tables to XRFF.

use super::DOCTYPE;
use super::text::is_blank;
use super::walk::is_xml_char;
use crate::column::{Column, MISSING};
use crate::error::{ErrorKind, TableError};
use crate::number;
use crate::schema::{Attribute, Kind};
use crate::table::Table;
use std::io::{self, BufWriter, Write};

/// Writes a table as an XRFF document with DOCTYPE, in UTF-8, all instances dense.
///
/// Numbers are written as the shortest decimal that reads back the same, so [`crate::read`]
/// returns an equal table. `out` need not be buffered.
///
/// # Errors
/// [`ErrorKind::Unwritable`] if the table contradicts itself ([`Table::check`]) or holds a
/// character that XML 1.0 cannot express; [`ErrorKind::Io`] if writing fails.
pub fn write(table: &Table, out: impl Write) -> Result<(), TableError> {
    table.check()?;
    check_schema(table)?;
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    let io = |e: io::Error| TableError::from_io(&e);
    header(&mut out, table).map_err(io)?;
    for row in 0..table.rows() {
        let weight = table.weights.as_ref().map_or(1.0, |weights| weights[row]);
        instance_tag(&mut out, weight).map_err(io)?;
        for (attribute, column) in table.schema.attributes.iter().zip(&table.columns) {
            if let Some(text) = column.text(row) {
                check_text(text).map_err(|e| e.attribute(&attribute.name).instance(row as u64 + 1))?;
            }
            value(&mut out, attribute, column, row).map_err(io)?;
        }
        out.write_all(b"</instance>\n").map_err(io)?;
    }
    out.write_all(b"    </instances>\n  </body>\n</dataset>\n").and_then(|()| out.flush()).map_err(io)
}

fn check_schema(table: &Table) -> Result<(), TableError> {
    check_text(&table.schema.name)?;
    for attribute in &table.schema.attributes {
        let named = |e: TableError| e.attribute(&attribute.name);
        check_text(&attribute.name).map_err(named)?;
        match &attribute.kind {
            Kind::Nominal { labels } => {
                for label in labels {
                    check_text(label).map_err(named)?;
                }
            }
            Kind::Date { format } => check_text(format).map_err(named)?,
            Kind::Numeric | Kind::String => {}
        }
    }
    Ok(())
}

fn check_text(text: &str) -> Result<(), TableError> {
    match text.chars().all(is_xml_char) {
        true => Ok(()),
        false => Err(TableError::new(
            ErrorKind::Unwritable,
            "a text has a control character that XML 1.0 cannot express",
        )
        .hint("write CSV instead, or remove the character")),
    }
}

fn header(out: &mut impl Write, table: &Table) -> io::Result<()> {
    write!(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\n<!DOCTYPE {DOCTYPE}>\n\n<dataset name=\"")?;
    escape(out, &table.schema.name)?;
    out.write_all(b"\" version=\"3.9.7\">\n  <header>\n    <attributes>\n")?;
    for attribute in &table.schema.attributes {
        declaration(out, attribute)?;
    }
    out.write_all(b"    </attributes>\n  </header>\n  <body>\n    <instances>\n")
}

fn declaration(out: &mut impl Write, attribute: &Attribute) -> io::Result<()> {
    out.write_all(b"      <attribute ")?;
    if attribute.class {
        out.write_all(b"class=\"yes\" ")?;
    }
    if let Kind::Date { format } = &attribute.kind {
        out.write_all(b"format=\"")?;
        escape(out, format)?;
        out.write_all(b"\" ")?;
    }
    out.write_all(b"name=\"")?;
    escape(out, &attribute.name)?;
    write!(out, "\" type=\"{}\"", attribute.kind.name())?;
    let Kind::Nominal { labels } = &attribute.kind else {
        return out.write_all(b"/>\n");
    };
    out.write_all(b">\n        <labels>\n")?;
    for label in labels {
        out.write_all(b"          <label>")?;
        content(out, label)?;
        out.write_all(b"</label>\n")?;
    }
    out.write_all(b"        </labels>\n      </attribute>\n")
}

fn instance_tag(out: &mut impl Write, weight: f64) -> io::Result<()> {
    if weight == 1.0 {
        return out.write_all(b"      <instance>");
    }
    out.write_all(b"      <instance weight=\"")?;
    number::write(out, weight)?;
    out.write_all(b"\">")
}

fn value(out: &mut impl Write, attribute: &Attribute, column: &Column, row: usize) -> io::Result<()> {
    const ABSENT: &[u8] = b"<value missing=\"yes\"/>";
    match (column, &attribute.kind) {
        (Column::Numeric(values), _) if values[row].is_nan() => return out.write_all(ABSENT),
        (Column::Numeric(values), _) => {
            out.write_all(b"<value>")?;
            number::write(out, values[row])?;
        }
        (Column::Nominal(codes), Kind::Nominal { labels }) if codes[row] != MISSING => {
            out.write_all(b"<value>")?;
            content(out, &labels[codes[row] as usize])?;
        }
        (Column::Text(strings), _) => match strings.get(row) {
            None => return out.write_all(ABSENT),
            Some(text) => {
                out.write_all(b"<value>")?;
                content(out, text)?;
            }
        },
        (Column::Nominal(_), _) => return out.write_all(ABSENT),
    }
    out.write_all(b"</value>")
}

/// An element's text. Blanks at its edges are written as references, since readers cut them.
fn content(out: &mut impl Write, text: &str) -> io::Result<()> {
    let inner = text.trim_start_matches(is_blank);
    blanks(out, &text[..text.len() - inner.len()])?;
    let core = inner.trim_end_matches(is_blank);
    escape(out, core)?;
    blanks(out, &inner[core.len()..])
}

fn blanks(out: &mut impl Write, text: &str) -> io::Result<()> {
    text.bytes().try_for_each(|b| write!(out, "&#{b};"))
}

/// Text with everything escaped that markup, attribute quoting or line-end rules would change.
fn escape(out: &mut impl Write, text: &str) -> io::Result<()> {
    let mut rest = text;
    while let Some(at) = rest.find(['<', '>', '&', '"', '\t', '\n', '\r']) {
        out.write_all(&rest.as_bytes()[..at])?;
        match rest.as_bytes()[at] {
            b'<' => out.write_all(b"&lt;")?,
            b'>' => out.write_all(b"&gt;")?,
            b'&' => out.write_all(b"&amp;")?,
            b'"' => out.write_all(b"&quot;")?,
            b => write!(out, "&#{b};")?,
        }
        rest = &rest[at + 1..];
    }
    out.write_all(rest.as_bytes())
}
