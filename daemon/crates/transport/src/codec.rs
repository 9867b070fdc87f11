//! Values to bytes and back: one version byte, then bincode with fixed-width integers.
//!
//! The only place that knows the serialisation format. bincode is never given a reader, whose length
//! fields would choose how much it allocates; it sees slices that were framed and measured before.

use bincode::Options;
use serde::{Serialize, de::DeserializeOwned};

/// The version of the encoding, the first byte of every encoded value.
pub const VERSION: u8 = 1;

/// Why bytes are no value, or a value is no bytes. Says nothing of the content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The encoding is longer than the caller allows.
    #[error("{len} bytes where at most {limit} can be")]
    TooLong {
        /// The length, without the version byte.
        len: u64,
        /// The caller's limit.
        limit: u64,
    },
    /// Another version of the encoding.
    #[error("encoding version {found} where this build speaks {VERSION}; run the same release at both ends")]
    Version {
        /// The version byte.
        found: u8,
    },
    /// The bytes do not follow the format.
    #[error("{0}")]
    Malformed(&'static str),
}

fn options() -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().reject_trailing_bytes()
}

/// The version byte and the encoding of `value`.
///
/// # Errors
/// [`CodecError::Malformed`] if the type serialises in a way that the format has no place for (a
/// sequence of unknown length, for instance): a defect of the type, not of its content.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    let size = options().serialized_size(value).map_err(|e| malformed(&e))?;
    let capacity = usize::try_from(size).map_err(|_| CodecError::Malformed("longer than memory"))?;
    let mut bytes = Vec::with_capacity(capacity.saturating_add(1));
    bytes.push(VERSION);
    options().serialize_into(&mut bytes, value).map_err(|e| malformed(&e))?;
    Ok(bytes)
}

/// The value in `bytes`, of which at most `limit` may follow the version byte.
///
/// # Errors
/// [`CodecError`] if the bytes are too long, of another version, cut short, followed by more, or hold a
/// value that the type refuses.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, CodecError> {
    let (&version, body) = bytes.split_first().ok_or(CodecError::Malformed("it is empty"))?;
    if version != VERSION {
        return Err(CodecError::Version { found: version });
    }
    if body.len() > limit {
        return Err(CodecError::TooLong { len: body.len() as u64, limit: limit as u64 });
    }
    options().with_limit(limit as u64).deserialize(body).map_err(|e| malformed(&e))
}

/// bincode's own texts may quote values, so each kind gets a fixed one.
fn malformed(error: &bincode::ErrorKind) -> CodecError {
    use bincode::ErrorKind;
    CodecError::Malformed(match error {
        ErrorKind::Io(_) => "it ends too early",
        ErrorKind::SizeLimit => "a length within it exceeds its limit",
        ErrorKind::InvalidUtf8Encoding(_) => "a text is not UTF-8",
        ErrorKind::InvalidBoolEncoding(_) => "a truth value is neither 0 nor 1",
        ErrorKind::InvalidCharEncoding => "a character is not one",
        ErrorKind::InvalidTagEncoding(_) => "a tag is unknown",
        ErrorKind::SequenceMustHaveLength => "a sequence has no known length",
        ErrorKind::DeserializeAnyNotSupported => "its type describes itself, which this format does not",
        // Types from the wire are checked as they are read; trailing bytes arrive here as well.
        ErrorKind::Custom(text) if text.contains("remaining") => "bytes follow its end",
        ErrorKind::Custom(_) => "a field has a value that its type refuses",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    enum Sample {
        Words(Vec<u64>),
        Text(String),
        Flag(bool),
    }

    #[test]
    fn a_length_from_the_wire_allocates_nothing() {
        // Words with 2^60 entries announced and none there.
        let mut bytes = vec![VERSION, 0, 0, 0, 0];
        bytes.extend_from_slice(&(1u64 << 60).to_le_bytes());
        assert!(matches!(decode::<Sample>(&bytes, 64), Err(CodecError::Malformed(_))));
        let mut text = vec![VERSION, 1, 0, 0, 0];
        text.extend_from_slice(&(1u64 << 60).to_le_bytes());
        assert!(matches!(decode::<Sample>(&text, 64), Err(CodecError::Malformed(_))));
    }

    #[test]
    fn each_defect_has_its_error() {
        let good = encode(&Sample::Flag(true)).unwrap();
        assert_eq!(decode::<Sample>(&good, 5), Ok(Sample::Flag(true)));
        assert_eq!(decode::<Sample>(&good, 4), Err(CodecError::TooLong { len: 5, limit: 4 }));
        assert_eq!(decode::<Sample>(&[], 5), Err(CodecError::Malformed("it is empty")));
        let mut other = good.clone();
        other[0] = 9;
        assert_eq!(decode::<Sample>(&other, 5), Err(CodecError::Version { found: 9 }));
        let mut long = good.clone();
        long.push(0);
        assert_eq!(decode::<Sample>(&long, 9), Err(CodecError::Malformed("bytes follow its end")));
        assert_eq!(
            decode::<Sample>(&good[..good.len() - 1], 9),
            Err(CodecError::Malformed("it ends too early"))
        );
        let mut neither = good.clone();
        *neither.last_mut().unwrap() = 7;
        assert_eq!(
            decode::<Sample>(&neither, 9),
            Err(CodecError::Malformed("a truth value is neither 0 nor 1"))
        );
        let mut variant = good;
        variant[1] = 77;
        let error = decode::<Sample>(&variant, 9).unwrap_err();
        assert!(!error.to_string().contains("77"), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(words in proptest::collection::vec(any::<u64>(), 0..50), text in ".{0,40}") {
            for sample in [Sample::Words(words.clone()), Sample::Text(text.clone())] {
                let bytes = encode(&sample).unwrap();
                prop_assert_eq!(decode::<Sample>(&bytes, bytes.len() - 1).unwrap(), sample);
            }
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = bytes;
            let _ = decode::<Sample>(&bytes, 200);
            bytes.insert(0, VERSION);
            let _ = decode::<Sample>(&bytes, 200);
        }
    }
}
