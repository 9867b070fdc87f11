//! The master secret on disk: 32 raw bytes in a file that only its owner may read.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use crate::{
    error::{Result, VaultError},
    secret::MasterSecret,
};

/// Who may read a key file.
enum Readers {
    /// The owner alone: modes 0600 and 0400.
    Owner,
    /// The owner and the group: systemd grants a credential to the service through an access list,
    /// whose mask shows up as the group's bits, and leaves root its owner.
    OwnerAndGroup,
}

impl MasterSecret {
    /// Reads a key file: regular, owned by this process's user, mode 0600 or 0400, exactly 32 bytes.
    ///
    /// # Errors
    /// [`VaultError::KeyFile`] names what is wrong with the file and what to do.
    pub fn read_file(path: impl AsRef<Path>) -> Result<Self> {
        read(path.as_ref(), &Readers::Owner)
    }

    /// Reads a systemd credential: like [`Self::read_file`], but root may own it and its group may read it.
    ///
    /// # Errors
    /// [`VaultError::KeyFile`] names what is wrong with the file and what to do.
    pub fn read_credential(path: impl AsRef<Path>) -> Result<Self> {
        read(path.as_ref(), &Readers::OwnerAndGroup)
    }

    /// Makes a fresh secret and its file (mode 0600), durable when this returns. Never overwrites.
    ///
    /// # Errors
    /// [`VaultError::KeyFile`] when the file exists, [`VaultError::Io`] when it cannot be written.
    pub fn create_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let secret = Self::generate()?;
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut file = opened.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => bad(path, "exists already; a key is never overwritten"),
            _ => VaultError::io("create the key file", path, source),
        })?;
        let written =
            file.write_all(secret.bytes()).and_then(|()| file.sync_all()).and_then(|()| sync_parent(path));
        if let Err(source) = written {
            // Ours, and useless in part; what cannot be deleted either is refused by its length later.
            let _ = std::fs::remove_file(path);
            return Err(VaultError::io("write the key file", path, source));
        }
        Ok(secret)
    }
}

/// Makes a new directory entry durable.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(parent)?.sync_all()
}

fn bad(path: &Path, problem: impl Into<String>) -> VaultError {
    VaultError::KeyFile { path: path.into(), problem: problem.into() }
}

fn read(path: &Path, readers: &Readers) -> Result<MasterSecret> {
    // Neither a symbolic link to follow nor a pipe to wait for; what is checked is what is read.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path);
    let mut file = opened.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => bad(path, "does not exist; `cloisterd init` makes it"),
        _ if source.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            bad(path, "is a symbolic link; name the file itself")
        }
        _ => VaultError::io("open the key file", path, source),
    })?;
    let facts = file.metadata().map_err(|source| VaultError::io("examine the key file", path, source))?;
    if !facts.is_file() {
        return Err(bad(path, "is not a regular file"));
    }
    let me = rustix::process::geteuid().as_raw();
    let (owner_fits, forbidden, wanted) = match readers {
        Readers::Owner => (facts.uid() == me, 0o7177, "0600 or 0400"),
        Readers::OwnerAndGroup => (facts.uid() == me || facts.uid() == 0, 0o7137, "0440 or narrower"),
    };
    if !owner_fits {
        return Err(bad(
            path,
            format!("belongs to user {}, not to this process's user {me}; change its owner", facts.uid()),
        ));
    }
    let mode = facts.mode() & 0o7777;
    if mode & forbidden != 0 {
        return Err(bad(path, format!("has mode {mode:04o}; make it {wanted} with chmod")));
    }
    // One byte more than fits, so that a longer file is noticed without being read.
    let mut bytes = Zeroizing::new([0; MasterSecret::BYTES + 1]);
    let mut filled = 0;
    loop {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(VaultError::io("read the key file", path, source)),
        }
    }
    MasterSecret::from_bytes(&bytes[..filled]).ok_or_else(|| {
        bad(path, format!("must hold exactly {} bytes, a key made by `cloisterd init`", MasterSecret::BYTES))
    })
}
