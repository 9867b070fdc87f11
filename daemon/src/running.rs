//! What a command learns from the daemon that holds its vault.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use control::facts::StatusInfo;
use control::{Connection, ErrorCode, Failure, Request, Response};
use transport::Fingerprint;
use transport::unix::peer_credentials;

use crate::keys;
use crate::settings::Settings;

/// How long the daemon may take; it asks its peers first, for a few seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the running daemon says of its keys.
pub(crate) struct OwnKeys {
    /// What peers pin.
    pub(crate) fingerprint: Fingerprint,
    /// The length of its Paillier modulus.
    pub(crate) paillier_bits: u32,
}

/// Asks the daemon on the settings' control socket, which holds the vault that these settings name.
pub(crate) fn own_keys(settings: &Settings) -> Result<OwnKeys, Failure> {
    let socket = settings.control.socket.display();
    let found = status(settings).and_then(|status| {
        if status.name != settings.name {
            return Err(format!("the daemon on {socket} is called {}, not {}", status.name, settings.name));
        }
        let fingerprint = status.fingerprint.parse().map_err(|error| format!("its fingerprint: {error}"))?;
        Ok(OwnKeys { fingerprint, paillier_bits: status.paillier_bits })
    });
    found.map_err(|problem| {
        let message = format!(
            "the vault in {} is in use by another process, and the daemon on {socket} could not be asked: {problem}",
            keys::vault_dir(settings).display()
        );
        Failure::new(ErrorCode::Failed, message)
            .with_hint("`cloisterctl status` shows the running daemon's fingerprint; or stop that process first")
    })
}

fn status(settings: &Settings) -> Result<StatusInfo, String> {
    let stream = UnixStream::connect(&settings.control.socket).map_err(|error| error.to_string())?;
    // Somebody else on that socket would have another fingerprint pinned in place of ours.
    let owner = fs::metadata(keys::vault_dir(settings)).map_err(|error| error.to_string())?.uid();
    let other = peer_credentials(&stream).map_err(|error| error.to_string())?.uid;
    if other != owner {
        return Err(format!(
            "what answers there runs as user {other}, and the vault belongs to user {owner}"
        ));
    }
    stream
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
        .map_err(|error| error.to_string())?;
    let mut daemon = Connection::establish(stream).map_err(|error| error.to_string())?;
    daemon.ask(&Request::Status).map_err(|error| error.to_string())?;
    match daemon.answer().map_err(|error| error.to_string())? {
        Response::Status(status) => Ok(*status),
        Response::Failed(failure) => Err(failure.message),
        _ => Err("its answer fits no question about its status".into()),
    }
}
