//! The parties of one run and the network between them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use protocol::PartyId;
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;
use transport::{LinkConfig, Meter, SessionLink};

use crate::fault::{Fault, Site};
use crate::links::Links;
use crate::report::{Outcome, Report};
use crate::wire::{Health, Network, Wire};

/// Bytes that a pipe holds before its writer waits; small, so that roles meet back pressure.
const PIPE: usize = 64 << 10;
/// No run takes longer by its clock; one that does never ends.
const RUN_LIMIT: Duration = Duration::from_secs(48 * 3600);

type Play<'a, R> = Box<dyn FnOnce(Links) -> Pin<Box<dyn Future<Output = R> + 'a>> + 'a>;

/// The parties of one run, their network and what is to go wrong in it.
///
/// `R` is what the roles end with; give them one type, for instance an enum or a `Result`.
pub struct World<'a, R> {
    hosts: u8,
    seed: u64,
    timeout: Duration,
    step_limit: Duration,
    recording: bool,
    faults: Vec<(Site, Fault)>,
    plays: BTreeMap<PartyId, Play<'a, R>>,
}

impl<R> std::fmt::Debug for World<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("hosts", &self.hosts)
            .field("seed", &self.seed)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

impl<'a, R> World<'a, R> {
    /// A world of so many hosts and a third party, all linked with each other. The timeout is 30 s and the
    /// step limit an hour.
    ///
    /// # Panics
    /// With fewer than two hosts or more than 254.
    pub fn new(hosts: u8) -> Self {
        assert!((2..u8::MAX).contains(&hosts), "a run has 2 to 254 hosts, not {hosts}");
        Self {
            hosts,
            seed: 0,
            timeout: Duration::from_secs(30),
            step_limit: Duration::from_secs(3600),
            recording: false,
            faults: Vec::new(),
            plays: BTreeMap::new(),
        }
    }

    /// The seed of the session id and of garbage.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The links' timeout.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The links' step limit.
    pub fn step_limit(mut self, step_limit: Duration) -> Self {
        self.step_limit = step_limit;
        self
    }

    /// Writes down all that the parties receive.
    pub fn record(mut self) -> Self {
        self.recording = true;
        self
    }

    /// Adds a fault. Several may strike one message, in the order in which they were added.
    pub fn fault(mut self, site: Site, fault: Fault) -> Self {
        self.faults.push((site, fault));
        self
    }

    /// All parties: the hosts in their order, then the third party.
    pub fn parties(&self) -> Vec<PartyId> {
        (0..self.hosts).map(PartyId).chain([PartyId::THIRD_PARTY]).collect()
    }

    /// Gives a party its role: an async closure or function of its links, which may borrow from the test.
    ///
    /// # Panics
    /// If the world has no such party or it has a role already.
    pub fn play<F, T>(&mut self, party: PartyId, role: F)
    where
        F: FnOnce(Links) -> T + 'a,
        T: Future<Output = R> + 'a,
    {
        assert!(self.parties().contains(&party), "a world of {} hosts has no {party:?}", self.hosts);
        let play: Play<'a, R> = Box::new(move |links| Box::pin(role(links)));
        assert!(self.plays.insert(party, play).is_none(), "{party:?} has two roles");
    }

    /// Runs all roles to their end.
    ///
    /// # Panics
    /// If a party has no role, if a role panics, or if one never ends.
    pub fn run(self) -> Report<R> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime starts");
        let local = LocalSet::new();
        local.block_on(&runtime, self.run_inside())
    }

    async fn run_inside(mut self) -> Report<R> {
        let parties = self.parties();
        let network = Rc::new(Network {
            struck: RefCell::new(vec![0; self.faults.len()]),
            faults: std::mem::take(&mut self.faults),
            health: parties.iter().map(|&party| (party, watch::Sender::new(Health::Well))).collect(),
            received: self.recording.then(RefCell::default),
            heartbeat: self.timeout / 4,
            random: Cell::new(self.seed),
        });
        let meters: BTreeMap<_, _> = parties.iter().map(|&party| (party, Arc::new(Meter::new()))).collect();
        let mut wires = JoinSet::new();
        let mut links = self.connect(&network, &meters, &mut wires);
        let start = Instant::now();
        let mut roles = Vec::new();
        for party in parties {
            let play = self.plays.remove(&party).unwrap_or_else(|| panic!("{party:?} has no role"));
            let links = Links { party, links: links.remove(&party).unwrap_or_default() };
            roles.push((party, play(links), Rc::clone(&network)));
        }
        let outcomes = tokio::time::timeout(RUN_LIMIT, join_all(roles)).await;
        let outcomes = outcomes.unwrap_or_else(|_| panic!("a role never ends (seed {})", self.seed));
        let elapsed = start.elapsed();
        let received = network.received.as_ref().map(RefCell::take).unwrap_or_default();
        Report {
            outcomes,
            received,
            traffic: meters.iter().map(|(&party, meter)| (party, meter.snapshot())).collect(),
            struck: network.struck.take(),
            elapsed,
            seed: self.seed,
        }
    }

    /// Links each two parties through a wire each way.
    fn connect(
        &self,
        network: &Rc<Network>,
        meters: &BTreeMap<PartyId, Arc<Meter>>,
        wires: &mut JoinSet<()>,
    ) -> BTreeMap<PartyId, BTreeMap<PartyId, SessionLink>> {
        let mut links: BTreeMap<PartyId, BTreeMap<PartyId, SessionLink>> = BTreeMap::new();
        let session = u128::from(self.seed).to_le_bytes();
        let mut link = |local: PartyId, remote: PartyId, stream| {
            let meter = Arc::clone(&meters[&local]);
            let config = LinkConfig::new(session, local, remote, self.timeout, meter);
            let link = SessionLink::new(stream, config.step_limit(self.step_limit));
            links.entry(local).or_default().insert(remote, link);
        };
        let parties = self.parties();
        for (index, &a) in parties.iter().enumerate() {
            for &b in &parties[index + 1..] {
                let (a_end, a_wire) = tokio::io::duplex(PIPE);
                let (b_end, b_wire) = tokio::io::duplex(PIPE);
                link(a, b, a_end);
                link(b, a, b_end);
                let (from_a, to_a) = tokio::io::split(a_wire);
                let (from_b, to_b) = tokio::io::split(b_wire);
                let wire =
                    |from, to, output| Wire { network: Rc::clone(network), from, to, output, sequence: 0 };
                wires.spawn_local(wire(a, b, to_b).run(from_a));
                wires.spawn_local(wire(b, a, to_a).run(from_b));
            }
        }
        links
    }
}

type Role<'a, R> = (PartyId, Pin<Box<dyn Future<Output = R> + 'a>>, Rc<Network>);

/// Drives all roles side by side. A hung role is not driven further, but keeps its links.
async fn join_all<R>(roles: Vec<Role<'_, R>>) -> BTreeMap<PartyId, Outcome<R>> {
    let mut outcomes = BTreeMap::new();
    let mut frozen = Vec::new();
    let mut running: Vec<_> = roles
        .into_iter()
        .map(|(party, mut role, network)| {
            let life = async move {
                let health = tokio::select! {
                    biased;
                    health = network.felled(party) => health,
                    result = &mut role => return (Outcome::Done(result), None),
                };
                match health {
                    Health::Hung => (Outcome::Hung, Some(role)),
                    Health::Killed | Health::Well => (Outcome::Killed, None),
                }
            };
            (party, Box::pin(life))
        })
        .collect();
    std::future::poll_fn(|cx| {
        running.retain_mut(|(party, life)| match life.as_mut().poll(cx) {
            std::task::Poll::Ready((outcome, role)) => {
                outcomes.insert(*party, outcome);
                frozen.extend(role);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    outcomes
}
