//! Documents in and out.

use std::io::{self, Write};

use control::{CHUNK_BYTES, CodecError, ErrorCode, Failure, Request, Response, RetrieveFormat};
use table::Limits;

use super::conversation::{Client, End};
use crate::failure::{from_storage, from_table};
use crate::service::Service;
use crate::{datasets, results};

/// Takes a document in. Whatever ends it early, nothing of it stays.
pub(super) fn upload(
    service: &Service,
    client: &mut Client,
    name: &str,
    file_name: &str,
    size: Option<u64>,
) -> Result<(), End> {
    let vault = &service.node.vault;
    let limit = Limits::default().expanded_bytes;
    let too_long = || {
        Failure::new(ErrorCode::BadData, format!("{file_name} is longer than the {limit} bytes allowed"))
            .with_hint("split it into several datasets")
    };
    if size.is_some_and(|size| size > limit) {
        return Err(too_long().into());
    }
    datasets::check_name(vault, name, file_name)?;
    client.send(&Response::Ready)?;

    let mut upload = None;
    let mut taken = 0;
    loop {
        // A daemon that stops has closed this way in; what is not acknowledged by then is not kept.
        let request = client.receive();
        if service.is_stopping() {
            let failure = Failure::new(ErrorCode::Failed, "the daemon is stopping; nothing was stored");
            return Err(End::Hopeless(failure.with_hint("start the upload again when it is back")));
        }
        match request? {
            Request::Chunk(bytes) => {
                let received = (|| {
                    taken += bytes.len() as u64;
                    if bytes.len() > CHUNK_BYTES || taken > limit {
                        return Err(too_long());
                    }
                    let upload = match &mut upload {
                        Some(upload) => upload,
                        none => none.insert(datasets::begin(vault, name, file_name, &bytes)?),
                    };
                    upload.write_all(&bytes).map_err(from_storage)
                })();
                // The client is sending the rest already.
                received.map_err(End::Hopeless)?;
            }
            Request::End => break,
            _ => {
                let message = "another request in the middle of a document";
                return Err(End::Hopeless(Failure::new(ErrorCode::Usage, message)));
            }
        }
    }
    if let Some(size) = size.filter(|&size| size != taken) {
        let message = format!("{file_name} was announced with {size} bytes, and {taken} came");
        return Err(Failure::new(ErrorCode::BadData, message)
            .with_hint("it changed while it was read; upload it again")
            .into());
    }
    let upload = match upload {
        Some(upload) => upload,
        None => datasets::begin(vault, name, file_name, &[])?,
    };
    let dataset = datasets::finish(upload, file_name)?;
    tracing::info!(dataset = dataset.name, rows = dataset.rows, bytes = dataset.bytes, "stored");
    Ok(client.send(&Response::Dataset(Box::new(dataset)))?)
}

/// Gives a document back.
pub(super) fn retrieve(
    service: &Service,
    client: &mut Client,
    name: &str,
    format: RetrieveFormat,
) -> Result<(), End> {
    let vault = &service.node.vault;
    if format == RetrieveFormat::Original {
        let mut piece = vec![0; CHUNK_BYTES];
        datasets::read_pieces(vault, name, &mut piece, |piece| {
            client.send(&Response::Chunk(piece.to_vec())).map_err(End::from)
        })?;
        return Ok(client.send(&Response::Done)?);
    }
    let table = datasets::table(vault, name)?;
    let mut pieces = Pieces { client: &mut *client, broken: None };
    let written = match format {
        RetrieveFormat::Csv => table::csv::write(&table, &mut pieces),
        _ => table::xrff::write(&table, &mut pieces),
    };
    if let Some(error) = pieces.broken {
        return Err(error.into());
    }
    written.map_err(|error| {
        let failure = from_table(&error);
        Failure { message: format!("dataset {name} as {format}: {}", failure.message), ..failure }
    })?;
    Ok(client.send(&Response::Done)?)
}

/// Writes to a client; what is written at once, up to the limit, is one piece.
struct Pieces<'a> {
    client: &'a mut Client,
    /// Why the client takes nothing more.
    broken: Option<CodecError>,
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = &bytes[..bytes.len().min(CHUNK_BYTES)];
        match self.client.send(&Response::Chunk(piece.to_vec())) {
            Ok(()) => Ok(piece.len()),
            Err(error) => {
                self.broken = Some(error);
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives the labels of a result.
pub(super) fn labels(service: &Service, client: &mut Client, id: &str) -> Result<(), End> {
    let csv = results::labels_csv(&service.node.vault, id)?;
    for piece in csv.as_bytes().chunks(CHUNK_BYTES) {
        client.send(&Response::Chunk(piece.to_vec()))?;
    }
    Ok(client.send(&Response::Done)?)
}
