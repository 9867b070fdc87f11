//! Datasets: documents as they were brought, with a record of what is in them.

use std::io::Read;

use control::facts::{AttributeInfo, DatasetInfo, DatasetSummary};
use control::{ErrorCode, Failure};
use serde::{Deserialize, Serialize};
use table::{Document, Format, Kind, Limits, Table};
use vault::{Upload, UploadMeta, Vault, VaultError};

use crate::failure::{from_storage, from_table, from_vault};

/// The longest encoded schema; the vault holds no longer one.
const SCHEMA_LIMIT: usize = 16 << 20;
/// How every gzip stream begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What reading a document found in it. Kept beside the document, so that it need not be read again to be shown.
#[derive(Serialize, Deserialize)]
struct SchemaRecord {
    format: String,
    gzip: bool,
    attributes: Vec<AttributeRecord>,
    notes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct AttributeRecord {
    name: String,
    kind: String,
    class: bool,
    missing: u64,
    used: bool,
}

impl SchemaRecord {
    fn of(document: &Document) -> Self {
        let Table { schema, columns, .. } = &document.table;
        let attributes = schema.attributes.iter().zip(columns).map(|(attribute, column)| AttributeRecord {
            name: attribute.name.clone(),
            kind: attribute.kind.name().to_owned(),
            class: attribute.class,
            missing: column.missing() as u64,
            used: attribute.kind == Kind::Numeric && !attribute.class,
        });
        let format = match document.format {
            Format::Xrff => "xrff",
            Format::Csv => "csv",
        };
        SchemaRecord {
            format: format.to_owned(),
            gzip: document.gzip,
            attributes: attributes.collect(),
            notes: document.notes.iter().map(ToString::to_string).collect(),
        }
    }

    fn decode(stored: &vault::DatasetInfo) -> Result<Self, Failure> {
        transport::codec::decode(&stored.schema, SCHEMA_LIMIT).map_err(|error| {
            Failure::new(ErrorCode::Damaged, format!("the schema of dataset {}: {error}", stored.name))
        })
    }

    fn format(&self) -> String {
        if self.gzip { format!("{}.gz", self.format) } else { self.format.clone() }
    }
}

/// Begins to take in a document of which `beginning` has come already.
///
/// # Errors
/// A name that is bad or taken, or a failure of the vault.
pub fn begin(vault: &Vault, name: &str, file_name: &str, beginning: &[u8]) -> Result<Upload, Failure> {
    let meta = UploadMeta {
        // Known for certain only once the document has been read; it stands in the schema record then.
        format: String::new(),
        gzip: beginning.starts_with(&GZIP),
        file_name: file_name.to_owned(),
    };
    vault.upload(name, meta).map_err(from_vault)
}

/// Whether a dataset of that name could be taken in.
///
/// # Errors
/// As [`begin`].
pub fn check_name(vault: &Vault, name: &str, file_name: &str) -> Result<(), Failure> {
    begin(vault, name, file_name, &[]).map(drop)
}

/// Reads back what has come, and keeps it durably if it is a good document; else nothing of it stays.
///
/// # Errors
/// What is wrong with the document, with line and attribute; or a failure of the vault.
pub fn finish(upload: Upload, file_name: &str) -> Result<DatasetInfo, Failure> {
    let document = {
        let reader = upload.reader().map_err(from_vault)?;
        table::read(reader, &Limits::default()).map_err(|error| {
            let failure = from_table(&error);
            Failure { message: format!("{file_name}: {}", failure.message), ..failure }
        })?
    };
    let record = SchemaRecord::of(&document);
    let schema = transport::codec::encode(&record)
        .map_err(|error| Failure::new(ErrorCode::Failed, format!("{file_name}: its schema: {error}")))?;
    let stored = upload.commit(schema, document.table.rows() as u64).map_err(|error| match error {
        VaultError::TooLarge { .. } => Failure::new(ErrorCode::BadData, format!("{file_name}: {error}")),
        error => from_vault(error),
    })?;
    for note in &record.notes {
        tracing::info!(dataset = stored.name, "{note}");
    }
    Ok(facts(&stored, record))
}

fn facts(stored: &vault::DatasetInfo, record: SchemaRecord) -> DatasetInfo {
    DatasetInfo {
        name: stored.name.clone(),
        file_name: stored.file_name.clone(),
        format: record.format(),
        rows: stored.rows,
        attributes: record
            .attributes
            .into_iter()
            .map(|AttributeRecord { name, kind, class, missing, used }| AttributeInfo {
                name,
                kind,
                class,
                missing,
                used,
            })
            .collect(),
        bytes: stored.bytes,
        stored_bytes: stored.stored_bytes,
        chunks: stored.chunks,
        sha256: stored.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
        uploaded_unix: stored.created_unix,
        notes: record.notes,
    }
}

/// One dataset in full.
///
/// # Errors
/// Not found, damaged, or a failure of the vault.
pub fn show(vault: &Vault, name: &str) -> Result<DatasetInfo, Failure> {
    let stored = vault.dataset(name).map_err(from_vault)?;
    let record = SchemaRecord::decode(&stored)?;
    Ok(facts(&stored, record))
}

/// All sound datasets in short, by name.
///
/// # Errors
/// A failure of the vault.
pub fn list(vault: &Vault) -> Result<Vec<DatasetSummary>, Failure> {
    vault.datasets().map_err(from_vault)?.iter().map(summary).collect()
}

fn summary(stored: &vault::DatasetInfo) -> Result<DatasetSummary, Failure> {
    let record = SchemaRecord::decode(stored)?;
    Ok(DatasetSummary {
        name: stored.name.clone(),
        format: record.format(),
        rows: stored.rows,
        attributes: record.attributes.len() as u64,
        bytes: stored.bytes,
        stored_bytes: stored.stored_bytes,
        chunks: stored.chunks,
        uploaded_unix: stored.created_unix,
    })
}

/// The document as it came, piece by piece, each at most as long as `piece`.
///
/// # Errors
/// Not found, damaged, a failure of the vault, or what `give` returns.
pub fn read_pieces<E: From<Failure>>(
    vault: &Vault,
    name: &str,
    piece: &mut [u8],
    mut give: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = vault.reader(name).map_err(from_vault)?;
    loop {
        match reader.read(piece) {
            Ok(0) => return Ok(()),
            Ok(read) => give(&piece[..read])?,
            Err(error) => return Err(from_storage(error).into()),
        }
    }
}

/// The typed columns.
///
/// # Errors
/// Not found, damaged, or a failure of the vault.
pub fn table(vault: &Vault, name: &str) -> Result<Table, Failure> {
    let reader = vault.reader(name).map_err(from_vault)?;
    match table::read(reader, &Limits::default()) {
        Ok(document) => Ok(document.table),
        // It was good when it was taken in, so what is stored has changed.
        Err(error) => Err(Failure::new(ErrorCode::Damaged, format!("dataset {name}: {error}"))),
    }
}
