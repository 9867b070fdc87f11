//! A data set in memory.

use crate::column::{Column, MISSING};
use crate::error::{ErrorKind, TableError};
use crate::schema::{Kind, Schema};
use std::collections::HashSet;

/// A data set: a schema and one column of values for each attribute.
///
/// `Debug` shows the schema and the number of rows, never a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Names and types of the columns.
    pub schema: Schema,
    /// The columns, in the schema's order, all of the same length.
    pub columns: Vec<Column>,
    /// The instances' weights (finite, not negative), if any differs from 1.
    pub weights: Option<Vec<f64>>,
}

impl Table {
    /// A table whose parts agree with each other.
    ///
    /// # Errors
    /// [`ErrorKind::Unwritable`] if they do not: see [`Table::check`].
    pub fn new(schema: Schema, columns: Vec<Column>, weights: Option<Vec<f64>>) -> Result<Self, TableError> {
        let table = Self { schema, columns, weights };
        table.check()?;
        Ok(table)
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Column::rows)
    }

    /// Whether the parts agree: a column of the right type for each attribute, columns and
    /// weights of one length, distinct names and labels, at most one class, codes within the
    /// labels, numbers finite or missing.
    ///
    /// # Errors
    /// [`ErrorKind::Unwritable`] with the first disagreement found.
    pub fn check(&self) -> Result<(), TableError> {
        let wrong = |message: &str| TableError::new(ErrorKind::Unwritable, message);
        let attributes = &self.schema.attributes;
        if attributes.is_empty() {
            return Err(wrong("a table needs at least one attribute"));
        }
        if attributes.len() != self.columns.len() {
            return Err(wrong("the schema and the columns differ in number"));
        }
        if attributes.iter().filter(|a| a.class).count() > 1 {
            return Err(wrong("more than one attribute is marked as the class"));
        }
        let rows = self.rows();
        let mut names = HashSet::with_capacity(attributes.len());
        for (attribute, column) in attributes.iter().zip(&self.columns) {
            let wrong = |message: &str| wrong(message).attribute(&attribute.name);
            if attribute.name.trim().is_empty() {
                return Err(wrong("the attribute's name is empty"));
            }
            if !names.insert(attribute.name.as_str()) {
                return Err(wrong("two attributes have this name"));
            }
            if column.rows() != rows {
                return Err(wrong("the column differs in length from the first"));
            }
            match (&attribute.kind, column) {
                (Kind::Numeric, Column::Numeric(values)) => {
                    if values.iter().any(|v| v.is_infinite()) {
                        return Err(wrong("the column holds an infinite number"));
                    }
                }
                (Kind::Nominal { labels }, Column::Nominal(codes)) => {
                    let fits = |&c: &u32| c == MISSING || (c as usize) < labels.len();
                    if !codes.iter().all(fits) {
                        return Err(wrong("the column holds a code without a label"));
                    }
                    let distinct: HashSet<&str> = labels.iter().map(String::as_str).collect();
                    if distinct.len() != labels.len() {
                        return Err(wrong("two labels are equal"));
                    }
                }
                (Kind::String | Kind::Date { .. }, Column::Text(_)) => {}
                _ => return Err(wrong("the column is not of the attribute's type")),
            }
        }
        match &self.weights {
            Some(weights) if weights.len() != rows => {
                Err(wrong("the weights differ in number from the rows"))
            }
            Some(weights) if !weights.iter().all(|w| w.is_finite() && *w >= 0.0) => {
                Err(wrong("a weight is negative or not finite"))
            }
            _ => Ok(()),
        }
    }
}
