//! The control socket: a UNIX socket that is never open wider than asked for, and who is at its other end.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The mode of a control socket: its owner and its group.
pub const CONTROL_MODE: u32 = 0o660;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody answers there.
    #[error("{}: another daemon answers on this socket; stop it, or give this one another socket", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something that is no socket is in the way.
    #[error("{}: is there already and is no socket; move it away, or give the daemon another socket", path.display())]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("{}: cannot {what} ({source})", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What could not be done.
        what: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

/// Binds a listening socket at `path` with exactly `mode`, and with `group` if one is given.
///
/// The socket is made in a directory that only this user can enter, gets its mode and group there, and
/// only then its name, so at no moment can anybody reach it whom the mode keeps out. The socket that a dead
/// daemon left behind is replaced; a live one is not.
///
/// # Errors
/// [`BindError`]; each names the path and what to do.
pub fn bind(path: &Path, mode: u32, group: Option<u32>) -> Result<UnixListener, BindError> {
    let failed = |what| move |source| BindError::Io { path: path.to_owned(), what, source };
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if path.file_name().is_none() {
        return Err(failed("use a path without a file name")(io::ErrorKind::InvalidInput.into()));
    }
    refuse_occupied(path)?;

    let nursery = Nursery::new(parent).map_err(failed("make a private directory beside it"))?;
    let newborn = nursery.0.join("s");
    let listener = UnixListener::bind(&newborn).map_err(failed("make the socket"))?;
    if let Some(group) = group {
        std::os::unix::fs::chown(&newborn, None, Some(group)).map_err(failed("give it to its group"))?;
    }
    // After the group: changing that may clear mode bits.
    fs::set_permissions(&newborn, fs::Permissions::from_mode(mode)).map_err(failed("set its mode"))?;
    fs::rename(&newborn, path).map_err(failed("put it in its place"))?;
    Ok(listener)
}

fn refuse_occupied(path: &Path) -> Result<(), BindError> {
    let failed = |source| BindError::Io { path: path.to_owned(), what: "look at what is there", source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error)),
        Ok(there) if !there.file_type().is_socket() => Err(BindError::NoSocket { path: path.to_owned() }),
        Ok(_) => match UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed(error)),
            Ok(_) => Err(BindError::InUse { path: path.to_owned() }),
        },
    }
}

/// A directory of mode 0700 that goes away with what is left in it.
struct Nursery(PathBuf);

impl Nursery {
    fn new(parent: &Path) -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        // Short, for a socket's path has 107 bytes at most.
        let path = parent.join(format!(".{:016x}", u64::from_le_bytes(random)));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Nursery {
    fn drop(&mut self) {
        // After a success the directory is empty; what cannot be removed is private and harms nobody.
        let _ = fs::remove_file(self.0.join("s"));
        let _ = fs::remove_dir(&self.0);
    }
}

/// Who is at the other end of a UNIX socket, as of its connecting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCredentials {
    /// The user.
    pub uid: u32,
    /// The user's group at that time; supplementary groups are not known.
    pub gid: u32,
    /// The process: for the log only, for it may be another one by now.
    pub pid: i32,
}

/// The credentials of the process that connected `stream`.
///
/// # Errors
/// Those of `getsockopt`.
pub fn peer_credentials(stream: &UnixStream) -> io::Result<PeerCredentials> {
    let peer = rustix::net::sockopt::socket_peercred(stream)?;
    Ok(PeerCredentials {
        uid: peer.uid.as_raw(),
        gid: peer.gid.as_raw(),
        pid: peer.pid.as_raw_nonzero().get(),
    })
}
