//! Running this party's role: on a thread of its own, for it computes; until it ends, fails or is cancelled.

use std::sync::Arc;
use std::time::Duration;

use protocol::{
    Blame, Cause, HostInput, LeadLinks, Outcome, PartyId, Place, ProtocolError, SecondLinks, ThirdPartyLinks,
};
use tokio::task::JoinSet;
use transport::{AbortHandle, SessionLink};

use super::blame;
use super::descriptor::Descriptor;
use super::links::Links;
use super::phases::Phases;
use super::policy::{HostPart, Part};
use super::report;
use crate::jobs::RunningJob;
use crate::node::Node;
use crate::results;

/// How long links stay open to those who hear of a failure from the lead.
const LINGER: Duration = Duration::from_secs(2);

/// Why a role ended without a result.
enum Stopped {
    Cancelled,
    /// Another party gave up, on a link that the role need not have been waiting for.
    Aborted(Blame),
    Protocol(ProtocolError),
}

/// Runs the role and puts its end into the job.
pub(crate) fn spawn(
    node: Arc<Node>,
    job: RunningJob,
    descriptor: Descriptor,
    me: PartyId,
    part: Part,
    links: Links,
) {
    let thread = std::thread::Builder::new().name(format!("run {}", job.id()));
    let spawned = thread.spawn(move || {
        let runtime = node.runtime.clone();
        runtime.block_on(run(&node, job, &descriptor, me, &part, links));
    });
    if let Err(error) = spawned {
        // The job went with the closure and is marked as failed by its drop.
        tracing::error!(%error, "no thread for a run");
    }
}

async fn run(
    node: &Node,
    job: RunningJob,
    descriptor: &Descriptor,
    me: PartyId,
    part: &Part,
    mut links: Links,
) {
    let phases = Phases::begin();
    let handles = links.handles();
    let meter = Arc::clone(&links.meter);
    let max_rounds = descriptor.invitation.max_rounds;
    let progress = |place: Place| {
        phases.enter(place);
        job.progress(report::progress(place, max_rounds));
    };
    // The role's links live until the others have been told: one that is dropped first says only that it is closed.
    let mut playing = Box::pin(role(node, descriptor, me, part, &mut links, &progress));
    let role_ended = tokio::select! {
        biased;
        () = job.cancelled() => Err((Stopped::Cancelled, Vec::new())),
        // What another party says of the culprit goes before what is seen of it here.
        blame = any_aborted(&handles) => Err((Stopped::Aborted(blame), Vec::new())),
        played = &mut playing => match played {
            Ok((Ok(outcome), open_links)) => Ok((outcome, open_links)),
            Ok((Err(error), open_links)) => Err((Stopped::Protocol(error), open_links)),
            Err(error) => Err((Stopped::Protocol(error), Vec::new())),
        },
    };
    let (outcome, open_links) = match role_ended {
        Ok(ended) => ended,
        Err((stopped, _open_links)) => {
            let place = phases.place();
            let (told, failure) = match stopped {
                Stopped::Cancelled => {
                    let message = "its operator stopped the run".into();
                    (Blame { party: me, place, cause: Cause::Stopped, message }, blame::cancelled())
                }
                Stopped::Aborted(told) => {
                    let failure = blame::aborted(&told, descriptor);
                    (told, failure)
                }
                Stopped::Protocol(error) => (error.blame(me, place), blame::failure(&error, descriptor)),
            };
            if told.cause == Cause::Data && told.party == me && me != PartyId::LEAD {
                node.sessions.count_failure(descriptor.invitation.hosts[0].fingerprint);
            }
            let mut silent = false;
            for handle in &handles {
                match blame::for_receiver(&told, me, handle.remote()) {
                    Some(blame) => handle.abort(blame),
                    None => silent = true,
                }
            }
            tracing::warn!(job = job.id(), reason = failure.message, "a run failed");
            blame::kept(job.fail(failure));
            if silent {
                // Closing now could be taken for the failure itself, before the lead's word is there.
                tokio::time::sleep(LINGER).await;
            }
            return;
        }
    };
    drop(playing);
    let ended = match (outcome, part) {
        (Some(outcome), Part::Host(host)) => {
            let (result, labels) = report::result(&job, descriptor, host, outcome, phases.end(), &meter);
            match results::keep(&node.vault, &result, &labels) {
                Ok(()) => job.finish(Some(result.id)),
                Err(failure) => job.fail(failure),
            }
        }
        _ => job.finish(None),
    };
    blame::kept(ended);
    for link in open_links {
        link.close().await;
    }
}

/// Waits until a party at one of the links gives up.
async fn any_aborted(handles: &[AbortHandle]) -> Blame {
    let mut waits = JoinSet::new();
    for handle in handles {
        let handle = handle.clone();
        waits.spawn(async move { handle.aborted().await });
    }
    match waits.join_next().await {
        Some(Ok(blame)) => blame,
        _ => std::future::pending().await,
    }
}

/// A role's end, and its links, to be closed or to be told of what went wrong.
type Played = (Result<Option<Outcome>, ProtocolError>, Vec<SessionLink>);

/// This party's role over its links.
async fn role(
    node: &Node,
    descriptor: &Descriptor,
    me: PartyId,
    part: &Part,
    links: &mut Links,
    progress: &(dyn Fn(Place) + Send + Sync),
) -> Result<Played, ProtocolError> {
    let plan = descriptor.plan();
    match (me, part) {
        (PartyId::LEAD, Part::Host(host)) => {
            let mut own = LeadLinks {
                second: links.take(PartyId::SECOND)?,
                third: links.take(PartyId::THIRD_PARTY)?,
                contributors: links.take_contributors(plan.hosts)?,
            };
            let outcome = protocol::lead(&plan, input(host, progress), &mut own).await;
            Ok((outcome.map(Some), [own.second, own.third].into_iter().chain(own.contributors).collect()))
        }
        (PartyId::SECOND, Part::Host(host)) => {
            let mut own =
                SecondLinks { lead: links.take(PartyId::LEAD)?, third: links.take(PartyId::THIRD_PARTY)? };
            let outcome = protocol::second(&plan, input(host, progress), &mut own).await;
            Ok((outcome.map(Some), vec![own.lead, own.third]))
        }
        (_, Part::Host(host)) => {
            let (mut lead, mut third) = (links.take(PartyId::LEAD)?, links.take(PartyId::THIRD_PARTY)?);
            let outcome = protocol::contributor(&plan, input(host, progress), &mut lead, &mut third).await;
            Ok((outcome.map(Some), vec![lead, third]))
        }
        (_, Part::ThirdParty) => {
            let mut own = ThirdPartyLinks {
                lead: links.take(PartyId::LEAD)?,
                second: links.take(PartyId::SECOND)?,
                contributors: links.take_contributors(plan.hosts)?,
            };
            let ended = protocol::third_party(&plan, &node.paillier, &mut own).await;
            Ok((ended.map(|_| None), [own.lead, own.second].into_iter().chain(own.contributors).collect()))
        }
    }
}

fn input<'a>(host: &'a HostPart, progress: &'a (dyn Fn(Place) + Send + Sync)) -> HostInput<'a> {
    HostInput {
        rows: &host.rows,
        metric: &*host.metric,
        min_cluster_rows: host.min_cluster_rows,
        progress,
        resume: None,
        keep: &|_| {},
    }
}
