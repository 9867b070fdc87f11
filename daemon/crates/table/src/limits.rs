//! Bounds on what a document may make the reader do.

/// Bounds that hold while a document is read. Each is checked before memory is taken for what
/// it bounds, so a document costs at most a small constant factor of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attributes (columns) of the table.
    pub attributes: usize,
    /// Instances (rows) of the table.
    pub rows: u64,
    /// Rows times attributes. It bounds memory at 8 bytes a cell: an empty sparse instance is a
    /// few bytes in the document and a full row in the table.
    pub cells: u64,
    /// Bytes of the document after unpacking.
    pub expanded_bytes: u64,
    /// Unpacked bytes for each packed byte, beyond the first MiB.
    pub gzip_ratio: u64,
    /// Bytes of one tag with its attributes, or of one stretch of blank text.
    pub tag_bytes: usize,
    /// XML attributes on one tag.
    pub tag_attributes: usize,
    /// Bytes of one numeric, nominal or date value, of one label, or of one name.
    pub value_bytes: usize,
    /// Bytes of one string value.
    pub string_bytes: usize,
    /// Bytes of one comment or one piece of text in `<notes>` or before the root.
    pub notes_bytes: usize,
    /// Bytes of the DOCTYPE declaration; XRFF's own has about 1,300.
    pub doctype_bytes: usize,
    /// Nesting of elements; XRFF itself needs six.
    pub depth: usize,
    /// Labels of one nominal attribute.
    pub labels: usize,
    /// Bytes of all strings and labels held by the table together.
    pub text_bytes: u64,
    /// Bytes of one CSV record.
    pub record_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1 << 10;
        const GIB: u64 = 1 << 30;
        Self {
            attributes: 10_000,
            rows: 1 << 31,
            cells: 1 << 29,
            expanded_bytes: 16 * GIB,
            gzip_ratio: 250,
            tag_bytes: 64 * KIB,
            tag_attributes: 16,
            value_bytes: 4 * KIB,
            string_bytes: 64 * KIB,
            notes_bytes: 1024 * KIB,
            doctype_bytes: 16 * KIB,
            depth: 8,
            labels: 100_000,
            text_bytes: GIB,
            record_bytes: 4096 * KIB,
        }
    }
}
