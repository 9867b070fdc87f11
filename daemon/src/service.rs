//! A daemon that serves: its node, and what only its two doors need.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::node::Node;

/// What the control socket and the network listener work on.
pub(crate) struct Service {
    pub(crate) node: Arc<Node>,
    /// The settings file, to be read again.
    pub(crate) config: PathBuf,
    /// Where it listens in truth, the settings' port may be 0.
    pub(crate) listen: SocketAddr,
    /// Held during a reload.
    pub(crate) reloading: Mutex<()>,
    stopping: AtomicBool,
}

impl Service {
    pub(crate) fn new(node: Arc<Node>, config: PathBuf, listen: SocketAddr) -> Self {
        Self { node, config, listen, reloading: Mutex::new(()), stopping: AtomicBool::new(false) }
    }

    /// From now on nothing new is begun.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}
