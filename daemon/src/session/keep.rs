//! What a party keeps of a sealed run, so that the run can go on after a failure: what was agreed, and the last
//! states between its rounds.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use control::{ErrorCode, Failure};
use protocol::{Checkpoint, PartyId};
use serde::{Deserialize, Serialize};
use vault::{RecordKind, Vault};
use zeroize::Zeroizing;

use super::costs::{Costs, Spent};
use super::descriptor::{Descriptor, Kept, SessionId};
use crate::failure::from_vault;

/// States that are kept of a run. The last of a party may be two rounds behind the run, for it is written while the
/// next round goes on, and two parties may be one round apart.
const STATES: u32 = 4;
/// The longest record: the centres of the largest run, and the descriptor.
const RECORD_LIMIT: usize = 64 << 20;

/// What the parties of a run agreed on, kept from its begin to its end.
#[derive(Serialize, Deserialize)]
pub(crate) struct Agreed {
    /// This party's place.
    pub(crate) me: PartyId,
    /// Everything public.
    pub(crate) descriptor: Descriptor,
    /// SHA-256 of a host's document.
    pub(crate) document: Option<[u8; 32]>,
    /// Sessions after the first.
    pub(crate) resumptions: u32,
}

/// A state between two rounds. A share on its own tells nothing, but it does not print, and is wiped on drop.
#[derive(Serialize, Deserialize)]
struct State {
    kept: Kept,
    costs: Costs,
    checkpoint: Checkpoint,
}

fn slot(job: &str, round: u32) -> String {
    format!("{job}.{}", round % STATES)
}

fn damaged(job: &str, error: impl std::fmt::Display) -> Failure {
    Failure::new(ErrorCode::Damaged, format!("what was kept of job {job}: {error}"))
        .with_hint("start the run again; `cloisterctl jobs cancel` gives this job up")
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::new(ErrorCode::Failed, format!("the session cannot be kept: {error}"))
}

/// A session begins: keeps what was agreed on a sealed run. If it goes on with an interrupted one (`again`), that is
/// kept already, and the session is counted; if not, nothing may be left under its id.
pub(crate) fn begin(
    vault: &Vault,
    descriptor: &Descriptor,
    me: PartyId,
    document: Option<[u8; 32]>,
    again: bool,
) -> Result<(), Failure> {
    let invitation = &descriptor.invitation;
    if !invitation.is_sealed() {
        return Ok(());
    }
    let job = &invitation.job;
    let now = match (again, agreed(vault, job)?) {
        (false, None) => Agreed { me, descriptor: descriptor.clone(), document, resumptions: 0 },
        (true, Some(before)) => Agreed { resumptions: before.resumptions.saturating_add(1), ..before },
        (false, Some(_)) => {
            return Err(Failure::new(ErrorCode::Refused, format!("the job id {job} was used before")));
        }
        (true, None) => return Err(damaged(job, "what was agreed is gone")),
    };
    agree(vault, &now)
}

/// Keeps what was agreed, durably.
pub(crate) fn agree(vault: &Vault, agreed: &Agreed) -> Result<(), Failure> {
    let record = transport::codec::encode(agreed).map_err(broken)?;
    vault.put_record(RecordKind::Session, &agreed.descriptor.invitation.job, &record).map_err(from_vault)
}

/// What was agreed on a job that has not come to its end.
pub(crate) fn agreed(vault: &Vault, job: &str) -> Result<Option<Agreed>, Failure> {
    let Some(record) = vault.get_record(RecordKind::Session, job).map_err(from_vault)? else {
        return Ok(None);
    };
    transport::codec::decode(&record, RECORD_LIMIT).map(Some).map_err(|error| damaged(job, error))
}

fn read(vault: &Vault, job: &str, round: u32) -> Result<Option<State>, Failure> {
    let record = vault.get_secret_record(RecordKind::Session, &slot(job, round)).map_err(from_vault)?;
    let decode = |record: Zeroizing<Vec<u8>>| transport::codec::decode(&record, RECORD_LIMIT);
    record.map(decode).transpose().map_err(|error| damaged(job, error))
}

/// The states of a job that are here and whole.
pub(crate) fn states(vault: &Vault, job: &str) -> Vec<Kept> {
    let read = (0..STATES).filter_map(|round| match read(vault, job, round) {
        Ok(state) => state.map(|state| state.kept),
        Err(failure) => {
            tracing::warn!(job, reason = failure.message, "a state is left out");
            None
        }
    });
    read.collect()
}

/// One state, and what the run had cost by then.
pub(crate) fn state(vault: &Vault, job: &str, kept: Kept) -> Result<(Checkpoint, Costs), Failure> {
    match read(vault, job, kept.round)? {
        Some(state) if state.kept == kept => Ok((state.checkpoint, state.costs)),
        _ => Err(damaged(job, format!("the state after round {} is gone", kept.round))),
    }
}

/// Forgets all of a job.
pub(crate) fn forget(vault: &Vault, job: &str) -> Result<(), Failure> {
    // What was agreed goes last: as long as it is there, the rest is found.
    for record in (0..STATES).map(|round| slot(job, round)).chain([job.to_owned()]) {
        vault.remove_record(RecordKind::Session, &record).map_err(from_vault)?;
    }
    Ok(())
}

/// Forgets what is kept of all jobs but these: of those that came to their end as the daemon died.
pub(crate) fn forget_others(vault: &Vault, interrupted: &[String]) -> Result<(), Failure> {
    let mut forgotten = Ok(());
    for record in vault.list_records(RecordKind::Session).map_err(from_vault)? {
        let job = record.split('.').next().unwrap_or_default();
        if !interrupted.iter().any(|known| known == job) {
            // One that cannot go does not keep the others.
            let removed = vault.remove_record(RecordKind::Session, &record).map_err(from_vault);
            forgotten = forgotten.and(removed.map(|_| ()));
        }
    }
    forgotten
}

/// Keeps the states of one session, in the background: a round waits for the state of the round before to be durable,
/// not for its own. Dropped, it waits for the last one.
pub(crate) struct Keeper {
    session: SessionId,
    spent: Arc<Spent>,
    writer: Mutex<Option<Writer>>,
}

/// The thread that writes, and the way to it.
struct Writer {
    queue: SyncSender<State>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// For a job's session, whose costs are `spent`.
    pub(crate) fn new(
        vault: Arc<Vault>,
        job: String,
        session: SessionId,
        spent: Arc<Spent>,
    ) -> Result<Self, Failure> {
        let (queue, states) = sync_channel::<State>(0);
        let thread = std::thread::Builder::new()
            .name(format!("keep {job}"))
            .spawn(move || {
                for state in states {
                    if let Err(failure) = write(&vault, &job, &state) {
                        // The run itself is not harmed: it could go on from an earlier round.
                        tracing::error!(job, reason = failure.message, "a state could not be kept");
                    }
                }
            })
            .map_err(broken)?;
        Ok(Keeper { session, spent, writer: Mutex::new(Some(Writer { queue, thread })) })
    }

    /// Takes the state after a round.
    pub(crate) fn keep(&self, checkpoint: &Checkpoint) {
        let kept = Kept { round: checkpoint.round, session: self.session };
        let state = State { kept, costs: self.spent.total(), checkpoint: checkpoint.clone() };
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.as_ref().is_none_or(|writer| writer.queue.send(state).is_err()) {
            tracing::error!("the writer of a session's states has ended");
        }
    }

    /// Waits for the last state to be durable; takes no more.
    pub(crate) fn finish(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Writer { queue, thread }) = writer {
            drop(queue);
            if thread.join().is_err() {
                tracing::error!("the writer of a session's states has panicked");
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.finish();
    }
}

fn write(vault: &Vault, job: &str, state: &State) -> Result<(), Failure> {
    let record = Zeroizing::new(transport::codec::encode(state).map_err(broken)?);
    vault.put_record(RecordKind::Session, &slot(job, state.kept.round), &record).map_err(from_vault)
}

#[cfg(test)]
mod tests {
    use kmeans::fixed::Normalise;
    use transport::Meter;
    use vault::{MasterSecret, Unlock};

    use super::super::descriptor::tests::descriptor;
    use super::super::phases::Phases;
    use super::*;

    fn vault(folder: &tempfile::TempDir) -> Arc<Vault> {
        let unlock: Unlock = MasterSecret::from_bytes(&[7; 32]).unwrap().into();
        Arc::new(Vault::create(folder.path().join("vault"), &unlock).unwrap())
    }

    fn checkpoint(round: u32) -> Checkpoint {
        Checkpoint { round, centres: vec![u64::from(round); 6], scale: Vec::new() }
    }

    #[test]
    fn the_last_states_are_kept_and_go_with_the_job() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(&folder);
        let descriptor = descriptor(Normalise::ZScore);
        let (job, session) = (descriptor.invitation.job.clone(), descriptor.session_id());
        let begin = |document, again| begin(&vault, &descriptor, PartyId::SECOND, Some(document), again);
        assert_eq!(begin([3; 32], true).unwrap_err().code, ErrorCode::Damaged, "nothing to go on with");
        begin([3; 32], false).unwrap();
        assert_eq!(agreed(&vault, &job).unwrap().unwrap().resumptions, 0);
        assert_eq!(begin([4; 32], false).unwrap_err().code, ErrorCode::Refused, "it is another run's");
        begin([4; 32], true).unwrap();
        let spent = Arc::new(Spent::begin(Costs::default(), Arc::new(Meter::new()), Phases::begin()));
        let keeper = Keeper::new(Arc::clone(&vault), job.clone(), session, spent).unwrap();
        (0..7).for_each(|round| keeper.keep(&checkpoint(round)));
        drop(keeper);
        let mut rounds: Vec<u32> = states(&vault, &job).iter().map(|kept| kept.round).collect();
        rounds.sort_unstable();
        assert_eq!(rounds, [3, 4, 5, 6]);
        let (checkpoint, _) = state(&vault, &job, Kept { round: 5, session }).unwrap();
        assert_eq!((checkpoint.round, checkpoint.centres[0]), (5, 5));
        for gone in [Kept { round: 2, session }, Kept { round: 5, session: [0; 16] }] {
            assert_eq!(state(&vault, &job, gone).unwrap_err().code, ErrorCode::Damaged, "{gone:?}");
        }
        let Agreed { document, resumptions, .. } = agreed(&vault, &job).unwrap().unwrap();
        assert_eq!((document, resumptions), (Some([3; 32]), 1), "the first session's rows");

        forget_others(&vault, std::slice::from_ref(&job)).unwrap();
        assert_eq!(states(&vault, &job).len(), 4);
        forget(&vault, &job).unwrap();
        assert!(states(&vault, &job).is_empty() && agreed(&vault, &job).unwrap().is_none());
        assert!(vault.list_records(RecordKind::Session).unwrap().is_empty());
    }

    #[test]
    fn what_is_kept_of_an_ended_job_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(&folder);
        for record in ["aa", "aa.0", "bb", "bb.3"] {
            vault.put_record(RecordKind::Session, record, b"x").unwrap();
        }
        forget_others(&vault, &["bb".into()]).unwrap();
        assert_eq!(vault.list_records(RecordKind::Session).unwrap(), ["bb", "bb.3"]);
    }
}
