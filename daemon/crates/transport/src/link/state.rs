//! What the link, its reader, its writer and its abort handles tell each other.

use protocol::{Blame, LinkError};
use tokio::sync::watch;

#[derive(Default)]
struct Condition {
    /// The first thing that went wrong; it is the answer of every later call.
    fault: Option<LinkError>,
    /// Whether the peer is past hearing anything from us.
    gone: bool,
    /// This party gave up: what the writer must tell the peer.
    farewell: Option<Blame>,
}

/// The condition of a link, shared by all that serve it.
pub(super) struct State {
    condition: watch::Sender<Condition>,
}

impl State {
    pub(super) fn new() -> Self {
        Self { condition: watch::Sender::new(Condition::default()) }
    }

    /// Notes a fault; the peer may still be told that we give up.
    pub(super) fn fail(&self, error: LinkError) {
        self.note(Some(error), false, None);
    }

    /// Notes that the peer is gone, and why.
    pub(super) fn lose(&self, error: LinkError) {
        self.note(Some(error), true, None);
    }

    /// Notes that this party gives up.
    pub(super) fn abort(&self, blame: Blame) {
        self.note(Some(LinkError::Aborted(Box::new(blame.clone()))), false, Some(blame));
    }

    fn note(&self, error: Option<LinkError>, gone: bool, farewell: Option<Blame>) {
        self.condition.send_modify(|condition| {
            condition.gone |= gone;
            if condition.fault.is_none() {
                condition.fault = error;
            }
            if condition.farewell.is_none() {
                condition.farewell = farewell;
            }
        });
    }

    pub(super) fn fault(&self) -> Option<LinkError> {
        self.condition.borrow().fault.clone()
    }

    pub(super) fn farewell(&self) -> Option<Blame> {
        self.condition.borrow().farewell.clone()
    }

    /// Waits for any fault.
    pub(super) async fn failed(&self) -> LinkError {
        self.wait(|condition| condition.fault.clone()).await
    }

    /// Waits until either end gives up.
    pub(super) async fn aborted(&self) -> Blame {
        self.wait(|condition| match &condition.fault {
            Some(LinkError::Aborted(blame)) => Some((**blame).clone()),
            _ => None,
        })
        .await
    }

    /// Waits until nothing more than a farewell is to be written.
    pub(super) async fn silenced(&self) {
        self.wait(|condition| (condition.gone || condition.farewell.is_some()).then_some(())).await;
    }

    /// Waits until the peer is past hearing.
    pub(super) async fn gone(&self) {
        self.wait(|condition| condition.gone.then_some(())).await;
    }

    pub(super) fn is_silenced(&self) -> bool {
        let condition = self.condition.borrow();
        condition.gone || condition.farewell.is_some()
    }

    async fn wait<T>(&self, mut pick: impl FnMut(&Condition) -> Option<T>) -> T {
        let mut watcher = self.condition.subscribe();
        loop {
            if let Some(picked) = pick(&watcher.borrow_and_update()) {
                return picked;
            }
            if watcher.changed().await.is_err() {
                // Unreachable while `self` holds the sender; waiting is the answer that harms nobody.
                std::future::pending::<()>().await;
            }
        }
    }
}
