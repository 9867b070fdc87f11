//! The wire from one party to another: takes whole messages off the sender's pipe, applies the faults that
//! strike them, writes them down, and frames them again for the receiver.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use protocol::PartyId;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Duration, Instant};
use transport::frame::{self, FRAME_MAX, FrameKind, HEADER_LEN, Header};

use crate::fault::{Fault, Moment, Site};
use crate::report::Received;

/// How a party is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Well,
    Killed,
    Hung,
}

/// What all wires of a world share.
pub(crate) struct Network {
    pub(crate) faults: Vec<(Site, Fault)>,
    pub(crate) struck: RefCell<Vec<usize>>,
    pub(crate) health: BTreeMap<PartyId, watch::Sender<Health>>,
    /// Nothing is written down unless the world records.
    pub(crate) received: Option<RefCell<BTreeMap<PartyId, Vec<Received>>>>,
    pub(crate) heartbeat: Duration,
    pub(crate) random: Cell<u64>,
}

impl Network {
    /// Waits until a fault has struck a party.
    pub(crate) async fn felled(&self, party: PartyId) -> Health {
        let mut health = self.health[&party].subscribe();
        match health.wait_for(|health| *health != Health::Well).await {
            Ok(health) => *health,
            // The sender lives in `self`.
            Err(_) => std::future::pending().await,
        }
    }

    fn strike(&self, from: PartyId, to: PartyId, message: &Whole) -> Vec<(Moment, &Fault)> {
        let Some(place) = message.header.place() else { return Vec::new() };
        let mut hits = Vec::new();
        for (index, (site, fault)) in self.faults.iter().enumerate() {
            if site.fits(from, to, place, message.header.message) {
                self.struck.borrow_mut()[index] += 1;
                hits.push((site.moment(), fault));
            }
        }
        hits
    }

    fn record(&self, from: PartyId, to: PartyId, message: &Whole) {
        if let (Some(received), Some(place)) = (&self.received, message.header.place()) {
            let payload = message.bytes.get(1..).unwrap_or_default().to_vec();
            let entry = Received { from, place, message: message.header.message, payload };
            received.borrow_mut().entry(to).or_default().push(entry);
        }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): for garbage, not for secrets.
    fn random(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A message with all its parts, or a frame that is no message.
struct Whole {
    header: Header,
    bytes: Vec<u8>,
}

/// What becomes of the wire after a message.
enum Next {
    Go,
    Stop,
}

pub(crate) struct Wire<W> {
    pub(crate) network: Rc<Network>,
    pub(crate) from: PartyId,
    pub(crate) to: PartyId,
    pub(crate) output: W,
    /// The wire numbers the frames anew: a replaced message may have another number of them.
    pub(crate) sequence: u64,
}

impl<W: AsyncWrite + Unpin> Wire<W> {
    /// Carries frames until either party is felled or the sender closes.
    pub(crate) async fn run(mut self, mut input: impl AsyncRead + Unpin) {
        let network = Rc::clone(&self.network);
        let health = tokio::select! {
            biased;
            health = network.felled(self.from) => health,
            health = network.felled(self.to) => health,
            () = self.carry(&mut input) => Health::Well,
        };
        match health {
            // A pipe that nobody reads or writes, but that is open.
            Health::Hung => std::future::pending().await,
            Health::Killed | Health::Well => {
                let _ = self.output.shutdown().await;
            }
        }
    }

    async fn carry(&mut self, input: &mut (impl AsyncRead + Unpin)) {
        while let Some(message) = read_whole(input).await {
            let next = match message.header.kind {
                FrameKind::Data => self.pass_message(message).await,
                FrameKind::Alive | FrameKind::Abort | FrameKind::Close => self.forward(&message).await,
            };
            if matches!(next, Next::Stop) {
                return;
            }
        }
    }

    async fn pass_message(&mut self, mut message: Whole) -> Next {
        let network = Rc::clone(&self.network);
        for (moment, fault) in network.strike(self.from, self.to, &message) {
            let party = match moment {
                Moment::Sends => self.from,
                Moment::Receives => self.to,
            };
            match fault {
                Fault::Kill => return self.fell(party, Health::Killed).await,
                Fault::Hang => return self.fell(party, Health::Hung).await,
                Fault::Garbage => return self.garbage(message.bytes.len()).await,
                Fault::Tamper { byte } => tamper(&mut message, *byte),
                Fault::Replace { encoded } => message.bytes.clone_from(encoded),
                Fault::Delay(delay) => {
                    if matches!(self.wait(*delay, message.header).await, Next::Stop) {
                        return Next::Stop;
                    }
                }
            }
        }
        network.record(self.from, self.to, &message);
        self.forward(&message).await
    }

    async fn fell(&self, party: PartyId, health: Health) -> Next {
        self.network.health[&party].send_replace(health);
        // `run` sees it and ends this wire as it ends the party's others.
        std::future::pending().await
    }

    async fn garbage(&mut self, len: usize) -> Next {
        let garbage: Vec<u8> = (0..len + HEADER_LEN).map(|_| self.network.random() as u8).collect();
        let sent = async {
            self.output.write_all(&garbage).await?;
            self.output.flush().await
        };
        next(sent.await)
    }

    /// Holds the message back, with the signs of life that its sender would give.
    async fn wait(&mut self, delay: Duration, like: Header) -> Next {
        let until = Instant::now() + delay;
        loop {
            let beat = Instant::now() + self.network.heartbeat;
            if beat >= until {
                tokio::time::sleep_until(until).await;
                return Next::Go;
            }
            tokio::time::sleep_until(beat).await;
            let header = Header { kind: FrameKind::Alive, message: 0, step: 0, round: 0, ..like };
            if matches!(self.forward(&Whole { header, bytes: Vec::new() }).await, Next::Stop) {
                return Next::Stop;
            }
        }
    }

    async fn forward(&mut self, message: &Whole) -> Next {
        let total = message.bytes.len() as u64;
        let mut parts = message.bytes.chunks(FRAME_MAX);
        let mut part = parts.next().unwrap_or_default();
        loop {
            let header = Header {
                sequence: self.sequence,
                payload_len: part.len() as u32, // at most FRAME_MAX
                total,
                ..message.header
            };
            self.sequence += 1;
            if frame::write(&mut self.output, &header, part).await.is_err() {
                return Next::Stop;
            }
            match parts.next() {
                Some(more) => part = more,
                None => return Next::Go,
            }
        }
    }
}

fn next(result: std::io::Result<()>) -> Next {
    if result.is_ok() { Next::Go } else { Next::Stop }
}

/// Turns one bit of the encoded value; the version byte before it is left alone.
fn tamper(message: &mut Whole, byte: usize) {
    let value = message.bytes.get_mut(1..).unwrap_or_default();
    if !value.is_empty() {
        let at = byte % value.len();
        value[at] ^= 1;
    }
}

async fn read_whole(input: &mut (impl AsyncRead + Unpin)) -> Option<Whole> {
    let (header, mut bytes) = frame::read(input).await.ok()??;
    while (bytes.len() as u64) < header.total {
        let (_, part) = frame::read(input).await.ok()??;
        bytes.extend_from_slice(&part);
    }
    Some(Whole { header, bytes })
}
