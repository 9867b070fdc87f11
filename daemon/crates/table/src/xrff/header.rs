//! The header: from `<dataset>` to the schema.

use super::element::{Element, Name};
use super::text::Content;
use super::walk::{Step, Walk};
use crate::document::Note;
use crate::error::{ErrorKind, TableError};
use crate::schema::{Attribute, Kind};
use std::collections::HashSet;

/// Weka's format for dates that give none.
const DATE_FORMAT: &str = "yyyy-MM-dd'T'HH:mm:ss";

/// Reads the header's inside; `notes` gets what its owner should know.
pub(super) fn read(
    walk: &mut Walk<'_>,
    buf: &mut Vec<u8>,
    notes: &mut Vec<Note>,
) -> Result<Vec<Attribute>, TableError> {
    let mut attributes = None;
    let mut noted = false;
    while let Some(element) = walk.child(buf, "<notes> or <attributes>")? {
        match element.name {
            Name::Notes if !noted && attributes.is_none() => {
                noted = true;
                if !element.empty {
                    walk.pass_over(buf)?;
                }
            }
            Name::Attributes if attributes.is_none() => {
                attributes = Some(match element.empty {
                    true => Vec::new(),
                    false => read_attributes(walk, buf, notes)?,
                });
            }
            name => return Err(walk.misplaced(Some(name), "one <notes>, then one <attributes>")),
        }
    }
    match attributes {
        Some(attributes) if !attributes.is_empty() => Ok(attributes),
        _ => Err(walk.structure("the header declares no attribute")),
    }
}

fn read_attributes(
    walk: &mut Walk<'_>,
    buf: &mut Vec<u8>,
    notes: &mut Vec<Note>,
) -> Result<Vec<Attribute>, TableError> {
    let mut attributes: Vec<Attribute> = Vec::new();
    let mut names = HashSet::new();
    let mut class: Option<String> = None;
    let mut text_left = walk.limits.text_bytes;
    while let Some(element) = walk.child(buf, "<attribute>")? {
        if element.name != Name::Attribute {
            return Err(walk.misplaced(Some(element.name), "<attribute>"));
        }
        if attributes.len() >= walk.limits.attributes {
            return Err(walk.limit("attributes", walk.limits.attributes));
        }
        let attribute = declaration(walk, &element)?;
        let wrong = |message| schema_error(walk, message).attribute(&attribute.name);
        if !names.insert(attribute.name.clone()) {
            return Err(wrong("two attributes have this name").hint("give them distinct names"));
        }
        if attribute.class
            && let Some(first) = class.replace(attribute.name.clone())
        {
            return Err(wrong("a second attribute is marked as the class")
                .hint(format!("only one may be; the first is `{}`", crate::error::printable(&first))));
        }
        let mut attribute = attribute;
        if !element.empty {
            inside(walk, buf, &mut attribute, notes, &mut text_left)?;
        }
        attributes.push(attribute);
    }
    Ok(attributes)
}

fn schema_error(walk: &Walk<'_>, message: &str) -> TableError {
    walk.error(ErrorKind::Schema, message)
}

/// An attribute from its start tag; labels still missing.
fn declaration(walk: &Walk<'_>, element: &Element) -> Result<Attribute, TableError> {
    let name = match element.get("name") {
        Some(name) if !name.trim().is_empty() => name.to_owned(),
        _ => return Err(schema_error(walk, "an attribute without a name")),
    };
    let wrong = |message| schema_error(walk, message).attribute(&name);
    if name.len() > walk.limits.value_bytes {
        return Err(walk.limit("bytes of an attribute's name", walk.limits.value_bytes));
    }
    let kind = match element.get("type") {
        Some("numeric" | "real" | "integer") => Kind::Numeric,
        Some("nominal") => Kind::Nominal { labels: Vec::new() },
        Some("string") => Kind::String,
        Some("date") => Kind::Date { format: element.get("format").unwrap_or(DATE_FORMAT).to_owned() },
        Some("relational") => {
            return Err(wrong("relational attributes are not supported")
                .hint("flatten the data into one table first"));
        }
        Some(_) => {
            return Err(wrong("the attribute's type is not known")
                .hint("use numeric, real, integer, nominal, string or date"));
        }
        None => {
            return Err(
                wrong("the attribute has no type").hint("give it type=\"numeric\", nominal, string or date")
            );
        }
    };
    if element.get("format").is_some() && !matches!(kind, Kind::Date { .. }) {
        return Err(wrong("a format belongs to dates only").hint("remove the format"));
    }
    let class = walk.yes_no(element.get("class"), "the class mark").map_err(|e| e.attribute(&name))?;
    Ok(Attribute { name, kind, class })
}

/// What is inside `<attribute>`: labels, metadata.
fn inside(
    walk: &mut Walk<'_>,
    buf: &mut Vec<u8>,
    attribute: &mut Attribute,
    notes: &mut Vec<Note>,
    text_left: &mut u64,
) -> Result<(), TableError> {
    let mut labelled = false;
    let mut described = false;
    while let Some(element) = walk.child(buf, "<labels> or <metadata>")? {
        match (element.name, &mut attribute.kind) {
            (Name::Labels, Kind::Nominal { labels }) if !labelled && !described => {
                labelled = true;
                if !element.empty {
                    *labels = read_labels(walk, buf, text_left).map_err(|e| e.attribute(&attribute.name))?;
                }
            }
            (Name::Labels, kind) if !labelled && !described => {
                let message = format!("labels on a {} attribute", kind.name());
                return Err(schema_error(walk, &message)
                    .attribute(&attribute.name)
                    .hint("only nominal attributes have labels"));
            }
            (Name::Metadata, _) if !described => {
                described = true;
                if !element.empty && metadata(walk, buf)? {
                    notes.push(Note::AttributeWeight { attribute: attribute.name.clone() });
                }
            }
            (name, _) => {
                return Err(walk
                    .misplaced(Some(name), "one <labels>, then one <metadata>")
                    .attribute(&attribute.name));
            }
        }
    }
    Ok(())
}

fn read_labels(
    walk: &mut Walk<'_>,
    buf: &mut Vec<u8>,
    text_left: &mut u64,
) -> Result<Vec<String>, TableError> {
    let mut labels = Vec::new();
    let mut seen = HashSet::new();
    let mut content = Content::default();
    while let Some(element) = walk.child(buf, "<label>")? {
        if element.name != Name::Label {
            return Err(walk.misplaced(Some(element.name), "<label>"));
        }
        content.clear();
        if !element.empty {
            text_until_close(walk, buf, &mut content)?;
        }
        let label = content.get();
        if labels.len() >= walk.limits.labels {
            return Err(walk.limit("labels of one attribute", walk.limits.labels));
        }
        *text_left = text_left
            .checked_sub(label.len() as u64)
            .ok_or_else(|| walk.limit("bytes of text", walk.limits.text_bytes))?;
        if !seen.insert(label.to_owned()) {
            let number = labels.len() + 1;
            return Err(schema_error(walk, &format!("label {number} equals an earlier one"))
                .hint("labels must be distinct"));
        }
        labels.push(label.to_owned());
    }
    Ok(labels)
}

/// The text of an element that holds nothing else, up to its end tag.
fn text_until_close(walk: &mut Walk<'_>, buf: &mut Vec<u8>, content: &mut Content) -> Result<(), TableError> {
    loop {
        let budget = walk.short_text();
        match walk.step(buf, budget)? {
            Step::Text(text) => content.push(&text),
            Step::Reference(c) => content.push_char(c),
            Step::Literal(text) => content.push_literal(&text),
            Step::Aside => {}
            Step::Close => return Ok(()),
            _ => return Err(walk.structure("markup where only text belongs")),
        }
        if content.len() > budget.bytes {
            return Err(walk.limit("bytes of one value, label or name", budget.bytes));
        }
    }
}

/// Passes over `<metadata>`; tells whether it gives the attribute a weight.
fn metadata(walk: &mut Walk<'_>, buf: &mut Vec<u8>) -> Result<bool, TableError> {
    let mut weight = false;
    while let Some(element) = walk.child(buf, "<property>")? {
        if element.name != Name::Property {
            return Err(walk.misplaced(Some(element.name), "<property>"));
        }
        weight |= element.get("name") == Some("weight");
        if !element.empty {
            walk.pass_over(buf)?;
        }
    }
    Ok(weight)
}
