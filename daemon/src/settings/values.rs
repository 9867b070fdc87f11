//! The types of single settings, each with the one way to read it.

use std::fmt;
use std::path::PathBuf;

/// What a party does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Holds rows.
    Host,
    /// Holds a Paillier key and deals randomness; never rows.
    ThirdParty,
}

/// Where the master key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterKey {
    /// `credential:NAME`: a systemd credential, a file of that name in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// `file:PATH`: a file of mode 0600 or stricter.
    File(PathBuf),
    /// `passphrase`: derived from a passphrase given at start.
    Passphrase,
}

/// The SHA-256 of a public key info, by which a peer or an operator is known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// What may be shown of a result besides its centres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Reveal {
    /// The joint inertia.
    pub inertia: bool,
    /// The joint number of rows per cluster.
    pub sizes: bool,
}

/// What an operator may do over the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Bring documents in.
    Upload,
    /// Take documents out.
    Retrieve,
    /// Start and stop runs, and read results.
    Cluster,
    /// Make and restore backups.
    Backup,
    /// Change peers, keys and settings.
    Admin,
}

pub(super) fn role(text: &str) -> Result<Role, String> {
    match text {
        "host" => Ok(Role::Host),
        "third-party" => Ok(Role::ThirdParty),
        _ => Err("must be \"host\" or \"third-party\"".into()),
    }
}

/// Names of parties, operators, datasets and metrics: they stand in file names, messages and command lines.
pub(super) fn name(text: &str) -> Result<String, String> {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(inner) {
        return Ok(text.to_owned());
    }
    Err("must be 1 to 64 letters, digits, dots, underscores and hyphens, a letter or digit first".into())
}

pub(super) fn absolute_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if !path.is_absolute() || text.contains('\0') {
        return Err("must be an absolute path".into());
    }
    Ok(path)
}

/// `host:port` or `[ipv6]:port`; the host is resolved only when it is needed.
pub(super) fn address(text: &str) -> Result<String, String> {
    let wrong = || "must be HOST:PORT, with an IPv6 address in brackets".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    if !port.bytes().all(|b| b.is_ascii_digit()) || !matches!(port.parse::<u16>(), Ok(1..)) {
        return Err("must end in a port from 1 to 65535".into());
    }
    let good = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            !host.is_empty() && host.len() <= 253 && host.chars().all(part)
        }
    };
    if good { Ok(text.to_owned()) } else { Err(wrong()) }
}

pub(super) fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    let wrong = || "must be 64 hexadecimal digits, as `cloisterd fingerprint` prints them".to_owned();
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(Fingerprint(bytes))
}

pub(super) fn master_key(text: &str) -> Result<MasterKey, String> {
    if text == "passphrase" {
        return Ok(MasterKey::Passphrase);
    }
    if let Some(path) = text.strip_prefix("file:") {
        return absolute_path(path).map(MasterKey::File).map_err(|error| format!("after \"file:\" {error}"));
    }
    if let Some(credential) = text.strip_prefix("credential:") {
        return name(credential)
            .map(MasterKey::Credential)
            .map_err(|error| format!("after \"credential:\" {error}"));
    }
    Err("must be \"credential:NAME\", \"file:/absolute/path\" or \"passphrase\"".into())
}

pub(super) fn reveal(values: &[String]) -> Result<Reveal, String> {
    let mut reveal = Reveal::default();
    for value in values {
        match value.as_str() {
            "inertia" => reveal.inertia = true,
            "sizes" => reveal.sizes = true,
            _ => return Err("may list \"inertia\" and \"sizes\" only".into()),
        }
    }
    Ok(reveal)
}

pub(super) fn permissions(values: &[String]) -> Result<Vec<Permission>, String> {
    let mut may = Vec::new();
    for value in values {
        let permission = match value.as_str() {
            "upload" => Permission::Upload,
            "retrieve" => Permission::Retrieve,
            "cluster" => Permission::Cluster,
            "backup" => Permission::Backup,
            "admin" => Permission::Admin,
            _ => {
                return Err(
                    "may list \"upload\", \"retrieve\", \"cluster\", \"backup\" and \"admin\" only".into()
                );
            }
        };
        if !may.contains(&permission) {
            may.push(permission);
        }
    }
    Ok(may)
}
