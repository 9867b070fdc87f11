//! The daemons that this one knows: those of the settings and those added at run time.

use std::sync::{Arc, PoisonError, RwLock};

use control::facts::PeerOrigin;
use control::{ErrorCode, Failure, NewPeer, Role};
use transport::Fingerprint;
use vault::{RecordKind, Vault};

use crate::failure::from_vault;
use crate::settings::{self, Settings};

/// One known daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPeer {
    /// Its name here.
    pub name: String,
    /// What it does in runs with us.
    pub role: Role,
    /// `host:port`.
    pub address: String,
    /// What it is recognised by.
    pub fingerprint: Fingerprint,
    /// The datasets it may use.
    pub datasets: Vec<String>,
    /// How it came to be known.
    pub origin: PeerOrigin,
}

/// The known daemons.
pub struct Peers {
    vault: Arc<Vault>,
    /// This daemon itself, which is nobody's peer.
    own_name: String,
    own: Fingerprint,
    known: RwLock<Vec<KnownPeer>>,
}

/// What to do about a peer that is this daemon.
const OWN_FINGERPRINT: &str = "`cloisterd fingerprint` on the peer's machine prints the peer's";
/// The longest record of an added peer.
const RECORD_LIMIT: usize = 1 << 20;

impl Peers {
    /// Those of the settings and those in the vault. `own` is this daemon's fingerprint, which no peer may have.
    pub fn load(vault: Arc<Vault>, settings: &Settings, own: Fingerprint) -> Result<Self, Failure> {
        let peers = Peers { vault, own_name: settings.name.clone(), own, known: RwLock::new(Vec::new()) };
        peers.reload(settings)?;
        Ok(peers)
    }

    /// Reads them again. A peer of the settings hides an added one of the same name or fingerprint.
    /// Where one of the settings is this daemon itself, those from before stay.
    pub fn reload(&self, settings: &Settings) -> Result<(), Failure> {
        check_not_own(settings, &self.own)?;
        let mut known: Vec<KnownPeer> = settings.peers.iter().map(from_settings).collect();
        for name in self.vault.list_records(RecordKind::Peer).map_err(from_vault)? {
            let Some(record) = self.vault.get_record(RecordKind::Peer, &name).map_err(from_vault)? else {
                continue;
            };
            let added: NewPeer = transport::codec::decode(&record, RECORD_LIMIT).map_err(|error| {
                Failure::new(ErrorCode::Damaged, format!("the record of peer {name}: {error}"))
            })?;
            let added = from_new(&added)?;
            if !known.iter().any(|peer| peer.name == added.name || peer.fingerprint == added.fingerprint) {
                known.push(added);
            }
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    /// All of them.
    pub fn list(&self) -> Vec<KnownPeer> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The peer of that name.
    pub fn by_name(&self, name: &str) -> Result<KnownPeer, Failure> {
        self.list().into_iter().find(|peer| peer.name == name).ok_or_else(|| {
            Failure::new(ErrorCode::NotFound, format!("no peer is called {name}"))
                .with_hint("`cloisterctl peers list` shows the known ones")
        })
    }

    /// The peer with that fingerprint.
    pub fn by_fingerprint(&self, fingerprint: &Fingerprint) -> Option<KnownPeer> {
        self.list().into_iter().find(|peer| peer.fingerprint == *fingerprint)
    }

    /// Adds a peer, durably.
    pub fn add(&self, new: &NewPeer) -> Result<KnownPeer, Failure> {
        let peer = from_new(new)?;
        if peer.name == self.own_name {
            return Err(Failure::new(ErrorCode::Usage, format!("{} is this daemon's own name", peer.name))
                .with_hint("give the peer another name here"));
        }
        if peer.fingerprint == self.own {
            return Err(Failure::new(
                ErrorCode::Usage,
                format!("the fingerprint of peer {} is this daemon's own fingerprint", peer.name),
            )
            .with_hint(OWN_FINGERPRINT));
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) =
            known.iter().find(|known| known.name == peer.name || known.fingerprint == peer.fingerprint)
        {
            let what = if same.name == peer.name { "this name" } else { "this fingerprint" };
            return Err(Failure::new(ErrorCode::Usage, format!("peer {} has {what} already", same.name))
                .with_hint(format!("`cloisterctl peers remove {}` first", same.name)));
        }
        let record = transport::codec::encode(new)
            .map_err(|error| Failure::new(ErrorCode::Failed, format!("the peer cannot be kept: {error}")))?;
        self.vault.put_record(RecordKind::Peer, &peer.name, &record).map_err(from_vault)?;
        known.push(peer.clone());
        Ok(peer)
    }

    /// Forgets an added peer.
    pub fn remove(&self, name: &str) -> Result<(), Failure> {
        let peer = self.by_name(name)?;
        if peer.origin == PeerOrigin::Settings {
            return Err(Failure::new(ErrorCode::Refused, format!("peer {name} stands in the settings file"))
                .with_hint("remove its [[peer]] there and reload"));
        }
        self.vault.remove_record(RecordKind::Peer, name).map_err(from_vault)?;
        self.known.write().unwrap_or_else(PoisonError::into_inner).retain(|peer| peer.name != name);
        Ok(())
    }
}

/// No `[[peer]]` may be this daemon itself.
pub(crate) fn check_not_own(settings: &Settings, own: &Fingerprint) -> Result<(), Failure> {
    let Some(peer) = settings.peers.iter().find(|peer| peer.fingerprint.as_bytes() == own.as_bytes()) else {
        return Ok(());
    };
    let message = format!("the [[peer]] {} has this daemon's own fingerprint", peer.name);
    Err(Failure::new(ErrorCode::Usage, message).with_hint(OWN_FINGERPRINT))
}

fn from_settings(peer: &settings::Peer) -> KnownPeer {
    KnownPeer {
        name: peer.name.clone(),
        role: match peer.role {
            settings::Role::Host => Role::Host,
            settings::Role::ThirdParty => Role::ThirdParty,
        },
        address: peer.address.clone(),
        fingerprint: Fingerprint::from_bytes(*peer.fingerprint.as_bytes()),
        datasets: peer.datasets.clone(),
        origin: PeerOrigin::Settings,
    }
}

fn from_new(peer: &NewPeer) -> Result<KnownPeer, Failure> {
    let refused = |what: String| Failure::new(ErrorCode::Usage, what);
    let name_fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if peer.name.is_empty() || peer.name.len() > 64 || !peer.name.chars().all(name_fits) {
        return Err(refused(
            "a peer's name has 1 to 64 letters, digits, dots, underscores and dashes".into(),
        ));
    }
    if peer
        .address
        .rsplit_once(':')
        .is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err())
    {
        return Err(refused(format!("the address of peer {} is not `host:port`", peer.name)));
    }
    Ok(KnownPeer {
        name: peer.name.clone(),
        role: peer.role,
        address: peer.address.clone(),
        fingerprint: peer
            .fingerprint
            .parse()
            .map_err(|error| refused(format!("peer {}: {error}", peer.name)))?,
        datasets: peer.datasets.clone(),
        origin: PeerOrigin::Added,
    })
}
