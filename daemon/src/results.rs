//! Results of runs in the vault: the facts in one record, the labels in another.

use control::facts::{ResultInfo, RunResult};
use control::{ErrorCode, Failure};
use vault::{RecordKind, Vault};

use crate::failure::from_vault;

/// The longest record of a result: a thousand centres of a thousand attributes.
const RESULT_LIMIT: usize = 64 << 20;
/// The longest record of labels: four bytes a row and some.
const LABELS_LIMIT: usize = 1 << 30;
/// Stands for a row that was left out.
const LEFT_OUT: u32 = u32::MAX;

/// Keeps a result, durably. The labels come first: a result that can be seen is whole.
pub fn keep(vault: &Vault, result: &RunResult, labels: &[Option<u32>]) -> Result<(), Failure> {
    let broken = |error| Failure::new(ErrorCode::Failed, format!("the result cannot be kept: {error}"));
    let labels: Vec<u32> = labels.iter().map(|label| label.unwrap_or(LEFT_OUT)).collect();
    let labels = transport::codec::encode(&labels).map_err(broken)?;
    vault.put_record(RecordKind::Labels, &result.id, &labels).map_err(from_vault)?;
    let record = transport::codec::encode(result).map_err(broken)?;
    vault.put_record(RecordKind::Result, &result.id, &record).map_err(from_vault)
}

/// All results in short, the newest first.
pub fn list(vault: &Vault) -> Result<Vec<ResultInfo>, Failure> {
    let ids = vault.list_records(RecordKind::Result).map_err(from_vault)?;
    let mut infos = ids
        .iter()
        .map(|id| {
            read(vault, id).map(|result| ResultInfo {
                id: result.id,
                dataset: result.dataset,
                k: result.k,
                metric: result.metric,
                privacy: result.privacy,
                rounds: result.rounds,
                converged: result.converged,
                started_unix: result.started_unix,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    infos.sort_by(|a, b| b.started_unix.cmp(&a.started_unix).then_with(|| a.id.cmp(&b.id)));
    Ok(infos)
}

/// The result with that id, or with an id that alone begins so.
pub fn get(vault: &Vault, id: &str) -> Result<RunResult, Failure> {
    read(vault, &resolve(vault, id)?)
}

/// The labels of this host's rows as CSV, `row,label`; rows left out have no label.
pub fn labels_csv(vault: &Vault, id: &str) -> Result<String, Failure> {
    let id = resolve(vault, id)?;
    let record = vault
        .get_record(RecordKind::Labels, &id)
        .map_err(from_vault)?
        .ok_or_else(|| Failure::new(ErrorCode::Damaged, format!("result {id} has lost its labels")))?;
    let labels: Vec<u32> = transport::codec::decode(&record, LABELS_LIMIT)
        .map_err(|error| Failure::new(ErrorCode::Damaged, format!("the labels of result {id}: {error}")))?;
    let mut csv = String::from("row,label\n");
    for (row, &label) in labels.iter().enumerate() {
        csv.push_str(&match label {
            LEFT_OUT => format!("{},\n", row + 1),
            label => format!("{},{label}\n", row + 1),
        });
    }
    Ok(csv)
}

/// Forgets a result.
pub fn remove(vault: &Vault, id: &str) -> Result<(), Failure> {
    let id = resolve(vault, id)?;
    vault.remove_record(RecordKind::Result, &id).map_err(from_vault)?;
    vault.remove_record(RecordKind::Labels, &id).map_err(from_vault)?;
    Ok(())
}

fn resolve(vault: &Vault, id: &str) -> Result<String, Failure> {
    let ids = vault.list_records(RecordKind::Result).map_err(from_vault)?;
    let mut found = ids.into_iter().filter(|known| !id.is_empty() && known.starts_with(id));
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => {
            Err(Failure::new(ErrorCode::NotFound, format!("several results begin with {id}"))
                .with_hint("give more of the id"))
        }
        _ => Err(Failure::new(ErrorCode::NotFound, format!("no result has the id {id}"))
            .with_hint("`cloisterctl results list` shows them")),
    }
}

fn read(vault: &Vault, id: &str) -> Result<RunResult, Failure> {
    let record = vault
        .get_record(RecordKind::Result, id)
        .map_err(from_vault)?
        .ok_or_else(|| Failure::new(ErrorCode::NotFound, format!("no result has the id {id}")))?;
    transport::codec::decode(&record, RESULT_LIMIT)
        .map_err(|error| Failure::new(ErrorCode::Damaged, format!("result {id}: {error}")))
}
