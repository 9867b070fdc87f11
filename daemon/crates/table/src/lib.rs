//! Data sets: XRFF and CSV to typed columns and back.

mod column;
mod document;
mod error;
mod limits;
mod schema;
mod select;
mod table;

pub use column::{Column, MISSING, Strings};
pub use document::{Document, Format, Note};
pub use error::{ErrorKind, TableError};
pub use limits::Limits;
pub use schema::{Attribute, Kind, Schema};
pub use select::{NumericRows, Selection};
pub use table::Table;
