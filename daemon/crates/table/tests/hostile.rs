//! Documents made to exhaust or confuse the reader: each is refused, in bounded memory, whatever
//! the sizes of the pieces in which it arrives.

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::io::{self, Cursor, Read, Write};
use table::{ErrorKind, Limits, Selection, TableError};

const START: &str = "<dataset name=\"x\"><header><attributes>\
    <attribute name=\"a\" type=\"numeric\"/><attribute name=\"s\" type=\"string\"/>\
    </attributes></header><body><instances>";
const END: &str = "</instances></body></dataset>";

fn refuse(input: impl Read) -> TableError {
    table::read(input, &Limits::default()).expect_err("this document must be refused")
}

/// Input that is never in memory as a whole: `head`, then `piece` so many times, then `tail`.
fn long(head: &str, piece: &str, times: usize, tail: &str) -> impl Read {
    struct Repeat(Vec<u8>, usize, usize);
    impl Read for Repeat {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            if self.2 == 0 {
                return Ok(0);
            }
            let n = (&self.0[self.1..]).read(buf)?;
            self.1 += n;
            if self.1 == self.0.len() {
                (self.1, self.2) = (0, self.2 - 1);
            }
            Ok(n)
        }
    }
    Cursor::new(head.to_owned().into_bytes())
        .chain(Repeat(piece.as_bytes().to_vec(), 0, times))
        .chain(Cursor::new(tail.to_owned().into_bytes()))
}

const MANY: usize = 50 << 20;

#[test]
fn one_event_cannot_grow_without_bound() {
    let value = format!("{START}<instance><value>");
    let text = format!("{START}<instance><value>1</value><value>");
    let comment = format!("{START}<!--");
    let space = format!("{START}<instance>");
    for (what, head) in [
        ("an attribute", "<dataset name=\""),
        ("a tag's name", "<"),
        ("a comment at the start", "<!--"),
        ("a comment", comment.as_str()),
        ("a processing instruction", "<?"),
        ("a CDATA section", "<dataset name=\"x\"><![CDATA["),
        ("a DOCTYPE", "<!DOCTYPE dataset ["),
        ("a number", value.as_str()),
        ("a string", text.as_str()),
        ("blanks", space.as_str()),
    ] {
        let filling = if what == "blanks" { " " } else { "1" };
        let error = refuse(long(head, &filling.repeat(1000), MANY / 1000, ""));
        assert_eq!(error.kind, ErrorKind::Limit, "{what}: {error}");
    }
}

#[test]
fn one_value_cannot_grow_by_pieces() {
    let head = format!("{START}<instance><value>");
    for piece in ["&#49;", "1<!-- -->", "<![CDATA[1]]>"] {
        let error = refuse(long(&head, piece, MANY, ""));
        assert_eq!(error.kind, ErrorKind::Limit, "{piece}: {error}");
        assert_eq!(error.attribute.as_deref(), Some("a"));
    }
}

#[test]
fn a_long_doctype_is_refused_even_when_it_ends() {
    let error = refuse(long("<!DOCTYPE dataset [", "          ", 2000, "]>"));
    assert_eq!(error.kind, ErrorKind::Limit, "{error}");
}

#[test]
fn nesting_is_bounded() {
    for piece in ["<dataset>", "<n>"] {
        let head = "<dataset name=\"x\"><header><notes>";
        let error = refuse(long(head, piece, 200_000, ""));
        assert_eq!(error.kind, ErrorKind::Limit, "{error}");
    }
}

#[test]
fn declarations_are_bounded() {
    let limits = Limits { attributes: 10, labels: 10, text_bytes: 1000, ..Limits::default() };
    let refuse = |input: String| table::read(input.as_bytes(), &limits).expect_err("too much");
    let head = "<dataset name=\"x\"><header><attributes>";
    let attributes: String =
        (0..11).map(|i| format!("<attribute name=\"a{i}\" type=\"numeric\"/>")).collect();
    assert_eq!(refuse(format!("{head}{attributes}")).kind, ErrorKind::Limit);
    let nominal = "<attribute name=\"a\" type=\"nominal\"><labels>";
    let labels: String = (0..11).map(|i| format!("<label>{i}</label>")).collect();
    assert_eq!(refuse(format!("{head}{nominal}{labels}")).kind, ErrorKind::Limit);
    let label = format!("<label>{}</label>", "l".repeat(1001));
    assert_eq!(refuse(format!("{head}{nominal}{label}")).kind, ErrorKind::Limit);
    let names: Vec<String> = (0..11).map(|i| format!("a{i}")).collect();
    assert_eq!(refuse(names.join(",")).kind, ErrorKind::Limit);
    let many: Vec<String> = (0..20).map(|i| format!("w{i}=\"1\"")).collect();
    let error = refuse(format!("<dataset {}>", many.join(" ")));
    assert_eq!(error.kind, ErrorKind::Structure);
}

#[test]
fn rows_and_cells_are_bounded() {
    let limits = Limits { rows: 10, ..Limits::default() };
    let sparse = "<instance type=\"sparse\"/>";
    let error = table::read(long(START, sparse, MANY, END), &limits).unwrap_err();
    assert_eq!((error.kind, error.instance), (ErrorKind::Limit, None));
    let error = table::read(long("a,b\n", "1,2\n", MANY, ""), &limits).unwrap_err();
    assert_eq!((error.kind, error.instance), (ErrorKind::Limit, Some(11)));

    // A few bytes of sparse instance must not become rows without bound.
    let limits = Limits { cells: 1000, ..Limits::default() };
    let error = table::read(long(START, sparse, MANY, END), &limits).unwrap_err();
    assert_eq!((error.kind, error.instance), (ErrorKind::Limit, Some(501)));
    let error = table::read(long("a,b\n", "1,2\n", MANY, ""), &limits).unwrap_err();
    assert_eq!((error.kind, error.instance), (ErrorKind::Limit, Some(501)));
}

#[test]
fn text_in_all_is_bounded() {
    let limits = Limits { text_bytes: 1000, ..Limits::default() };
    let instance = "<instance><value>1</value><value>0123456789</value></instance>";
    let error = table::read(long(START, instance, MANY, END), &limits).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit);
    assert_eq!((error.instance, error.attribute.as_deref()), (Some(101), Some("s")));
    let records: String = (0..1000).map(|i| format!("1,name {i}\n")).collect();
    let error = table::read(format!("a,s\n{records}").as_bytes(), &limits).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit, "{error}");
}

#[test]
fn documents_in_all_are_bounded() {
    let limits = Limits { expanded_bytes: 1 << 20, ..Limits::default() };
    let error = table::read(long("a,b\n", "1,2\n", MANY, ""), &limits).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit, "{error}");
    assert!(error.to_string().contains("document"), "{error}");
}

#[test]
fn csv_records_are_bounded() {
    for (head, piece) in [("a,b\n", "1"), ("a,b\n", "1,"), ("a,b\n1,\"", "x\n"), ("", "a,")] {
        let error = refuse(long(head, piece, MANY, ""));
        assert_eq!(error.kind, ErrorKind::Limit, "{error}");
    }
    let error = refuse(long("a,b\n1,", "x", 70_000, "\n"));
    assert_eq!((error.kind, error.attribute.as_deref()), (ErrorKind::Limit, Some("b")));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn gzip_bombs_are_stopped_early() {
    // 64 MiB of one value's digits from 64 KiB.
    let packed = gzip("0".repeat(64 << 20).as_bytes());
    assert!(packed.len() < 100 << 10);
    let error = refuse(packed.as_slice());
    assert_eq!(error.kind, ErrorKind::Limit, "{error}");
    // Gzip in gzip is text full of control characters, not another layer.
    let error = refuse(gzip(&gzip(b"a\n1\n")).as_slice());
    assert_eq!(error.kind, ErrorKind::Encoding, "{error}");
}

#[test]
fn regular_data_do_not_look_like_a_bomb() {
    let rows: String = (0..100_000).map(|i| format!("{},0,0,1\n", i % 97)).collect();
    let packed = gzip(format!("a,b,c,d\n{rows}").as_bytes());
    let document = table::read(packed.as_slice(), &Limits::default()).unwrap();
    assert_eq!(document.table.rows(), 100_000);
}

#[test]
fn reading_stops_at_an_error_below() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::ConnectionReset, "cable pulled"))
        }
    }
    for head in ["", START, "a,b\n1,2\n"] {
        let error = refuse(head.as_bytes().chain(Broken));
        assert_eq!(error.kind, ErrorKind::Io, "{error}");
        assert!(error.to_string().contains("cable pulled"), "{error}");
    }
}

/// A small document with something of everything, without a byte after its end.
fn small() -> Vec<u8> {
    let text = include_str!("data/good/types.xrff").trim_end();
    let cut = text.find("<!DOCTYPE").expect("DOCTYPE");
    let rest = text.find("<dataset").expect("root");
    format!("{}<!DOCTYPE dataset []>{}", &text[..cut], &text[rest..]).into_bytes()
}

#[test]
fn truncated_anywhere_is_an_error() {
    let whole = small();
    table::read(whole.as_slice(), &Limits::default()).expect("the whole document is good");
    for end in 0..whole.len() {
        assert!(table::read(&whole[..end], &Limits::default()).is_err(), "the first {end} bytes");
    }
    let packed = gzip(&whole);
    for end in 0..packed.len() {
        assert!(table::read(&packed[..end], &Limits::default()).is_err(), "the first {end} packed bytes");
    }
}

/// Hands out its bytes in pieces of the given sizes.
struct Pieces<'a>(&'a [u8], Vec<usize>, usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let size = self.1[self.2 % self.1.len()].clamp(1, buf.len().max(1));
        self.2 += 1;
        let size = size.min(buf.len());
        self.0.read(&mut buf[..size])
    }
}

fn documents() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(small()),
        Just(gzip(&small())),
        Just(include_bytes!("data/good/sparse.xrff").to_vec()),
        Just(include_bytes!("data/good/iris-utf16-le.xrff").to_vec()),
        Just(include_bytes!("data/good/semicolon-bom-crlf.csv").to_vec()),
        Just(include_bytes!("data/good/quoted.csv").to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn changed_bytes_never_panic(
        mut document in documents(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<u8>()), 1..8),
    ) {
        for (index, how, byte) in changes {
            let at = index.index(document.len());
            match how {
                0 => document[at] = byte,
                1 => document.insert(at, byte),
                // Markup is where a parser's mistakes are.
                2 => document[at] = b"<>&;\"'/!?=[]-"[byte as usize % 13],
                _ if document.len() > 1 => drop(document.remove(at)),
                _ => {}
            }
        }
        if let Ok(read) = table::read(document.as_slice(), &Limits::default()) {
            // What is accepted must be a sound table that can be used and written.
            read.table.check().expect("a sound table");
            let _ = read.table.select(&Selection::Default);
            table::xrff::write(&read.table, io::sink()).expect("writable");
        }
    }

    #[test]
    fn any_bytes_never_panic(document in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = table::read(document.as_slice(), &Limits::default());
    }

    #[test]
    fn the_pieces_it_arrives_in_do_not_matter(
        document in documents(),
        sizes in prop::collection::vec(1..40_usize, 1..10),
    ) {
        let whole = table::read(document.as_slice(), &Limits::default());
        let pieces = table::read(Pieces(&document, sizes, 0), &Limits::default());
        prop_assert_eq!(whole, pieces);
    }
}
