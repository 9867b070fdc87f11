//! The control socket: who may use it, how many at once, and when it closes.

mod access;
mod conversation;
mod transfer;
mod watch;

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use control::{ErrorCode, Failure};
use transport::unix::{BindError, CONTROL_MODE, bind};

use crate::log::Sparingly;
use crate::service::Service;

/// Clients served at once; each has a thread.
const MOST: usize = 64;
/// Those beyond who are told that there are too many.
const MOST_TOLD: usize = 16;
/// How long to wait when the system has no descriptors or threads left.
const EXHAUSTED: Duration = Duration::from_millis(200);

/// The bound control socket, being served by threads.
pub(crate) struct Server {
    listener: Arc<UnixListener>,
    path: PathBuf,
    /// Device and inode of the socket, so that only our own is removed.
    identity: (u64, u64),
    clients: Arc<Clients>,
}

impl Server {
    /// Binds the socket and serves it from now on.
    pub(crate) fn bind(service: &Arc<Service>) -> Result<Self, Failure> {
        let path = service.node.settings().control.socket.clone();
        let failed = |error: io::Error| {
            Failure::new(ErrorCode::Failed, format!("control.socket {}: {error}", path.display()))
        };
        let listener = bind(&path, CONTROL_MODE, access::socket_group()).map_err(|error| {
            let hint = match error {
                BindError::Io { .. } => "its directory must exist and belong to the daemon's user",
                _ => "",
            };
            Failure::new(ErrorCode::Failed, error.to_string()).with_hint(hint)
        })?;
        let meta = path.symlink_metadata().map_err(failed)?;
        let server = Self {
            listener: Arc::new(listener),
            identity: (meta.dev(), meta.ino()),
            clients: Arc::default(),
            path: path.clone(),
        };
        let door = Door {
            service: Arc::clone(service),
            listener: Arc::clone(&server.listener),
            clients: Arc::clone(&server.clients),
            group: meta.gid(),
            log: Sparingly::new(),
        };
        std::thread::Builder::new().name("control".into()).spawn(move || door.serve()).map_err(failed)?;
        Ok(server)
    }

    /// Lets nobody in any more and removes the socket. Clients that are in stay.
    pub(crate) fn close(&self) {
        // Ends the wait for the next client; a listener that is down already needs no more.
        let _ = rustix::net::shutdown(&*self.listener, rustix::net::Shutdown::Both);
        if self.path.symlink_metadata().is_ok_and(|meta| (meta.dev(), meta.ino()) == self.identity)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(%error, socket = %self.path.display(), "the control socket could not be removed");
        }
    }

    /// Takes nothing more from the clients, and waits until they have their last answers.
    pub(crate) fn drain(&self, wait: Duration) {
        let clients = self.clients.locked();
        for stream in clients.streams.values() {
            // Fails only where the client has gone.
            let _ = stream.shutdown(Shutdown::Read);
        }
        // Whether all are gone or the time is over, we go on.
        let _ = self.clients.left.wait_timeout_while(clients, wait, |clients| !clients.streams.is_empty());
    }
}

impl Drop for Server {
    /// Where the daemon fails while it starts.
    fn drop(&mut self) {
        self.close();
    }
}

/// Who is in.
#[derive(Default)]
struct Clients {
    list: Mutex<List>,
    left: Condvar,
}

#[derive(Default)]
struct List {
    next: u64,
    streams: HashMap<u64, UnixStream>,
}

impl Clients {
    fn locked(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place in the list, and whether it is one to be served at; `None` where there are far too many.
    fn enter(self: &Arc<Self>, stream: &UnixStream) -> io::Result<Option<(Entry, bool)>> {
        let second = stream.try_clone()?;
        let mut list = self.locked();
        let before = list.streams.len();
        if before >= MOST + MOST_TOLD {
            return Ok(None);
        }
        let number = list.next;
        list.next += 1;
        list.streams.insert(number, second);
        Ok(Some((Entry { clients: Arc::clone(self), number }, before < MOST)))
    }
}

/// One client's place in the list, until dropped.
struct Entry {
    clients: Arc<Clients>,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.clients.locked().streams.remove(&self.number);
        self.clients.left.notify_all();
    }
}

/// What the accepting thread works on.
struct Door {
    service: Arc<Service>,
    listener: Arc<UnixListener>,
    clients: Arc<Clients>,
    /// The socket's group, whose members may come in.
    group: u32,
    log: Sparingly,
}

impl Door {
    fn serve(&self) {
        loop {
            let admitted = self.listener.accept().and_then(|(stream, _)| self.admit(stream));
            if self.service.is_stopping() {
                return;
            }
            if let Err(error) = admitted {
                if let Some(left_out) = self.log.admit() {
                    tracing::warn!(%error, left_out, "a client could not be let in");
                }
                std::thread::sleep(EXHAUSTED);
            }
        }
    }

    fn admit(&self, stream: UnixStream) -> io::Result<()> {
        let refused = access::check(&stream, self.group).err();
        if let Some(failure) = &refused
            && let Some(left_out) = self.log.admit()
        {
            tracing::warn!(left_out, "refused a client: {}", failure.message);
        }
        // Nobody is left to say why to those beyond.
        let Some((entry, served)) = self.clients.enter(&stream)? else { return Ok(()) };
        let refused = refused.or_else(|| {
            let message = format!("the daemon serves {MOST} clients already");
            let failure = || Failure::new(ErrorCode::Failed, message);
            (!served).then(|| failure().with_hint("try again when one has finished"))
        });
        let service = Arc::clone(&self.service);
        std::thread::Builder::new()
            .name("client".into())
            .spawn(move || {
                match refused {
                    Some(failure) => conversation::turn_away(stream, failure),
                    None => conversation::hold(&service, stream),
                }
                drop(entry);
            })
            .map(drop)
    }
}
