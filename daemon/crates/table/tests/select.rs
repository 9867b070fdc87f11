//! What clustering takes from a table, and how it says no.

use table::{ErrorKind, Limits, Selection, Table};

fn sample() -> Table {
    let csv = "height,weight,shoe size,name,class\n1,2,3,u,a\n4,,6,v,b\n";
    table::read(csv.as_bytes(), &Limits::default()).expect("the sample").table
}

fn named(names: &[&str]) -> Selection {
    Selection::Named(names.iter().map(|&name| name.to_owned()).collect())
}

#[test]
fn the_default_is_all_numbers_but_the_class() {
    let rows = sample().select(&Selection::Default).unwrap();
    assert_eq!(rows.names, ["height", "weight", "shoe size"]);
    assert_eq!((rows.rows, rows.dimensions(), rows.missing()), (2, 3, 1));
    assert_eq!(rows.row(0), [1.0, 2.0, 3.0]);
    assert_eq!((rows.row(1)[0], rows.row(1)[2]), (4.0, 6.0));
    assert!(rows.row(1)[1].is_nan());
}

#[test]
fn names_give_the_order() {
    let rows = sample().select(&named(&["shoe size", "height"])).unwrap();
    assert_eq!(rows.values, [3.0, 1.0, 6.0, 4.0]);
}

#[test]
fn refusals_name_the_attribute() {
    for (names, kind, part) in [
        (&["heigth"][..], ErrorKind::UnknownAttribute, "did you mean `height`?"),
        (&["WEIGHT"], ErrorKind::UnknownAttribute, "did you mean `weight`?"),
        (&["height", "colour"], ErrorKind::UnknownAttribute, "see the names"),
        (&["height", "height"], ErrorKind::DuplicateAttribute, "twice"),
        (&["name"], ErrorKind::NotNumeric, "string"),
        (&["class"], ErrorKind::NotNumeric, "nominal"),
        (&[], ErrorKind::UnknownAttribute, "no attribute is named"),
    ] {
        let error = sample().select(&named(names)).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(error.attribute.as_deref(), names.last().copied());
    }
}

#[test]
fn tables_without_numbers_to_cluster_by_say_so() {
    for (csv, part) in
        [("a,b\nx,y\n", "no numeric attribute"), ("a,class\nx,1\n", "only numeric attribute is the class")]
    {
        let table = table::read(csv.as_bytes(), &Limits::default()).unwrap().table;
        let error = table.select(&Selection::Default).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotNumeric);
        assert!(error.to_string().contains(part), "{error}");
    }
}
