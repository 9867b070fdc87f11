//! Whose files may become code in this process.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::refusal::Refusal;

const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;
const PERMISSIONS: u32 = 0o7777;

/// The owners whose plugins are loaded.
///
/// Root is always one of them. Files, and every directory above them, must belong to a trusted owner and must
/// not be writable by group or others; a directory high up may be if it is root's and sticky, as `/tmp` is,
/// because then nobody else can rename what a trusted owner put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trust {
    /// The user number that is trusted besides root.
    pub owner: u32,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileIdentity {
    fn of(meta: &Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    /// As equality, but for the time of change, which a mere `chmod` moves.
    pub(crate) fn is_same_content(&self, other: &Self) -> bool {
        *self == Self { changed: self.changed, ..*other }
    }
}

impl Trust {
    /// Trusts root and the user that this process runs as.
    pub fn own() -> Self {
        Self { owner: rustix::process::geteuid().as_raw() }
    }

    /// Examines a directory of plugins and those above it; gives its canonical path.
    ///
    /// # Errors
    /// [`Refusal::Io`], [`Refusal::Owner`] or [`Refusal::Writable`], naming the directory at fault.
    pub fn check_directory(&self, dir: &Path) -> Result<PathBuf, Refusal> {
        let dir = dir.canonicalize().map_err(|source| Refusal::Io { path: dir.to_owned(), source })?;
        for ancestor in dir.ancestors() {
            let meta = examine(ancestor)?;
            // What lies below a sticky directory is the next thing examined, and must have a trusted owner too.
            let sticky = ancestor != dir && meta.uid() == 0 && meta.mode() & STICKY != 0;
            self.check(ancestor, &meta, sticky)?;
        }
        Ok(dir)
    }

    /// Examines a file in a directory that [`Self::check_directory`] gave.
    pub(crate) fn check_file(&self, file: &Path) -> Result<FileIdentity, Refusal> {
        let meta = examine(file)?;
        if !meta.is_file() {
            return Err(Refusal::NotRegular);
        }
        self.check(file, &meta, false)?;
        Ok(FileIdentity::of(&meta))
    }

    fn check(&self, path: &Path, meta: &Metadata, sticky: bool) -> Result<(), Refusal> {
        if meta.uid() != 0 && meta.uid() != self.owner {
            return Err(Refusal::Owner { path: path.to_owned(), owner: meta.uid(), trusted: self.owner });
        }
        if meta.mode() & GROUP_OR_OTHERS_WRITE != 0 && !sticky {
            return Err(Refusal::Writable { path: path.to_owned(), mode: meta.mode() & PERMISSIONS });
        }
        Ok(())
    }
}

/// The metadata of `path` itself, never of what a link points to.
fn examine(path: &Path) -> Result<Metadata, Refusal> {
    fs::symlink_metadata(path).map_err(|source| Refusal::Io { path: path.to_owned(), source })
}
