//! Waiting for a moment.

use std::io;
use std::os::fd::OwnedFd;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::time::Instant;

/// Something that goes off in time.
pub(super) trait Alarm {
    /// Waits until `due`; never ends earlier.
    async fn until(&mut self, due: Instant) -> io::Result<()>;
}

/// A timer of the system's: tokio's own counts in milliseconds, more than a local network takes.
///
/// Its descriptor is read as a pipe's is; any other way to wait for one with tokio needs unsafe code.
pub(super) struct Fine {
    timer: OwnedFd,
    went_off: Receiver,
}

impl Fine {
    /// # Errors
    /// If there are no descriptors left.
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Fine { went_off: Receiver::from_owned_fd_unchecked(timer.try_clone()?)?, timer })
    }
}

impl Alarm for Fine {
    async fn until(&mut self, due: Instant) -> io::Result<()> {
        loop {
            let rest = due.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Ok(());
            }
            let it_value = Timespec::try_from(rest).map_err(io::Error::other)?;
            let once = Itimerspec { it_interval: Timespec::default(), it_value };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
            // How often it went off.
            self.went_off.read_u64_le().await?;
        }
    }
}
