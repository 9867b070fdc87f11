//! Connections that arrive for a session which this daemon takes part in.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use transport::Fingerprint;
use transport::tls::TlsStream;

use super::descriptor::SessionId;

/// A stream from the party with that fingerprint.
pub(crate) struct Arrival {
    pub(crate) from: Fingerprint,
    pub(crate) stream: TlsStream,
}

/// The sessions that wait for links. A link may arrive before its session is known here: the party that
/// opened it may have heard of the start first.
#[derive(Default)]
pub struct Sessions {
    waiting: Mutex<HashMap<SessionId, mpsc::Sender<Arrival>>>,
    changed: Notify,
}

impl Sessions {
    /// Opens a session for arrivals until the returned guard is dropped.
    pub(crate) fn open(&self, session: SessionId, parties: usize) -> Arrivals<'_> {
        let (sender, receiver) = mpsc::channel(parties.max(1));
        self.locked().insert(session, sender);
        self.changed.notify_waiters();
        Arrivals { sessions: self, session, receiver }
    }

    /// Hands over a stream; waits at most `timeout` for its session to be opened.
    pub(crate) async fn deliver(&self, session: SessionId, arrival: Arrival, timeout: Duration) -> bool {
        let found = tokio::time::timeout(timeout, async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if let Some(sender) = self.locked().get(&session).cloned() {
                    return sender;
                }
                changed.await;
            }
        });
        match found.await {
            Ok(sender) => sender.try_send(arrival).is_ok(),
            Err(_) => false,
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<SessionId, mpsc::Sender<Arrival>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The arrivals of one session.
pub(crate) struct Arrivals<'a> {
    sessions: &'a Sessions,
    session: SessionId,
    receiver: mpsc::Receiver<Arrival>,
}

impl Arrivals<'_> {
    pub(crate) async fn next(&mut self) -> Option<Arrival> {
        self.receiver.recv().await
    }
}

impl Drop for Arrivals<'_> {
    fn drop(&mut self) {
        self.sessions.locked().remove(&self.session);
    }
}
