//! What can go wrong in the engine: wrong shapes, wrong lengths from the peer, misuse of its order.

/// A failure of the sharing engine.
///
/// No variant carries a value that was shared, only sizes and names.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A vector or message has another length than its place demands. When it came from the peer, the peer
    /// misbehaves or runs another circuit.
    #[error("{what}: expected {expected}, found {found}")]
    Length {
        /// What was counted, with its unit.
        what: &'static str,
        /// The count that the circuit or the shape demands.
        expected: usize,
        /// The count that was given.
        found: usize,
    },
    /// A shape parameter lies outside its allowed range.
    #[error("{what} is {found}, but must be between {least} and {most}")]
    Range {
        /// The parameter, with its unit.
        what: &'static str,
        /// The smallest allowed value.
        least: usize,
        /// The largest allowed value.
        most: usize,
        /// The value that was given.
        found: usize,
    },
    /// Fewer dealt triples are left than the next layer uses. Ask the dealer for more; none is used twice.
    #[error("triples exhausted: {needed} words needed, {available} left; the dealer must send more")]
    TriplesExhausted {
        /// Words of triples that the step uses.
        needed: usize,
        /// Words of triples that are left.
        available: usize,
    },
    /// Triples dealt for one party were offered to the evaluation of the other.
    #[error("the triples belong to the other party")]
    WrongParty,
    /// A step of an evaluation was called out of order.
    #[error("step out of order: {0}")]
    OutOfOrder(&'static str),
    /// The operating system gave no randomness.
    #[error("the operating system's random generator failed: {0}")]
    Randomness(#[from] getrandom::Error),
}

/// Checks that `found` lies in `least..=most`.
pub(crate) fn check_range(what: &'static str, found: usize, least: usize, most: usize) -> Result<(), Error> {
    if (least..=most).contains(&found) { Ok(()) } else { Err(Error::Range { what, least, most, found }) }
}

/// Checks that `found` equals `expected`.
pub(crate) fn check_length(what: &'static str, found: usize, expected: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::Length { what, expected, found }) }
}
