//! Where documents go: standard output, or a file that is complete or not there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use control::{ErrorCode, Failure};
use tempfile::NamedTempFile;

use crate::interrupt::{self, Leave};
use crate::output::{self, Outcome, Stop};

/// A place to write a document to.
pub(crate) enum Destination {
    /// Standard output, as it comes.
    Stdout,
    /// A device or a pipe: it must not be replaced by a file.
    Device {
        /// Its name.
        path: PathBuf,
        /// Where the bytes go.
        device: File,
    },
    /// A file beside its final name, which it gets when it is complete.
    File {
        /// The final name.
        path: PathBuf,
        /// The file for now.
        partial: BufWriter<NamedTempFile>,
    },
}

/// The path after `-o`, where it is one: `-` is standard output, as without `-o`.
pub(crate) fn named(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| *path != Path::new("-"))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    let code = match error.kind() {
        io::ErrorKind::NotFound => ErrorCode::NotFound,
        io::ErrorKind::PermissionDenied => ErrorCode::Refused,
        _ => ErrorCode::Failed,
    };
    Failure::new(code, format!("cannot write {}: {error}", path.display()))
        .with_hint("name a file in a folder that exists and that you may write to")
}

fn no_folder(code: ErrorCode, path: &Path, why: &str) -> Failure {
    Failure::new(code, format!("cannot write {}: {why}", path.display()))
        .with_hint("make the folder, or name a file in one that exists")
}

/// The system's error alone: what went wrong with a file of ours is not about the name that we chose for it.
fn of_system(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|wrapped| wrapped.source()).and_then(|source| source.downcast_ref());
    match inner.and_then(io::Error::raw_os_error) {
        Some(number) => io::Error::from_raw_os_error(number),
        None => error,
    }
}

impl Destination {
    /// Opens it; without a path it is standard output. A file is readable by its owner only: rows and labels are private.
    pub(crate) fn open(path: Option<&Path>) -> Outcome<Self> {
        let Some(path) = path else { return Ok(Self::Stdout) };
        let mut path = path.to_owned();
        match fs::metadata(&path) {
            Ok(there) if there.is_dir() => {
                let failure = Failure::new(ErrorCode::Usage, format!("{} is a folder", path.display()));
                return Err(failure.with_hint("name a file after -o").into());
            }
            Ok(there) if !there.is_file() => {
                let device =
                    File::options().write(true).open(&path).map_err(|error| failed(&path, &error))?;
                return Ok(Self::Device { path, device });
            }
            // A link goes on pointing to the file.
            Ok(_) => path = fs::canonicalize(&path).map_err(|error| failed(&path, &error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&path, &error).into()),
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        match fs::metadata(folder) {
            Ok(there) if !there.is_dir() => {
                return Err(no_folder(
                    ErrorCode::Usage,
                    &path,
                    &format!("{} is no folder", folder.display()),
                )
                .into());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let missing = format!("the folder {} does not exist", folder.display());
                return Err(no_folder(ErrorCode::NotFound, &path, &missing).into());
            }
            // What else is wrong shows when the file is made.
            Ok(_) | Err(_) => {}
        }
        let partial = tempfile::Builder::new()
            .prefix(".cloisterctl-")
            .suffix(".partial")
            .tempfile_in(folder)
            .map_err(|error| failed(&path, &of_system(error)))?;
        interrupt::set(Leave::Remove(partial.path().to_owned()));
        Ok(Self::File { path, partial: BufWriter::new(partial) })
    }

    /// Adds a piece.
    pub(crate) fn write(&mut self, piece: &[u8]) -> Outcome {
        match self {
            Self::Stdout => output::raw(piece),
            Self::Device { path, device } => device.write_all(piece).map_err(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => Stop::ReaderGone,
                _ => failed(path, &error).into(),
            }),
            Self::File { path, partial } => {
                partial.write_all(piece).map_err(|error| failed(path, &error).into())
            }
        }
    }

    /// The document is complete. Dropped without this, a file leaves nothing behind.
    pub(crate) fn finish(self) -> Outcome {
        if let Self::File { path, partial } = self {
            let file = partial.into_inner().map_err(|error| failed(&path, error.error()))?;
            file.as_file().sync_all().map_err(|error| failed(&path, &error))?;
            file.persist(&path).map_err(|error| failed(&path, &error.error))?;
            interrupt::set(Leave::Quietly);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_complete_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.csv");
        std::fs::write(&path, "old").unwrap();

        let Ok(mut unfinished) = Destination::open(Some(&path)) else { panic!("not opened") };
        assert!(unfinished.write(b"new").is_ok());
        drop(unfinished);
        assert_eq!(names(folder.path()), ["labels.csv"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");

        let Ok(mut finished) = Destination::open(Some(&path)) else { panic!("not opened") };
        assert!(finished.write(b"ne").is_ok() && finished.write(b"w").is_ok() && finished.finish().is_ok());
        assert_eq!(names(folder.path()), ["labels.csv"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn links_and_devices_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let [path, link, device] = ["labels.csv", "link", "null"].map(|name| folder.path().join(name));
        std::fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        std::os::unix::fs::symlink("/dev/null", &device).unwrap();
        for to in [&link, &device] {
            let Ok(mut destination) = Destination::open(Some(to)) else { panic!("not opened") };
            assert!(destination.write(b"new").is_ok() && destination.finish().is_ok());
            assert!(to.is_symlink());
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert!(Destination::open(Some(folder.path())).is_err());
    }
}
