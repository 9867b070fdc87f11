//! The body: instances to columns.

use super::element::Name;
use super::store::{Misfit, Store};
use super::text::{Content, all_blank};
use super::walk::{Budget, Step, Walk};
use crate::error::{ErrorKind, TableError};
use crate::number;
use crate::schema::Schema;

/// Reads the inside of `<instances>` into `store`.
pub(super) struct Instances<'w, 'a> {
    walk: &'w mut Walk<'a>,
    schema: &'w Schema,
    store: &'w mut Store,
    content: Content,
    /// The current instance, counted from 1.
    instance: u64,
    sparse: bool,
    /// Values of the current instance so far.
    values: usize,
}

/// The marks on a `<value>` tag.
#[derive(Clone, Copy, Default)]
struct Marks {
    missing: bool,
    index: Option<usize>,
}

impl<'w, 'a> Instances<'w, 'a> {
    pub(super) fn new(walk: &'w mut Walk<'a>, schema: &'w Schema, store: &'w mut Store) -> Self {
        Self { walk, schema, store, content: Content::default(), instance: 0, sparse: false, values: 0 }
    }

    /// Reads up to the end tag of `<instances>`.
    pub(super) fn read(mut self, buf: &mut Vec<u8>) -> Result<(), TableError> {
        let budget = self.walk.between();
        loop {
            match self.walk.step(buf, budget)? {
                Step::Open { tag, empty } => {
                    if tag.name().as_ref() != Name::Instance.tag() {
                        let element = self.walk.element(&tag, empty, "<instance>")?;
                        return Err(self.walk.misplaced(Some(element.name), "<instance>"));
                    }
                    self.instance += 1;
                    let (mut kind, mut weight) = (None, None);
                    if !tag.attributes_raw().is_empty() {
                        self.walk
                            .attributes(&tag, Name::Instance, |key, value| match key {
                                "type" => kind = Some(value),
                                _ => weight = Some(value),
                            })
                            .map_err(|e| e.instance(self.instance))?;
                    }
                    self.begin(kind.as_deref(), weight.as_deref())?;
                    if !empty {
                        self.instance(buf)?;
                    }
                    self.finish()?;
                }
                Step::Close => return Ok(()),
                Step::Text(text) if all_blank(&text) => {}
                Step::Aside => {}
                _ => return Err(self.walk.stray("<instance>")),
            }
        }
    }

    fn begin(&mut self, kind: Option<&str>, weight: Option<&str>) -> Result<(), TableError> {
        self.sparse = match kind {
            None | Some("normal") => false,
            Some("sparse") => true,
            Some(_) => {
                return Err(
                    self.wrong(ErrorKind::Structure, "the instance's type is neither `normal` nor `sparse`")
                );
            }
        };
        let weight = match weight.map(number::parse) {
            None => 1.0,
            Some(Ok(weight)) if weight >= 0.0 => weight,
            Some(_) => {
                return Err(self
                    .wrong(ErrorKind::Value, "the weight is not a number from 0 up")
                    .hint("correct it, or leave the weight out for 1"));
            }
        };
        self.values = 0;
        let limits = self.walk.limits;
        if self.instance > limits.rows {
            return Err(self.walk.limit("instances", limits.rows));
        }
        if self.instance.saturating_mul(self.schema.attributes.len() as u64) > limits.cells {
            return Err(self.walk.limit("instances times attributes", limits.cells).instance(self.instance));
        }
        self.store.begin(self.instance, weight);
        Ok(())
    }

    /// Reads the values of one instance up to its end tag.
    fn instance(&mut self, buf: &mut Vec<u8>) -> Result<(), TableError> {
        let budget = self.walk.between();
        loop {
            let step = self.walk.step(buf, budget).map_err(|e| e.instance(self.instance))?;
            match step {
                Step::Open { tag, empty } => {
                    if tag.name().as_ref() != Name::Value.tag() {
                        return Err(self.not_a_value(&tag, empty));
                    }
                    self.walk.begin_value();
                    let marks = match tag.attributes_raw().is_empty() {
                        true => Marks::default(),
                        false => self.marks(&tag)?,
                    };
                    let index = self.place(marks)?;
                    self.content.clear();
                    if !empty {
                        let budget = self.budget(index);
                        self.text(buf, budget, index)?;
                    }
                    self.put(index, marks.missing)?;
                    self.values += 1;
                    self.plain_values()?;
                }
                Step::Close => return Ok(()),
                Step::Text(text) if all_blank(&text) => {}
                Step::Aside => {}
                _ => return Err(self.walk.stray("<value>").instance(self.instance)),
            }
        }
    }

    /// Takes values as long as they are plain; the last event must have been a tag.
    #[inline]
    fn plain_values(&mut self) -> Result<(), TableError> {
        while !self.sparse
            && self.values < self.schema.attributes.len()
            && let Some(value) = self.walk.plain_value()
        {
            let index = self.values;
            let put = self.store.put(index, value.text);
            let extent = value.extent;
            self.walk.pass(extent);
            if let Err(why) = put {
                return Err(self.misfit(why, index));
            }
            self.values += 1;
        }
        Ok(())
    }

    #[cold]
    fn misfit(&self, why: Misfit, index: usize) -> TableError {
        let error = self.walk.value_error(why.kind(), why.message());
        self.in_value(error.hint(why.hint()), index)
    }

    #[cold]
    fn not_a_value(&self, tag: &quick_xml::events::BytesStart<'_>, empty: bool) -> TableError {
        match self.walk.element(tag, empty, "<value>") {
            Ok(element) => self.walk.misplaced(Some(element.name), "<value>"),
            Err(e) => e,
        }
        .instance(self.instance)
    }

    fn marks(&self, tag: &quick_xml::events::BytesStart<'_>) -> Result<Marks, TableError> {
        let mut index = None;
        let mut missing = None;
        self.walk
            .attributes(tag, Name::Value, |key, value| match key {
                "index" => index = Some(value),
                _ => missing = Some(value),
            })
            .map_err(|e| e.instance(self.instance))?;
        let missing = self
            .walk
            .yes_no(missing.as_deref(), "the missing mark")
            .map_err(|e| e.instance(self.instance))?;
        let index = match index.as_deref().map(parse_index) {
            None => None,
            Some(Some(index)) => Some(index),
            Some(None) => {
                return Err(
                    self.wrong(ErrorKind::Structure, "the value's index is not a whole number from 1 up")
                );
            }
        };
        Ok(Marks { missing, index })
    }

    /// The column (from 0) that the next value belongs to.
    #[inline]
    fn place(&self, marks: Marks) -> Result<usize, TableError> {
        let attributes = self.schema.attributes.len();
        if !self.sparse {
            // Weka writes no index here; one that says the same does no harm.
            if marks.index.is_some_and(|index| index != self.values + 1) {
                return Err(self
                    .wrong(ErrorKind::Structure, "the value's index is not its position")
                    .hint("mark the instance type=\"sparse\""));
            }
            if self.values >= attributes {
                return Err(self.wrong(
                    ErrorKind::Structure,
                    format!("more values than the {attributes} attributes of the header"),
                ));
            }
            return Ok(self.values);
        }
        match marks.index {
            Some(index) if index > attributes => Err(self
                .wrong(
                    ErrorKind::Structure,
                    format!("the value's index is beyond the {attributes} attributes of the header"),
                )
                .hint("indices count from 1")),
            Some(index) if self.store.has(index - 1) => {
                let name = &self.schema.attributes[index - 1].name;
                Err(self.wrong(ErrorKind::Structure, "two values for one attribute").attribute(name))
            }
            Some(index) => Ok(index - 1),
            None => Err(self.wrong(ErrorKind::Structure, "a value of a sparse instance without an index")),
        }
    }

    #[inline]
    fn budget(&self, index: usize) -> Budget {
        match self.store.is_long(index) {
            true => self.walk.long_text(),
            false => self.walk.short_text(),
        }
    }

    /// Reads a value's text up to its end tag.
    #[inline]
    fn text(&mut self, buf: &mut Vec<u8>, budget: Budget, index: usize) -> Result<(), TableError> {
        loop {
            let step = self.walk.step(buf, budget);
            let step = match step {
                Ok(step) => step,
                Err(e) => return Err(self.in_value(e, index)),
            };
            match step {
                Step::Text(text) => self.content.push(&text),
                Step::Close => return Ok(()),
                Step::Reference(c) => self.content.push_char(c),
                Step::Literal(text) => self.content.push_literal(&text),
                Step::Aside => {}
                Step::Open { tag, .. } if tag.name().as_ref() == Name::Instances.tag() => {
                    let e = self
                        .wrong(ErrorKind::Schema, "relational values are not supported")
                        .hint("flatten the data into one table first");
                    return Err(self.in_value(e, index));
                }
                _ => {
                    let e = self.wrong(ErrorKind::Structure, "markup inside a value");
                    return Err(self.in_value(e, index));
                }
            }
            if self.content.len() > budget.bytes {
                let e = self.walk.limit(&format!("bytes of {}", budget.what), budget.bytes);
                return Err(self.in_value(e, index));
            }
        }
    }

    #[inline]
    fn put(&mut self, index: usize, missing: bool) -> Result<(), TableError> {
        let put = match missing {
            true => {
                self.store.put_missing(index);
                Ok(())
            }
            false => self.store.put(index, self.content.get()),
        };
        put.map_err(|why| self.misfit(why, index))
    }

    /// Completes the instance.
    fn finish(&mut self) -> Result<(), TableError> {
        let attributes = self.schema.attributes.len();
        if self.sparse {
            return self.store.fill_absent().map_err(|index| {
                let e = self
                    .wrong(
                        ErrorKind::Value,
                        "left out of a sparse instance, which means its first label, but it has none",
                    )
                    .hint("declare its labels, or write missing=\"yes\"");
                self.in_value(e, index)
            });
        }
        if self.values < attributes {
            let (has, next) = (self.values, &self.schema.attributes[self.values].name);
            return Err(self
                .wrong(
                    ErrorKind::Structure,
                    format!("the instance has {has} values for {attributes} attributes"),
                )
                .attribute(next)
                .hint("write missing=\"yes\" for what is missing"));
        }
        Ok(())
    }

    #[cold]
    fn wrong(&self, kind: ErrorKind, message: impl Into<Box<str>>) -> TableError {
        self.walk.error(kind, message).instance(self.instance)
    }

    #[cold]
    fn in_value(&self, error: TableError, index: usize) -> TableError {
        error.instance(self.instance).attribute(&self.schema.attributes[index].name)
    }
}

/// A whole number from 1 up, in digits.
fn parse_index(text: &str) -> Option<usize> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|&index| index > 0)
}
