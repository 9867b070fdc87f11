//! Connections that arrive for a session which this daemon takes part in.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit, mpsc};
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
pub struct Sessions {
    waiting: Mutex<HashMap<SessionId, mpsc::Sender<Arrival>>>,
    changed: Notify,
    answering: Semaphore,
    leads: Mutex<HashSet<Fingerprint>>,
    failures: Mutex<HashMap<Fingerprint, u32>>,
}

/// Invitations that are answered at a time.
const ANSWERED_AT_ONCE: usize = 4;

/// Runs of one lead that may fail over this host's rows. That a run fails says one bit about them: with bounds of its
/// own choosing a lead could find extreme values in some forty runs.
const MOST_FAILURES: u32 = 12;

/// Leave to answer one invitation, until it is dropped.
pub(crate) struct Leave<'a> {
    sessions: &'a Sessions,
    lead: Fingerprint,
    _permit: SemaphorePermit<'a>,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.sessions.leads.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.lead);
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Sessions {
            waiting: Mutex::default(),
            changed: Notify::new(),
            answering: Semaphore::new(ANSWERED_AT_ONCE),
            leads: Mutex::default(),
            failures: Mutex::default(),
        }
    }
}

impl Sessions {
    /// Opens a session for arrivals until the returned guard is dropped.
    pub(crate) fn open(&self, session: SessionId, parties: usize) -> Arrivals<'_> {
        let (sender, receiver) = mpsc::channel(parties.max(1));
        self.locked().insert(session, sender);
        self.changed.notify_waiters();
        Arrivals { sessions: self, session, receiver }
    }

    /// Leave to answer an invitation of `lead`: one at a time for each, a few in all, for each holds a whole dataset
    /// from the check until the run begins. `None` if there is none to be had.
    pub(crate) fn leave_to_answer(&self, lead: Fingerprint) -> Option<Leave<'_>> {
        let permit = self.answering.try_acquire().ok()?;
        let mut leads = self.leads.lock().unwrap_or_else(PoisonError::into_inner);
        // Not `then_some`: a leave made in vain would lock `leads` again as it is dropped.
        leads.insert(lead).then(|| Leave { sessions: self, lead, _permit: permit })
    }

    /// A run of `lead` failed over this host's rows.
    pub(crate) fn count_failure(&self, lead: Fingerprint) {
        *self.failures.lock().unwrap_or_else(PoisonError::into_inner).entry(lead).or_default() += 1;
    }

    /// Whether too many did.
    pub(crate) fn failed_too_often(&self, lead: &Fingerprint) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(lead).is_some_and(|&count| count >= MOST_FAILURES)
    }

    /// Forgets the failures, as an operator asks for with a reload.
    pub fn forgive(&self) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clear();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_has_one_leave_at_a_time() {
        let sessions = Sessions::default();
        let lead = |number: u8| Fingerprint::from_bytes([number; 32]);
        let first = sessions.leave_to_answer(lead(1)).expect("the first");
        assert!(sessions.leave_to_answer(lead(1)).is_none());
        assert!(sessions.leave_to_answer(lead(1)).is_none(), "a refusal does not end the first");
        let others: Vec<_> =
            (2..=ANSWERED_AT_ONCE as u8).map(|other| sessions.leave_to_answer(lead(other))).collect();
        assert!(others.iter().all(Option::is_some));
        assert!(sessions.leave_to_answer(lead(99)).is_none(), "all are given");
        drop(first);
        assert!(sessions.leave_to_answer(lead(1)).is_some());
    }

    #[test]
    fn failures_are_counted_by_lead_until_forgiven() {
        let sessions = Sessions::default();
        let (bold, meek) = (Fingerprint::from_bytes([1; 32]), Fingerprint::from_bytes([2; 32]));
        for _ in 0..MOST_FAILURES {
            assert!(!sessions.failed_too_often(&bold));
            sessions.count_failure(bold);
        }
        assert!(sessions.failed_too_often(&bold));
        assert!(!sessions.failed_too_often(&meek));
        sessions.forgive();
        assert!(!sessions.failed_too_often(&bold));
    }
}
