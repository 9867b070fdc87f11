//! The parties of joint runs: hosts and a third party that know each other.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use control::facts::{JobInfo, JobState};
use tempfile::TempDir;

use crate::party::Party;
use crate::relay::Relay;
use crate::settings::{PartySettings, PeerSettings, Role};
use crate::{REST, wait_for};

/// Names of hosts, in the order in which they come.
const HOSTS: [&str; 5] = ["clinic-a", "clinic-b", "clinic-c", "clinic-d", "clinic-e"];
/// The third party's name.
pub const THIRD_PARTY: &str = "notary";

/// What parties to start.
pub struct FleetConfig<'a> {
    /// How many hosts.
    pub hosts: usize,
    /// The datasets that every host may use with every other.
    pub datasets: &'a [&'a str],
    /// Whether a [`Relay`] stands before the third party.
    pub relay: bool,
    /// Changes what [`PartySettings::new`] gives each party.
    pub change: &'a dyn Fn(&mut PartySettings),
}

impl Default for FleetConfig<'_> {
    fn default() -> Self {
        FleetConfig { hosts: 2, datasets: &["data"], relay: false, change: &|_| {} }
    }
}

/// Running parties; all stop, and all their files go, when this is dropped.
pub struct Fleet {
    /// The hosts, then the third party.
    pub parties: Vec<Party>,
    relay: Option<Relay>,
    folder: TempDir,
}

impl Fleet {
    /// Makes keys, introduces the parties to each other and starts them.
    #[track_caller]
    pub fn start(config: &FleetConfig<'_>) -> Self {
        // Short, for a socket's path has room for 107 bytes.
        let folder = tempfile::Builder::new().prefix("cloister-").tempdir().expect("a temporary folder");
        let address = loopback();
        let names = HOSTS[..config.hosts].iter().map(|&name| (name, Role::Host));
        // Held until all have one, so that no two parties get the same port.
        let ports: Vec<TcpListener> = (0..=config.hosts).map(|_| listener(address)).collect();
        let parties: Vec<Party> = names
            .chain([(THIRD_PARTY, Role::ThirdParty)])
            .zip(&ports)
            .map(|((name, role), port)| {
                let mut settings = PartySettings::new(name, role);
                (config.change)(&mut settings);
                let listen = port.local_addr().expect("a listener has an address");
                Party::init(folder.path().join(name), listen, settings)
            })
            .collect();
        let third_party = parties[config.hosts].listen();
        let relay = config.relay.then(|| Relay::start(listener(address), third_party));
        drop(ports);
        let mut fleet = Fleet { parties, relay, folder };
        fleet.introduce(config.datasets);
        for party in &mut fleet.parties {
            party.write_settings();
            party.start();
        }
        fleet
    }

    fn introduce(&mut self, datasets: &[&str]) {
        let all: Vec<PeerSettings> = self
            .parties
            .iter()
            .map(|party| PeerSettings {
                name: party.name().into(),
                role: party.settings.role,
                address: match (&self.relay, party.settings.role) {
                    (Some(relay), Role::ThirdParty) => relay.address(),
                    _ => party.listen(),
                },
                fingerprint: party.fingerprint().into(),
                datasets: match party.settings.role {
                    Role::Host => datasets.iter().map(|&name| name.into()).collect(),
                    Role::ThirdParty => Vec::new(),
                },
            })
            .collect();
        for party in &mut self.parties {
            party.settings.peers =
                all.iter().filter(|peer| peer.name != party.settings.name).cloned().collect();
        }
    }

    /// The folder that everything is in.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The hosts.
    pub fn hosts(&self) -> &[Party] {
        &self.parties[..self.parties.len() - 1]
    }

    /// The host that starts runs.
    pub fn lead(&self) -> &Party {
        &self.parties[0]
    }

    /// The third party.
    pub fn third_party(&self) -> &Party {
        &self.parties[self.parties.len() - 1]
    }

    /// What stands before the third party.
    ///
    /// # Panics
    /// If the fleet was started without.
    pub fn relay(&self) -> &Relay {
        self.relay.as_ref().expect("a fleet with a relay")
    }

    /// Starts a run at the lead, brings it to `step` and holds it there, by letting through only so much of what the
    /// third party says and hears. Gives the job's id; [`Relay::release`] lets it go on.
    ///
    /// The steps are `agree`, `setup` (when the third party has been told to begin), and those that jobs show.
    ///
    /// # Panics
    /// If the run is past the step or over before it can be held.
    #[track_caller]
    pub fn reach(&self, step: &str, arguments: &[&str]) -> String {
        self.relay().hold();
        let id = self.lead().detach(arguments);
        self.advance(&id, &format!("step {step}"), |job| {
            let begun = || self.third_party().job(&id).is_some();
            job.step == step || (step == "setup" && begun())
        });
        id
    }

    /// As [`Self::reach`], to a round of the main rounds, counted from 1.
    #[track_caller]
    pub fn reach_round(&self, round: u32, arguments: &[&str]) -> String {
        self.relay().hold();
        let id = self.lead().detach(arguments);
        self.advance_to_round(&id, round);
        id
    }

    /// Brings a run that is held to a round.
    #[track_caller]
    pub fn advance_to_round(&self, id: &str, round: u32) {
        self.advance(id, &format!("round {round}"), |job| job.step == "round" && job.round >= round);
    }

    #[track_caller]
    fn advance(&self, id: &str, to: &str, reached: impl Fn(&JobInfo) -> bool) {
        let relay = self.relay();
        wait_for(to, || {
            let job = self.lead().job(id).expect("a job that was started");
            assert!(job.state == JobState::Running, "the run ended before {to}: {job:?}");
            if reached(&job) {
                return Some(());
            }
            // Less than the step after this one needs, and not so little that it takes for ever.
            let stride = match job.step.as_str() {
                "agree" => 512,
                "round" => 2048,
                _ => 8192,
            };
            relay.advance(stride, REST);
            None
        });
    }

    /// Uploads one part to each host, as CSV.
    #[track_caller]
    pub fn upload(&self, name: &str, parts: &[table::Table]) {
        for (host, part) in self.hosts().iter().zip(parts) {
            host.upload(name, &format!("{name}.csv"), &crate::documents::csv(part));
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for party in &self.parties {
                eprintln!("--- log of {}\n{}", party.name(), party.log());
            }
        }
        // Nothing may wait for what is held.
        if let Some(relay) = &self.relay {
            relay.release();
        }
        // All at once: they wait for each other's runs to end.
        self.parties.iter().for_each(Party::terminate);
    }
}

fn listener(address: IpAddr) -> TcpListener {
    TcpListener::bind(SocketAddr::new(address, 0)).expect("a loopback port")
}

/// An address of its own for each fleet, so that a port stays free while its daemon is down.
fn loopback() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let own = std::process::id().wrapping_mul(61).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
    let [_, a, b, c] = own.to_be_bytes();
    Ipv4Addr::new(127, a, b, c.clamp(2, 254)).into()
}
