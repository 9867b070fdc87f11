//! The network's door: connections from other daemons.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use transport::tls::{self, TlsError};

use crate::log::Sparingly;
use crate::node::Node;
use crate::session;

/// Connections that are waited on at once; a run's own connections are no longer among them.
const MOST: usize = 256;
/// Of these, from one address: a single stranger cannot keep the others out.
const MOST_FROM_ONE: usize = 64;
/// How long a handshake may take at most.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long to wait when the system has no descriptors left.
const EXHAUSTED: Duration = Duration::from_millis(200);

/// Accepts for as long as it is polled; connections being answered end with it.
pub(crate) async fn serve(node: Arc<Node>, listener: TcpListener) {
    let seats = Arc::new(Seats::default());
    let log = Arc::new(Sparingly::new());
    let mut answers = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = answers.join_next() => continue,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Of the errors of accept, some are the peer's and over; the others need time to pass.
                if let Some(left_out) = log.admit() {
                    tracing::warn!(%error, left_out, "a connection could not be accepted");
                }
                tokio::time::sleep(EXHAUSTED).await;
                continue;
            }
        };
        match Seat::take(&seats, from.ip()) {
            Some(seat) => {
                answers.spawn(answer(Arc::clone(&node), stream, from, Arc::clone(&log), seat));
            }
            None => {
                if let Some(left_out) = log.admit() {
                    tracing::warn!(%from, left_out, "refused a connection: too many wait already");
                }
            }
        }
    }
}

async fn answer(node: Arc<Node>, stream: TcpStream, from: SocketAddr, log: Arc<Sparingly>, _seat: Seat) {
    let timeout = node.settings().network.timeout.min(HANDSHAKE);
    let known = {
        let node = Arc::clone(&node);
        move |fingerprint: &transport::Fingerprint| node.peers.by_fingerprint(fingerprint).is_some()
    };
    match tls::accept(stream, &node.identity, known, timeout).await {
        Ok((stream, fingerprint)) => match node.peers.by_fingerprint(&fingerprint) {
            Some(peer) => session::serve(node, stream, peer).await,
            None => tracing::info!(%from, %fingerprint, "a peer was removed while it connected"),
        },
        Err(error) => {
            let Some(left_out) = log.admit() else { return };
            match error {
                TlsError::Unknown { .. } => tracing::warn!(left_out, "{error}"),
                error => tracing::info!(left_out, "{error}"),
            }
        }
    }
}

/// The connections being answered, by address.
#[derive(Default)]
struct Seats(Mutex<HashMap<IpAddr, usize>>);

/// One of them; free again when dropped.
struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

impl Seat {
    fn take(seats: &Arc<Seats>, address: IpAddr) -> Option<Self> {
        let mut taken = seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= MOST || taken.get(&address).is_some_and(|&n| n >= MOST_FROM_ONE) {
            return None;
        }
        *taken.entry(address).or_default() += 1;
        Some(Self { seats: Arc::clone(seats), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_cannot_take_every_seat() {
        let seats = Arc::new(Seats::default());
        let address = |last| IpAddr::from([10, 0, 0, last]);
        let mut held: Vec<_> = (0..MOST_FROM_ONE).map(|_| Seat::take(&seats, address(1)).unwrap()).collect();
        assert!(Seat::take(&seats, address(1)).is_none());
        held.extend((MOST_FROM_ONE..MOST).map(|n| Seat::take(&seats, address((n / 60 + 2) as u8)).unwrap()));
        assert!(Seat::take(&seats, address(200)).is_none());
        drop(held);
        assert!(seats.0.lock().unwrap().is_empty());
        assert!(Seat::take(&seats, address(1)).is_some());
    }
}
