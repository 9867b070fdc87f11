//! One client's requests, one after the other.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use control::{CodecError, ConnectError, Connection, ErrorCode, Failure, Request, Response};

use super::{transfer, watch};
use crate::failure::from_vault;
use crate::service::Service;
use crate::settings::Role;
use crate::{datasets, plugins, reload, results, session, status};

/// How long a client may take to say hello, and to take in an answer.
const CLIENT: Duration = Duration::from_secs(30);
/// The same for one that is only told why it is not served.
const HURRIED: Duration = Duration::from_secs(5);
/// How long a client may think between two requests, or between two pieces of a document.
const IDLE: Duration = Duration::from_secs(300);

/// Why a conversation, or one request of it, is over.
pub(super) enum End {
    /// The client is gone, or what it sends makes no sense.
    Broken(CodecError),
    /// The request failed; the client is to be told.
    Failed(Failure),
    /// As [`Self::Failed`], and the client may have sent more of what failed: nothing it sends can be trusted to
    /// be a request.
    Hopeless(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        End::Failed(failure)
    }
}

impl From<CodecError> for End {
    fn from(error: CodecError) -> Self {
        match error {
            CodecError::MessageTooLong => End::Failed(Failure::new(
                ErrorCode::Failed,
                "the answer is longer than the control socket carries",
            )),
            error => End::Broken(error),
        }
    }
}

/// A client after both hellos.
pub(super) type Client = Connection<UnixStream>;

/// Says why a client is not served, and hangs up.
pub(super) fn turn_away(stream: UnixStream, failure: Failure) {
    let limited =
        stream.set_read_timeout(Some(HURRIED)).and_then(|()| stream.set_write_timeout(Some(HURRIED)));
    // The client's hello is taken too: a connection that is closed over unread bytes loses the answer.
    if limited.is_ok()
        && let Ok(mut client) = Connection::establish(stream)
    {
        // A client that has left already misses nothing.
        let _ = client.send(&Response::Failed(failure));
    }
}

/// Talks with one client until it leaves.
pub(super) fn hold(service: &Arc<Service>, stream: UnixStream) {
    let deadlines =
        stream.set_read_timeout(Some(CLIENT)).and_then(|()| stream.set_write_timeout(Some(CLIENT)));
    if let Err(error) = deadlines {
        return tracing::warn!(%error, "a client's connection takes no deadline");
    }
    let mut client = match Connection::establish(stream) {
        Ok(client) => client,
        Err(ConnectError::Codec(CodecError::Closed)) => return,
        Err(error) => return tracing::info!(%error, "a client did not begin as it must"),
    };
    if let Err(error) = client.stream().set_read_timeout(Some(IDLE)) {
        return tracing::warn!(%error, "a client's connection takes no deadline");
    }
    loop {
        let request = match client.receive() {
            Ok(request) => request,
            Err(CodecError::Closed) => return,
            Err(error) => return leave(&mut client, &error),
        };
        let ended = match answer(service, &mut client, request) {
            Ok(()) => Ok(()),
            Err(End::Broken(error)) => return tracing::debug!(%error, "a client left"),
            Err(End::Failed(failure)) => client.send(&Response::Failed(failure)),
            Err(End::Hopeless(failure)) => {
                // The last word; a client that does not read it has left.
                let _ = client.send(&Response::Failed(failure));
                return;
            }
        };
        if let Err(error) = ended {
            return tracing::debug!(%error, "a client left");
        }
    }
}

/// Tells a client, if it is there, why it is not understood.
fn leave(client: &mut Client, error: &CodecError) {
    tracing::debug!(%error, "a client's request could not be read");
    let message = match error {
        CodecError::Io(_) => format!("no request came within {} s", IDLE.as_secs()),
        error => error.to_string(),
    };
    let failure =
        Failure::new(ErrorCode::Usage, message).with_hint("client and daemon should be of one release");
    // It may be gone.
    let _ = client.send(&Response::Failed(failure));
}

fn answer(service: &Arc<Service>, client: &mut Client, request: Request) -> Result<(), End> {
    match request {
        Request::Upload { name, file_name, size } => {
            only_hosts(service, "takes no datasets")?;
            going_on(service)?;
            transfer::upload(service, client, &name, &file_name, size)
        }
        Request::Retrieve { name, format } => transfer::retrieve(service, client, &name, format),
        Request::Labels { id } => transfer::labels(service, client, &id),
        Request::WatchJob { id } => watch::watch(service, client, &id),
        other => Ok(client.send(&reply(service, other)?)?),
    }
}

/// The one response to a request that has one.
fn reply(service: &Arc<Service>, request: Request) -> Result<Response, Failure> {
    let node = &service.node;
    let vault = &node.vault;
    Ok(match request {
        Request::Status => Response::Status(Box::new(status::status(service)?)),
        Request::Datasets => Response::Datasets(datasets::list(vault)?),
        Request::ShowDataset { name } => Response::Dataset(Box::new(datasets::show(vault, &name)?)),
        Request::RemoveDataset { name } => {
            vault.remove(&name).map_err(from_vault)?;
            tracing::info!(dataset = name, "removed");
            Response::Done
        }
        Request::Cluster(request) => {
            only_hosts(service, "starts no runs")?;
            going_on(service)?;
            Response::JobStarted { id: session::start(node, request)? }
        }
        Request::Estimate(request) => {
            only_hosts(service, "starts no runs")?;
            going_on(service)?;
            Response::Estimate(Box::new(session::estimate(node, &request)?))
        }
        Request::ResumeJob { id } => {
            only_hosts(service, "resumes no runs")?;
            going_on(service)?;
            Response::JobStarted { id: session::resume(node, &id)? }
        }
        Request::Jobs => Response::Jobs(node.jobs.list()),
        Request::CancelJob { id } => {
            node.jobs.cancel(&id)?;
            Response::Done
        }
        Request::Results => Response::Results(results::list(vault)?),
        Request::ShowResult { id } => Response::Result(Box::new(results::get(vault, &id)?)),
        Request::RemoveResult { id } => {
            results::remove(vault, &id)?;
            Response::Done
        }
        Request::Peers => Response::Peers(node.peers.list().iter().map(status::known).collect()),
        Request::AddPeer(new) => Response::Peer(Box::new(status::known(&node.peers.add(&new)?))),
        Request::PingPeer { name } => {
            let peer = node.peers.by_name(&name)?;
            Response::Peer(Box::new(node.runtime.block_on(status::ask(node, &peer))))
        }
        Request::RemovePeer { name } => {
            node.peers.remove(&name)?;
            Response::Done
        }
        Request::Plugins => Response::Plugins(plugins::list(node)),
        Request::CheckPlugin { file } => Response::Plugin(Box::new(plugins::check(node, &file)?)),
        Request::Reload => Response::Reloaded { notes: reload::reload(service)? },
        Request::Chunk(_) | Request::End => {
            return Err(Failure::new(ErrorCode::Usage, "a piece of a document that was not announced"));
        }
        Request::Upload { .. }
        | Request::Retrieve { .. }
        | Request::Labels { .. }
        | Request::WatchJob { .. } => {
            return Err(Failure::new(
                ErrorCode::Failed,
                "a request of many answers was taken for one of one",
            ));
        }
    })
}

fn only_hosts(service: &Service, does_not: &str) -> Result<(), Failure> {
    let settings = service.node.settings();
    if settings.role == Role::Host {
        return Ok(());
    }
    let message = format!("{} is a third party (role) and {does_not}", settings.name);
    Err(Failure::new(ErrorCode::Refused, message).with_hint("ask the daemon of a host"))
}

fn going_on(service: &Service) -> Result<(), Failure> {
    if service.is_stopping() {
        return Err(Failure::new(ErrorCode::Failed, "the daemon is stopping"));
    }
    Ok(())
}
