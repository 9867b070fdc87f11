//! The half of a link that writes: queued messages, signs of life in between, and the last words.

use std::sync::Arc;
use std::time::Duration;

use protocol::{Blame, Place};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::state::State;
use super::{Ends, blame};
use crate::codec;
use crate::frame::{self, FRAME_MAX, FrameKind, Header};

/// A message on its way to the wire.
pub(super) struct Outgoing {
    pub(super) message: u16,
    pub(super) place: Place,
    pub(super) bytes: Vec<u8>,
    /// The message's room in the queue, given back when it is written.
    pub(super) _room: OwnedSemaphorePermit,
}

pub(super) struct Writer<W> {
    pub(super) stream: W,
    pub(super) ends: Ends,
    pub(super) state: Arc<State>,
    pub(super) timeout: Duration,
    pub(super) sequence: u64,
}

/// The peer went away within a frame; what is on the wire now is no frame, so nothing may follow.
struct Broken;

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Writes until the link is dropped and its queue empty, or the session is over.
    pub(super) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Outgoing>) {
        if self.pump(&mut queue).await.is_ok() {
            let timeout = self.timeout;
            let last_words = async {
                if let Some(blame) = self.state.farewell() {
                    self.say_abort(blame).await?;
                }
                self.frame(FrameKind::Close, 0, None, &[], 0).await?;
                self.stream.shutdown().await
            };
            // A peer that does not take a few bytes within the timeout will not miss them.
            let _ = tokio::time::timeout(timeout, last_words).await;
        }
    }

    async fn pump(&mut self, queue: &mut mpsc::UnboundedReceiver<Outgoing>) -> Result<(), Broken> {
        let state = Arc::clone(&self.state);
        // A timeout of zero is nonsense, but must not fill the line either.
        let heartbeat = (self.timeout / 4).max(Duration::from_millis(1));
        loop {
            tokio::select! {
                biased;
                () = state.silenced() => return Ok(()),
                item = queue.recv() => match item {
                    Some(outgoing) => self.message(&outgoing).await?,
                    None => return Ok(()),
                },
                () = tokio::time::sleep(heartbeat) => {
                    self.frame_unless_gone(FrameKind::Alive, 0, None, &[], 0).await?;
                }
            }
        }
    }

    async fn message(&mut self, outgoing: &Outgoing) -> Result<(), Broken> {
        let total = outgoing.bytes.len() as u64;
        for part in outgoing.bytes.chunks(FRAME_MAX) {
            if self.state.is_silenced() {
                break;
            }
            let place = Some(outgoing.place);
            self.frame_unless_gone(FrameKind::Data, outgoing.message, place, part, total).await?;
        }
        Ok(())
    }

    async fn frame_unless_gone(
        &mut self,
        kind: FrameKind,
        message: u16,
        place: Option<Place>,
        payload: &[u8],
        total: u64,
    ) -> Result<(), Broken> {
        let state = Arc::clone(&self.state);
        tokio::select! {
            biased;
            result = self.frame(kind, message, place, payload, total) => result.map_err(|_| Broken),
            () = state.gone() => Err(Broken),
        }
    }

    async fn frame(
        &mut self,
        kind: FrameKind,
        message: u16,
        place: Option<Place>,
        payload: &[u8],
        total: u64,
    ) -> std::io::Result<()> {
        let header = Header {
            kind,
            message,
            step: place.map_or(0, |place| place.step as u8),
            round: place.map_or(0, |place| place.round),
            sender: self.ends.local,
            receiver: self.ends.remote,
            session: self.ends.session,
            sequence: self.sequence,
            payload_len: payload.len() as u32, // at most FRAME_MAX
            total,
        };
        self.sequence += 1;
        frame::write(&mut self.stream, &header, payload).await
    }

    async fn say_abort(&mut self, mut blame: Blame) -> std::io::Result<()> {
        blame::tidy(&mut blame);
        // A blame of tidy length always encodes and fits a frame.
        let payload = codec::encode(&blame).unwrap_or_default();
        let total = payload.len() as u64;
        self.frame(FrameKind::Abort, 0, Some(blame.place), &payload, total).await
    }
}
