//! The numbers that clustering takes from a table.

use crate::column::Column;
use crate::error::{ErrorKind, TableError, printable};
use crate::table::Table;
use std::collections::HashSet;
use std::fmt;

/// Which attributes to take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All numeric attributes but the class, in column order.
    #[default]
    Default,
    /// These, in this order; the class may be among them.
    Named(Vec<String>),
}

/// Rows of numbers taken from a table. `Debug` shows no value.
#[derive(Clone, PartialEq)]
pub struct NumericRows {
    /// The attributes' names, in order.
    pub names: Vec<String>,
    /// Number of rows.
    pub rows: usize,
    /// Row-major values, `rows * names.len()` of them; NaN stands for missing.
    pub values: Vec<f64>,
}

impl NumericRows {
    /// Number of attributes.
    pub fn dimensions(&self) -> usize {
        self.names.len()
    }

    /// The values of one row.
    ///
    /// # Panics
    /// If `row` is out of range, as indexing does.
    pub fn row(&self, row: usize) -> &[f64] {
        let d = self.dimensions();
        &self.values[row * d..(row + 1) * d]
    }

    /// Number of missing values.
    pub fn missing(&self) -> usize {
        self.values.iter().filter(|v| v.is_nan()).count()
    }
}

impl fmt::Debug for NumericRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NumericRows")
            .field("names", &self.names)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Table {
    /// Takes numeric attributes out of the table, row by row.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownAttribute`], naming the nearest known name;
    /// [`ErrorKind::DuplicateAttribute`]; [`ErrorKind::NotNumeric`], also when the default
    /// selection finds no numeric attribute; [`ErrorKind::Limit`] if the result has no room in
    /// the address space.
    pub fn select(&self, selection: &Selection) -> Result<NumericRows, TableError> {
        let indices = match selection {
            Selection::Default => self.default_selection()?,
            Selection::Named(names) => self.named_selection(names)?,
        };
        let rows = self.rows();
        let columns: Vec<&[f64]> = indices
            .iter()
            .filter_map(|&i| match &self.columns[i] {
                Column::Numeric(values) => Some(values.as_slice()),
                _ => None,
            })
            .collect();
        let cells = rows
            .checked_mul(columns.len())
            .filter(|&cells| cells <= isize::MAX as usize / size_of::<f64>())
            .ok_or_else(|| TableError::limit("cells selected", isize::MAX))?;
        let mut values = Vec::new();
        values
            .try_reserve_exact(cells)
            .map_err(|_| TableError::new(ErrorKind::Limit, "not enough memory for the rows"))?;
        for row in 0..rows {
            values.extend(columns.iter().map(|column| column[row]));
        }
        Ok(NumericRows {
            names: indices.iter().map(|&i| self.schema.attributes[i].name.clone()).collect(),
            rows,
            values,
        })
    }

    fn default_selection(&self) -> Result<Vec<usize>, TableError> {
        let numeric = |i: &usize| matches!(self.columns[*i], Column::Numeric(_));
        let all: Vec<usize> = (0..self.columns.len()).filter(numeric).collect();
        let chosen: Vec<usize> = all.iter().copied().filter(|&i| !self.schema.attributes[i].class).collect();
        if !chosen.is_empty() {
            return Ok(chosen);
        }
        let error = TableError::new(ErrorKind::NotNumeric, "no numeric attribute to cluster by");
        Err(match all.first() {
            Some(&class) => error
                .attribute(&self.schema.attributes[class].name)
                .hint("the only numeric attribute is the class: name it in --attributes"),
            None => error.hint("upload data with numeric attributes"),
        })
    }

    fn named_selection(&self, names: &[String]) -> Result<Vec<usize>, TableError> {
        if names.is_empty() {
            return Err(TableError::new(ErrorKind::UnknownAttribute, "no attribute is named")
                .hint("name at least one, or leave --attributes out"));
        }
        let mut seen = HashSet::with_capacity(names.len());
        let mut indices = Vec::with_capacity(names.len());
        for name in names {
            let index = self.schema.position(name).ok_or_else(|| self.unknown(name))?;
            if !seen.insert(index) {
                return Err(TableError::new(ErrorKind::DuplicateAttribute, "the attribute is named twice")
                    .attribute(name)
                    .hint("name it once"));
            }
            if !matches!(self.columns[index], Column::Numeric(_)) {
                let kind = self.schema.attributes[index].kind.name();
                return Err(TableError::new(
                    ErrorKind::NotNumeric,
                    format!("the attribute is not numeric but {kind}"),
                )
                .attribute(name)
                .hint("only numeric attributes can be clustered by"));
            }
            indices.push(index);
        }
        Ok(indices)
    }

    fn unknown(&self, name: &str) -> TableError {
        let error =
            TableError::new(ErrorKind::UnknownAttribute, "no attribute has this name").attribute(name);
        let known = self.schema.attributes.iter().map(|a| a.name.as_str());
        match nearest(name, known) {
            Some(near) => error.hint(format!("did you mean `{}`?", printable(near))),
            None => error.hint("see the names with `show`"),
        }
    }
}

/// The known name with the fewest edits from `name`, if that is at most a third of its length
/// (or two), letter case aside.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Names longer than this are not compared: the work grows with the product of the lengths.
    const LONGEST: usize = 200;
    let fold = |s: &str| s.to_lowercase().chars().take(LONGEST).collect::<Vec<_>>();
    let wanted = fold(name);
    known
        .map(|candidate| (edits(&wanted, &fold(candidate)), candidate))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, _)| distance <= (wanted.len() / 3).max(2))
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, one row of the table at a time.
fn edits(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
