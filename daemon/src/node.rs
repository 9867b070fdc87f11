//! The daemon's state: what every connection and every job works on.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use metric_host::MetricHost;
use paillier::SecretKey;
use tokio::runtime::Handle;
use transport::Identity;
use vault::Vault;

use crate::jobs::Jobs;
use crate::peers::Peers;
use crate::session::Sessions;
use crate::settings::Settings;

/// One running daemon.
pub struct Node {
    settings: RwLock<Arc<Settings>>,
    /// Datasets, results, jobs and keys.
    pub vault: Arc<Vault>,
    /// What other daemons know this one by.
    pub identity: Identity,
    /// The key pair for runs in which this daemon is the third party.
    pub paillier: Arc<SecretKey>,
    /// The metric plugins.
    pub metrics: MetricHost,
    /// Running and ended jobs.
    pub jobs: Arc<Jobs>,
    /// Known daemons.
    pub peers: Peers,
    /// Sessions that wait for the links of other parties.
    pub sessions: Sessions,
    /// When the daemon came up.
    pub started: Instant,
    /// Where network work runs.
    pub runtime: Handle,
}

impl Node {
    /// A node with everything loaded.
    #[expect(clippy::too_many_arguments, reason = "each is one independent part of the daemon")]
    pub fn new(
        settings: Settings,
        vault: Arc<Vault>,
        identity: Identity,
        paillier: Arc<SecretKey>,
        metrics: MetricHost,
        jobs: Arc<Jobs>,
        peers: Peers,
        runtime: Handle,
    ) -> Self {
        Node {
            settings: RwLock::new(Arc::new(settings)),
            vault,
            identity,
            paillier,
            metrics,
            jobs,
            peers,
            sessions: Sessions::default(),
            started: Instant::now(),
            runtime,
        }
    }

    /// The settings as they are now; a job keeps those that it began with.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other settings into force, and forgets the failures of other leads' runs.
    pub fn replace_settings(&self, settings: Settings) {
        self.sessions.forgive();
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }
}
