//! Every message of a run in mode `open`.
//!
//! Sizes: `c` is the length of a ciphertext (twice the modulus), `m` the number of ciphertexts that the step's
//! vector packs into, `s` its slots of `w` bits, `W` the words of a circuit's lanes (lanes/64).

use serde::{Deserialize, Serialize};

use crate::link::{Message, SentBy, SentTo};
use crate::party::{Contributor, Lead, Second, ThirdParty};

/// `pk`: the third party's public key. `n` bytes. Public.
#[derive(Serialize, Deserialize)]
pub struct Key {
    /// The modulus, big-endian.
    pub modulus: Vec<u8>,
}

/// A compute party's seed for its part of the dealt triples. 32 bytes. Independent of every other seed.
#[derive(Serialize, Deserialize)]
pub struct TripleSeed {
    /// The seed.
    pub seed: [u8; 32],
}

/// `E(x_h)`: a host's own vector under the third party's key. `m·c` bytes. The lead, who cannot decrypt, learns
/// nothing (semantic security).
#[derive(Serialize, Deserialize)]
pub struct Contribution {
    /// Ciphertexts of fixed length, one after the other.
    pub ciphertexts: Vec<u8>,
}

/// `E(Σ x_h + R)`: the joint total under a fresh uniform mask. `m·c` bytes. The third party decrypts noise.
#[derive(Serialize, Deserialize)]
pub struct MaskedTotal {
    /// Ciphertexts of fixed length, one after the other.
    pub ciphertexts: Vec<u8>,
}

/// `y = Σ x_h + R mod 2^w`: the second host's additive share of the total. `s·w/8` bytes, uniform to it.
#[derive(Serialize, Deserialize)]
pub struct TotalShare {
    /// Little-endian limbs, slot after slot.
    pub limbs: Vec<u64>,
}

/// `c_G`: corrections that complete the second host's triples. 8 bytes an AND word, uniform to it.
#[derive(Serialize, Deserialize)]
pub struct Corrections {
    /// The words.
    pub words: Vec<u64>,
}

/// `d, e`: one AND layer's masked operands. `2·8·W` bytes an AND gate, uniform to the receiver.
#[derive(Serialize, Deserialize)]
pub struct Layer {
    /// All `d`, then all `e`.
    pub words: Vec<u64>,
}

/// A compute party's share of a circuit's outputs that the step opens. `8·W` bytes an output bit. The receiver
/// learns the outputs, which are what the step declares to be shown.
#[derive(Serialize, Deserialize)]
pub struct Opening {
    /// The words of the share, wire after wire.
    pub words: Vec<u64>,
}

/// What the compute parties opened, for a further host. `8·W` bytes an output bit.
#[derive(Serialize, Deserialize)]
pub struct Opened {
    /// The words, wire after wire.
    pub words: Vec<u64>,
}

/// Whether another round follows. The third party learns the number of rounds.
#[derive(Serialize, Deserialize)]
pub struct Proceed {
    /// True if one does.
    pub more: bool,
}

macro_rules! route {
    ($name:ident = $kind:literal: $($from:ident),+ => $($to:ident),+) => {
        impl Message for $name {
            const NAME: &'static str = stringify!($name);
            const KIND: u16 = $kind;
        }
        $(impl SentBy<$from> for $name {})+
        $(impl SentTo<$to> for $name {})+
    };
}

route!(Key = 1: ThirdParty => Lead, Second, Contributor);
route!(TripleSeed = 2: ThirdParty => Lead, Second);
route!(Contribution = 3: Second, Contributor => Lead);
route!(MaskedTotal = 4: Lead => ThirdParty);
route!(TotalShare = 5: ThirdParty => Second);
route!(Corrections = 6: ThirdParty => Second);
route!(Layer = 7: Lead, Second => Lead, Second);
route!(Opening = 8: Lead, Second => Lead, Second);
route!(Opened = 9: Lead => Contributor);
route!(Proceed = 10: Lead => ThirdParty);

/// Bytes that the encoding of a message adds to its content: a version and a length.
pub(crate) const ENVELOPE: usize = 64;
