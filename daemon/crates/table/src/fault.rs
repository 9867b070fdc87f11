//! Refusals that happen below a parser and travel through it inside an `io::Error`.

use crate::error::{ErrorKind, TableError};
use std::{fmt, io};

/// Why the byte stream under a parser stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Too many bytes of one thing: its name and the limit.
    TooLong(&'static str, u64),
    /// Too many bytes in all.
    Expanded(u64),
    /// Too many bytes from too little gzip: the ratio allowed.
    Ratio(u64),
    /// The gzip data end too early.
    GzipTruncated,
    /// The gzip data are damaged.
    GzipDamaged,
    /// The bytes are not valid in the encoding that the document's start announces.
    Encoding,
    /// A character that XML 1.0 does not allow, at this line and column.
    Character(u64, u64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&TableError::from(*self).message)
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        Self::other(fault)
    }
}

impl From<Fault> for TableError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TooLong(what, limit) => Self::limit(&format!("bytes of {what}"), limit),
            Fault::Expanded(limit) => Self::limit("bytes of the unpacked document", limit),
            Fault::Ratio(limit) => Self::limit("unpacked bytes for each packed byte", limit)
                .hint("unpack the file with gunzip and use it so if you trust it"),
            Fault::GzipTruncated => Self::new(ErrorKind::Gzip, "the gzip data end too early")
                .hint("the file was cut off; fetch it again"),
            Fault::GzipDamaged => Self::new(ErrorKind::Gzip, "the gzip data are damaged")
                .hint("check the file with `gzip -t`; fetch it again"),
            Fault::Encoding => {
                Self::new(ErrorKind::Encoding, "the bytes are not valid in the document's encoding")
                    .hint("convert the file to UTF-8, for instance with iconv -t UTF-8")
            }
            Fault::Character(line, column) => Self::new(
                ErrorKind::Encoding,
                "a control character or another character that XML 1.0 does not allow",
            )
            .at(line, column)
            .hint("remove it; binary formats such as spreadsheets must be exported first"),
        }
    }
}

impl TableError {
    /// The refusal inside an I/O error, or the error itself.
    pub(crate) fn from_io(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(&fault) => Fault::into(fault),
            None => Self::new(ErrorKind::Io, format!("reading or writing failed: {error}")),
        }
    }
}
