//! The half of a link that reads: checks what every frame of the link must have, judges whether the peer
//! is alive, and hands messages' frames on.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Blame, LinkError};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;

use super::blame::{self, BLAME_MAX};
use super::state::State;
use super::{Ends, link_error};
use crate::codec;
use crate::frame::{self, FrameError, FrameKind, Header};
use crate::silence::SilenceDeadline;

pub(super) type Inbound = (Header, Vec<u8>);

pub(super) struct Reader<R> {
    stream: SilenceDeadline<R>,
    ends: Ends,
    state: Arc<State>,
    timeout: Duration,
    linger: Duration,
    sequence: u64,
}

/// Why no more frames are taken.
enum End {
    /// The peer is gone: it closed, gave up, or went silent.
    Gone(LinkError),
    /// The peer broke the format, but may still be told so.
    Fault(LinkError),
    /// Our own side dropped the link.
    Dropped,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// A reader that takes the peer for dead after `timeout` of silence, and lingers at most `linger`
    /// after the link's end.
    pub(super) fn new(stream: R, ends: Ends, state: Arc<State>, timeout: Duration, linger: Duration) -> Self {
        Self { stream: SilenceDeadline::new(stream, timeout), ends, state, timeout, linger, sequence: 0 }
    }

    /// Reads until the stream ends.
    pub(super) async fn run(mut self, inbound: mpsc::Sender<Inbound>) {
        match self.take_frames(&inbound).await {
            End::Gone(error @ LinkError::Aborted(_)) => self.state.lose(error),
            End::Gone(error) => {
                // First the condition, then the queue's end: who sees the end finds the reason.
                self.state.lose(error);
                return;
            }
            End::Fault(error) => self.state.fail(error),
            End::Dropped => {}
        }
        drop(inbound);
        // Closing a socket with unread bytes resets the connection, and a reset can overtake our last
        // message or abort. So read on, into nothing, until the peer has closed as well.
        let _ = tokio::time::timeout(self.linger, self.discard()).await;
        self.state.lose(LinkError::Closed);
    }

    async fn take_frames(&mut self, inbound: &mpsc::Sender<Inbound>) -> End {
        loop {
            self.stream.rearm();
            let frame = tokio::select! {
                biased;
                frame = frame::read(&mut self.stream) => frame,
                () = inbound.closed() => return End::Dropped,
            };
            let (header, payload) = match frame {
                Ok(Some(frame)) => frame,
                Ok(None) => return End::Gone(LinkError::Closed),
                Err(FrameError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                    return End::Fault(link_error(&error, self.timeout));
                }
                Err(FrameError::Io(error)) => return End::Gone(link_error(&error, self.timeout)),
                Err(FrameError::Header(error)) => {
                    return End::Fault(LinkError::Malformed { what: error.to_string() });
                }
            };
            if let Err(error) = self.check(&header) {
                return End::Fault(error);
            }
            match header.kind {
                FrameKind::Data => {
                    if inbound.send((header, payload)).await.is_err() {
                        return End::Dropped;
                    }
                }
                FrameKind::Alive => {}
                FrameKind::Close => return End::Gone(LinkError::Closed),
                FrameKind::Abort => return given_up(&payload),
            }
        }
    }

    /// What every frame of this link has in common. TLS already keeps strangers and replays out; this
    /// keeps a confused peer, and the messages of another session, out.
    fn check(&mut self, header: &Header) -> Result<(), LinkError> {
        let unexpected = |expected: String, found: String| Err(LinkError::Unexpected { expected, found });
        if header.session != self.ends.session {
            return unexpected("a message of this session".into(), "a message of another session".into());
        }
        if (header.sender, header.receiver) != (self.ends.remote, self.ends.local) {
            return unexpected(
                format!("a message from party {} to party {}", self.ends.remote.0, self.ends.local.0),
                format!("one from party {} to party {}", header.sender.0, header.receiver.0),
            );
        }
        if header.sequence != self.sequence {
            return unexpected(format!("frame {}", self.sequence), format!("frame {}", header.sequence));
        }
        self.sequence += 1;
        let fits = match header.kind {
            FrameKind::Data => header.total > 0,
            FrameKind::Alive | FrameKind::Close => header.total == 0,
            FrameKind::Abort => u64::from(header.payload_len) == header.total,
        };
        if !fits {
            return Err(LinkError::Malformed { what: "a frame whose lengths do not fit its kind".into() });
        }
        Ok(())
    }

    async fn discard(&mut self) {
        let mut scratch = vec![0; 64 << 10];
        self.stream.rearm();
        while matches!(self.stream.read(&mut scratch).await, Ok(count) if count > 0) {}
    }
}

fn given_up(payload: &[u8]) -> End {
    match codec::decode::<Blame>(payload, BLAME_MAX) {
        Ok(mut reason) => {
            blame::tidy(&mut reason);
            End::Gone(LinkError::Aborted(Box::new(reason)))
        }
        Err(error) => End::Fault(LinkError::Malformed { what: format!("its reason to give up: {error}") }),
    }
}
