//! Every message of a run.
//!
//! Sizes: `c` is the length of a ciphertext (twice the modulus), `m` the number of ciphertexts that the step's
//! vector packs into, `s` its slots of `w` bits, `W` the words of a circuit's lanes (lanes/64), `n` a host's rows or
//! points, padded, and `r` their columns.
//!
//! Seeds and shares are wiped when their message is dropped.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::link::{Message, SentBy, SentTo};
use crate::party::{Contributor, Lead, Second, ThirdParty};

/// `pk`: the third party's public key. `n` bytes. Public.
#[derive(Serialize, Deserialize)]
pub struct Key {
    /// The modulus, big-endian.
    pub modulus: Vec<u8>,
}

/// A seed for a party's part of dealt randomness. 32 bytes. Independent of every other seed. A compute party's is its
/// own; in mode `sealed` every further host has one in common with the second host, see [`RowShare`].
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

/// `c_G`: corrections that complete the second host's correlated randomness. 8 bytes an AND word, or a word of the
/// product that is dealt for. Uniform to it.
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

/// A compute party's share of what the step opens. `8·W` bytes an output bit, 8 bytes a centre's coordinate. The receiver
/// learns the outputs, which are what the step declares to be shown.
#[derive(Serialize, Deserialize)]
pub struct Opening {
    /// The words of the share, wire after wire.
    pub words: Vec<u64>,
}

/// What the compute parties opened, for a further host. `8·W` bytes an output bit, 8 bytes a centre's coordinate.
#[derive(Serialize, Deserialize)]
pub struct Opened {
    /// The words, wire after wire.
    pub words: Vec<u64>,
}

/// `E = X − U`: the rows and points that the sender has a part of, masked, once a run. `8·n·r` bytes, uniform to the
/// receiver.
#[derive(Serialize, Deserialize)]
pub struct MaskedRows {
    /// The words, row after row.
    pub words: Vec<u64>,
}

/// `β, e, F`: masked operands of one exchange of a block of lanes: of a comparison, a choice, a lifted bit, a product.
/// Uniform to the receiver.
#[derive(Serialize, Deserialize)]
pub struct Masked {
    /// The words.
    pub words: Vec<u64>,
}

/// `x_h − PRG(σ_h)`: a further host's rows and points, masked by a stream that the second host has too and holds as its
/// share. `8·n·r` bytes. Uniform to the lead, whose share they are.
#[derive(Serialize, Deserialize)]
pub struct RowShare {
    /// The words, row after row.
    pub words: Vec<u64>,
}

/// A share of the label bits of the receiver's own rows. `8·W` bytes a bit. The receiver, who has the other share or is
/// given it, learns its labels.
#[derive(Serialize, Deserialize)]
pub struct LabelShare {
    /// The words, bit after bit.
    pub words: Vec<u64>,
}

/// The second host's share of the label bits of a further host's rows, masked by the stream that it has in common with
/// that host. `8·W` bytes a bit, uniform to the lead, who adds its own share and passes it on as [`LabelShare`].
#[derive(Serialize, Deserialize)]
pub struct MaskedLabels {
    /// The words, bit after bit.
    pub words: Vec<u64>,
}

/// Whether another round follows. The third party learns the number of rounds.
#[derive(Serialize, Deserialize)]
pub struct Proceed {
    /// True if one does.
    pub more: bool,
}

/// Wipes the words of a share on drop, in one pass over the whole allocation: element by element it would cost as much as
/// what the share is used for.
macro_rules! wiped {
    ($($name:ident: $field:ident),+) => {$(
        impl Drop for $name {
            fn drop(&mut self) {
                self.$field.clear();
                self.$field.zeroize();
            }
        }
    )+};
}

wiped!(
    TotalShare: limbs,
    Corrections: words,
    Opening: words,
    RowShare: words,
    LabelShare: words,
    MaskedLabels: words
);

impl Drop for TripleSeed {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

/// A message of nothing but words, which may be cut into several.
pub(crate) trait Words: Message {
    fn new(words: Vec<u64>) -> Self;
    fn take(&mut self) -> Vec<u64>;
}

macro_rules! of_words {
    ($($name:ident),+) => {$(
        impl Words for $name {
            fn new(words: Vec<u64>) -> Self {
                $name { words }
            }

            fn take(&mut self) -> Vec<u64> {
                std::mem::take(&mut self.words)
            }
        }
    )+};
}

of_words!(Corrections, Opening, Opened, MaskedRows, Masked, RowShare, LabelShare, MaskedLabels);

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
route!(TripleSeed = 2: ThirdParty => Lead, Second, Contributor);
route!(Contribution = 3: Second, Contributor => Lead);
route!(MaskedTotal = 4: Lead => ThirdParty);
route!(TotalShare = 5: ThirdParty => Second);
route!(Corrections = 6: ThirdParty => Second);
route!(Layer = 7: Lead, Second => Lead, Second);
route!(Opening = 8: Lead, Second => Lead, Second);
route!(Opened = 9: Lead => Contributor);
route!(Proceed = 10: Lead => ThirdParty);
route!(MaskedRows = 11: Lead, Second => Lead, Second);
route!(Masked = 12: Lead, Second => Lead, Second);
route!(RowShare = 13: Contributor => Lead);
route!(LabelShare = 14: Lead, Second => Lead, Second, Contributor);
route!(MaskedLabels = 15: Second => Lead);

/// Bytes that the encoding of a message adds to its content: a version and a length.
pub(crate) const ENVELOPE: usize = 64;
