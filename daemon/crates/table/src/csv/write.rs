//! Tables to CSV.

use crate::column::{Column, MISSING};
use crate::error::{ErrorKind, TableError};
use crate::number;
use crate::schema::Kind;
use crate::table::Table;
use std::io::{BufWriter, Write};

/// Writes a table as CSV: commas, a header line, fields quoted where needed, missing values empty.
///
/// Numbers are written as the shortest decimal that reads back the same. CSV has no place for
/// the data set's name, weights, types, or a class that is not the last column called `class`;
/// a string that is empty, `?` or `NA` reads back as missing, and a column of texts that are all
/// numbers as numeric. XRFF keeps all of these.
///
/// # Errors
/// [`ErrorKind::Unwritable`] if the table contradicts itself ([`Table::check`]);
/// [`ErrorKind::Io`] if writing fails.
pub fn write(table: &Table, out: impl Write) -> Result<(), TableError> {
    table.check()?;
    let failed = |e: csv::Error| match e.kind() {
        csv::ErrorKind::Io(e) => TableError::from_io(e),
        _ => TableError::new(ErrorKind::Io, "writing CSV failed"),
    };
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    let names = || table.schema.attributes.iter().map(|a| &a.name);
    // Readers find the delimiter by what the first line holds outside quotation marks.
    let misleading = names().any(|name| name.contains([';', '\t']));
    csv::WriterBuilder::new()
        .quote_style(match misleading {
            true => csv::QuoteStyle::Always,
            false => csv::QuoteStyle::Necessary,
        })
        .from_writer(&mut out)
        .write_record(names())
        .map_err(failed)?;
    let mut writer = csv::Writer::from_writer(out);
    let mut digits = Vec::with_capacity(32);
    for row in 0..table.rows() {
        for (attribute, column) in table.schema.attributes.iter().zip(&table.columns) {
            let field = match (column, &attribute.kind) {
                (Column::Numeric(values), _) if values[row].is_nan() => b"",
                (Column::Numeric(values), _) => {
                    digits.clear();
                    number::write(&mut digits, values[row]).map_err(|e| TableError::from_io(&e))?;
                    digits.as_slice()
                }
                (Column::Nominal(codes), Kind::Nominal { labels }) if codes[row] != MISSING => {
                    labels[codes[row] as usize].as_bytes()
                }
                (Column::Text(strings), _) => strings.get(row).unwrap_or_default().as_bytes(),
                (Column::Nominal(_), _) => b"",
            };
            writer.write_field(field).map_err(failed)?;
        }
        writer.write_record(None::<&[u8]>).map_err(failed)?;
    }
    writer.flush().map_err(|e| TableError::from_io(&e))
}
