//! Running this party's role: on a thread of its own, for it computes; until it ends, fails or is cancelled.

use std::sync::Arc;
use std::time::Duration;

use control::{ErrorCode, Failure};
use protocol::{
    Blame, Cause, Checkpoint, HostInput, LeadLinks, Outcome, PartyId, Place, ProtocolError, SecondLinks,
    Step, ThirdPartyLinks,
};
use tokio::task::{JoinHandle, JoinSet};
use transport::{AbortHandle, SessionLink};

use super::costs::{Costs, Spent};
use super::descriptor::Descriptor;
use super::keep::Keeper;
use super::links::Links;
use super::phases::Phases;
use super::policy::{HostPart, Part};
use super::{blame, keep, pace, report};
use crate::jobs::{RunningJob, StoppedBy};
use crate::node::Node;
use crate::results;

/// How long links stay open to those who hear of a failure from the lead.
const LINGER: Duration = Duration::from_secs(2);

/// Why a role ended without a result.
enum Stopped {
    Here(StoppedBy),
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

/// Ends a job that another party was lost to: interrupted where enough of it is kept to go on.
pub(crate) fn lost(node: &Node, job: &RunningJob, me: PartyId, failure: Failure) {
    let lost = failure.code == ErrorCode::PeerFailed || job.is_stopped() == Some(StoppedBy::Daemon);
    let kept = lost && matches!(keep::agreed(&node.vault, job.id()), Ok(Some(_)));
    blame::kept(if kept { job.interrupt(failure, me) } else { job.fail(failure) });
}

/// What a host brings to a session of its run, beside its rows.
struct Session {
    /// Where it goes on.
    resume: Option<Checkpoint>,
    /// Where its states go, in mode `sealed`.
    keeper: Option<Keeper>,
    spent: Arc<Spent>,
}

impl Session {
    /// Blocks on the vault.
    fn begin(
        node: &Node,
        job: &RunningJob,
        descriptor: &Descriptor,
        part: &Part,
        links: &Links,
    ) -> Result<Self, Failure> {
        let is_host = matches!(part, Part::Host(_));
        let (resume, earlier) = match descriptor.resume.filter(|_| is_host) {
            Some(kept) => {
                let (checkpoint, costs) = keep::state(&node.vault, job.id(), kept)?;
                (Some(checkpoint), costs)
            }
            None => (None, Costs::default()),
        };
        let spent = Arc::new(Spent::begin(earlier, Arc::clone(&links.meter), Phases::begin()));
        let keeper = match is_host && descriptor.invitation.is_sealed() {
            true => Some(Keeper::new(
                Arc::clone(&node.vault),
                job.id().to_owned(),
                descriptor.session_id(),
                Arc::clone(&spent),
            )?),
            false => None,
        };
        Ok(Session { resume, keeper, spent })
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
    let handles = links.handles();
    let Session { mut resume, keeper, spent } = match Session::begin(node, &job, descriptor, part, &links) {
        Ok(session) => session,
        Err(failure) => {
            let place = Place { step: Step::Setup, round: 0 };
            let message = "failed for a reason of its own; its own log says why".into();
            let told = Blame { party: me, place, cause: Cause::Internal, message };
            handles.iter().for_each(|handle| handle.abort(told.clone()));
            tracing::error!(job = job.id(), reason = failure.message, "a run could not go on");
            return blame::kept(job.fail(failure));
        }
    };
    let max_rounds = descriptor.invitation.max_rounds;
    let progress = |place: Place| {
        spent.enter(place);
        job.progress(report::progress(place, max_rounds));
    };
    let keep = |checkpoint: &Checkpoint| {
        if let Some(keeper) = &keeper {
            keeper.keep(checkpoint);
        }
    };
    let pace = pace::tell(job.reporter(), Arc::clone(&spent), descriptor.plan(), me);
    let pace = AbortOnDrop(node.runtime.spawn(pace));
    // The role's links live until the others have been told: one that is dropped first says only that it is closed.
    let told = Told { progress: &progress, keep: &keep };
    let mut playing = Box::pin(role(node, descriptor, me, part, &mut links, resume.take(), told));
    let role_ended = tokio::select! {
        biased;
        by = job.stopped() => Err((Stopped::Here(by), Vec::new())),
        // What another party says of the culprit goes before what is seen of it here.
        blame = any_aborted(&handles) => Err((Stopped::Aborted(blame), Vec::new())),
        played = &mut playing => match played {
            Ok((Ok(outcome), open_links)) => Ok((outcome, open_links)),
            Ok((Err(error), open_links)) => Err((Stopped::Protocol(error), open_links)),
            Err(error) => Err((Stopped::Protocol(error), Vec::new())),
        },
    };
    drop(pace);
    let (outcome, open_links) = match role_ended {
        Ok(ended) => ended,
        Err((stopped, _open_links)) => {
            let place = spent.place();
            let (told, failure) = match stopped {
                Stopped::Here(StoppedBy::Operator) => {
                    let message = "its operator stopped the run".into();
                    (Blame { party: me, place, cause: Cause::Stopped, message }, blame::cancelled())
                }
                Stopped::Here(StoppedBy::Daemon) => {
                    let message = "its daemon was stopped".into();
                    (Blame { party: me, place, cause: Cause::Unreachable, message }, blame::daemon_stopped())
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
            // The last state is there before the job can be resumed from it.
            if let Some(keeper) = &keeper {
                keeper.finish();
            }
            match told.cause {
                Cause::Unreachable => lost(node, &job, me, failure),
                _ => blame::kept(job.fail(failure)),
            }
            if silent {
                // Closing now could be taken for the failure itself, before the lead's word is there.
                tokio::time::sleep(LINGER).await;
            }
            return;
        }
    };
    drop(playing);
    drop(keeper);
    let ended = match (outcome, part) {
        (Some(outcome), Part::Host(host)) => {
            let (result, labels) = report::result(&job, descriptor, host, outcome, &spent.total());
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

/// A task that is not to outlive its purpose.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
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
    resume: Option<Checkpoint>,
    told: Told<'_>,
) -> Result<Played, ProtocolError> {
    let plan = descriptor.plan();
    let input = |host| input(host, resume, told);
    match (me, part) {
        (PartyId::LEAD, Part::Host(host)) => {
            let mut own = LeadLinks {
                second: links.take(PartyId::SECOND)?,
                third: links.take(PartyId::THIRD_PARTY)?,
                contributors: links.take_contributors(plan.hosts)?,
            };
            let outcome = protocol::lead(&plan, input(host), &mut own).await;
            Ok((outcome.map(Some), [own.second, own.third].into_iter().chain(own.contributors).collect()))
        }
        (PartyId::SECOND, Part::Host(host)) => {
            let mut own =
                SecondLinks { lead: links.take(PartyId::LEAD)?, third: links.take(PartyId::THIRD_PARTY)? };
            let outcome = protocol::second(&plan, input(host), &mut own).await;
            Ok((outcome.map(Some), vec![own.lead, own.third]))
        }
        (_, Part::Host(host)) => {
            let (mut lead, mut third) = (links.take(PartyId::LEAD)?, links.take(PartyId::THIRD_PARTY)?);
            let outcome = protocol::contributor(&plan, me, input(host), &mut lead, &mut third).await;
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

/// Whom a role tells of its steps and states.
#[derive(Clone, Copy)]
struct Told<'a> {
    progress: &'a (dyn Fn(Place) + Send + Sync),
    keep: &'a (dyn Fn(&Checkpoint) + Send + Sync),
}

fn input<'a>(host: &'a HostPart, resume: Option<Checkpoint>, told: Told<'a>) -> HostInput<'a> {
    HostInput {
        rows: &host.rows,
        metric: &*host.metric,
        min_cluster_rows: host.min_cluster_rows,
        progress: told.progress,
        resume,
        keep: told.keep,
    }
}
