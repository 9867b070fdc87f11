//! What goes in comes out, byte for byte, and stays over a reopening.

mod scratch;

use std::io::{Read, Write};

use proptest::prelude::*;
use scratch::{Scratch, noise, store, text};
use vault::{ErrorClass, RecordKind, UploadMeta, VaultError};

const CHUNK: usize = 128 * 1024;

fn meta(gzip: bool) -> UploadMeta {
    UploadMeta { format: "csv".into(), gzip, file_name: "some rows.csv".into() }
}

fn read(vault: &vault::Vault, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    vault.reader(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn every_length_around_a_chunk_comes_back() {
    let scratch = Scratch::new();
    let vault = scratch.create();
    let lengths = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17];
    for (index, length) in lengths.into_iter().enumerate() {
        for (kind, bytes) in [("text", text(length)), ("noise", noise(length, index as u64))] {
            let name = format!("{kind}-{length}");
            let info = store(&vault, &name, &bytes);
            assert_eq!(info.bytes, length as u64);
            assert_eq!(info.chunks, length.div_ceil(CHUNK) as u64);
            assert!(read(&vault, &name) == bytes, "{name}");
        }
    }
    drop(vault);
    let vault = scratch.open();
    for length in lengths {
        assert!(read(&vault, &format!("text-{length}")) == text(length), "{length} after reopening");
    }
    assert_eq!(vault.datasets().unwrap().len(), 2 * lengths.len());
    assert!(vault.damage().unwrap().is_empty());
}

#[test]
fn thirty_megabytes_come_back_and_make_no_blob_file() {
    let scratch = Scratch::new();
    let vault = scratch.create();
    let bytes: Vec<u8> = [text(15_000_000), noise(15_000_000, 7)].concat();
    let info = store(&vault, "large", &bytes);
    assert!(info.stored_bytes < info.bytes * 9 / 10, "text must be compressed: {}", info.stored_bytes);
    drop(vault);
    let vault = scratch.open();
    assert!(read(&vault, "large") == bytes);
    store(&vault, "again", &bytes);
    vault.remove("large").unwrap();
    vault.put_record(RecordKind::Result, "r", &bytes[..20_000_000]).unwrap();
    vault.put_record(RecordKind::Result, "r", &bytes[5_000_000..]).unwrap();
    assert!(vault.get_record(RecordKind::Result, "r").unwrap().unwrap() == bytes[5_000_000..]);
    drop(vault);
    let blobs = scratch.dir().join("store/blobs");
    assert_eq!(std::fs::read_dir(blobs).unwrap().count(), 0, "a value spilled out of the log");
}

#[test]
fn information_is_kept() {
    let scratch = Scratch::new();
    let vault = scratch.create();
    let schema: Vec<u8> = noise(300_000, 3);
    let mut upload = vault.upload("iris", meta(true)).unwrap();
    upload.write_all(b"abc").unwrap();
    let committed = upload.commit(schema.clone(), 150).unwrap();
    drop(vault);
    let vault = scratch.open();
    let info = vault.dataset("iris").unwrap();
    assert_eq!(info, committed);
    assert_eq!((info.name.as_str(), info.format.as_str(), info.gzip), ("iris", "csv", true));
    assert_eq!((info.file_name.as_str(), info.rows, info.bytes), ("some rows.csv", 150, 3));
    assert!(info.schema == schema);
    assert_eq!(info.sha256[..4], [0xba, 0x78, 0x16, 0xbf], "SHA-256 of \"abc\"");
    assert!(info.created_unix > 1_700_000_000);
    assert_eq!(vault.datasets().unwrap(), [info]);
}

#[test]
fn an_upload_is_read_back_before_it_is_committed() {
    let scratch = Scratch::new();
    let vault = scratch.create();
    let bytes = text(2 * CHUNK + 1000);
    let mut upload = vault.upload("early", meta(false)).unwrap();
    for part in bytes.chunks(10_007) {
        upload.write_all(part).unwrap();
    }
    assert_eq!(upload.bytes(), bytes.len() as u64);
    for _ in 0..2 {
        let mut seen = Vec::new();
        upload.reader().unwrap().read_to_end(&mut seen).unwrap();
        assert!(seen == bytes);
    }
    assert!(vault.datasets().unwrap().is_empty(), "visible before commit");
    assert!(matches!(vault.reader("early"), Err(VaultError::NotFound { .. })));
    upload.commit(Vec::new(), 0).unwrap();
    assert!(read(&vault, "early") == bytes);
}

#[test]
fn an_upload_dropped_leaves_nothing() {
    let scratch = Scratch::new();
    let vault = scratch.create();
    let mut upload = vault.upload("gone", meta(false)).unwrap();
    upload.write_all(&noise(3 * CHUNK, 1)).unwrap();
    drop(upload);
    assert!(matches!(vault.dataset("gone"), Err(VaultError::NotFound { .. })));
    drop(vault);
    assert_eq!(scratch.raw_keys("chunks").len(), 0);
}

#[test]
fn the_first_of_two_uploads_of_one_name_wins() {
    let scratch = Scratch::new();
    let vault = scratch.create();
    let mut first = vault.upload("same", meta(false)).unwrap();
    let mut second = vault.upload("same", meta(false)).unwrap();
    first.write_all(b"first").unwrap();
    second.write_all(b"second").unwrap();
    second.commit(Vec::new(), 0).unwrap();
    let refused = first.commit(Vec::new(), 0).unwrap_err();
    assert!(matches!(&refused, VaultError::Exists { name } if name == "same"));
    assert_eq!(refused.class(), ErrorClass::Refused);
    assert_eq!(read(&vault, "same"), b"second");
    assert!(matches!(vault.upload("same", meta(false)), Err(VaultError::Exists { .. })));
    drop(vault);
    assert_eq!(scratch.raw_keys("chunks").len(), 1, "the refused upload left chunks");
}

#[test]
fn a_removed_name_is_free_again() {
    let scratch = Scratch::new();
    let vault = scratch.create();
    store(&vault, "x", b"one");
    let mut reader = vault.reader("x").unwrap();
    vault.remove("x").unwrap();
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(matches!(VaultError::within(&error), Some(VaultError::Removed { .. })), "{error}");
    assert!(matches!(vault.remove("x"), Err(VaultError::NotFound { .. })));
    store(&vault, "x", b"two");
    assert_eq!(read(&vault, "x"), b"two");
}

#[test]
fn names_and_sizes_are_checked() {
    let scratch = Scratch::new();
    let vault = scratch.create();
    let long = "n".repeat(65);
    for name in ["", "a b", "a/b", "ä", ".hidden", "-option", "a\n", long.as_str()] {
        let Err(error) = vault.upload(name, meta(false)) else { panic!("took {name:?}") };
        assert_eq!(error.class(), ErrorClass::Refused, "{error}");
        assert!(matches!(vault.reader(name), Err(VaultError::BadName { .. })));
        assert!(matches!(vault.remove(name), Err(VaultError::BadName { .. })));
    }
    store(&vault, &"n".repeat(64), b"");
    store(&vault, "Aa0._-", b"");
    let file_name = "f".repeat(256);
    assert!(matches!(
        vault.upload("f", UploadMeta { file_name, ..meta(false) }),
        Err(VaultError::TooLarge { .. })
    ));
    let upload = vault.upload("s", meta(false)).unwrap();
    assert!(matches!(upload.commit(vec![0; (16 << 20) + 1], 0), Err(VaultError::TooLarge { .. })));
    assert!(matches!(vault.put_record(RecordKind::Job, "", b""), Err(VaultError::BadName { .. })));
    let large = vec![0; (64 << 20) + 1];
    assert!(matches!(vault.put_record(RecordKind::Job, "j", &large), Err(VaultError::TooLarge { .. })));
    assert_eq!(vault.list_records(RecordKind::Job).unwrap(), [""; 0]);
}

#[test]
fn records_of_every_size_are_kept_and_replaced() {
    let scratch = Scratch::new();
    let vault = scratch.create();
    let lengths = [0, 1, 16 * 1024, 16 * 1024 + 1, CHUNK, 3 * CHUNK + 1, 9];
    for (index, length) in lengths.into_iter().enumerate() {
        let bytes = noise(length, index as u64);
        vault.put_record(RecordKind::Job, "same", &bytes).unwrap();
        vault.put_record(RecordKind::Result, &format!("r:{length}"), &bytes).unwrap();
        assert!(vault.get_record(RecordKind::Job, "same").unwrap().unwrap() == bytes);
    }
    drop(vault);
    let vault = scratch.open();
    for (index, length) in lengths.into_iter().enumerate() {
        let stored = vault.get_secret_record(RecordKind::Result, &format!("r:{length}")).unwrap().unwrap();
        assert!(*stored == noise(length, index as u64), "{length}");
    }
    assert_eq!(vault.list_records(RecordKind::Job).unwrap(), ["same"]);
    assert_eq!(vault.list_records(RecordKind::Result).unwrap().len(), lengths.len());
    assert_eq!(vault.get_record(RecordKind::Identity, "same").unwrap(), None);
    for length in lengths {
        assert!(vault.remove_record(RecordKind::Result, &format!("r:{length}")).unwrap());
        assert!(!vault.remove_record(RecordKind::Result, &format!("r:{length}")).unwrap());
    }
    assert_eq!(vault.list_records(RecordKind::Result).unwrap(), [""; 0]);
    drop(vault);
    assert_eq!(scratch.raw_keys("chunks").len(), 0, "replaced and removed bodies stay behind");
}

#[test]
fn many_threads_share_a_vault() {
    let scratch = Scratch::new();
    let vault = scratch.create();
    store(&vault, "shared", &text(4 * CHUNK));
    std::thread::scope(|scope| {
        for worker in 0..4_u64 {
            let vault = &vault;
            scope.spawn(move || {
                let bytes = noise(CHUNK + 5000 + worker as usize, worker);
                store(vault, &format!("own-{worker}"), &bytes);
                vault.put_record(RecordKind::Session, "contended", &bytes).unwrap();
                let seen = vault.get_record(RecordKind::Session, "contended").unwrap().unwrap();
                assert!(
                    (0..4).any(|other| seen == noise(CHUNK + 5000 + other as usize, other)),
                    "torn record"
                );
                assert!(read(vault, "shared") == text(4 * CHUNK));
                assert!(read(vault, &format!("own-{worker}")) == bytes);
                for _ in 0..5 {
                    // Others' datasets come and go: none of them may look damaged.
                    vault.remove(&format!("own-{worker}")).unwrap();
                    assert_eq!(vault.damage().unwrap().len(), 0);
                    store(vault, &format!("own-{worker}"), &bytes[..1000]);
                    let _ = vault.datasets().unwrap();
                }
            });
        }
    });
    assert_eq!(vault.datasets().unwrap().len(), 5);
    assert!(vault.damage().unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_in_any_portions_come_back(
        bytes in prop::collection::vec(any::<u8>(), 0..40_000),
        repeats in 1_usize..12,
        portion in 1_usize..70_000,
        into in 1_usize..50_000,
    ) {
        let scratch = Scratch::new();
        let vault = scratch.create();
        let whole = bytes.repeat(repeats);
        let mut upload = vault.upload("p", meta(false)).unwrap();
        for part in whole.chunks(portion) {
            upload.write_all(part).unwrap();
        }
        upload.commit(bytes.clone(), 0).unwrap();
        let (mut reader, mut seen, mut room) = (vault.reader("p").unwrap(), Vec::new(), vec![0; into]);
        loop {
            match reader.read(&mut room).unwrap() {
                0 => break,
                count => seen.extend_from_slice(&room[..count]),
            }
        }
        prop_assert!(seen == whole);
        prop_assert!(vault.dataset("p").unwrap().schema == bytes);
    }
}
