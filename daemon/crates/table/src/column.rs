//! Typed columns.

use std::fmt;

/// The values of one attribute, one for each row.
#[derive(Clone)]
pub enum Column {
    /// Numbers; NaN stands for missing, and no other value is NaN or infinite.
    Numeric(Vec<f64>),
    /// Indices into the attribute's labels; [`MISSING`] stands for missing.
    Nominal(Vec<u32>),
    /// Strings and dates.
    Text(Strings),
}

/// The code of a missing value in [`Column::Nominal`].
pub const MISSING: u32 = u32::MAX;

impl Column {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Numeric(values) => values.len(),
            Self::Nominal(codes) => codes.len(),
            Self::Text(strings) => strings.len(),
        }
    }

    /// Whether the value of `row` is missing.
    ///
    /// # Panics
    /// If `row` is out of range, as indexing does.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Numeric(values) => values[row].is_nan(),
            Self::Nominal(codes) => codes[row] == MISSING,
            Self::Text(strings) => strings.get(row).is_none(),
        }
    }

    /// How many values are missing.
    pub fn missing(&self) -> usize {
        match self {
            Self::Numeric(values) => values.iter().filter(|v| v.is_nan()).count(),
            Self::Nominal(codes) => codes.iter().filter(|&&c| c == MISSING).count(),
            Self::Text(strings) => strings.iter().filter(Option::is_none).count(),
        }
    }

    /// The number in `row`; `None` if it is missing, out of range, or the column is not numeric.
    pub fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::Numeric(values) => values.get(row).copied().filter(|v| !v.is_nan()),
            _ => None,
        }
    }

    /// The label's index in `row`; `None` if missing, out of range, or not a nominal column.
    pub fn code(&self, row: usize) -> Option<u32> {
        match self {
            Self::Nominal(codes) => codes.get(row).copied().filter(|&c| c != MISSING),
            _ => None,
        }
    }

    /// The text in `row`; `None` if missing, out of range, or not a column of text.
    pub fn text(&self, row: usize) -> Option<&str> {
        match self {
            Self::Text(strings) => strings.get(row),
            _ => None,
        }
    }
}

/// Same type, same missing values, same bits (so -0.0 differs from 0.0).
impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Numeric(a), Self::Numeric(b)) => {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan()))
            }
            (Self::Nominal(a), Self::Nominal(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            _ => false,
        }
    }
}

/// The type and the length only: values may be personal data.
impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Numeric(_) => "Numeric",
            Self::Nominal(_) => "Nominal",
            Self::Text(_) => "Text",
        };
        write!(f, "{name}({} rows)", self.rows())
    }
}

/// Strings one after another in one allocation.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Strings {
    text: String,
    /// End of each string in `text`; the top bit marks a missing one.
    ends: Vec<u64>,
}

const ABSENT: u64 = 1 << 63;

impl Strings {
    /// No strings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of strings, missing ones included.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds a string, or a missing one.
    pub fn push(&mut self, string: Option<&str>) {
        self.text.push_str(string.unwrap_or_default());
        let end = self.text.len() as u64;
        self.ends.push(if string.is_some() { end } else { end | ABSENT });
    }

    /// The string in `row`; `None` if it is missing or out of range.
    pub fn get(&self, row: usize) -> Option<&str> {
        let end = *self.ends.get(row)?;
        if end & ABSENT != 0 {
            return None;
        }
        let start = match row {
            0 => 0,
            _ => self.ends[row - 1] & !ABSENT,
        };
        Some(&self.text[start as usize..end as usize])
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Bytes of text held.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }
}

/// The count only: values may be personal data.
impl fmt::Debug for Strings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Strings({} rows)", self.len())
    }
}

impl<'a> FromIterator<Option<&'a str>> for Strings {
    fn from_iter<I: IntoIterator<Item = Option<&'a str>>>(iter: I) -> Self {
        let mut strings = Self::new();
        iter.into_iter().for_each(|s| strings.push(s));
        strings
    }
}
