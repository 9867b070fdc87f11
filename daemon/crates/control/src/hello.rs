//! The first frame in each direction, laid out by hand so that every version can read every other's.
//!
//! A frame (see [`codec`](crate::codec)) whose body is the eight bytes `cloister`, the protocol version as two
//! bytes, least significant first, and the program's version as UTF-8. The body's layout never changes.

use crate::PROTOCOL_VERSION;

const MAGIC: &[u8; 8] = b"cloister";

/// The longest program version taken from the wire, in bytes.
const MAX_PROGRAM_BYTES: usize = 64;

/// The largest hello body, in bytes.
pub const MAX_HELLO_BYTES: usize = MAGIC.len() + 2 + MAX_PROGRAM_BYTES;

/// Who speaks: the version of the conversation and of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The speaker's [`PROTOCOL_VERSION`].
    pub protocol: u16,
    /// The speaker's release, for messages to people only.
    pub program: String,
}

/// Why the other side cannot be talked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// The first bytes are not Cloister's.
    #[error("what answers there does not speak the Cloister control protocol")]
    NotCloister,
    /// It is Cloister, of a release that speaks differently.
    #[error(
        "control protocol mismatch: this program ({ours_program}) speaks version {ours}, \
         the other side ({theirs_program}) version {theirs}"
    )]
    Mismatch {
        /// Our protocol version.
        ours: u16,
        /// Our release.
        ours_program: &'static str,
        /// The other side's protocol version.
        theirs: u16,
        /// The other side's release.
        theirs_program: String,
    },
}

impl Hello {
    /// This program's hello.
    pub fn ours() -> Self {
        Self { protocol: PROTOCOL_VERSION, program: env!("CARGO_PKG_VERSION").to_owned() }
    }

    /// The frame to send first, complete with its length.
    pub fn encode(&self) -> Vec<u8> {
        let program = &self.program[..self.program.floor_char_boundary(MAX_PROGRAM_BYTES)];
        let length = (MAGIC.len() + 2 + program.len()) as u32;
        let mut frame = length.to_le_bytes().to_vec();
        frame.extend_from_slice(MAGIC);
        frame.extend_from_slice(&self.protocol.to_le_bytes());
        frame.extend_from_slice(program.as_bytes());
        frame
    }

    /// Reads a frame's body. Control characters in the program's version are replaced: it will be printed.
    ///
    /// # Errors
    /// [`HelloError::NotCloister`] for anything that is no hello.
    pub fn decode(body: &[u8]) -> Result<Self, HelloError> {
        let rest = body.strip_prefix(MAGIC).ok_or(HelloError::NotCloister)?;
        let (version, program) = rest.split_first_chunk::<2>().ok_or(HelloError::NotCloister)?;
        if program.len() > MAX_PROGRAM_BYTES {
            return Err(HelloError::NotCloister);
        }
        let program = String::from_utf8_lossy(program).replace(char::is_control, "?");
        Ok(Self { protocol: u16::from_le_bytes(*version), program })
    }

    /// Holds the other side's hello against ours.
    ///
    /// # Errors
    /// [`HelloError::Mismatch`], which says both versions.
    pub fn check(&self) -> Result<(), HelloError> {
        if self.protocol == PROTOCOL_VERSION {
            return Ok(());
        }
        Err(HelloError::Mismatch {
            ours: PROTOCOL_VERSION,
            ours_program: env!("CARGO_PKG_VERSION"),
            theirs: self.protocol,
            theirs_program: self.program.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_survives_the_wire() {
        let frame = Hello::ours().encode();
        assert_eq!(frame[..4], ((frame.len() - 4) as u32).to_le_bytes());
        let read = Hello::decode(&frame[4..]).unwrap();
        assert_eq!(read, Hello::ours());
        assert_eq!(read.check(), Ok(()));
    }

    #[test]
    fn another_version_is_named_on_both_sides() {
        let theirs = Hello { protocol: 9, program: "7.1".into() };
        let message = Hello::decode(&theirs.encode()[4..]).unwrap().check().unwrap_err().to_string();
        assert!(
            message.contains(&format!("version {PROTOCOL_VERSION}")) && message.contains("(7.1) version 9"),
            "{message}"
        );
    }

    #[test]
    fn other_protocols_are_no_hello() {
        for body in [&b""[..], b"HTTP/1.1 400 Bad Request", b"cloister", b"cloister\x01"] {
            assert_eq!(Hello::decode(body), Err(HelloError::NotCloister));
        }
        let mut long = b"cloister\x01\x00".to_vec();
        long.extend([b'9'; MAX_PROGRAM_BYTES + 1]);
        assert_eq!(Hello::decode(&long), Err(HelloError::NotCloister));
    }

    #[test]
    fn a_version_is_cut_at_a_character_and_printed_safely() {
        let theirs = Hello { protocol: 1, program: "é".repeat(40) };
        let frame = theirs.encode();
        assert!(frame.len() <= 4 + MAX_HELLO_BYTES);
        assert_eq!(Hello::decode(&frame[4..]).unwrap().program, "é".repeat(32));
        let escape = Hello { protocol: 1, program: "\u{1b}[2J".into() };
        assert_eq!(Hello::decode(&escape.encode()[4..]).unwrap().program, "?[2J");
    }
}
