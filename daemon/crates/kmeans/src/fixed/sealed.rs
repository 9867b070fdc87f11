//! The exact definition of a run in mode `sealed`.

/// The distances that can be computed on shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Form {
    /// Σ (x − c)².
    SquaredEuclid,
    /// Σ |x − c|.
    Manhattan,
}
