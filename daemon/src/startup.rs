//! From settings and stored keys to a node that can serve.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use control::{ErrorCode, Failure};
use metric_host::{HostError, MetricHost, Probe, Trust};
use tokio::runtime::Handle;
use vault::{Vault, VaultError};

use crate::failure::{from_plugins, from_vault};
use crate::jobs::{Jobs, now_unix};
use crate::keys;
use crate::node::Node;
use crate::peers::Peers;
use crate::settings::{Role, Settings};

/// How long a plugin may take on trial.
const PROBE_TIMEOUT: Duration = Duration::from_secs(20);

/// What to say where `cloisterd init` is missing.
pub(crate) fn not_initialised() -> Failure {
    Failure::new(ErrorCode::Failed, "this daemon has no keys yet")
        .with_hint("run `cloisterd init` with the same settings first")
}

/// The vault, unless a running daemon holds it.
pub(crate) enum Opened {
    /// Here it is.
    Vault(Vault),
    /// Another process has it open.
    InUse,
}

/// Opens the vault, if no other process has; never makes one.
pub(crate) fn try_vault(settings: &Settings) -> Result<Opened, Failure> {
    let dir = keys::vault_dir(settings);
    if !Vault::exists(&dir) {
        let message = format!("there is no vault in {}", dir.display());
        return Err(Failure { message, ..not_initialised() });
    }
    match Vault::open(&dir, &keys::unlock(settings)?) {
        Ok(vault) => Ok(Opened::Vault(vault)),
        Err(VaultError::Locked { .. }) => Ok(Opened::InUse),
        Err(error) => Err(from_vault(error)),
    }
}

fn open_vault(settings: &Settings) -> Result<Vault, Failure> {
    match try_vault(settings)? {
        Opened::Vault(vault) => Ok(vault),
        Opened::InUse => Err(from_vault(VaultError::Locked { dir: keys::vault_dir(settings) })),
    }
}

/// How a plugin is tried: by this very program, even if its file has been replaced since.
pub(crate) fn probe() -> Probe {
    Probe {
        program: PathBuf::from("/proc/self/exe"),
        args: vec!["probe-plugin".into()],
        timeout: PROBE_TIMEOUT,
    }
}

/// Loads a host's plugins. A third party computes no distances: it needs no plugin directory and looks at none.
pub(crate) fn load_metrics(settings: &Settings) -> Result<MetricHost, HostError> {
    match settings.role {
        Role::Host => MetricHost::load_dir(&settings.plugins.dir, &Trust::own(), &probe()),
        Role::ThirdParty => Ok(MetricHost::empty()),
    }
}

/// The metric of runs that name none must be there, at a host.
pub(crate) fn check_default_metric(settings: &Settings, metrics: &MetricHost) -> Result<(), Failure> {
    let (name, dir) = (&settings.plugins.metric, settings.plugins.dir.display());
    if settings.role == Role::ThirdParty || metrics.get(name).is_some() {
        return Ok(());
    }
    Err(Failure::new(
        ErrorCode::NotFound,
        format!("the default metric {name} (plugins.metric) is not loaded"),
    )
    .with_hint(format!("put lib{name}.so into {dir}, or name another metric in the settings")))
}

/// Opens everything that a node works with.
pub(crate) fn open(settings: Settings, runtime: Handle) -> Result<Node, Failure> {
    keys::check_state_dir(&settings)?;
    let vault = Arc::new(open_vault(&settings)?);
    let identity = keys::identity(&vault)?.ok_or_else(not_initialised)?;
    let paillier = keys::paillier(&vault)?.ok_or_else(not_initialised)?;
    keys::check_paillier(&settings, paillier.public().bits())?;
    let metrics = load_metrics(&settings).map_err(|error| from_plugins(&error))?;
    for rejected in metrics.rejected() {
        tracing::warn!("{rejected}");
    }
    let jobs = Jobs::load(Arc::clone(&vault), now_unix())?;
    let peers = Peers::load(Arc::clone(&vault), &settings, identity.fingerprint())?;
    Ok(Node::new(settings, vault, identity, Arc::new(paillier), metrics, jobs, peers, runtime))
}
