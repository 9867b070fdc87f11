//! What is written reads back equal.

use proptest::prelude::*;
use std::collections::HashSet;
use table::{Attribute, Column, ErrorKind, Kind, Limits, MISSING, Schema, Strings, Table};

/// Text of any XML characters, blanks and markup often among them.
fn text() -> impl Strategy<Value = String> {
    let c = prop_oneof![
        4 => any::<char>().prop_filter("XML allows it", |&c| {
            !(c < ' ' || c == '\u{FFFE}' || c == '\u{FFFF}')
        }),
        2 => prop::sample::select(vec![' ', '\t', '\n', '\r', '\u{85}', '\u{a0}', '\u{2028}']),
        2 => prop::sample::select("<>&\"';]-![{,?".chars().collect::<Vec<_>>()),
        2 => prop::char::range('a', 'z'),
    ];
    prop::collection::vec(c, 0..12).prop_map(String::from_iter)
}

fn distinct(
    strings: impl Strategy<Value = String>,
    size: std::ops::Range<usize>,
) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(strings, size).prop_map(|all| {
        let mut seen = HashSet::new();
        all.into_iter().filter(|s| seen.insert(s.clone())).collect()
    })
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_map(|v| if v.is_finite() { v } else { f64::NAN }),
        (-1000..1000_i32).prop_map(|v| f64::from(v) / 8.0),
        Just(f64::NAN),
        Just(-0.0),
    ]
}

fn column(rows: usize) -> BoxedStrategy<(Kind, Column)> {
    let strings = move || {
        prop::collection::vec(prop::option::of(text()), rows)
            .prop_map(|all| all.iter().map(Option::as_deref).collect::<Strings>())
    };
    prop_oneof![
        prop::collection::vec(number(), rows).prop_map(|v| (Kind::Numeric, Column::Numeric(v))),
        strings().prop_map(|s| (Kind::String, Column::Text(s))),
        (strings(), text()).prop_map(|(s, format)| (Kind::Date { format }, Column::Text(s))),
        (distinct(text(), 1..6), prop::collection::vec(prop::option::of(any::<prop::sample::Index>()), rows))
            .prop_map(|(labels, picks)| {
                let code =
                    |i: Option<prop::sample::Index>| i.map_or(MISSING, |i| i.index(labels.len()) as u32);
                let codes = picks.into_iter().map(code).collect();
                (Kind::Nominal { labels }, Column::Nominal(codes))
            }),
    ]
    .boxed()
}

fn name() -> impl Strategy<Value = String> {
    text().prop_filter("a name", |name| !name.trim().is_empty())
}

fn any_table() -> impl Strategy<Value = Table> {
    (0..12_usize, distinct(name(), 1..6), text())
        .prop_flat_map(|(rows, names, title)| {
            let columns = prop::collection::vec(column(rows), names.len());
            let weight = prop_oneof![Just(1.0), Just(0.5), 0.0..1e9];
            let weights = prop::option::of(prop::collection::vec(weight, rows));
            let class = prop::option::of(0..names.len());
            (Just((names, title)), columns, weights, class)
        })
        .prop_map(|((names, title), columns, weights, class)| {
            let (kinds, columns): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
            let attributes = names.into_iter().zip(kinds).enumerate();
            let schema = Schema {
                name: title,
                attributes: attributes
                    .map(|(index, (name, kind))| Attribute { name, kind, class: class == Some(index) })
                    .collect(),
            };
            // A document does not tell no weights from weights that are all 1.
            let weights = weights.filter(|all| all.iter().any(|&w| w != 1.0));
            Table::new(schema, columns, weights).expect("a sound table")
        })
}

proptest! {
    #[test]
    fn xrff_returns_every_table(table in any_table()) {
        let mut xml = Vec::new();
        table::xrff::write(&table, &mut xml).expect("writable");
        let document = table::read(xml.as_slice(), &Limits::default());
        let document = document.map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(&document.table, &table);
    }

    /// CSV has no types, so only what inference can tell apart returns: numbers, words that are
    /// no numbers, and repeated labels in order of appearance.
    #[test]
    fn csv_returns_what_it_can_express(
        numbers in prop::collection::vec((number(), number()), 2..20),
        words in prop::collection::hash_set("[a-z ,;\"\n\t]{0,5}x[ \"\né]{0,2}", 20),
        names in prop::collection::vec("[a-zé,\"\n\t;]{1,6}", 3),
    ) {
        let rows = numbers.len();
        let words: Vec<&str> = words.iter().map(String::as_str).take(rows).collect();
        let kinds = [
            Kind::Numeric,
            Kind::Numeric,
            Kind::String,
            Kind::Nominal { labels: vec!["one, two".to_owned(), "\"".to_owned()] },
        ];
        // Readers trim names, so they must differ in more than their edges.
        let names = names.iter().enumerate().map(|(i, n)| format!("{}{i}n", n.trim()));
        let names = names.chain(["class".to_owned()]);
        let attributes = names.zip(kinds).enumerate();
        let table = Table::new(
            Schema {
                name: String::new(),
                attributes: attributes
                    .map(|(i, (name, kind))| Attribute { name, kind, class: i == 3 })
                    .collect(),
            },
            vec![
                Column::Numeric(numbers.iter().map(|n| n.0).collect()),
                Column::Numeric(numbers.iter().map(|n| n.1).collect()),
                Column::Text(words.iter().copied().map(Some).collect()),
                Column::Nominal((0..rows as u32).map(|i| i % 2).collect()),
            ],
            None,
        );
        let table = table.expect("a sound table");
        let mut text = Vec::new();
        table::csv::write(&table, &mut text).expect("writable");
        let document = table::read(text.as_slice(), &Limits::default());
        let document = document.map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(&document.table, &table);
    }
}

#[test]
fn a_column_of_missing_numbers_returns_from_csv() {
    let csv = "a\n\"\"\n1\nNA\n";
    let table = table::read(csv.as_bytes(), &Limits::default()).unwrap().table;
    assert_eq!(table.rows(), 3);
    let mut text = Vec::new();
    table::csv::write(&table, &mut text).unwrap();
    assert_eq!(String::from_utf8(text.clone()).unwrap(), "a\n\"\"\n1\n\"\"\n");
    let again = table::read(text.as_slice(), &Limits::default()).unwrap();
    assert_eq!(again.table, table);
}

#[test]
fn numbers_are_written_short() {
    let csv = "a\n0.1\n1e300\n-2.5e-7\n123456789012\n100\n";
    let table = table::read(csv.as_bytes(), &Limits::default()).unwrap().table;
    let mut text = Vec::new();
    table::csv::write(&table, &mut text).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), csv);
}

#[test]
fn what_cannot_be_written_is_refused() {
    let text = |value: &str| {
        let schema = Schema {
            name: String::new(),
            attributes: vec![Attribute { name: "s".to_owned(), kind: Kind::String, class: false }],
        };
        let column = Column::Text([Some("fine"), Some(value)].into_iter().collect());
        Table::new(schema, vec![column], None).unwrap()
    };
    for value in ["a\0b", "\x1b", "\u{FFFE}", "\u{B}"] {
        let error = table::xrff::write(&text(value), std::io::sink()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unwritable);
        assert_eq!((error.instance, error.attribute.as_deref()), (Some(2), Some("s")));
    }

    let sound = table::read(&b"a,b,class\n1,2,x\n3,4,x\n"[..], &Limits::default()).unwrap().table;
    let broken: [fn(&mut Table); 9] = [
        |t| drop(t.columns.pop()),
        |t| t.columns[0] = Column::Numeric(vec![1.0]),
        |t| t.columns[0] = Column::Nominal(vec![0, 0]),
        |t| t.columns[0] = Column::Numeric(vec![1.0, f64::INFINITY]),
        |t| t.columns[2] = Column::Nominal(vec![0, 1]),
        |t| t.weights = Some(vec![1.0]),
        |t| t.weights = Some(vec![1.0, f64::NAN]),
        |t| t.schema.attributes[1].name = "a".to_owned(),
        |t| t.schema.attributes[1].class = true,
    ];
    for (index, defect) in broken.iter().enumerate() {
        let mut table = sound.clone();
        defect(&mut table);
        let error = table::xrff::write(&table, std::io::sink()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unwritable, "{index}: {error}");
        assert!(table::csv::write(&table, std::io::sink()).is_err());
    }
}

/// Values across the edges of the reader's blocks read like all others.
#[test]
fn no_offset_into_the_document_matters() {
    let numbers: Vec<f64> = (0..6000).map(|i| f64::from(i * 37 % 1001) / 8.0 - 20.0).collect();
    for shift in 0..48 {
        let table = Table::new(
            Schema {
                name: "n".repeat(shift),
                attributes: vec![Attribute { name: "a".to_owned(), kind: Kind::Numeric, class: false }],
            },
            vec![Column::Numeric(numbers.clone())],
            None,
        )
        .unwrap();
        let mut xml = Vec::new();
        table::xrff::write(&table, &mut xml).unwrap();
        assert!(xml.len() > 3 * 64 * 1024);
        let document = table::read(xml.as_slice(), &Limits::default()).unwrap();
        assert!(document.table == table, "shift {shift}");
    }
}
