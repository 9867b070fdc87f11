//! Documents on their way: byte for byte, complete or not there, and what Ctrl-C and a closed pipe do.

#[expect(unreachable_pub, reason = "shared by two test programs")]
mod scripted;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::mpsc;

use control::facts::{AttributeInfo, DatasetInfo, Progress};
use control::{CHUNK_BYTES, CodecError, Connection, ErrorCode, Failure, Request, Response, RetrieveFormat};
use rustix::process::{Pid, Signal, kill_process};
use scripted::{answers, client, code, conversation, stderr, stdout};
use tempfile::TempDir;

/// A document of several chunks and a bit, with every byte in it.
fn document() -> Vec<u8> {
    (0..CHUNK_BYTES * 2 + 77).map(|index| (index * 31 % 251) as u8).collect()
}

fn dataset(name: &str) -> DatasetInfo {
    let attribute =
        AttributeInfo { name: "x".into(), kind: "numeric".into(), class: false, missing: 0, used: true };
    DatasetInfo {
        name: name.into(),
        file_name: "iris.csv.gz".into(),
        format: "csv.gz".into(),
        rows: 3,
        attributes: vec![attribute],
        bytes: 10,
        stored_bytes: 20,
        chunks: 1,
        sha256: "00".repeat(32),
        uploaded_unix: 0,
        notes: vec!["column y is left out: no values".into()],
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn an_upload_arrives_byte_for_byte() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("iris.csv.gz");
    fs::write(&path, document()).unwrap();
    let script = |connection: &mut Connection<UnixStream>| {
        let size = Some(document().len() as u64);
        let expected = Request::Upload { name: "iris".into(), file_name: "iris.csv.gz".into(), size };
        assert_eq!(connection.receive::<Request>().unwrap(), expected);
        connection.send(&Response::Ready).unwrap();
        let mut received = Vec::new();
        loop {
            match connection.receive().unwrap() {
                Request::Chunk(piece) if piece.len() <= CHUNK_BYTES => received.extend(piece),
                Request::End => break,
                _ => panic!("neither a chunk nor the end"),
            }
        }
        assert!(received == document(), "the document has changed on its way");
        connection.send(&Response::Dataset(Box::new(dataset("iris")))).unwrap();
    };
    let output = conversation(script).run(&["upload", path.to_str().unwrap(), "--json"]);
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    assert!(stdout(&output).starts_with("{\"schema\":\"cloister.dataset/1\",\"name\":\"iris\""));
    assert!(
        stdout(&output).contains("\"notes\":[\"column y is left out: no values\"]"),
        "{}",
        stdout(&output)
    );

    let output = conversation(script).run(&["upload", path.to_str().unwrap()]);
    assert_eq!((code(&output), stdout(&output)), (0, ""));
    let said = "stored iris: 3 rows, 1 attributes\nnote: column y is left out: no values\n";
    assert!(stderr(&output).ends_with(said), "{}", stderr(&output));
}

#[test]
fn a_dataset_is_shown_with_its_notes() {
    let output = answers([Response::Dataset(Box::new(dataset("iris")))]).run(&["show", "iris"]);
    assert_eq!((code(&output), stderr(&output)), (0, ""));
    assert!(stdout(&output).ends_with("\nnote: column y is left out: no values\n"), "{}", stdout(&output));
}

#[test]
fn an_upload_that_is_refused_half_way_says_why() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bad.xrff");
    // More than a socket buffers, so that the client is still sending when the daemon has had enough.
    fs::write(&path, document().repeat(20)).unwrap();
    let daemon = conversation(|connection| {
        assert!(matches!(connection.receive().unwrap(), Request::Upload { .. }));
        connection.send(&Response::Ready).unwrap();
        assert!(matches!(connection.receive().unwrap(), Request::Chunk(_)));
        let failure = Failure::new(ErrorCode::BadData, "bad.xrff line 3, column 7: entity not allowed");
        connection.send(&Response::Failed(failure)).unwrap();
    });
    let output = daemon.run(&["upload", path.to_str().unwrap()]);
    assert_eq!((code(&output), stdout(&output)), (5, ""));
    assert!(stderr(&output).contains("line 3, column 7"), "{}", stderr(&output));
}

#[test]
fn a_dataset_comes_back_byte_for_byte() {
    let pieces = || {
        let whole = document();
        let chunks = whole.chunks(CHUNK_BYTES).map(|piece| Response::Chunk(piece.to_vec()));
        chunks.chain([Response::Done]).collect::<Vec<_>>()
    };
    for arguments in [&["retrieve", "iris"][..], &["retrieve", "iris", "-o", "-"]] {
        let output = answers(pieces()).run(arguments);
        assert_eq!((code(&output), stderr(&output)), (0, ""));
        assert!(output.stdout == document());
    }

    let folder = TempDir::new().unwrap();
    let path = folder.path().join("iris.csv");
    let daemon = conversation(move |connection| {
        let expected = Request::Retrieve { name: "iris".into(), format: RetrieveFormat::Csv };
        assert_eq!(connection.receive::<Request>().unwrap(), expected);
        for piece in pieces() {
            connection.send(&piece).unwrap();
        }
    });
    let output = daemon.run(&["retrieve", "iris", "-o", path.to_str().unwrap(), "--format", "csv"]);
    assert_eq!((code(&output), stdout(&output)), (0, ""));
    assert!(fs::read(&path).unwrap() == document());
    assert_eq!(names(folder.path()), ["iris.csv"]);
}

#[test]
fn under_json_a_document_goes_to_a_file_and_is_named_on_standard_output() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("saved");
    let path = path.to_str().unwrap();
    for (schema, arguments, name) in
        [("retrieve", &["retrieve", "iris"][..], "iris"), ("labels", &["results", "labels", "7f3a"], "7f3a")]
    {
        let daemon = answers([Response::Chunk(document()), Response::Done]);
        let output = daemon.run(&[arguments, &["--json", "-o", path]].concat());
        assert_eq!((code(&output), stderr(&output)), (0, ""));
        assert!(fs::read(path).unwrap() == document());
        let expected = serde_json::json!({
            "schema": format!("cloister.{schema}/1"), "name": name, "file": path, "bytes": document().len(),
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(stdout(&output)).unwrap(), expected);
    }

    for arguments in [
        &["retrieve", "iris"][..],
        &["retrieve", "iris", "-o", "-"],
        &["results", "labels", "7f3a"],
        &["results", "export", "7f3a", "--format", "csv"],
    ] {
        let output = client().arg("--json").args(arguments).output().unwrap();
        assert_eq!((code(&output), stdout(&output)), (2, ""), "{arguments:?}");
        let error: serde_json::Value = serde_json::from_str(stderr(&output)).unwrap();
        assert_eq!(error["error"]["code"], "usage");
        assert!(error["error"]["message"].as_str().unwrap().contains("--json needs -o"), "{error}");
    }
}

#[test]
fn a_folder_that_cannot_hold_the_file_is_named() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for (place, exit_code, words) in [
        (&missing, 3, format!("the folder {} does not exist", missing.display())),
        (&file, 1, "file/x".into()),
    ] {
        let daemon = conversation(|connection| assert!(connection.receive::<Request>().is_err()));
        let output = daemon.run(&["retrieve", "iris", "-o", place.join("x").to_str().unwrap()]);
        assert_eq!((code(&output), stdout(&output)), (exit_code, ""));
        assert!(stderr(&output).contains(&words), "{}", stderr(&output));
        assert!(!stderr(&output).contains(".partial"), "{}", stderr(&output));
    }
}

#[test]
fn a_document_that_breaks_off_leaves_no_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("labels.csv");
    let damaged = Failure::new(ErrorCode::Damaged, "chunk 1 of result 7f3a does not open");
    let daemon = answers([Response::Chunk(b"row,label\n".to_vec()), Response::Failed(damaged)]);
    let output = daemon.run(&["results", "labels", "7f3a", "-o", path.to_str().unwrap()]);
    assert_eq!(code(&output), 7);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let daemon = answers(std::iter::repeat_n(Response::Chunk(document()), 20));
    let mut child = daemon
        .client()
        .args(["retrieve", "iris"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdout.take().unwrap();
    pipe.read_exact(&mut [0; 10]).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    daemon.finish();
    assert_eq!((code(&output), stderr(&output)), (0, ""));
}

fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

/// Interrupts a followed run once the daemon has been asked to have it watched.
fn detached(arguments: &[&str]) -> Output {
    let (watched, is_watched) = mpsc::channel();
    let daemon = conversation(move |connection| {
        assert!(matches!(connection.receive().unwrap(), Request::Cluster(_)));
        connection.send(&Response::JobStarted { id: "7f3a".into() }).unwrap();
        assert!(matches!(connection.receive().unwrap(), Request::WatchJob { .. }));
        let step = Progress {
            step: "agree".into(),
            round: 0,
            max_rounds: 9,
            message: String::new(),
            fraction: None,
        };
        connection.send(&Response::Progress(step)).unwrap();
        watched.send(()).unwrap();
        // It leaves without cancelling the job.
        let next = connection.receive::<Request>();
        assert!(matches!(next, Err(CodecError::Closed | CodecError::Io(_))), "{next:?}");
    });
    let mut command = daemon.client();
    command.args(["cluster", "iris", "-k", "3"]).args(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    is_watched.recv().unwrap();
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    daemon.finish();
    output
}

#[test]
fn ctrl_c_detaches_from_a_run() {
    let output = detached(&[]);
    assert_eq!((code(&output), stdout(&output)), (130, ""));
    let said = stderr(&output);
    assert!(said.contains("jobs watch 7f3a") && said.contains("jobs cancel 7f3a"), "{said}");

    let output = detached(&["--json"]);
    assert_eq!((code(&output), stderr(&output)), (130, ""));
    assert_eq!(stdout(&output), "{\"schema\":\"cloister.job/1\",\"id\":\"7f3a\"}\n");
}

#[test]
fn ctrl_c_removes_a_partial_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("iris.csv");
    let daemon = conversation(|connection| {
        connection.receive::<Request>().unwrap();
        connection.send(&Response::Chunk(document())).unwrap();
        assert!(connection.receive::<Request>().is_err());
    });
    let mut child = daemon
        .client()
        .args(["retrieve", "iris", "-o", path.to_str().unwrap()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    said.read_line(&mut String::new()).unwrap();
    assert_eq!(names(folder.path()).len(), 1, "the partial file");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    daemon.finish();
    assert!(names(folder.path()).is_empty());
}
