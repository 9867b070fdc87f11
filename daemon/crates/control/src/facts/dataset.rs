use serde::{Deserialize, Serialize};

/// One dataset in short, as in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetSummary {
    /// Its name here.
    pub name: String,
    /// `xrff` or `csv`, with `.gz` behind it where the document is compressed.
    pub format: String,
    /// How many rows.
    pub rows: u64,
    /// How many attributes.
    pub attributes: u64,
    /// The document's length.
    pub bytes: u64,
    /// What it takes up in the vault, sealed.
    pub stored_bytes: u64,
    /// How many sealed chunks.
    pub chunks: u64,
    /// When it was uploaded.
    pub uploaded_unix: u64,
}

/// One dataset in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetInfo {
    /// Its name here.
    pub name: String,
    /// The document's own file name.
    pub file_name: String,
    /// `xrff` or `csv`, with `.gz` behind it where the document is compressed.
    pub format: String,
    /// How many rows.
    pub rows: u64,
    /// The attributes in the document's order.
    pub attributes: Vec<AttributeInfo>,
    /// The document's length.
    pub bytes: u64,
    /// What it takes up in the vault, sealed.
    pub stored_bytes: u64,
    /// How many sealed chunks.
    pub chunks: u64,
    /// SHA-256 of the document, hexadecimal.
    pub sha256: String,
    /// When it was uploaded.
    pub uploaded_unix: u64,
    /// What its owner should know about how it was read, one sentence each.
    pub notes: Vec<String>,
}

/// One attribute of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeInfo {
    /// Its name.
    pub name: String,
    /// `numeric`, `nominal`, `string` or `date`.
    pub kind: String,
    /// Whether the document marks it as the class.
    pub class: bool,
    /// How many rows have no value.
    pub missing: u64,
    /// Whether runs take it unless told otherwise.
    pub used: bool,
}
