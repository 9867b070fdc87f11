//! CSV: delimited text with a header line, types inferred.

mod infer;
mod read;
mod write;

pub(crate) use read::read;
pub use write::write;

/// Whether a field means that the value is missing.
fn is_missing(field: &str) -> bool {
    matches!(field, "" | "?" | "NA")
}

/// A field without the blanks that stand around it after a delimiter.
fn trim(field: &str) -> &str {
    field.trim_matches([' ', '\t'])
}
