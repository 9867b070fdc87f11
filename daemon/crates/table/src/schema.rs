//! Names and types of a table's attributes.

use serde::{Deserialize, Serialize};

/// What a table's columns are, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Name of the data set (`dataset/@name` in XRFF; empty when the format has none).
    pub name: String,
    /// The attributes in column order; their names are distinct.
    pub attributes: Vec<Attribute>,
}

/// One attribute (column).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Whether it is the class, which takes no part in clustering unless asked for by name.
    pub class: bool,
}

/// The type of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Finite 64-bit floating-point numbers. XRFF's `real` and `integer` are this too.
    Numeric,
    /// One of a fixed list of labels.
    Nominal {
        /// The labels in order; distinct.
        labels: Vec<String>,
    },
    /// Free text.
    String,
    /// A date, kept as the text that stood in the document.
    Date {
        /// A Java `SimpleDateFormat` pattern, Weka's default being `yyyy-MM-dd'T'HH:mm:ss`.
        format: String,
    },
}

impl Kind {
    /// The type's name in XRFF and in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Nominal { .. } => "nominal",
            Self::String => "string",
            Self::Date { .. } => "date",
        }
    }
}

impl Schema {
    /// Index of the attribute called `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.attributes.iter().position(|a| a.name == name)
    }

    /// Index of the class attribute.
    pub fn class(&self) -> Option<usize> {
        self.attributes.iter().position(|a| a.class)
    }
}
