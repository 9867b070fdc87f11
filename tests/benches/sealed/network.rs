//! What is between the parties.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use cloister_tests::fleet::Fleet;
use cloister_tests::shaping::{Line, Shaper};
use serde::Serialize;

/// A kind of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Network {
    /// As fast as the machine.
    Loopback,
    /// 1 Gbit/s, 0.2 ms there and back.
    Lan,
    /// 100 Mbit/s, 25 ms there and back.
    Wan,
}

impl Network {
    pub(crate) const ALL: [Network; 3] = [Network::Loopback, Network::Lan, Network::Wan];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Network::Loopback => "loopback",
            Network::Lan => "LAN",
            Network::Wan => "WAN",
        }
    }

    /// Each of its links, in each direction; the delay is half of a round trip.
    fn line(self) -> Option<Line> {
        match self {
            Network::Loopback => None,
            Network::Lan => Some(Line { bits_per_second: 1_000_000_000, delay: Duration::from_micros(100) }),
            Network::Wan => Some(Line { bits_per_second: 100_000_000, delay: Duration::from_micros(12_500) }),
        }
    }

    /// Puts it between the parties; it is there for as long as what this gives.
    pub(crate) fn between(self, fleet: &mut Fleet) -> Option<Shaper> {
        if let Some(line) = self.line() {
            return Some(Shaper::between(fleet, line));
        }
        let addresses: Vec<_> =
            fleet.parties.iter().map(|party| (party.name().to_owned(), party.listen())).collect();
        for party in &mut fleet.parties {
            for peer in &mut party.settings.peers {
                let direct =
                    addresses.iter().find(|(name, _)| *name == peer.name).expect("a party of the fleet");
                peer.address = direct.1;
            }
            party.apply();
        }
        None
    }

    /// What one of its links gives on this machine, with nothing else going on.
    pub(crate) fn found(self) -> Found {
        let target = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let address = target.local_addr().expect("a listener has an address");
        let shaper = self.line().map(|line| (line, Shaper::new().expect("a thread")));
        let door = match &shaper {
            Some((line, shaper)) => shaper.link(*line, [address; 2]).expect("loopback ports")[0],
            None => address,
        };
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = target.accept().expect("a caller");
                stream.set_nodelay(true).expect("a socket");
                let mut buffer = vec![0; 1 << 20];
                for length in [1; TRIPS].into_iter().chain([BULK]) {
                    let mut left = length;
                    while left > 0 {
                        let most = left.min(buffer.len());
                        left -= stream.read(&mut buffer[..most]).expect("a caller that stays");
                    }
                    stream.write_all(&[1]).expect("a caller that stays");
                }
            });
            let mut stream = TcpStream::connect(door).expect("a door");
            stream.set_nodelay(true).expect("a socket");
            let mut trip = |length: usize| {
                let bytes = vec![1; length];
                let began = Instant::now();
                stream.write_all(&bytes).expect("an echo");
                stream.read_exact(&mut [0]).expect("an echo");
                began.elapsed()
            };
            let mut trips: Vec<Duration> = (0..TRIPS).map(|_| trip(1)).collect();
            trips.sort_unstable();
            let round_trip = trips[TRIPS / 2];
            let bulk = trip(BULK).saturating_sub(round_trip);
            Found {
                round_trip_ms: round_trip.as_secs_f64() * 1e3,
                megabits_per_second: BULK as f64 * 8e-6 / bulk.as_secs_f64(),
            }
        })
    }
}

/// Round trips to take the median of.
const TRIPS: usize = 41;
/// Bytes to find the rate by.
const BULK: usize = 4 << 20;

/// What a link was found to be.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Found {
    pub(crate) round_trip_ms: f64,
    pub(crate) megabits_per_second: f64,
}
