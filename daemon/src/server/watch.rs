//! Following a job.

use std::time::Duration;

use control::facts::JobState;
use control::{CodecError, ErrorCode, Failure, Response};
use rustix::net::RecvFlags;

use super::conversation::{Client, End};
use crate::service::Service;

/// How often to look whether the client is still there while nothing happens.
const LOOK: Duration = Duration::from_secs(1);

/// Tells a client how far a job is until it is over or the client leaves.
pub(super) fn watch(service: &Service, client: &mut Client, id: &str) -> Result<(), End> {
    let node = &service.node;
    let mut view = node.jobs.watch(id)?;
    loop {
        let now = view.borrow_and_update().clone();
        match now.info.state {
            JobState::Running => client.send(&Response::Progress(now.progress))?,
            JobState::Finished => return Ok(client.send(&Response::Finished { result: now.info.result })?),
            JobState::Failed | JobState::Cancelled | JobState::Interrupted => {
                let unknown =
                    || Failure::new(ErrorCode::Failed, format!("the job is over ({})", now.info.state));
                return Err(now.info.failure.unwrap_or_else(unknown).into());
            }
        }
        loop {
            match node.runtime.block_on(async { tokio::time::timeout(LOOK, view.changed()).await }) {
                Ok(Ok(())) => break,
                Ok(Err(_)) => {
                    return Err(Failure::new(ErrorCode::NotFound, "the job has been forgotten").into());
                }
                Err(_) if has_left(client) => return Err(End::Broken(CodecError::Closed)),
                Err(_) => {}
            }
        }
    }
}

/// Whether the client has closed its side, without taking anything that it has sent.
fn has_left(client: &Client) -> bool {
    let mut byte = [0_u8; 1];
    match rustix::net::recv(client.stream(), &mut byte[..], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        Ok((_, length)) => length == 0,
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => false,
        Err(_) => true,
    }
}
