//! From a role's error to the failure that an operator reads: who, where, what, what to do.

use control::{ErrorCode, Failure};
use protocol::{Blame, Cause, LinkError, PartyId, Place, ProtocolError, Step};

use super::descriptor::Descriptor;
use crate::failure::from_rows;

/// The failure of a run that its own operator stopped.
pub(crate) fn cancelled() -> Failure {
    Failure::new(ErrorCode::Failed, "the run was cancelled")
}

/// The failure of a run whose daemon was told to stop.
pub(crate) fn daemon_stopped() -> Failure {
    Failure::new(ErrorCode::Failed, "the daemon was stopped while the job ran")
}

/// What a role's error means here.
pub(crate) fn failure(error: &ProtocolError, descriptor: &Descriptor) -> Failure {
    let named = |peer: PartyId, place: Place, what: &str| {
        format!("{} {what} ({})", descriptor.invitation.name_of(peer), place_in_words(place))
    };
    match error {
        ProtocolError::Link { source: LinkError::Aborted(blame), .. } => aborted(blame, descriptor),
        ProtocolError::Link { peer, place, source } => {
            let failure = Failure::new(ErrorCode::PeerFailed, named(*peer, *place, &source.to_string()));
            match source {
                LinkError::Closed | LinkError::Timeout { .. } => {
                    failure.with_hint("see that its daemon runs and is reachable, then start the run again")
                }
                _ => failure.with_hint("see that all parties run the same release; its log may say more"),
            }
        }
        ProtocolError::Misbehaviour { peer, place, what } => {
            Failure::new(ErrorCode::PeerFailed, named(*peer, *place, &what.to_string()))
                .with_hint("see that all parties run the same release; its log may say more")
        }
        ProtocolError::Rows(error) => from_rows(error),
        ProtocolError::TooFewRows { .. } => Failure::new(ErrorCode::BadData, error.to_string()),
        // Randomness, defects, a kept state that does not fit: reasons of this party's own.
        _ => Failure::new(ErrorCode::Failed, error.to_string()),
    }
}

/// What another party said when it gave up.
pub(crate) fn aborted(blame: &Blame, descriptor: &Descriptor) -> Failure {
    let code = match blame.cause {
        Cause::Unreachable | Cause::Misbehaved | Cause::Stopped | Cause::Internal => ErrorCode::PeerFailed,
        Cause::Data => ErrorCode::BadData,
        Cause::Refused => ErrorCode::Refused,
    };
    let name = descriptor.invitation.name_of(blame.party);
    let said = printable(&blame.message);
    Failure::new(code, format!("{name}: {said} ({})", place_in_words(blame.place)))
        .with_hint(format!("the log of {name} may say more"))
}

/// Another party's words, fit for a terminal and a log: no control characters, none that turn the writing round.
pub(crate) fn printable(words: &str) -> String {
    let unfit = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    words.chars().map(|c| if unfit(c) { ' ' } else { c }).take(500).collect()
}

/// What a party `me` tells the one at a link's other end; `None` if it leaves that to the lead.
///
/// Whose rows failed is nothing for the third party to know: the lead alone tells it that the run is over, in the
/// words of any failure. And the third party passes nothing on, for all hosts hear the lead, and its word without the
/// cause could arrive first.
pub(crate) fn for_receiver(blame: &Blame, me: PartyId, receiver: PartyId) -> Option<Blame> {
    let blame = blame.clone();
    match (me, receiver) {
        (PartyId::THIRD_PARTY, _) if blame.party == PartyId::LEAD && blame.cause == Cause::Internal => None,
        (PartyId::LEAD, PartyId::THIRD_PARTY) if blame.cause == Cause::Data => {
            let message = "failed for a reason of its own; its own log says why".into();
            Some(Blame { party: PartyId::LEAD, cause: Cause::Internal, message, ..blame })
        }
        (_, PartyId::THIRD_PARTY) if blame.cause == Cause::Data => None,
        _ => Some(blame),
    }
}

fn place_in_words(place: Place) -> String {
    match place.step {
        Step::Round => format!("in round {}", place.round + 1),
        step => format!("in step {}", step.name()),
    }
}

/// A job's end that could not be kept in the vault has only the log left to say so.
pub(crate) fn kept(result: Result<(), Failure>) {
    if let Err(failure) = result {
        tracing::error!(error = failure.message, "the end of a job could not be kept");
    }
}
