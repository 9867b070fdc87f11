use control::{ClusterRequest, ErrorCode, Failure, Normalize, Request, Response};

use super::{Identified, estimate, jobs};
use crate::cli;
use crate::daemon::{Daemon, answer};
use crate::output::{Outcome, Output};

pub(super) fn cluster(
    connect: impl FnOnce() -> Outcome<Daemon>,
    cluster: &cli::Cluster,
    output: &Output,
) -> Outcome {
    let request = request(cluster)?;
    let mut daemon = connect()?;
    if cluster.estimate {
        let found = daemon.ask(&Request::Estimate(request), answer!(Estimate))?;
        return output.facts("estimate", &*found, estimate::people);
    }
    let id = daemon.ask(&Request::Cluster(request), |response| match response {
        Response::JobStarted { id } => Ok(id),
        other => Err(other),
    })?;
    if cluster.detach {
        return output.done("job", &Identified { id: &id }, &format!("started job {id}"));
    }
    output.note(&format!("started job {id}; Ctrl-C leaves it running"));
    jobs::follow(&mut daemon, &id, output)
}

fn request(cluster: &cli::Cluster) -> Result<ClusterRequest, Failure> {
    if !cluster.bounds.is_empty() && cluster.normalize != Normalize::Range {
        let message = "--bounds goes with --normalize range only";
        return Err(
            Failure::new(ErrorCode::Usage, message).with_hint("add --normalize range, or leave --bounds out")
        );
    }
    if cluster.bounds.is_empty() && cluster.normalize == Normalize::Range {
        return Err(Failure::new(ErrorCode::Usage, "--normalize range needs public bounds")
            .with_hint("add --bounds ATTRIBUTE=LOW:HIGH once for each attribute, or one list with commas"));
    }
    Ok(ClusterRequest {
        dataset: cluster.name.clone(),
        k: cluster.k,
        peers: cluster.peers.clone(),
        third_party: cluster.third_party.clone(),
        metric: cluster.metric.clone(),
        privacy: cluster.privacy,
        normalize: cluster.normalize,
        bounds: cluster.bounds.iter().flat_map(|list| list.0.clone()).collect(),
        missing: cluster.missing,
        attributes: cluster.attributes.clone(),
        max_rounds: cluster.max_rounds,
        tolerance: cluster.tolerance,
        starts: cluster.starts,
        seed: cluster.seed,
    })
}
