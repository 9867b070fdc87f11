//! Which names the vault takes.

use crate::error::{Result, VaultError};

/// Datasets: 1 to 64 of `A-Z a-z 0-9 . _ -`, not starting with a dot or a dash, so that a name is
/// always safe as a file name and as a command's argument.
pub(crate) fn check_dataset(name: &str) -> Result<()> {
    check("dataset name", name, 64, b"._-", "use 1 to 64 of the characters A-Z a-z 0-9 . _ -")?;
    match name.as_bytes()[0] {
        b'.' | b'-' => {
            Err(VaultError::BadName { what: "dataset name", problem: "it must not start with '.' or '-'" })
        }
        _ => Ok(()),
    }
}

/// Records: 1 to 128 of `A-Z a-z 0-9 . _ : -`.
pub(crate) fn check_record(id: &str) -> Result<()> {
    check("record id", id, 128, b"._:-", "use 1 to 128 of the characters A-Z a-z 0-9 . _ : -")
}

fn check(
    what: &'static str,
    name: &str,
    longest: usize,
    punctuation: &[u8],
    problem: &'static str,
) -> Result<()> {
    let fits = (1..=longest).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || punctuation.contains(&byte));
    if fits { Ok(()) } else { Err(VaultError::BadName { what, problem }) }
}

/// Free text beside a dataset: its format and the file's name.
pub(crate) fn check_text(what: &'static str, text: &str, longest: usize) -> Result<()> {
    if text.len() > longest {
        return Err(VaultError::TooLarge { what, bytes: text.len() as u64, limit: longest as u64 });
    }
    Ok(())
}
