//! CSV: delimited text with a header line, types inferred.

mod infer;
mod read;
mod write;

pub(crate) use read::read;
pub use write::write;

/// Whether a field means that the value is missing.
#[inline]
fn is_missing(field: &str) -> bool {
    matches!(field, "" | "?" | "NA")
}

/// A field without the blanks that stand around it after a delimiter.
#[inline]
fn trim(field: &str) -> &str {
    // Nearly all fields have none; finding that out must not decode characters.
    match field.as_bytes() {
        [first, .., last] if *first > b' ' && *last > b' ' => field,
        [only] if *only > b' ' => field,
        _ => field.trim_matches([' ', '\t']),
    }
}
