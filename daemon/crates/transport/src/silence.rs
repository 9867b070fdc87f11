//! A reader that gives up when its peer has been silent for too long.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Fails a read with `TimedOut` once no byte has come for the limit. A slow line is not silent: every
/// byte starts the limit anew.
pub(crate) struct SilenceDeadline<S> {
    inner: S,
    limit: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl<S> SilenceDeadline<S> {
    pub(crate) fn new(inner: S, limit: Duration) -> Self {
        Self { inner, limit, sleep: Box::pin(tokio::time::sleep(limit)) }
    }

    /// Starts the limit anew: time in which nobody was reading is not the peer's silence.
    pub(crate) fn rearm(&mut self) {
        // A limit beyond the clock's range never passes: `sleep` saturates, `reset` needs an instant.
        if let Some(deadline) = Instant::now().checked_add(self.limit) {
            self.sleep.as_mut().reset(deadline);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for SilenceDeadline<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(result) = Pin::new(&mut self.inner).poll_read(cx, buf) {
            self.rearm();
            return Poll::Ready(result);
        }
        ready!(self.sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}
