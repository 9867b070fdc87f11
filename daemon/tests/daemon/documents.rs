//! Documents in and out, and what a killed daemon leaves of them.

use control::facts::AttributeInfo;
use control::{ErrorCode, Request, Response, RetrieveFormat};
use table::Limits;

use crate::site::{Site, assert_failure, csv};

fn retrieve(name: &str, format: RetrieveFormat) -> Request {
    Request::Retrieve { name: name.into(), format }
}

#[test]
fn a_document_comes_back_byte_for_byte_until_it_is_removed() {
    let site = Site::ready();
    let daemon = site.start();
    // More than one piece of the socket and many of the vault.
    let document = csv(40_000);
    assert!(document.len() > 2 * control::CHUNK_BYTES);
    let info = daemon.upload("people", &document).unwrap();
    assert_eq!((info.rows, info.bytes, info.format.as_str()), (40_000, document.len() as u64, "csv"));
    assert_eq!(info.file_name, "people.csv");
    let attribute = |name: &str, kind: &str, used| AttributeInfo {
        name: name.into(),
        kind: kind.into(),
        class: false,
        missing: 0,
        used,
    };
    assert_eq!(
        info.attributes[..2],
        [attribute("height", "numeric", true), attribute("weight", "numeric", true)]
    );
    assert_eq!(info.attributes[2], attribute("name", "string", false));

    let show = Request::ShowDataset { name: "people".into() };
    assert_eq!(daemon.ask(&show), Response::Dataset(Box::new(info.clone())));
    let Response::Datasets(list) = daemon.ask(&Request::Datasets) else { panic!("no list") };
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].attributes, list[0].rows, &list[0].format), (4, 40_000, &info.format));
    assert_eq!(daemon.status().datasets, 1);

    let mut client = daemon.connect();
    assert_eq!(client.document(&retrieve("people", RetrieveFormat::Original)).unwrap(), document);
    let table = table::read(document.as_slice(), &Limits::default()).unwrap().table;
    for format in [RetrieveFormat::Csv, RetrieveFormat::Xrff] {
        let written = client.document(&retrieve("people", format)).unwrap();
        let again = table::read(written.as_slice(), &Limits::default()).unwrap().table;
        assert_eq!(again.columns, table.columns, "{format}");
    }

    assert_failure(&daemon.upload("people", &document).unwrap_err(), ErrorCode::Usage, "exists already");
    assert_eq!(daemon.ask(&Request::RemoveDataset { name: "people".into() }), Response::Done);
    assert_failure(&daemon.failure(&show), ErrorCode::NotFound, "people");
    let gone = daemon.failure(&retrieve("people", RetrieveFormat::Original));
    assert_failure(&gone, ErrorCode::NotFound, "people");
    assert_eq!(daemon.dataset_names(), [] as [String; 0]);
    daemon.upload("people", &document).unwrap();
}

#[test]
fn a_bad_document_leaves_nothing() {
    let site = Site::ready();
    let daemon = site.start();
    let bad: [(&str, &[u8], &str); 5] = [
        ("empty", b"", "empty"),
        ("ragged", b"a,b\n1,2\n3\n", "line 3"),
        ("twice", b"a,a\n1,2\n", "line 1"),
        ("cut", b"<?xml version=\"1.0\"?><dataset name=\"x\"><header>", "line 1"),
        ("bomb", b"<!DOCTYPE x [<!ENTITY a \"b\">]><dataset name=\"&a;\"/>", "line 1"),
    ];
    for (name, document, words) in bad {
        let failure = daemon.upload(name, document).unwrap_err();
        assert_failure(&failure, ErrorCode::BadData, words);
        assert!(failure.message.starts_with(&format!("{name}.csv: ")), "{failure:?}");
    }
    assert_eq!(daemon.dataset_names(), [] as [String; 0]);
    // The same connection serves on, and the name is free.
    let mut client = daemon.connect();
    let short = client.upload("people", &csv(3), Some(10_000)).unwrap_err();
    assert_failure(&short, ErrorCode::BadData, "announced with 10000 bytes");
    client.upload("people", &csv(3), None).unwrap();
    let name = client.announce("../people", None).unwrap_err();
    assert_failure(&name, ErrorCode::Usage, "name");
    let huge = client.announce("huge", Some(u64::MAX)).unwrap_err();
    assert_failure(&huge, ErrorCode::BadData, "longer");
}

#[test]
fn another_request_inside_a_document_ends_the_conversation() {
    let site = Site::ready();
    let daemon = site.start();
    let mut client = daemon.connect();
    client.announce("people", None).unwrap();
    assert_failure(&client.failure(&Request::Status), ErrorCode::Usage, "in the middle of a document");
    assert!(client.0.answer().is_err());
    let stray = daemon.failure(&Request::Chunk(vec![1]));
    assert_failure(&stray, ErrorCode::Usage, "not announced");
    let mut client = daemon.connect();
    client.announce("people", None).unwrap();
    let long = Request::Chunk(vec![b'1'; control::CHUNK_BYTES + 1]);
    assert_failure(&client.failure(&long), ErrorCode::BadData, "longer");
    assert_eq!(daemon.dataset_names(), [] as [String; 0]);
}

#[test]
fn what_was_acknowledged_outlives_a_kill() {
    let site = Site::ready();
    let document = csv(5_000);
    let stored = {
        let daemon = site.start();
        let stored = daemon.upload("kept", &document).unwrap();
        // Another one is on its way when the daemon is killed.
        let mut client = daemon.connect();
        client.announce("lost", None).unwrap();
        for _ in 0..8 {
            client.0.ask(&Request::Chunk(document.clone())).unwrap();
        }
        drop(daemon);
        stored
    };
    let daemon = site.start();
    assert_eq!(daemon.dataset_names(), ["kept"]);
    assert_eq!(
        daemon.ask(&Request::ShowDataset { name: "kept".into() }),
        Response::Dataset(Box::new(stored))
    );
    let mut client = daemon.connect();
    assert_eq!(client.document(&retrieve("kept", RetrieveFormat::Original)).unwrap(), document);
    client.upload("lost", &document, None).unwrap();
    assert!(daemon.status().warnings.iter().all(|warning| !warning.contains("damaged")));
}
