//! What reading a document yields besides the table.

use crate::error::printable;
use crate::schema::Kind;
use crate::table::Table;
use std::fmt;

/// A document's format, found by content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Weka's XML form of ARFF.
    Xrff,
    /// Delimited text with a header line.
    Csv,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Xrff => "XRFF",
            Self::Csv => "CSV",
        })
    }
}

/// A document that was read completely.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its data.
    pub table: Table,
    /// Its format.
    pub format: Format,
    /// Whether it was packed with gzip.
    pub gzip: bool,
    /// What its owner should know about how it was read.
    pub notes: Vec<Note>,
}

/// Something about a document that is no error, but that its owner may not expect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The class attribute takes no part in clustering unless named.
    ClassLeftOut {
        /// Its name.
        attribute: String,
        /// Whether it is numeric: Weka marks the last attribute as class unless told otherwise,
        /// so a numeric class may be a feature in truth.
        numeric: bool,
    },
    /// Some instances weigh other than 1; the weights are kept but not used.
    Weights,
    /// An attribute's weight (in its `<metadata>`) is not used.
    AttributeWeight {
        /// Its name.
        attribute: String,
    },
    /// Attributes that are not numeric take no part in clustering.
    NotNumeric {
        /// How many, without the class.
        attributes: usize,
    },
    /// Sparse instances leave out values of this string or date attribute; they count as missing.
    SparseText {
        /// Its name.
        attribute: String,
    },
    /// Labels stood in quotation marks in the instances; they were read without.
    QuotedLabels {
        /// The first attribute where that was so.
        attribute: String,
    },
    /// The values look like numbers with a decimal comma and were read as text.
    DecimalComma {
        /// Its name.
        attribute: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClassLeftOut { attribute, numeric } => {
                let name = printable(attribute);
                write!(f, "class attribute `{name}` is left out of clustering")?;
                if *numeric {
                    write!(f, "; it is numeric: if it is a feature in truth, name it in --attributes")?;
                }
                Ok(())
            }
            Self::Weights => f.write_str("weights other than 1 are kept but not used"),
            Self::AttributeWeight { attribute } => {
                let name = printable(attribute);
                write!(f, "the weight of attribute `{name}` is not used")
            }
            Self::NotNumeric { attributes: 1 } => {
                f.write_str("1 attribute is not numeric and takes no part in clustering")
            }
            Self::NotNumeric { attributes } => {
                write!(f, "{attributes} attributes are not numeric and take no part in clustering")
            }
            Self::SparseText { attribute } => write!(
                f,
                "values of `{}` left out of sparse instances count as missing",
                printable(attribute)
            ),
            Self::QuotedLabels { attribute } => write!(
                f,
                "labels in quotation marks (first in `{}`) were read without them",
                printable(attribute)
            ),
            Self::DecimalComma { attribute } => write!(
                f,
                "values of `{}` look like numbers with a decimal comma and were read as text; \
                 export with a decimal point to cluster by them",
                printable(attribute)
            ),
        }
    }
}

/// Adds the notes that follow from the schema.
pub(crate) fn describe(table: &Table, notes: &mut Vec<Note>) {
    let attributes = &table.schema.attributes;
    if let Some(class) = attributes.iter().find(|a| a.class) {
        notes
            .push(Note::ClassLeftOut { attribute: class.name.clone(), numeric: class.kind == Kind::Numeric });
    }
    let others = attributes.iter().filter(|a| !a.class && a.kind != Kind::Numeric).count();
    if others > 0 {
        notes.push(Note::NotNumeric { attributes: others });
    }
}
