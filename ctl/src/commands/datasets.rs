//! Documents in and out.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use control::facts::DatasetInfo;
use control::{CHUNK_BYTES, ErrorCode, Failure, Request};

use super::Named;
use crate::cli;
use crate::daemon::{Daemon, answer};
use crate::output::{self, Outcome, Output};
use crate::progress::Progress;
use crate::save::{self, Destination};
use crate::text;

pub(super) fn list(daemon: &mut Daemon, output: &Output) -> Outcome {
    let datasets = daemon.ask(&Request::Datasets, answer!(Datasets))?;
    let columns =
        ["name", "format", "rows", "attributes", "bytes", "stored_bytes", "chunks", "uploaded_unix"];
    output.list("datasets", &datasets, columns, |dataset| {
        [
            dataset.name.clone(),
            dataset.format.clone(),
            dataset.rows.to_string(),
            dataset.attributes.to_string(),
            text::bytes(dataset.bytes),
            text::bytes(dataset.stored_bytes),
            dataset.chunks.to_string(),
            text::time(dataset.uploaded_unix),
        ]
    })
}

pub(super) fn show(daemon: &mut Daemon, name: &str, output: &Output) -> Outcome {
    let dataset = daemon.ask(&Request::ShowDataset { name: name.to_owned() }, answer!(Dataset))?;
    output.facts("dataset", &*dataset, people)
}

fn people(dataset: &DatasetInfo) -> String {
    let rows = [
        ("name", dataset.name.clone()),
        ("file_name", dataset.file_name.clone()),
        ("format", dataset.format.clone()),
        ("rows", dataset.rows.to_string()),
        ("bytes", text::bytes(dataset.bytes)),
        ("stored_bytes", text::bytes(dataset.stored_bytes)),
        ("chunks", dataset.chunks.to_string()),
        ("sha256", dataset.sha256.clone()),
        ("uploaded_unix", text::time(dataset.uploaded_unix)),
    ];
    let mut text = output::table(["dataset", ""], rows.map(|(key, value)| [key.to_owned(), value]));
    text += "\n";
    let columns = ["attribute", "kind", "class", "missing", "used"];
    let attributes = dataset.attributes.iter().map(|attribute| {
        [
            attribute.name.clone(),
            attribute.kind.clone(),
            text::yes_no(attribute.class),
            attribute.missing.to_string(),
            text::yes_no(attribute.used),
        ]
    });
    text += &output::table(columns, attributes);
    if !dataset.notes.is_empty() {
        text += "\n";
    }
    for note in &dataset.notes {
        text += &format!("note: {}\n", text::printable(note));
    }
    text
}

/// Opens the document before it asks for the daemon, so that a wrong path never reaches it.
pub(super) fn upload(
    connect: impl FnOnce() -> Outcome<Daemon>,
    upload: &cli::Upload,
    output: &Output,
) -> Outcome {
    let path = &upload.file;
    let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        let failure = Failure::new(ErrorCode::Usage, format!("{} is a folder", path.display()));
        return Err(failure.with_hint("name one XRFF or CSV document").into());
    }
    // A pipe has no length to announce.
    let size = metadata.is_file().then_some(metadata.len());
    let file_name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let name = upload.name.clone().unwrap_or_else(|| dataset_name(&file_name).to_owned());

    let mut daemon = connect()?;
    daemon.ask(&Request::Upload { name, file_name, size }, |response| match response {
        control::Response::Ready => Ok(()),
        other => Err(other),
    })?;
    let mut progress = Progress::transfer(output, size);
    let mut piece = vec![0; CHUNK_BYTES];
    let mut sent = 0;
    loop {
        let read = match file.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(path, &error).into()),
        };
        daemon.send(&Request::Chunk(piece[..read].to_vec()))?;
        sent += read as u64;
        progress.bytes("uploading", sent);
    }
    progress.bytes("storing", sent);
    let dataset = daemon.ask(&Request::End, answer!(Dataset))?;
    drop(progress);
    let DatasetInfo { name, rows, attributes, notes, .. } = &*dataset;
    let sentence = format!("stored {name}: {rows} rows, {} attributes", attributes.len());
    output.done("dataset", &*dataset, &sentence)?;
    for note in notes {
        output.note(&format!("note: {note}"));
    }
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let code = match error.kind() {
        io::ErrorKind::NotFound => ErrorCode::NotFound,
        io::ErrorKind::PermissionDenied => ErrorCode::Refused,
        _ => ErrorCode::Failed,
    };
    Failure::new(code, format!("cannot read {}: {error}", path.display()))
        .with_hint("name an XRFF or CSV document that you may read")
}

/// The file's name without what it says about the format.
fn dataset_name(file_name: &str) -> &str {
    let mut name = file_name;
    for suffix in [".gz", ".xrff", ".xml", ".csv"] {
        name = name.strip_suffix(suffix).filter(|rest| !rest.is_empty()).unwrap_or(name);
    }
    name
}

#[derive(serde::Serialize)]
pub(super) struct Saved<'a> {
    pub(super) name: &'a str,
    pub(super) file: String,
    pub(super) bytes: u64,
}

pub(super) fn retrieve(daemon: &mut Daemon, retrieve: &cli::Retrieve, output: &Output) -> Outcome {
    let request = Request::Retrieve { name: retrieve.name.clone(), format: retrieve.format };
    save(daemon, &request, "retrieve", &retrieve.name, retrieve.output.as_deref(), output)
}

/// Takes a document to a file or to standard output, with progress for the file only; `schema` is that of what is said
/// about the file afterwards.
pub(super) fn save(
    daemon: &mut Daemon,
    request: &Request,
    schema: &str,
    name: &str,
    path: Option<&Path>,
    output: &Output,
) -> Outcome {
    let path = save::named(path);
    let mut destination = Destination::open(path)?;
    let mut progress = path.map(|_| Progress::transfer(output, None));
    let mut received = 0;
    daemon.document(request, |piece| {
        received += piece.len() as u64;
        if let Some(progress) = &mut progress {
            progress.bytes("receiving", received);
        }
        destination.write(piece)
    })?;
    destination.finish()?;
    drop(progress);
    let Some(path) = path else { return Ok(()) };
    let saved = Saved { name, file: path.display().to_string(), bytes: received };
    output.done(schema, &saved, &format!("wrote {}: {}", saved.file, text::bytes(received)))
}

pub(super) fn remove(daemon: &mut Daemon, name: &str, output: &Output) -> Outcome {
    daemon.order(&Request::RemoveDataset { name: name.to_owned() })?;
    output.done("removed", &Named { name }, &format!("removed {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_is_named_after_its_file() {
        for (file, name) in [
            ("iris.xrff", "iris"),
            ("iris.xrff.gz", "iris"),
            ("a.b.csv", "a.b"),
            ("iris", "iris"),
            (".csv", ".csv"),
            ("x.tar", "x.tar"),
        ] {
            assert_eq!(dataset_name(file), name);
        }
    }
}
