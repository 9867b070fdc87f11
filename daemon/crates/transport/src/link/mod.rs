//! [`protocol::Link`] over any byte stream.
//!
//! Two background tasks serve a link. The **writer** takes whole messages from a queue, so that two
//! parties which both send before they receive never wait for each other, and says that it is alive
//! whenever it has nothing else to say. The **reader** checks the frames and is the judge of the peer's
//! life: a party that computes for minutes is heard from, one that was stopped is not. What it has read
//! waits in a short queue until [`receive`](protocol::Link::receive) asks for it, so nothing but what the
//! caller's limit allows is ever put together.

mod blame;
mod reader;
mod state;
mod writer;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Blame, Link, LinkError, Message, PartyId, Place, Role, SentBy, SentTo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::codec;
use crate::frame::{FRAME_MAX, HEADER_LEN, Header, step_from_number};
use crate::meter::{Direction, Meter};
use reader::{Inbound, Reader};
use state::State;
use writer::{Outgoing, Writer};

/// Frames that wait to be received, at most [`FRAME_MAX`] bytes each.
const INBOUND_FRAMES: usize = 8;

/// What a link must know.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// The session that both ends agreed on; bound into every frame.
    pub session: [u8; 16],
    /// This party.
    pub local: PartyId,
    /// The party at the other end.
    pub remote: PartyId,
    /// How long the peer may be silent before it counts as dead. Signs of life go out every quarter of it,
    /// so both ends of a link need about the same.
    pub timeout: Duration,
    /// The longest that one `receive`, or one `send` to a peer that does not read, may take although the
    /// peer is alive.
    pub step_limit: Duration,
    /// Bytes that may wait to be sent before `send` waits too, at most `u32::MAX`. A message longer than
    /// this is taken when it has the queue to itself. Two parties that send to each other before they
    /// receive must each stay within it.
    pub send_queue: usize,
    /// Counts the messages.
    pub meter: Arc<Meter>,
}

impl LinkConfig {
    /// A configuration with a step limit of one hour and a send queue of 64 MiB.
    pub fn new(
        session: [u8; 16],
        local: PartyId,
        remote: PartyId,
        timeout: Duration,
        meter: Arc<Meter>,
    ) -> Self {
        let step_limit = Duration::from_secs(3600);
        Self { session, local, remote, timeout, step_limit, send_queue: 64 << 20, meter }
    }

    /// The same with another step limit.
    pub fn step_limit(self, step_limit: Duration) -> Self {
        Self { step_limit, ..self }
    }
}

/// Whose frames a link carries.
#[derive(Clone, Copy)]
struct Ends {
    session: [u8; 16],
    local: PartyId,
    remote: PartyId,
}

/// One end of a session's channel to one peer.
///
/// Dropping a link closes it cleanly in the background: what was sent still goes out, then the peer learns
/// of the end. [`close`](Self::close) waits for that. After any error every later call gives the same error.
pub struct SessionLink {
    config: LinkConfig,
    state: Arc<State>,
    outbound: mpsc::UnboundedSender<Outgoing>,
    room: Arc<Semaphore>,
    inbound: mpsc::Receiver<Inbound>,
    /// The message that is being put together: it outlives a `receive` that was dropped half way.
    partial: Option<Inbound>,
    /// What a `receive` ended with: a link that went wrong does not go on with what is still queued.
    ended: Option<LinkError>,
    tasks: [JoinHandle<()>; 2],
}

impl std::fmt::Debug for SessionLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionLink")
            .field("local", &self.config.local)
            .field("remote", &self.config.remote)
            .finish_non_exhaustive()
    }
}

impl SessionLink {
    /// Takes `stream` for the session.
    ///
    /// Silence counts from now, so make a run's links before anything slow. A role that computes for long
    /// must not do it on a thread that the link's tasks need: run it with `Handle::block_on` on a thread of
    /// its own.
    ///
    /// # Panics
    /// Outside a tokio runtime with time enabled.
    pub fn new<S>(stream: S, config: LinkConfig) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (read_half, write_half) = tokio::io::split(stream);
        let state = Arc::new(State::new());
        let ends = Ends { session: config.session, local: config.local, remote: config.remote };
        let (outbound, queue) = mpsc::unbounded_channel();
        let (deliver, inbound) = mpsc::channel(INBOUND_FRAMES);
        let reader = Reader::new(read_half, ends, Arc::clone(&state), config.timeout, config.step_limit);
        let writer = Writer {
            stream: write_half,
            ends,
            state: Arc::clone(&state),
            timeout: config.timeout,
            sequence: 0,
        };
        let tasks = [tokio::spawn(reader.run(deliver)), tokio::spawn(writer.run(queue))];
        let room = Arc::new(Semaphore::new(config.queue_room() as usize));
        Self { config, state, outbound, room, inbound, partial: None, ended: None, tasks }
    }

    /// The party at the other end; the same as `Link::peer` without naming roles.
    pub fn remote(&self) -> PartyId {
        self.config.remote
    }

    /// A handle to give up with from outside the role that holds the link.
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle { state: Arc::clone(&self.state), remote: self.config.remote }
    }

    /// Gives up and tells the peer why. What was queued but not written is not sent any more.
    pub fn abort(&self, blame: Blame) {
        self.state.abort(blame);
    }

    /// Closes the link and waits until all that was sent is written and the peer has closed too, which it
    /// does once it has read everything; at most the timeout after its last sign of life.
    pub async fn close(self) {
        let Self { outbound, inbound, tasks, .. } = self;
        drop((outbound, inbound));
        for task in tasks {
            // A task of ours that panicked has dropped its half of the stream: as closed as can be.
            let _ = task.await;
        }
    }

    async fn send_bytes(&mut self, message: u16, place: Place, bytes: Vec<u8>) -> Result<(), LinkError> {
        let frames = bytes.len().div_ceil(FRAME_MAX);
        let size = bytes.len() + frames * HEADER_LEN;
        let permits = u32::try_from(size).unwrap_or(u32::MAX).min(self.config.queue_room());
        let room = tokio::select! {
            biased;
            error = self.state.failed() => return Err(error),
            room = Arc::clone(&self.room).acquire_many_owned(permits) => room,
            () = tokio::time::sleep(self.config.step_limit) => {
                return Err(self.end_with(LinkError::Timeout { seconds: seconds(self.config.step_limit) }));
            }
        };
        let _room = room.map_err(|_| LinkError::Closed)?;
        if self.outbound.send(Outgoing { message, place, bytes, _room }).is_err() {
            return Err(self.state.fault().unwrap_or(LinkError::Closed));
        }
        self.config.meter.count(place.step, self.config.remote, Direction::Sent, size as u64);
        Ok(())
    }

    async fn receive_bytes(&mut self, due: &Due<'_>) -> Result<Vec<u8>, LinkError> {
        if let Some(error) = &self.ended {
            return Err(error.clone());
        }
        let bytes = match self.assemble(due).await {
            Ok(bytes) => bytes,
            Err(error) => return Err(self.end_with(error)),
        };
        let size = bytes.len() + bytes.len().div_ceil(FRAME_MAX) * HEADER_LEN;
        self.config.meter.count(due.place.step, self.config.remote, Direction::Received, size as u64);
        Ok(bytes)
    }

    async fn assemble(&mut self, due: &Due<'_>) -> Result<Vec<u8>, LinkError> {
        let deadline = tokio::time::sleep(self.config.step_limit);
        tokio::pin!(deadline);
        loop {
            if let Some((header, bytes)) = &self.partial {
                due.check(header)?;
                if bytes.len() as u64 == header.total {
                    break;
                }
            }
            let frame = tokio::select! {
                biased;
                blame = self.state.aborted() => return Err(LinkError::Aborted(Box::new(blame))),
                frame = self.inbound.recv() => frame,
                () = &mut deadline => {
                    return Err(LinkError::Timeout { seconds: seconds(self.config.step_limit) });
                }
            };
            let Some(frame) = frame else {
                return Err(self.state.fault().unwrap_or(LinkError::Closed));
            };
            self.join_part(frame)?;
        }
        Ok(self.partial.take().map(|(_, bytes)| bytes).unwrap_or_default())
    }

    fn end_with(&mut self, error: LinkError) -> LinkError {
        self.state.fail(error.clone());
        self.ended = Some(error.clone());
        error
    }

    /// Adds a frame to the message that is being put together.
    fn join_part(&mut self, (header, payload): Inbound) -> Result<(), LinkError> {
        let malformed = |what: &str| Err(LinkError::Malformed { what: what.into() });
        let done = self.partial.as_ref().map_or(0, |(_, bytes)| bytes.len() as u64);
        if payload.len() as u64 != (FRAME_MAX as u64).min(header.total.saturating_sub(done)) {
            return malformed("a part of a message has the wrong length");
        }
        match &mut self.partial {
            None => self.partial = Some((header, payload)),
            Some((first, bytes)) => {
                let same = |h: &Header| (h.message, h.step, h.round, h.total);
                if same(first) != same(&header) {
                    return malformed("a message breaks off and another begins");
                }
                bytes.extend_from_slice(&payload);
            }
        }
        Ok(())
    }
}

impl LinkConfig {
    fn queue_room(&self) -> u32 {
        u32::try_from(self.send_queue).unwrap_or(u32::MAX).max(1)
    }
}

/// What `receive` was asked for.
struct Due<'a> {
    name: &'a str,
    message: u16,
    place: Place,
    max_len: usize,
}

impl Due<'_> {
    fn check(&self, header: &Header) -> Result<(), LinkError> {
        let Place { step, round } = self.place;
        if (header.message, header.step, header.round) != (self.message, step as u8, round) {
            let expected = format!("{} of step {}, round {round}", self.name, step.name());
            let step = step_from_number(header.step).map_or("unknown", |step| step.name());
            let what = if header.message == self.message {
                self.name.to_owned()
            } else {
                format!("message {}", header.message)
            };
            let found = format!("{what} of step {step}, round {}", header.round);
            return Err(LinkError::Unexpected { expected, found });
        }
        // The version byte is not the caller's to count.
        let (len, limit) = (header.total.saturating_sub(1), self.max_len as u64);
        if len > limit {
            return Err(LinkError::TooLong { len, limit });
        }
        Ok(())
    }
}

impl<Local: Role, Remote: Role> Link<Local, Remote> for SessionLink {
    fn peer(&self) -> PartyId {
        self.config.remote
    }

    async fn send<M>(&mut self, place: Place, message: &M) -> Result<(), LinkError>
    where
        M: Message + SentBy<Local> + SentTo<Remote>,
    {
        let bytes = codec::encode(message).map_err(|error| LinkError::Malformed {
            what: format!("this party's own {} cannot be encoded: {error}", M::NAME),
        })?;
        self.send_bytes(M::KIND, place, bytes).await
    }

    async fn receive<M>(&mut self, place: Place, max_len: usize) -> Result<M, LinkError>
    where
        M: Message + SentBy<Remote> + SentTo<Local>,
    {
        let due = Due { name: M::NAME, message: M::KIND, place, max_len };
        let bytes = self.receive_bytes(&due).await?;
        codec::decode(&bytes, max_len)
            .map_err(|error| self.end_with(LinkError::Malformed { what: format!("{}: {error}", M::NAME) }))
    }
}

/// Gives up on a link from outside the role that holds it, and hears of its end.
#[derive(Clone)]
pub struct AbortHandle {
    state: Arc<State>,
    remote: PartyId,
}

impl std::fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AbortHandle").field("remote", &self.remote).finish_non_exhaustive()
    }
}

impl AbortHandle {
    /// The party at the link's other end.
    pub fn remote(&self) -> PartyId {
        self.remote
    }

    /// Tells the peer why this party gives up, and ends the local role's waits on the link with the same
    /// blame. The first reason counts; on a link that is closed already nothing happens.
    pub fn abort(&self, blame: Blame) {
        self.state.abort(blame);
    }

    /// Waits until either end gives up; for ever if neither does.
    pub async fn aborted(&self) -> Blame {
        self.state.aborted().await
    }
}

/// The duration in whole seconds, rounded up.
pub(crate) fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// What a stream's error says about the peer.
pub(crate) fn link_error(error: &io::Error, timeout: Duration) -> LinkError {
    match error.kind() {
        io::ErrorKind::TimedOut => LinkError::Timeout { seconds: seconds(timeout) },
        // rustls reports records that do not decrypt, and alerts, so.
        io::ErrorKind::InvalidData => LinkError::Malformed { what: "its TLS records cannot be read".into() },
        _ => LinkError::Closed,
    }
}
