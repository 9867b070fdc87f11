//! A network between the parties of a fleet: every link has a rate and a delay of its own.
//!
//! Stands where network namespaces may not be had. What a party says is taken at once, put on the link's wire and
//! handed on when its last byte would arrive there; what follows is on its way meanwhile. Where the link is busy or
//! the receiver slow, the sender soon has to wait, as it would for a full window.
//!
//! Left out: headers of packets (some 5 % at full size), lost packets, and that TCP begins slowly; the parties' own
//! sockets are those of the loopback.

mod alarm;
mod wire;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::fleet::Fleet;
use alarm::Fine;
use wire::{Wire, carry};

/// What a link between two parties is like, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it carries in each direction.
    pub bits_per_second: u64,
    /// From one end to the other: half of a round trip.
    pub delay: Duration,
}

/// Links between parties; they break when this is dropped.
pub struct Shaper {
    runtime: Option<Runtime>,
}

impl Shaper {
    /// No links yet.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn new() -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("shaper").enable_all().build()?;
        Ok(Shaper { runtime: Some(runtime) })
    }

    /// Puts a line of its own between each two parties of a fleet, which hear of it by their settings.
    ///
    /// # Panics
    /// If a party does not take its settings.
    #[track_caller]
    pub fn between(fleet: &mut Fleet, line: Line) -> Self {
        let shaper = Shaper::new().expect("a thread");
        for left in 0..fleet.parties.len() {
            for right in left + 1..fleet.parties.len() {
                let ends = [left, right].map(|party| fleet.parties[party].listen());
                let doors = shaper.link(line, ends).expect("loopback ports");
                for (at, of) in [(left, right), (right, left)] {
                    let name = fleet.parties[of].name().to_owned();
                    let door = doors[usize::from(of == right)];
                    let peers = fleet.parties[at].settings.peers.iter_mut();
                    peers.filter(|peer| peer.name == name).for_each(|peer| peer.address = door);
                }
            }
        }
        fleet.parties.iter().for_each(|party| party.apply());
        shaper
    }

    /// Lays one line between two addresses. Who connects to the first of the answers comes out at the first end, as
    /// the other party would, and likewise with the second; all connections share the line.
    ///
    /// # Errors
    /// If there are no ports.
    pub fn link(&self, line: Line, ends: [SocketAddr; 2]) -> io::Result<[SocketAddr; 2]> {
        let wires = [Arc::new(Wire::new(line)), Arc::new(Wire::new(line))];
        let [towards_first, towards_second] = [&wires[0], &wires[1]];
        Ok([
            self.door(ends[0], towards_first, towards_second)?,
            self.door(ends[1], towards_second, towards_first)?,
        ])
    }

    /// A port before `target`.
    fn door(&self, target: SocketAddr, there: &Arc<Wire>, back: &Arc<Wire>) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (there, back) = (Arc::clone(there), Arc::clone(back));
        let runtime = self.runtime.as_ref().expect("taken on drop only");
        let _inside = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        runtime.spawn(async move {
            // A door that cannot open any more shows as a party that cannot be reached.
            while let Ok((near, _)) = listener.accept().await {
                let (there, back) = (Arc::clone(&there), Arc::clone(&back));
                // A link that breaks is for those at its ends to complain of.
                tokio::spawn(async move { join(near, target, &there, &back).await });
            }
        });
        Ok(address)
    }
}

impl Drop for Shaper {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// One connection, until both directions have ended or one of them broke.
async fn join(mut near: TcpStream, target: SocketAddr, there: &Wire, back: &Wire) -> io::Result<()> {
    // Nobody hears an answer to a connect before a round trip is over.
    tokio::time::sleep(there.line().delay + back.line().delay).await;
    let mut far = TcpStream::connect(target).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (near_read, near_write) = near.split();
    let (far_read, far_write) = far.split();
    tokio::try_join!(
        carry(near_read, far_write, there, Fine::new()?),
        carry(far_read, near_write, back, Fine::new()?),
    )?;
    Ok(())
}
