//! XRFF's elements and what may stand on and between their tags.

use super::text::{all_blank, attribute_value};
use super::walk::{Budget, Step, Walk};
use crate::error::{ErrorKind, TableError};
use quick_xml::events::BytesStart;

/// An element of XRFF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Dataset,
    Header,
    Notes,
    Attributes,
    Attribute,
    Labels,
    Label,
    Metadata,
    Property,
    Body,
    Instances,
    Instance,
    Value,
}

impl Name {
    /// The element of this name.
    pub(super) fn of(tag: &str) -> Option<Self> {
        Some(match tag {
            "dataset" => Self::Dataset,
            "header" => Self::Header,
            "notes" => Self::Notes,
            "attributes" => Self::Attributes,
            "attribute" => Self::Attribute,
            "labels" => Self::Labels,
            "label" => Self::Label,
            "metadata" => Self::Metadata,
            "property" => Self::Property,
            "body" => Self::Body,
            "instances" => Self::Instances,
            "instance" => Self::Instance,
            "value" => Self::Value,
            _ => return None,
        })
    }

    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Header => "header",
            Self::Notes => "notes",
            Self::Attributes => "attributes",
            Self::Attribute => "attribute",
            Self::Labels => "labels",
            Self::Label => "label",
            Self::Metadata => "metadata",
            Self::Property => "property",
            Self::Body => "body",
            Self::Instances => "instances",
            Self::Instance => "instance",
            Self::Value => "value",
        }
    }

    /// The XML attributes that it may carry.
    fn attributes(self) -> &'static [&'static str] {
        match self {
            Self::Dataset => &["name", "version"],
            Self::Attribute => &["name", "type", "format", "class"],
            Self::Property => &["name"],
            Self::Instance => &["type", "weight"],
            Self::Value => &["index", "missing"],
            _ => &[],
        }
    }
}

/// A start tag, taken out of the event buffer.
pub(super) struct Element {
    pub(super) name: Name,
    pub(super) empty: bool,
    attributes: Vec<(&'static str, String)>,
}

impl Element {
    /// The value of an XML attribute.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
    }
}

impl Walk<'_> {
    /// Between elements: tags, blank text, comments.
    pub(super) fn between(&self) -> Budget {
        Budget { what: "one tag, comment or blank stretch", bytes: self.limits.tag_bytes }
    }

    /// In notes and before the root.
    pub(super) fn aside(&self) -> Budget {
        Budget { what: "one comment or note", bytes: self.limits.notes_bytes }
    }

    /// In an element that holds a short text.
    pub(super) fn short_text(&self) -> Budget {
        Budget { what: "one value, label or name", bytes: self.limits.value_bytes }
    }

    /// In the value of a string attribute.
    pub(super) fn long_text(&self) -> Budget {
        Budget { what: "one string value", bytes: self.limits.string_bytes }
    }

    /// The next element inside the current one, or `None` at its end.
    ///
    /// `expected` says what belongs here, for the error.
    pub(super) fn child(&mut self, buf: &mut Vec<u8>, expected: &str) -> Result<Option<Element>, TableError> {
        loop {
            let budget = self.between();
            match self.step(buf, budget)? {
                Step::Open { tag, empty } => return self.element(&tag, empty, expected).map(Some),
                Step::Close => return Ok(None),
                Step::Text(text) if all_blank(&text) => {}
                Step::Aside => {}
                _ => return Err(self.stray(expected)),
            }
        }
    }

    /// Something other than an element where only elements belong.
    #[cold]
    pub(super) fn stray(&self, expected: &str) -> TableError {
        self.structure(format!("text or markup where only {expected} belongs"))
    }

    /// An element where another belongs.
    #[cold]
    pub(super) fn misplaced(&self, name: Option<Name>, expected: &str) -> TableError {
        match name {
            Some(name) => self.structure(format!("<{}> where {expected} belongs", name.tag())),
            None => self.structure(format!("an element that XRFF does not have, where {expected} belongs")),
        }
        .hint("XRFF's structure is in the Weka manual; export the file again from Weka")
    }

    /// Takes a start tag out of the event buffer, with its XML attributes checked.
    pub(super) fn element(
        &self,
        tag: &BytesStart<'_>,
        empty: bool,
        expected: &str,
    ) -> Result<Element, TableError> {
        let Some(name) = Name::of(tag.name().as_ref()) else {
            return Err(match tag.name().as_ref().contains(':') {
                true => self.prefixed(),
                false => self.misplaced(None, expected),
            });
        };
        let mut element = Element { name, empty, attributes: Vec::new() };
        self.attributes(tag, name, |key, value| element.attributes.push((key, value)))?;
        Ok(element)
    }

    /// Calls `with` for each XML attribute of a tag.
    pub(super) fn attributes(
        &self,
        tag: &BytesStart<'_>,
        name: Name,
        mut with: impl FnMut(&'static str, String),
    ) -> Result<(), TableError> {
        if tag.len() > self.limits.tag_bytes {
            return Err(self.limit("bytes of one tag", self.limits.tag_bytes));
        }
        // The iterator itself refuses a key that comes twice.
        for (index, attribute) in tag.attributes().enumerate() {
            if index >= self.limits.tag_attributes {
                return Err(self.limit("XML attributes on one tag", self.limits.tag_attributes));
            }
            let attribute = attribute.map_err(|_| {
                self.syntax(format!("<{}> has malformed or repeated XML attributes", name.tag()))
            })?;
            let key = attribute.key.as_ref();
            let Some(known) = name.attributes().iter().find(|&&known| known == key) else {
                return Err(match key.contains(':') {
                    true => self.prefixed(),
                    false => self
                        .structure(format!(
                            "<{}> has an XML attribute that XRFF does not give it",
                            name.tag()
                        ))
                        .hint("remove the XML attribute"),
                });
            };
            if attribute.value.contains('<') {
                return Err(self.syntax(format!("<{}> has a `<` in an XML attribute", name.tag())));
            }
            let value = attribute_value(&attribute.value)
                .map_err(|why| self.error(ErrorKind::Refused, why.message()).hint(why.hint()))?;
            with(known, value);
        }
        Ok(())
    }

    #[cold]
    fn prefixed(&self) -> TableError {
        self.error(ErrorKind::Refused, "a name with a namespace prefix")
            .hint("XRFF has no namespaces; remove the prefix")
    }

    /// `yes` or `no`; `no` if absent.
    pub(super) fn yes_no(&self, value: Option<&str>, what: &str) -> Result<bool, TableError> {
        match value {
            Some("yes") => Ok(true),
            Some("no") | None => Ok(false),
            Some(_) => Err(self.structure(format!("{what} is neither `yes` nor `no`"))),
        }
    }

    /// Passes over everything inside the current element, of whatever structure.
    pub(super) fn pass_over(&mut self, buf: &mut Vec<u8>) -> Result<(), TableError> {
        let mut inside = 1;
        while inside > 0 {
            let budget = self.aside();
            match self.step(buf, budget)? {
                Step::Open { empty: false, .. } => inside += 1,
                Step::Close => inside -= 1,
                Step::Declaration { .. } | Step::Doctype(_) => return Err(self.stray("text")),
                _ => {}
            }
        }
        Ok(())
    }
}
