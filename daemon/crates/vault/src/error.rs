//! What can go wrong, said so that an operator knows where and what to do.

use std::{fmt, io, path::PathBuf};

use crate::{id::Id, record::RecordKind};

/// Result of every vault operation.
pub type Result<T> = std::result::Result<T, VaultError>;

/// A failed vault operation. No variant carries stored data or key material.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// There is no vault in the directory.
    #[error("no vault in {}; create one with `cloisterd init`", dir.display())]
    NoVault {
        /// Directory looked into.
        dir: PathBuf,
    },
    /// A vault exists already and is never overwritten.
    #[error("a vault exists already in {}; it is never overwritten", dir.display())]
    VaultExists {
        /// Directory that holds it.
        dir: PathBuf,
    },
    /// Another process has the vault open.
    #[error("the vault in {} is in use by another process; stop that process first", dir.display())]
    Locked {
        /// Directory that holds it.
        dir: PathBuf,
    },
    /// The key given opens none of the vault's slots.
    #[error("wrong key: the {given} does not open this vault; give the one it was created with")]
    WrongKey {
        /// "master key" or "passphrase".
        given: &'static str,
    },
    /// The vault has no slot of the kind of key given.
    #[error(
        "this vault cannot be opened with a {given}: it has no slot for one; check `keys.master` in the settings"
    )]
    NoSlot {
        /// "master key" or "passphrase".
        given: &'static str,
    },
    /// Written by a newer version.
    #[error(
        "the vault has format {found}, this program reads format {supported}; use the program that wrote it"
    )]
    Format {
        /// Version found.
        found: u16,
        /// Version understood.
        supported: u16,
    },
    /// A stored record fails its check.
    #[error("{0}")]
    Damaged(#[from] Damage),
    /// The database below the records cannot be read.
    #[error(
        "the database in {} is corrupt ({detail}); stop the daemon, copy the directory aside, delete files named \
         `snap.*` in it and start again; if that does not help, restore from a backup", dir.display()
    )]
    Corrupt {
        /// The database's directory.
        dir: PathBuf,
        /// What the database reported.
        detail: String,
    },
    /// No dataset of that name.
    #[error("no dataset {name:?}; `cloisterctl datasets` lists them")]
    NotFound {
        /// Name asked for.
        name: String,
    },
    /// The dataset's name is taken.
    #[error("a dataset {name:?} exists already; remove it first or choose another name")]
    Exists {
        /// Name asked for.
        name: String,
    },
    /// The dataset was removed while it was being read.
    #[error("dataset {name:?} was removed while it was being read")]
    Removed {
        /// The dataset's name.
        name: String,
    },
    /// A name that the vault does not take.
    #[error("bad {what}: {problem}")]
    BadName {
        /// Which name.
        what: &'static str,
        /// The rule that it breaks.
        problem: &'static str,
    },
    /// More than a record may hold.
    #[error("{what} of {bytes} bytes is too large; the limit is {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// An upload that failed before cannot go on.
    #[error("the upload failed earlier and stored nothing; start it again")]
    UploadBroken,
    /// A key file that must not be used.
    #[error("key file {}: {problem}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The operating system gave no randomness.
    #[error("the operating system's random generator failed: {0}")]
    Random(#[from] getrandom::Error),
    /// The file system refused.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which path.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// What an error means to the caller, for exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The thing asked for does not exist.
    NotFound,
    /// The request itself is wrong: a bad or taken name, too much data.
    Refused,
    /// Stored data is damaged or the key is wrong.
    Integrity,
    /// The machine failed, or another process is in the way.
    Failed,
}

impl VaultError {
    /// The class of this error.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::NoVault { .. } | Self::NotFound { .. } | Self::Removed { .. } => ErrorClass::NotFound,
            Self::VaultExists { .. } | Self::Exists { .. } | Self::BadName { .. } | Self::TooLarge { .. } => {
                ErrorClass::Refused
            }
            Self::WrongKey { .. }
            | Self::NoSlot { .. }
            | Self::Format { .. }
            | Self::Damaged(_)
            | Self::Corrupt { .. } => ErrorClass::Integrity,
            Self::Locked { .. }
            | Self::UploadBroken
            | Self::KeyFile { .. }
            | Self::Random(_)
            | Self::Io { .. } => ErrorClass::Failed,
        }
    }

    /// The vault error inside an [`io::Error`] that a reader or an upload returned.
    #[must_use]
    pub fn within(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    pub(crate) fn into_io(self) -> io::Error {
        let kind = match self.class() {
            ErrorClass::NotFound => io::ErrorKind::NotFound,
            ErrorClass::Refused => io::ErrorKind::InvalidInput,
            ErrorClass::Integrity => io::ErrorKind::InvalidData,
            ErrorClass::Failed => io::ErrorKind::Other,
        };
        io::Error::new(kind, self)
    }

    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>, source: impl Into<io::Error>) -> Self {
        Self::Io { doing, path: path.into(), source: source.into() }
    }
}

/// One stored record that fails its check: which, and how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} is damaged: {flaw}; {}", place.remedy())]
pub struct Damage {
    /// The damaged record.
    pub place: Place,
    /// How it fails.
    pub flaw: Flaw,
}

/// How a record fails its check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is not there.
    #[error("it is missing")]
    Missing,
    /// It is cut short or has bytes too many.
    #[error("it has the wrong length")]
    Length,
    /// It fails authentication: changed, or moved here from elsewhere.
    #[error("it fails authentication (changed, or moved from another place)")]
    Authentication,
    /// It authenticates and yet does not hold together.
    #[error("its parts contradict each other")]
    Inconsistent,
    /// Its entries are not those last written.
    #[error(
        "its entries are not those last written (one was taken away, added, or put back from an older copy)"
    )]
    Altered,
    /// Written in a format that this program does not know.
    #[error("its format is unknown")]
    Format,
}

/// Where a damaged record belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The vault's own header.
    Header,
    /// A key slot.
    Slot,
    /// The list of all datasets.
    DatasetList,
    /// The list of all records.
    RecordList,
    /// A part of the dataset of this name.
    Dataset {
        /// The dataset's name.
        name: String,
        /// Which part.
        part: Part,
    },
    /// A part of a dataset whose name cannot be read any more.
    UnnamedDataset {
        /// The dataset's identifier, 32 hexadecimal digits.
        id: String,
        /// Which part.
        part: Part,
    },
    /// A record of the daemon's.
    Record {
        /// Its kind.
        kind: RecordKind,
        /// Its identifier, when it is known.
        id: Option<String>,
    },
}

/// A part of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The entry that leads from the name to the dataset.
    Name,
    /// The wrapped data key.
    DataKey,
    /// The manifest.
    Manifest,
    /// A chunk of the document, counted from 0.
    Chunk(u64),
    /// A chunk of the schema, counted from 0.
    SchemaChunk(u64),
    /// The document as a whole: its chunk list or its content hash.
    Content,
}

impl Place {
    pub(crate) fn unnamed(id: &Id, part: Part) -> Self {
        Self::UnnamedDataset { id: id.to_string(), part }
    }

    pub(crate) fn damaged(self, flaw: Flaw) -> VaultError {
        VaultError::Damaged(Damage { place: self, flaw })
    }

    fn remedy(&self) -> &'static str {
        match self {
            Self::Header | Self::Slot | Self::DatasetList | Self::RecordList => {
                "restore the vault from a backup"
            }
            Self::Dataset { .. } => "restore the dataset from a backup, or remove and upload it again",
            Self::UnnamedDataset { .. } => "restore the vault from a backup",
            Self::Record { .. } => "restore the record from a backup, or remove it and make it anew",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("the vault's header"),
            Self::Slot => f.write_str("the vault's key slot"),
            Self::DatasetList => f.write_str("the list of datasets"),
            Self::RecordList => f.write_str("the list of records"),
            Self::Dataset { name, part } => write!(f, "dataset {name:?} ({part})"),
            Self::UnnamedDataset { id, part } => write!(f, "dataset with id {id} ({part})"),
            Self::Record { kind, id: Some(id) } => write!(f, "{kind} record {id:?}"),
            Self::Record { kind, id: None } => write!(f, "a {kind} record"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("name entry"),
            Self::DataKey => f.write_str("data key"),
            Self::Manifest => f.write_str("manifest"),
            Self::Chunk(index) => write!(f, "chunk {index}"),
            Self::SchemaChunk(index) => write!(f, "schema chunk {index}"),
            Self::Content => f.write_str("content as a whole"),
        }
    }
}
