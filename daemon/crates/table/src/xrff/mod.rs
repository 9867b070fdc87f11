//! XRFF, Weka's XML form of ARFF.
//!
//! The reader is a state machine over the format's DTD on top of quick-xml's events. It never
//! resolves an entity, never fetches anything and never looks at the DOCTYPE but to refuse a
//! suspicious one.

mod body;
mod doctype;
mod element;
mod header;
mod plain;
mod store;
mod text;
mod walk;
mod write;

pub use write::write;

use crate::document::Note;
use crate::error::{ErrorKind, TableError};
use crate::limits::Limits;
use crate::schema::Schema;
use crate::source::Source;
use crate::table::Table;
use element::{Element, Name};
use store::Store;
use text::all_blank;
use walk::{Step, Walk};

/// The DOCTYPE that Weka 3.9.7 puts into its files, between `<!DOCTYPE ` and `>`. Without it Weka
/// reads a file with complaints.
const DOCTYPE: &str = include_str!("doctype.dtd");

/// Reads a document.
pub(crate) fn read(source: Source<'_>, limits: &Limits, notes: &mut Vec<Note>) -> Result<Table, TableError> {
    let utf16 = source.utf16;
    let walk = &mut Walk::new(source.text, limits);
    let buf = &mut Vec::new();
    let root = prolog(walk, buf, utf16)?;
    let table = dataset(walk, buf, &root, notes)?;
    epilog(walk, buf)?;
    Ok(table)
}

/// Reads up to and including the root's start tag.
fn prolog(walk: &mut Walk<'_>, buf: &mut Vec<u8>, utf16: bool) -> Result<Element, TableError> {
    let budget = walk.aside();
    let mut first = true;
    let mut doctype = false;
    loop {
        match walk.step(buf, budget)? {
            Step::Declaration { version, encoding } if first => {
                if version.as_deref() != Some("1.0") {
                    return Err(walk
                        .error(ErrorKind::Syntax, "the document is not XML 1.0")
                        .hint("save it as XML 1.0"));
                }
                if !encoding.is_none_or(|name| supported(&name, utf16)) {
                    return Err(walk
                        .error(
                            ErrorKind::Encoding,
                            "the document declares an encoding other than its own or not supported",
                        )
                        .hint("convert it with iconv -t UTF-8 and declare encoding=\"utf-8\""));
                }
            }
            Step::Declaration { .. } => {
                return Err(walk.syntax("an XML declaration that is not at the very start"));
            }
            Step::Doctype(_) if doctype => return Err(walk.syntax("a second DOCTYPE")),
            Step::Doctype(text) => {
                doctype = true;
                if text.len() > walk.limits.doctype_bytes {
                    return Err(walk.limit("bytes of the DOCTYPE", walk.limits.doctype_bytes));
                }
                doctype::check(&text).map_err(|why| {
                    walk.error(ErrorKind::Refused, why)
                        .hint("remove the DOCTYPE, or use the one that Weka writes")
                })?;
            }
            Step::Open { tag, empty } => {
                let root = walk.element(&tag, empty, "<dataset>")?;
                if root.name != Name::Dataset {
                    return Err(walk.misplaced(Some(root.name), "<dataset>"));
                }
                return Ok(root);
            }
            Step::Text(text) if all_blank(&text) => {}
            Step::Aside => {}
            Step::End => return Err(walk.truncated()),
            _ => return Err(walk.stray("<dataset>")),
        }
        first = false;
    }
}

/// Whether a declared encoding is what the bytes are.
fn supported(declared: &str, utf16: bool) -> bool {
    let names: &[&str] = match utf16 {
        true => &["utf-16", "utf-16le", "utf-16be"],
        false => &["utf-8", "utf8", "us-ascii", "ascii"],
    };
    names.iter().any(|name| declared.eq_ignore_ascii_case(name))
}

/// Reads the root's inside.
fn dataset(
    walk: &mut Walk<'_>,
    buf: &mut Vec<u8>,
    root: &Element,
    notes: &mut Vec<Note>,
) -> Result<Table, TableError> {
    const EXPECTED: &str = "one <header>, then one <body>";
    let name = root.get("name").unwrap_or_default().to_owned();
    if name.len() > walk.limits.value_bytes {
        return Err(walk.limit("bytes of the data set's name", walk.limits.value_bytes));
    }
    let mut attributes = None;
    let mut table = None;
    while !root.empty
        && let Some(element) = walk.child(buf, EXPECTED)?
    {
        match element.name {
            Name::Header if attributes.is_none() && !element.empty => {
                attributes = Some(header::read(walk, buf, notes)?);
            }
            Name::Body if table.is_none() && attributes.is_some() => {
                let schema =
                    Schema { name: name.clone(), attributes: attributes.clone().unwrap_or_default() };
                table = Some(read_body(walk, buf, schema, element.empty, notes)?);
            }
            name => return Err(walk.misplaced(Some(name), EXPECTED)),
        }
    }
    table.ok_or_else(|| walk.structure("the data set has no <header> or no <body>"))
}

fn read_body(
    walk: &mut Walk<'_>,
    buf: &mut Vec<u8>,
    schema: Schema,
    empty: bool,
    notes: &mut Vec<Note>,
) -> Result<Table, TableError> {
    let mut store = Store::new(&schema, walk.limits.text_bytes);
    let mut found = false;
    while !empty && let Some(element) = walk.child(buf, "<instances>")? {
        if element.name != Name::Instances || found {
            return Err(walk.misplaced(Some(element.name), "one <instances>"));
        }
        found = true;
        if !element.empty {
            body::Instances::new(walk, &schema, &mut store).read(buf)?;
        }
    }
    if !found {
        return Err(walk.structure("the body has no <instances>"));
    }
    let (columns, weights) = store.finish(&schema, notes);
    Ok(Table { schema, columns, weights })
}

/// Makes sure that nothing but blanks and comments follows the root.
fn epilog(walk: &mut Walk<'_>, buf: &mut Vec<u8>) -> Result<(), TableError> {
    let budget = walk.aside();
    loop {
        match walk.step(buf, budget)? {
            Step::End => return Ok(()),
            Step::Text(text) if all_blank(&text) => {}
            Step::Aside => {}
            _ => return Err(walk.structure("something follows the end of the data set")),
        }
    }
}
