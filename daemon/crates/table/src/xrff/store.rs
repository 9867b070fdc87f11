//! Columns under construction, filled value by value.

use crate::column::{Column, MISSING, Strings};
use crate::document::Note;
use crate::error::ErrorKind;
use crate::number::{self, NotNumber};
use crate::schema::{Attribute, Kind, Schema};
use std::collections::HashMap;

/// Why a value does not fit its attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    Empty,
    NotNumber,
    Range,
    NotLabel,
    TextBytes,
}

impl Misfit {
    pub(super) fn kind(self) -> ErrorKind {
        match self {
            Self::TextBytes => ErrorKind::Limit,
            _ => ErrorKind::Value,
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Empty => "the value of a numeric attribute is empty",
            Self::NotNumber => "the value is not a decimal number",
            Self::Range => "the value is beyond the range of 64-bit floating-point numbers",
            Self::NotLabel => "the value is none of the attribute's labels",
            Self::TextBytes => "more text in all than the limit allows",
        }
    }

    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Empty => "write missing=\"yes\" if it is missing",
            Self::NotNumber => "write digits with a decimal point; for a missing value, missing=\"yes\"",
            Self::Range => "correct it, or change the unit",
            Self::NotLabel => "add the label to the header, or correct the value",
            Self::TextBytes => "leave text columns out, or raise the limit",
        }
    }
}

enum Slot {
    Numeric(Vec<f64>),
    Nominal(Codes),
    Text { strings: Strings, long: bool },
}

struct Codes {
    codes: Vec<u32>,
    lookup: HashMap<Box<str>, u32>,
    labels: Vec<Box<str>>,
    /// Rows often come ordered by class: the last label is tried first.
    last: u32,
}

impl Codes {
    fn new(labels: &[String]) -> Self {
        let labels: Vec<Box<str>> = labels.iter().map(|l| l.as_str().into()).collect();
        let lookup = labels.iter().cloned().zip(0..).collect();
        Self { codes: Vec::new(), lookup, labels, last: 0 }
    }

    fn find(&mut self, label: &str) -> Option<u32> {
        if self.labels.get(self.last as usize).map(Box::as_ref) == Some(label) {
            return Some(self.last);
        }
        self.last = *self.lookup.get(label)?;
        Some(self.last)
    }
}

/// The columns of a table while its instances are read.
pub(super) struct Store {
    slots: Vec<Slot>,
    /// For each column, the last instance that has a value in it.
    filled: Vec<u64>,
    instance: u64,
    weights: Option<Vec<f64>>,
    text_left: u64,
    quoted: Option<usize>,
    absent_text: Vec<bool>,
}

impl Store {
    pub(super) fn new(schema: &Schema, text_bytes: u64) -> Self {
        let slot = |attribute: &Attribute| match &attribute.kind {
            Kind::Numeric => Slot::Numeric(Vec::new()),
            Kind::Nominal { labels } => Slot::Nominal(Codes::new(labels)),
            Kind::String => Slot::Text { strings: Strings::new(), long: true },
            Kind::Date { .. } => Slot::Text { strings: Strings::new(), long: false },
        };
        Self {
            slots: schema.attributes.iter().map(slot).collect(),
            filled: vec![0; schema.attributes.len()],
            instance: 0,
            weights: None,
            text_left: text_bytes,
            quoted: None,
            absent_text: vec![false; schema.attributes.len()],
        }
    }

    /// Starts the instance of this number (from 1).
    pub(super) fn begin(&mut self, instance: u64, weight: f64) {
        self.instance = instance;
        if weight != 1.0 && self.weights.is_none() {
            self.weights = Some(vec![1.0; instance as usize - 1]);
        }
        if let Some(weights) = &mut self.weights {
            weights.push(weight);
        }
    }

    /// Whether the current instance already has a value in this column.
    pub(super) fn has(&self, index: usize) -> bool {
        self.filled[index] == self.instance
    }

    /// Whether the column may hold long text.
    #[inline]
    pub(super) fn is_long(&self, index: usize) -> bool {
        matches!(self.slots[index], Slot::Text { long: true, .. })
    }

    #[inline]
    pub(super) fn put(&mut self, index: usize, text: &str) -> Result<(), Misfit> {
        self.filled[index] = self.instance;
        match &mut self.slots[index] {
            Slot::Numeric(values) => match number::parse(text) {
                Ok(number) => values.push(number),
                Err(NotNumber::Form) if text.is_empty() => return Err(Misfit::Empty),
                Err(NotNumber::Form) => return Err(Misfit::NotNumber),
                Err(NotNumber::Range) => return Err(Misfit::Range),
            },
            Slot::Nominal(nominal) => {
                let code = match nominal.find(text) {
                    Some(code) => code,
                    None => {
                        // Some programs other than Weka quote labels here as ARFF does.
                        let bare = unquote(text).and_then(|bare| nominal.find(bare));
                        self.quoted.get_or_insert(index);
                        bare.ok_or(Misfit::NotLabel)?
                    }
                };
                nominal.codes.push(code);
            }
            Slot::Text { strings, .. } => {
                self.text_left = self.text_left.checked_sub(text.len() as u64).ok_or(Misfit::TextBytes)?;
                strings.push(Some(text));
            }
        }
        Ok(())
    }

    pub(super) fn put_missing(&mut self, index: usize) {
        self.filled[index] = self.instance;
        match &mut self.slots[index] {
            Slot::Numeric(values) => values.push(f64::NAN),
            Slot::Nominal(nominal) => nominal.codes.push(MISSING),
            Slot::Text { strings, .. } => strings.push(None),
        }
    }

    /// Gives the columns that a sparse instance leaves out their value: zero, or the first label.
    /// For text there is no such value: it is missing.
    ///
    /// # Errors
    /// The first nominal column that is left out and has no label.
    pub(super) fn fill_absent(&mut self) -> Result<(), usize> {
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if self.filled[index] == self.instance {
                continue;
            }
            match slot {
                Slot::Numeric(values) => values.push(0.0),
                Slot::Nominal(nominal) if nominal.labels.is_empty() => return Err(index),
                Slot::Nominal(nominal) => nominal.codes.push(0),
                Slot::Text { strings, .. } => {
                    strings.push(None);
                    self.absent_text[index] = true;
                }
            }
        }
        Ok(())
    }

    /// The finished columns and weights.
    pub(super) fn finish(self, schema: &Schema, notes: &mut Vec<Note>) -> (Vec<Column>, Option<Vec<f64>>) {
        let name = |index: usize| schema.attributes[index].name.clone();
        if self.weights.is_some() {
            notes.push(Note::Weights);
        }
        if let Some(index) = self.quoted {
            let attribute = name(index);
            notes.push(Note::QuotedLabels { attribute });
        }
        for (index, _) in self.absent_text.iter().enumerate().filter(|(_, a)| **a) {
            let attribute = name(index);
            notes.push(Note::SparseText { attribute });
        }
        let column = |slot| match slot {
            Slot::Numeric(values) => Column::Numeric(values),
            Slot::Nominal(nominal) => Column::Nominal(nominal.codes),
            Slot::Text { strings, .. } => Column::Text(strings),
        };
        (self.slots.into_iter().map(column).collect(), self.weights)
    }
}

fn unquote(text: &str) -> Option<&str> {
    let strip = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    strip('"').or_else(|| strip('\''))
}
