//! A party's settings file, written from what a test cares about.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What a party does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Holds rows.
    Host,
    /// Holds a Paillier key.
    ThirdParty,
}

impl Role {
    /// The name in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Role::Host => "host",
            Role::ThirdParty => "third-party",
        }
    }
}

/// The settings that tests change; all others keep the daemon's defaults.
#[derive(Clone, Debug)]
pub struct PartySettings {
    /// The party's name.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// Bits of its Paillier key.
    pub key_bits: u32,
    /// How long a run waits for a party.
    pub timeout_seconds: u64,
    /// The default metric.
    pub metric: String,
    /// Refuse runs over fewer own rows.
    pub min_rows: u64,
    /// Withhold centres of clusters with fewer own rows.
    pub min_cluster_rows: u64,
    /// Refuse runs of more rounds.
    pub max_rounds: u32,
    /// Allow `--privacy open`.
    pub allow_open: bool,
    /// What results may show besides centres.
    pub reveal: Vec<&'static str>,
    /// The others.
    pub peers: Vec<PeerSettings>,
}

/// One `[[peer]]`.
#[derive(Clone, Debug)]
pub struct PeerSettings {
    /// Its name.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// Where it, or the relay before it, listens.
    pub address: SocketAddr,
    /// 64 hexadecimal digits.
    pub fingerprint: String,
    /// The datasets it may use.
    pub datasets: Vec<String>,
}

impl PartySettings {
    /// A party with which everything can be tried: no lower limits, everything revealed, keys of 1024 bits.
    pub fn new(name: &str, role: Role) -> Self {
        PartySettings {
            name: name.into(),
            role,
            key_bits: 1024,
            timeout_seconds: 60,
            metric: "euclidean".into(),
            min_rows: 1,
            min_cluster_rows: 1,
            max_rounds: 300,
            allow_open: true,
            reveal: vec!["inertia", "sizes"],
            peers: Vec::new(),
        }
    }

    /// The settings file of a party that keeps everything in `folder` and listens at `listen`.
    pub fn toml(&self, folder: &Path, listen: SocketAddr) -> String {
        let at = |name: &str| folder.join(name).display().to_string();
        let mut toml = format!(
            "name = {:?}\nrole = {:?}\nstate_dir = {:?}\n\n[control]\nsocket = {:?}\n\n\
             [network]\nlisten = {:?}\ntimeout_seconds = {}\n\n[keys]\nmaster = {:?}\n\n\
             [paillier]\nbits = {}\ntest_keys = {}\n\n[plugins]\ndir = {:?}\nmetric = {:?}\n\n\
             [policy]\nmin_rows = {}\nmin_cluster_rows = {}\nmax_rounds = {}\nallow_open = {}\nreveal = {:?}\n",
            self.name,
            self.role.name(),
            at("state"),
            socket(folder).display().to_string(),
            listen.to_string(),
            self.timeout_seconds,
            format!("file:{}", at("master.key")),
            self.key_bits,
            self.key_bits < 3072,
            at("plugins"),
            self.metric,
            self.min_rows,
            self.min_cluster_rows,
            self.max_rounds,
            self.allow_open,
            self.reveal,
        );
        for peer in &self.peers {
            let written = write!(
                toml,
                "\n[[peer]]\nname = {:?}\nrole = {:?}\naddress = {:?}\nfingerprint = {:?}\ndatasets = {:?}\n",
                peer.name,
                peer.role.name(),
                peer.address.to_string(),
                peer.fingerprint,
                peer.datasets,
            );
            written.expect("a string takes everything");
        }
        toml
    }
}

/// The control socket of the party in `folder`.
pub fn socket(folder: &Path) -> PathBuf {
    folder.join("control.sock")
}
