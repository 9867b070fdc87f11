//! Connections that arrive for a session which this daemon takes part in.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::PartyId;
use tokio::sync::mpsc;
use transport::TlsStream;

/// A stream from the party that will be at its other end.
pub struct Arrival {
    /// The party, as its fingerprint and the session's descriptor say.
    pub party: PartyId,
    /// The stream.
    pub stream: TlsStream,
}

/// The sessions that wait for links.
#[derive(Default)]
pub struct Sessions {
    waiting: Mutex<HashMap<[u8; 16], mpsc::Sender<Arrival>>>,
}
