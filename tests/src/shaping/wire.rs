//! One direction of a line, and what goes over it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::Line;
use super::alarm::Alarm;

/// The most that is taken from a sender at a time.
pub(super) const PIECE: usize = 16 << 10;
/// What waits for a busy wire, beyond what is on its way: a router's memory.
const QUEUE: usize = 256 << 10;

/// One direction of a line: connections that share it take turns.
pub(super) struct Wire {
    line: Line,
    /// When all that was put on it so far has left the sender's end.
    free: Mutex<Instant>,
}

impl Wire {
    pub(super) fn new(line: Line) -> Self {
        Wire { line, free: Mutex::new(Instant::now()) }
    }

    pub(super) fn line(&self) -> Line {
        self.line
    }

    /// Puts `bytes` on the wire now; says when the last of them arrives.
    fn put(&self, bytes: usize) -> Instant {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free = Instant::now().max(*free) + self.line.transmission(bytes);
        *free + self.line.delay
    }

    /// How much of one connection may be on its way or wait for the wire: enough to keep it busy, and no more.
    pub(super) fn room(&self) -> usize {
        let in_flight = u128::from(self.line.bits_per_second) * self.line.delay.as_nanos() / 8_000_000_000;
        // A connection needs far less than 4 GiB, whatever the line.
        QUEUE + usize::try_from(in_flight).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS >> 1)
    }
}

impl Line {
    /// How long it takes to put `bytes` on the line.
    pub fn transmission(&self, bytes: usize) -> Duration {
        let nanoseconds = bytes as u128 * 8_000_000_000 / u128::from(self.bits_per_second.max(1));
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

/// Something on its way; an empty one is the end.
struct Piece {
    due: Instant,
    bytes: Vec<u8>,
    /// The part of the room that it takes until it has been handed on.
    _room: OwnedSemaphorePermit,
}

/// Passes on what `from` says until it says no more; then `to` hears no more in this direction either.
///
/// # Errors
/// If either end breaks; what was on its way then is lost.
pub(super) async fn carry(
    from: impl AsyncRead + Unpin,
    to: impl AsyncWrite + Unpin,
    wire: &Wire,
    alarm: impl Alarm,
) -> io::Result<()> {
    let (queue, arriving) = unbounded_channel();
    tokio::try_join!(take(from, wire, queue), hand_on(to, arriving, alarm))?;
    Ok(())
}

async fn take(
    mut from: impl AsyncRead + Unpin,
    wire: &Wire,
    queue: UnboundedSender<Piece>,
) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(wire.room()));
    let mut buffer = vec![0; PIECE];
    loop {
        // Before the read, so that what finds no room stays with the sender.
        let acquired = Arc::clone(&room).acquire_many_owned(PIECE as u32).await;
        let mut taken = acquired.map_err(io::Error::other)?;
        let length = from.read(&mut buffer).await?;
        drop(taken.split(PIECE - length));
        let piece = Piece { due: wire.put(length), bytes: buffer[..length].to_vec(), _room: taken };
        if queue.send(piece).is_err() || length == 0 {
            return Ok(());
        }
    }
}

async fn hand_on(
    mut to: impl AsyncWrite + Unpin,
    mut arriving: UnboundedReceiver<Piece>,
    mut alarm: impl Alarm,
) -> io::Result<()> {
    while let Some(piece) = arriving.recv().await {
        alarm.until(piece.due).await?;
        if piece.bytes.is_empty() {
            return to.shutdown().await;
        }
        to.write_all(&piece.bytes).await?;
    }
    Ok(())
}
