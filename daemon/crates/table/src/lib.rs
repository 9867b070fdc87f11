//! Data sets: XRFF and CSV to typed columns and back.
//!
//! [`read`] takes a document of either format, packed with gzip or not, finds out by its content
//! which it is, and returns a [`Document`] with the [`Table`] in it. Input is not trusted: every
//! quantity is bounded by [`Limits`] before memory is taken for it, nothing is ever fetched or
//! expanded, and errors say where and what to do without echoing a value.
//!
//! ```
//! let csv = "height,weight,class\n172.5,68.1,a\n160,,b\n";
//! let document = table::read(csv.as_bytes(), &table::Limits::default())?;
//! let rows = document.table.select(&table::Selection::Default)?;
//! assert_eq!(rows.names, ["height", "weight"]);
//! assert_eq!(rows.row(0), [172.5, 68.1]);
//! assert!(rows.row(1)[1].is_nan());
//!
//! let mut xml = Vec::new();
//! table::xrff::write(&document.table, &mut xml)?;
//! let again = table::read(xml.as_slice(), &table::Limits::default())?;
//! assert_eq!(again.table, document.table);
//! # Ok::<(), table::TableError>(())
//! ```

mod column;
pub mod csv;
mod document;
mod error;
mod fault;
mod limits;
mod meter;
mod number;
mod schema;
mod select;
mod source;
mod table;
pub mod xrff;

pub use column::{Column, MISSING, Strings};
pub use document::{Document, Format, Note};
pub use error::{ErrorKind, TableError};
pub use limits::Limits;
pub use schema::{Attribute, Kind, Schema};
pub use select::{NumericRows, Selection};
pub use table::Table;

use std::io::Read;

/// Reads a document completely; gzip, encoding and format are found by content.
///
/// `input` need not be buffered.
///
/// # Errors
/// A [`TableError`] that says what is wrong, where, and what to do. No value is echoed.
pub fn read(input: impl Read, limits: &Limits) -> Result<Document, TableError> {
    let io = |e: std::io::Error| TableError::from_io(&e);
    let mut source = source::open(input, limits).map_err(io)?;
    let gzip = source.gzip;
    let format = match source.text.first_visible().map_err(io)? {
        Some(b'<') => Format::Xrff,
        Some(b'@' | b'%') if is_arff(source.text.buffered()) => {
            return Err(TableError::new(ErrorKind::Syntax, "this looks like ARFF, not XRFF or CSV")
                .at(1, 1)
                .hint("save it as XRFF from Weka, or export CSV"));
        }
        Some(_) => Format::Csv,
        None => {
            return Err(TableError::new(
                ErrorKind::Truncated,
                "the document is empty, or blank at its start",
            )
            .hint("upload XRFF, or CSV with a header line"));
        }
    };
    let mut notes = Vec::new();
    let table = match format {
        Format::Xrff => xrff::read(source, limits, &mut notes)?,
        Format::Csv => csv::read(source, limits, &mut notes)?,
    };
    document::describe(&table, &mut notes);
    Ok(Document { table, format, gzip, notes })
}

/// Whether a text that may start with ARFF's comments has its first declaration.
fn is_arff(start: &[u8]) -> bool {
    const WORD: &[u8] = b"@relation";
    start
        .split(|&b| b == b'\n')
        .any(|line| line.len() > WORD.len() && line[..WORD.len()].eq_ignore_ascii_case(WORD))
}
