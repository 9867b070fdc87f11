//! bincode with the settings that make it safe on untrusted bytes: fixed-width integers, a limit on what
//! it may allocate, no trailing bytes. The format's version stands in the envelope around each record.

use bincode::Options;
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::error::Flaw;

/// No structure that is encoded here comes near this; streams carry what is large.
const LIMIT: u64 = 16 * 1024;

fn options() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().with_limit(LIMIT).reject_trailing_bytes()
}

/// # Panics
/// Never for our own structures: their strings are checked against the limits in [`crate::name`] first.
pub(crate) fn encode<T: Serialize>(value: &T) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(options().serialize(value).expect("a structure within the limit"))
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Flaw> {
    options().deserialize(bytes).map_err(|_| Flaw::Inconsistent)
}
