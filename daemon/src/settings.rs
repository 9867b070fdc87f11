//! The daemon's settings: a TOML file, overridden by `CLOISTER__SECTION__KEY` in the environment.
//!
//! Reading reports every problem at once, refuses unknown keys with the nearest known one, and converts nothing
//! silently: what [`Settings::load`] returns has been checked as far as the file alone allows. Whether files exist,
//! have the right mode and can be opened is for those who open them.

mod problem;
mod reader;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Config, Environment, File, FileFormat, Map, Value, ValueKind};

pub use problem::Problem;
use reader::{Reader, Section};
pub use values::{Fingerprint, MasterKey, Permission, Reveal, Role};

/// The largest settings file taken, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Everything a daemon is told from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The party's own name.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// Where it keeps its state.
    pub state_dir: PathBuf,
    /// `[control]`
    pub control: Control,
    /// `[network]`
    pub network: Network,
    /// `[keys]`
    pub keys: Keys,
    /// `[paillier]`
    pub paillier: Paillier,
    /// `[plugins]`
    pub plugins: Plugins,
    /// `[policy]`
    pub policy: Policy,
    /// Each `[[operator]]`, names and fingerprints unique.
    pub operators: Vec<Operator>,
    /// Each `[[peer]]`, names and fingerprints unique, none named like this party.
    pub peers: Vec<Peer>,
}

/// How the client reaches the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// The Unix socket, created with mode 0660.
    pub socket: PathBuf,
}

/// How peers reach the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How long a run waits for a party; whole seconds, at least one.
    pub timeout: Duration,
}

/// Where keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The key that seals everything else.
    pub master: MasterKey,
}

/// The Paillier key made at first start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paillier {
    /// The modulus: 3072, or with `test_keys` 2048 or 1024 bits.
    pub bits: u32,
    /// Whether keys too short for real data are allowed.
    pub test_keys: bool,
}

/// The metric plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugins {
    /// The folder they are loaded from.
    pub dir: PathBuf,
    /// The metric of runs that name none.
    pub metric: String,
}

/// What this party lets happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The fewest own rows a run may be over.
    pub min_rows: u64,
    /// A cluster with fewer own rows than this, but at least one, is withheld.
    pub min_cluster_rows: u64,
    /// The most rounds a run may take.
    pub max_rounds: u32,
    /// Whether joint centres may be shown round by round.
    pub allow_open: bool,
    /// What may be shown of a result besides its centres.
    pub reveal: Reveal,
}

/// Somebody who may use this daemon from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The name in the audit log.
    pub name: String,
    /// The identity's fingerprint.
    pub fingerprint: Fingerprint,
    /// What is allowed.
    pub may: Vec<Permission>,
}

/// Another daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its name here.
    pub name: String,
    /// What it does in runs with us.
    pub role: Role,
    /// `HOST:PORT`, not resolved yet.
    pub address: String,
    /// The identity's fingerprint.
    pub fingerprint: Fingerprint,
    /// The datasets it may use.
    pub datasets: Vec<String>,
}

/// What a settings file read as, and everything that is wrong with it.
pub struct Examined {
    /// With a default, or without the entry of a list, where there is a problem; `None` without name or role.
    pub settings: Option<Settings>,
    /// In the order of the keys; empty where the settings can be used.
    pub problems: Vec<Problem>,
}

impl Settings {
    /// What the settings ask for and this build does not have, in words.
    pub fn without_effect(&self) -> Option<&'static str> {
        (!self.operators.is_empty()).then_some(
            "operators are not available in this build; their entries ([[operator]]) have no effect",
        )
    }

    /// Reads a settings file and the environment.
    ///
    /// # Errors
    /// Every problem found, in the order of the keys; never empty.
    pub fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        Self::load_with(path, environment())
    }

    /// Reads a settings file with this environment in place of the process's.
    ///
    /// # Errors
    /// Every problem found, in the order of the keys; never empty.
    pub fn load_with(path: &Path, environment: BTreeMap<String, String>) -> Result<Self, Vec<Problem>> {
        let Examined { settings, problems } = Self::examine_with(path, environment);
        settings.filter(|_| problems.is_empty()).ok_or(problems)
    }

    /// As [`Self::load`], and gives what could be read even where there are problems, to look for more of them.
    pub fn examine(path: &Path) -> Examined {
        Self::examine_with(path, environment())
    }

    fn examine_with(path: &Path, environment: BTreeMap<String, String>) -> Examined {
        let place = path.display().to_string();
        let tree = match read_text(path).and_then(|text| merge(&text, environment)) {
            Ok(tree) => tree,
            Err(message) => {
                let problems = vec![Problem { place, key: String::new(), message }];
                return Examined { settings: None, problems };
            }
        };
        let mut reader = Reader::new(place);
        let settings = read(&mut reader, Reader::root(tree));
        Examined { settings, problems: reader.finish() }
    }

    /// Every key there is, in order, `peer.name` standing for the `name` of each `[[peer]]`.
    pub fn keys() -> Vec<String> {
        let one = |key: &str| {
            (key.to_owned(), Value::new(None, vec![Value::new(None, Map::<String, Value>::new())]))
        };
        let mut reader = Reader::new(String::new());
        read(&mut reader, Reader::root([one("operator"), one("peer")].into_iter().collect()));
        reader.known().to_vec()
    }
}

/// The process's environment.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .map(|(key, value)| (key.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .collect()
}

fn read_text(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.len();
    if length > MAX_FILE_BYTES {
        return Err(format!("is longer than the {MAX_FILE_BYTES} bytes allowed"));
    }
    std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))
}

/// The tree of the file with the environment on top.
fn merge(text: &str, environment: BTreeMap<String, String>) -> Result<Map<String, Value>, String> {
    let environment = Environment::with_prefix("CLOISTER")
        .prefix_separator("__")
        .separator("__")
        .source(Some(environment.into_iter().collect()));
    let merged = Config::builder()
        .add_source(File::from_str(text, FileFormat::Toml))
        .add_source(environment)
        .build()
        .map_err(|error| error.to_string().trim_end().to_owned())?;
    match merged.cache.kind {
        ValueKind::Table(tree) => Ok(tree),
        _ => Ok(Map::new()),
    }
}

/// `None` where name or role is missing or wrong; the reader holds the problems.
fn read(reader: &mut Reader, mut root: Section) -> Option<Settings> {
    let name = reader.required(&mut root, "name", values::name);
    let role = reader.required(&mut root, "role", values::role);
    let state_dir = reader.text(&mut root, "state_dir", "/var/lib/cloister".into(), values::absolute_path);

    let mut section = reader.section(&mut root, "control");
    let socket =
        reader.text(&mut section, "socket", "/run/cloister/control.sock".into(), values::absolute_path);
    let control = Control { socket };
    reader.close(section);

    let mut section = reader.section(&mut root, "network");
    let any = SocketAddr::from(([0, 0, 0, 0], 7440));
    let network = Network {
        listen: reader.text(&mut section, "listen", any, |text| {
            text.parse().map_err(|_| "must be ADDRESS:PORT with a numeric address, IPv6 in brackets".into())
        }),
        timeout: Duration::from_secs(reader.number(&mut section, "timeout_seconds", 60, 1..=86_400)),
    };
    reader.close(section);

    let mut section = reader.section(&mut root, "keys");
    let default = MasterKey::Credential("cloister.master".into());
    let keys = Keys { master: reader.text(&mut section, "master", default, values::master_key) };
    reader.close(section);

    let paillier = read_paillier(reader, &mut root);

    let mut section = reader.section(&mut root, "plugins");
    let plugins = Plugins {
        dir: reader.text(&mut section, "dir", "/usr/lib/cloister/plugins".into(), values::absolute_path),
        metric: reader.text(&mut section, "metric", "euclidean".into(), values::name),
    };
    reader.close(section);

    let mut section = reader.section(&mut root, "policy");
    let inertia = Reveal { inertia: true, sizes: false };
    let policy = Policy {
        min_rows: reader.number(&mut section, "min_rows", 20, 1..=i64::MAX as u64),
        min_cluster_rows: reader.number(&mut section, "min_cluster_rows", 5, 1..=i64::MAX as u64),
        max_rounds: reader.number(&mut section, "max_rounds", 300, 1..=1_000_000) as u32,
        allow_open: reader.flag(&mut section, "allow_open", false),
        reveal: reader.texts(&mut section, "reveal", inertia, values::reveal),
    };
    reader.close(section);

    let operators = read_operators(reader, &mut root);
    let peers = read_peers(reader, &mut root, name.as_deref());
    reader.close(root);
    Some(Settings {
        name: name?,
        role: role?,
        state_dir,
        control,
        network,
        keys,
        paillier,
        plugins,
        policy,
        operators,
        peers,
    })
}

fn read_paillier(reader: &mut Reader, root: &mut Section) -> Paillier {
    let mut section = reader.section(root, "paillier");
    let bits = reader.number(&mut section, "bits", 3072, 0..=u64::from(u32::MAX)) as u32;
    let test_keys = reader.flag(&mut section, "test_keys", false);
    if !matches!(bits, 1024 | 2048 | 3072) {
        reader.wrong(&section, "bits", "must be 3072, or 2048 or 1024 with paillier.test_keys = true");
    } else if bits < 3072 && !test_keys {
        let message =
            format!("{bits} bits are too few for real data; tests may set paillier.test_keys = true");
        reader.wrong(&section, "bits", message);
    }
    reader.close(section);
    Paillier { bits, test_keys }
}

fn read_operators(reader: &mut Reader, root: &mut Section) -> Vec<Operator> {
    let mut operators = Vec::new();
    let mut seen = Seen::default();
    for mut section in reader.sections(root, "operator") {
        let name = reader.required(&mut section, "name", values::name);
        let fingerprint = reader.required(&mut section, "fingerprint", values::fingerprint);
        let may = reader.texts(&mut section, "may", Vec::new(), values::permissions);
        seen.check(reader, &section, name.as_deref(), fingerprint);
        if let (Some(name), Some(fingerprint)) = (name, fingerprint) {
            operators.push(Operator { name, fingerprint, may });
        }
        reader.close(section);
    }
    operators
}

fn read_peers(reader: &mut Reader, root: &mut Section, own_name: Option<&str>) -> Vec<Peer> {
    let mut peers = Vec::new();
    let mut seen = Seen::default();
    for mut section in reader.sections(root, "peer") {
        let name = reader.required(&mut section, "name", values::name);
        let role = reader.required(&mut section, "role", values::role);
        let address = reader.required(&mut section, "address", values::address);
        let fingerprint = reader.required(&mut section, "fingerprint", values::fingerprint);
        let datasets = reader.texts(&mut section, "datasets", Vec::new(), |names| {
            names.iter().map(|text| values::name(text).map_err(|error| format!("each {error}"))).collect()
        });
        if name.is_some() && name.as_deref() == own_name {
            reader.wrong(&section, "name", "is this party's own name");
        }
        seen.check(reader, &section, name.as_deref(), fingerprint);
        if let (Some(name), Some(role), Some(address), Some(fingerprint)) = (name, role, address, fingerprint)
        {
            peers.push(Peer { name, role, address, fingerprint, datasets });
        }
        reader.close(section);
    }
    peers
}

/// Names and fingerprints that must not come twice in one list.
#[derive(Default)]
struct Seen {
    names: Vec<String>,
    fingerprints: Vec<Fingerprint>,
}

impl Seen {
    fn check(
        &mut self,
        reader: &mut Reader,
        section: &Section,
        name: Option<&str>,
        fingerprint: Option<Fingerprint>,
    ) {
        if let Some(name) = name {
            if self.names.iter().any(|seen| seen == name) {
                reader.wrong(section, "name", format!("\"{name}\" stands there twice"));
            }
            self.names.push(name.to_owned());
        }
        if let Some(fingerprint) = fingerprint {
            if self.fingerprints.contains(&fingerprint) {
                reader.wrong(section, "fingerprint", "belongs to another entry already");
            }
            self.fingerprints.push(fingerprint);
        }
    }
}
