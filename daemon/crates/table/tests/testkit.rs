//! The documents in `tests/data`: the good ones are read as they should be, the bad ones are
//! refused with the right reason at the right place.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use table::{Column, Document, Format, Kind, Limits, MISSING, Note};

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

fn good(name: &str) -> Document {
    let file = File::open(data("good").join(name)).expect(name);
    table::read(file, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn numbers(document: &Document, name: &str) -> Vec<f64> {
    let index = document.table.schema.position(name).expect(name);
    match &document.table.columns[index] {
        Column::Numeric(values) => values.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

fn texts<'a>(document: &'a Document, name: &str) -> Vec<Option<&'a str>> {
    let index = document.table.schema.position(name).expect(name);
    match &document.table.columns[index] {
        Column::Text(strings) => strings.iter().collect(),
        other => panic!("{name}: {other:?}"),
    }
}

fn codes(document: &Document, name: &str) -> Vec<u32> {
    let index = document.table.schema.position(name).expect(name);
    match &document.table.columns[index] {
        Column::Nominal(codes) => codes.clone(),
        other => panic!("{name}: {other:?}"),
    }
}

/// Equal, with NaN equal to NaN.
fn assert_numbers(found: &[f64], expected: &[f64]) {
    assert_eq!(
        Column::Numeric(found.to_vec()),
        Column::Numeric(expected.to_vec()),
        "{found:?} is not {expected:?}"
    );
}

#[test]
fn every_bad_document_is_refused_as_the_list_says() {
    let list = fs::read_to_string(data("bad.tsv")).expect("the list");
    let mut listed = Vec::new();
    for entry in list.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = entry.split('\t').collect();
        let [name, kind, line, column, instance, attribute, message] = fields[..] else {
            panic!("{entry}");
        };
        let file = File::open(data("bad").join(name)).expect(name);
        let error = table::read(file, &Limits::default()).expect_err(name);
        let shown = error.to_string();
        let place = |found: Option<u64>, expected: &str| {
            expected == "*" || found.map_or("-".to_owned(), |n| n.to_string()) == expected
        };
        assert_eq!(format!("{:?}", error.kind), kind, "{name}: {shown}");
        assert!(place(error.line, line), "{name}: {shown}");
        assert!(place(error.column, column), "{name}: {shown}");
        assert!(place(error.instance, instance), "{name}: {shown}");
        assert_eq!(error.attribute.as_deref().unwrap_or("-"), attribute, "{name}: {shown}");
        assert!(shown.contains(message), "{name}: {shown}");
        assert!(!shown.contains("S3CRET"), "{name}: {shown}");
        assert!(!format!("{error:?}").contains("S3CRET"), "{name}");
        listed.push(name.to_owned());
    }
    listed.sort();
    let mut present: Vec<String> = fs::read_dir(data("bad"))
        .expect("bad/")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("name"))
        .collect();
    present.sort();
    assert_eq!(listed, present);
}

#[test]
fn iris_reads_the_same_however_it_is_packed_and_encoded() {
    let iris = good("iris.xrff");
    assert_eq!(iris.format, Format::Xrff);
    assert!(!iris.gzip);
    assert_eq!(iris.table.rows(), 12);
    assert_eq!(iris.table.schema.name, "iris");
    assert_eq!(iris.table.schema.class(), Some(4));
    assert_numbers(
        &numbers(&iris, "petallength"),
        &[1.4, 1.4, 1.3, 1.5, 4.7, 4.5, 4.9, 4.0, 6.0, 5.1, 5.9, 5.6],
    );
    assert_eq!(codes(&iris, "class"), [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    let left_out = Note::ClassLeftOut { attribute: "class".to_owned(), numeric: false };
    assert_eq!(iris.notes, [left_out]);
    for name in [
        "iris-compressed.xrff",
        "iris-two-members.xrff.gz",
        "iris-utf16-le.xrff",
        "iris-utf16-be.xrff",
        "iris-crlf-bom.xrff",
    ] {
        let other = good(name);
        assert_eq!(other.table, iris.table, "{name}");
        assert_eq!(other.gzip, name != "iris-crlf-bom.xrff" && !name.contains("utf16"));
    }
}

#[test]
fn documents_of_other_programs_are_read() {
    let document = good("iris-by-hand.xrff");
    let weka = good("iris.xrff");
    assert_eq!(codes(&document, "class"), codes(&weka, "class"));
    assert_numbers(&numbers(&document, "sepalwidth"), &numbers(&weka, "sepalwidth"));
    assert!(document.notes.contains(&Note::QuotedLabels { attribute: "class".to_owned() }));
}

#[test]
fn what_sparse_instances_leave_out_is_zero() {
    let document = good("sparse.xrff");
    assert_numbers(&numbers(&document, "a"), &[1.5, 0.0, 0.0, f64::NAN, 4.0]);
    assert_eq!(codes(&document, "b"), [0, 0, 1, MISSING, 0]);
    assert_numbers(&numbers(&document, "c"), &[-20.0, 0.0, 7.0, 0.0, 5.0]);
    assert_eq!(texts(&document, "note"), [None, None, Some("hello"), None, Some("dense")]);
    assert_eq!(document.table.weights.as_deref(), Some(&[1.0, 1.0, 1.0, 0.5, 1.0][..]));
    assert!(document.notes.contains(&Note::SparseText { attribute: "note".to_owned() }));
}

#[test]
fn missing_values_and_weights() {
    let document = good("missing-weights.xrff");
    assert_numbers(&numbers(&document, "height"), &[172.5, f64::NAN, 160.0]);
    assert_numbers(&numbers(&document, "weight"), &[68.1, 81.0, f64::NAN]);
    assert_eq!(document.table.weights.as_deref(), Some(&[1.0, 2.0, 1.0][..]));
    assert_eq!(document.notes, [Note::Weights]);
    let shown = document.notes[0].to_string();
    assert!(shown.contains("kept but not used"), "{shown}");
}

#[test]
fn every_type() {
    let document = good("types.xrff");
    let table = &document.table;
    assert_eq!(table.schema.name, "all types & \"kinds\"");
    assert_eq!(texts(&document, "id"), [Some("r1 \"x\""), Some(" <r2> "), Some("r3  end"), Some("")]);
    assert_numbers(&numbers(&document, "real"), &[1.25, -0.001, 0.0, 1.0]);
    assert_numbers(&numbers(&document, "whole"), &[3.0, -4.0, 0.0, 2.0]);
    assert_eq!(texts(&document, "day")[..2], [Some("2024-02-29"), None]);
    let labels = ["A & B", "<C>", "spaced"].map(str::to_owned).to_vec();
    assert_eq!(table.schema.attributes[5].kind, Kind::Nominal { labels });
    assert_eq!(codes(&document, "grade"), [0, 1, 2, MISSING]);
    assert!(document.notes.contains(&Note::AttributeWeight { attribute: "weighted".to_owned() }));
}

#[test]
fn a_numeric_class_is_left_out_with_a_warning() {
    let document = good("numeric-class.xrff");
    let rows = document.table.select(&table::Selection::Default).unwrap();
    assert_eq!(rows.names, ["x"]);
    let note = document.notes[0].to_string();
    assert!(note.contains("`y`") && note.contains("--attributes"), "{note}");
    let both = table::Selection::Named(vec!["y".to_owned(), "x".to_owned()]);
    assert_eq!(document.table.select(&both).unwrap().values, [2.0, 1.0, 4.0, 3.0]);
}

#[test]
fn a_document_without_instances_is_a_table_without_rows() {
    let document = good("no-instances.xrff");
    assert_eq!(document.table.rows(), 0);
    assert_eq!(document.table.columns.len(), 1);
}

#[test]
fn csv_of_every_kind() {
    let document = good("comma.csv");
    assert_eq!(document.format, Format::Csv);
    assert_eq!(document.table.schema.class(), Some(2));
    assert_numbers(&numbers(&document, "y"), &[2.5, 40.0]);
    assert_eq!(good("comma-utf16-le.csv").table, document.table);

    let document = good("semicolon-bom-crlf.csv");
    assert_numbers(&numbers(&document, "x"), &[1.0, f64::NAN, f64::NAN]);
    assert_numbers(&numbers(&document, "y; z"), &[2.5, f64::NAN, 4.0]);
    assert_eq!(document.table.schema.class(), Some(2));

    assert_numbers(&numbers(&good("tab.csv"), "y"), &[2.0, 4.0]);
    assert_eq!(texts(&good("quoted.csv"), "name"), [Some("a, \"b\"\nc"), Some("d")]);
    let document = good("decimal-comma.csv");
    assert!(document.notes.contains(&Note::DecimalComma { attribute: "x".to_owned() }));
    let document = good("comma-compressed.csv");
    assert!(document.gzip);
    assert_numbers(&numbers(&document, "y"), &[2.0, 4.0]);
}

#[test]
fn nothing_that_is_printed_for_debugging_has_values() {
    let document = good("missing-weights.xrff");
    let rows = document.table.select(&table::Selection::Default).unwrap();
    for shown in [
        format!("{:?}", document.table.columns),
        format!("{rows:?}"),
        format!("{:?}", good("sparse.xrff").table.columns),
    ] {
        for value in ["172.5", "68.1", "hello", "1.5"] {
            assert!(!shown.contains(value), "{shown}");
        }
    }
}
