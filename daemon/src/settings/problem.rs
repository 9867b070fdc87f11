use std::fmt;

/// One thing that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// Where it stands: the settings file, or the environment.
    pub place: String,
    /// The key, for instance `policy.min_rows` or `peer[2].address`; empty where the whole file is meant.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Problem {
    /// Whether nothing that is kept on this machine depends on it: not where keys, vault and plugins are, nor what
    /// they must be.
    pub(crate) fn is_apart_from_state(&self) -> bool {
        ["network", "policy", "operator", "peer"].iter().any(|section| {
            self.key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}
