//! A relay before a party's port: what goes through it can be stopped at a chosen byte.
//!
//! It sees ciphertext only. With it a test brings a run to a chosen step and keeps it there, without a clock.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The largest piece that is read at a time.
const PIECE: usize = 16 << 10;

/// Passes connections on to a party.
pub struct Relay {
    address: SocketAddr,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Bytes that may still pass; no limit if `None`.
    credit: Option<usize>,
    /// Pumps that hold something for which there is no credit.
    waiting: usize,
    over: bool,
}

impl Relay {
    /// Listens at a free port of `listener`'s and passes everything on to `target`.
    pub fn start(listener: TcpListener, target: SocketAddr) -> Self {
        let address = listener.local_addr().expect("a listener has an address");
        let gate = Arc::new(Gate::default());
        let shared = Arc::clone(&gate);
        thread::spawn(move || {
            for near in listener.incoming() {
                if shared.locked().over {
                    return;
                }
                // A party that is not there hangs up on the caller.
                let (Ok(near), Ok(far)) = (near, TcpStream::connect(target)) else { continue };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone(), to.try_clone());
                    let gate = Arc::clone(&shared);
                    if let (Ok(from), Ok(to)) = (from, to) {
                        thread::spawn(move || gate.pump(from, to));
                    }
                }
            }
        });
        Relay { address, gate }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets nothing through from now on.
    pub fn hold(&self) {
        self.gate.locked().credit = Some(0);
    }

    /// Lets everything through from now on.
    pub fn release(&self) {
        self.gate.locked().credit = None;
        self.gate.changed.notify_all();
    }

    /// Lets `bytes` more through at most, and waits until they have gone or for `patience`.
    pub fn advance(&self, bytes: usize, patience: Duration) {
        let mut state = self.gate.locked();
        state.credit = Some(bytes);
        self.gate.changed.notify_all();
        let going = |state: &mut State| state.waiting == 0 || state.credit != Some(0);
        // Whether they have gone does not matter: what is left is not added to.
        let _ = self.gate.changed.wait_timeout_while(state, patience, going);
    }
}

impl Gate {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes on what `from` says until either end is gone.
    fn pump(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = [0; PIECE];
        'open: while let Ok(length @ 1..) = from.read(&mut piece) {
            let mut rest = &piece[..length];
            while !rest.is_empty() {
                let Some(now) = self.pass(rest.len()) else { break 'open };
                if to.write_all(&rest[..now]).is_err() {
                    break 'open;
                }
                rest = &rest[now..];
            }
        }
        // The other direction ends with this one, as it does when a party dies.
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    /// Waits for credit and takes what there is of `length`; nothing when the relay ends.
    fn pass(&self, length: usize) -> Option<usize> {
        let mut state = self.locked();
        if state.credit == Some(0) {
            state.waiting += 1;
            self.changed.notify_all();
            state = self
                .changed
                .wait_while(state, |state| !state.over && state.credit == Some(0))
                .unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        if state.over {
            return None;
        }
        let taken = state.credit.map_or(length, |credit| credit.min(length));
        if let Some(credit) = &mut state.credit {
            *credit -= taken;
        }
        Some(taken)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.gate.locked().over = true;
        self.gate.changed.notify_all();
        // Wakes the listener, which then sees that it is over; if it is gone already, all is well.
        let _ = TcpStream::connect(self.address);
    }
}
