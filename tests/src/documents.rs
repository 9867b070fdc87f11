//! Real data, parted over hosts and written in either format.

use std::fmt::Write;
use std::fs;

use kmeans::fixed::RawRows;
use table::{Column, Limits, Selection, Strings, Table};

/// A document of `tests/data`, read as the daemon reads it.
///
/// # Panics
/// If it is not there.
pub fn real(name: &str) -> Table {
    let path = format!("{}/data/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    let document = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    parse(&document)
}

/// Any document as a table.
#[track_caller]
pub fn parse(document: &[u8]) -> Table {
    table::read(document, &Limits::default()).expect("a good document").table
}

/// Row `i` goes to host `i mod hosts`.
pub fn deal(table: &Table, hosts: usize) -> Vec<Table> {
    (0..hosts).map(|host| rows(table, &(host..table.rows()).step_by(hosts).collect::<Vec<_>>())).collect()
}

/// These rows of a table, in this order.
pub fn rows(table: &Table, rows: &[usize]) -> Table {
    let column = |column: &Column| match column {
        Column::Numeric(values) => Column::Numeric(rows.iter().map(|&row| values[row]).collect()),
        Column::Nominal(codes) => Column::Nominal(rows.iter().map(|&row| codes[row]).collect()),
        Column::Text(strings) => Column::Text(rows.iter().map(|&row| strings.get(row)).collect::<Strings>()),
    };
    let columns = table.columns.iter().map(column).collect();
    Table::new(table.schema.clone(), columns, None).expect("rows of a table make a table")
}

/// A table as CSV.
pub fn csv(table: &Table) -> Vec<u8> {
    let mut document = Vec::new();
    table::csv::write(table, &mut document).expect("a sound table");
    document
}

/// A table as XRFF, with the attribute named `class`, if there is one, marked as what it is.
pub fn xrff(table: &Table) -> Vec<u8> {
    let mut table = table.clone();
    if let Some(class) = table.schema.position("class") {
        table.schema.attributes[class].class = true;
    }
    let mut document = Vec::new();
    table::xrff::write(&table, &mut document).expect("a sound table");
    document
}

/// The numeric attributes of a table, as a run takes them.
#[track_caller]
pub fn numbers(table: &Table, attributes: Option<&[&str]>) -> RawRows {
    let selection = attributes.map_or(Selection::Default, |names| {
        Selection::Named(names.iter().map(|&name| name.into()).collect())
    });
    let rows = table.select(&selection).expect("attributes of this table");
    RawRows { attributes: rows.names, values: rows.values }
}

/// Rows around three centres in two attributes, `a` and `b`, of which some lack a value.
///
/// The same `rows` always gives the same document.
pub fn with_gaps(rows: usize) -> Vec<u8> {
    let mut csv = String::from("a,b\n");
    for row in 0..rows {
        let centre = [(0, 0), (40, 10), (10, 50)][row % 3];
        let (a, b) = (centre.0 + row * 7 % 11, centre.1 + row * 5 % 13);
        let written = match row % 9 {
            4 => writeln!(csv, ",{b}"),
            7 => writeln!(csv, "{a},?"),
            _ => writeln!(csv, "{a}.25,{b}.5"),
        };
        written.expect("a string takes everything");
    }
    csv.into_bytes()
}
