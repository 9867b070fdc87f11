//! Reading the settings again while the daemon serves.

use std::sync::PoisonError;

use control::Failure;
use metric_host::Reloaded;

use crate::failure::{from_plugins, from_problems};
use crate::service::Service;
use crate::settings::{Peer, Settings};
use crate::startup;

/// Puts into force what can change at run time; says what changed and what needs a restart. On an error the old
/// settings stay; new plugins may have been loaded by then, for settings may name them.
pub(crate) fn reload(service: &Service) -> Result<Vec<String>, Failure> {
    let _one_at_a_time = service.reloading.lock().unwrap_or_else(PoisonError::into_inner);
    let node = &service.node;
    let old = node.settings();
    let read = Settings::load(&service.config).map_err(|problems| from_problems(&problems))?;
    let (new, fixed) = with_fixed_keys(&old, read);
    let Reloaded { added, retired } = node.metrics.reload().map_err(|error| from_plugins(&error))?;
    if new.plugins.metric != old.plugins.metric {
        startup::check_default_metric(&new, &node.metrics)?;
    }
    node.peers.reload(&new)?;
    let mut notes = changes(&old, &new);
    node.replace_settings(new);
    notes.extend(added.iter().map(|name| format!("metric {name} is loaded")));
    notes.extend(retired.iter().map(|name| format!("metric {name} is gone")));
    notes.extend(node.metrics.rejected().iter().map(|rejected| rejected.to_string()));
    notes.extend(
        fixed.iter().map(|key| format!("{key} has changed; restart the daemon to put it into force")),
    );
    for note in &notes {
        tracing::info!("reload: {note}");
    }
    Ok(notes)
}

/// The new settings with the old values of the keys that cannot change at run time, and those of them that have.
fn with_fixed_keys(old: &Settings, mut new: Settings) -> (Settings, Vec<&'static str>) {
    let mut changed = Vec::new();
    macro_rules! keep {
        ($key:literal, $($field:ident).+) => {
            if old.$($field).+ != new.$($field).+ {
                changed.push($key);
                new.$($field).+ = old.$($field).+.clone();
            }
        };
    }
    keep!("name", name);
    keep!("role", role);
    keep!("state_dir", state_dir);
    keep!("control.socket", control.socket);
    keep!("network.listen", network.listen);
    keep!("keys.master", keys.master);
    keep!("paillier.bits", paillier.bits);
    keep!("paillier.test_keys", paillier.test_keys);
    keep!("plugins.dir", plugins.dir);
    (new, changed)
}

/// One line for each key that changes at once.
fn changes(old: &Settings, new: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    macro_rules! note {
        ($key:literal, $was:expr, $is:expr) => {
            if $was != $is {
                notes.push(format!("{} is {} (was {})", $key, $is, $was));
            }
        };
    }
    let (was, is) = (&old.policy, &new.policy);
    note!("network.timeout_seconds", old.network.timeout.as_secs(), new.network.timeout.as_secs());
    note!("plugins.metric", old.plugins.metric, new.plugins.metric);
    note!("policy.min_rows", was.min_rows, is.min_rows);
    note!("policy.min_cluster_rows", was.min_cluster_rows, is.min_cluster_rows);
    note!("policy.max_rounds", was.max_rounds, is.max_rounds);
    note!("policy.allow_open", was.allow_open, is.allow_open);
    if was.reveal != is.reveal {
        notes.push("policy.reveal has changed".into());
    }
    if old.operators != new.operators {
        notes.extend(new.without_effect().map(str::to_owned));
    }
    let named = |peers: &[Peer], name: &str| peers.iter().find(|peer| peer.name == name).cloned();
    for peer in &new.peers {
        match named(&old.peers, &peer.name) {
            None => notes.push(format!("peer {} is new", peer.name)),
            Some(same) if same != *peer => notes.push(format!("peer {} has changed", peer.name)),
            Some(_) => {}
        }
    }
    let gone = old.peers.iter().filter(|peer| named(&new.peers, &peer.name).is_none());
    notes.extend(gone.map(|peer| format!("peer {} is gone", peer.name)));
    notes
}
