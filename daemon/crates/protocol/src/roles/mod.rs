//! The four roles. Each does its part of a joint operation; `host.rs` and [`third_party`] say which operations
//! follow each other.

mod compute;
mod contributor;
mod lead;
mod second;
mod third_party;

pub use contributor::contributor;
pub use lead::{LeadLinks, lead};
pub use second::{SecondLinks, second};
pub use third_party::{ThirdPartyLinks, third_party};

use paillier::{Ciphertext, Encryptor, PublicKey};
use sharing::Seed;

use crate::engine::receive;
use crate::error::{Misbehaviour, ProtocolError};
use crate::link::{Link, Place, SentTo, Step};
use crate::message::{Key, TripleSeed};
use crate::party::{PartyId, Role, ThirdParty};
use crate::plan::Plan;

/// Where the third party's key and seeds are sent.
pub(crate) const SETUP: Place = Place { step: Step::Setup, round: 0 };

/// Receives the third party's key and makes an encryptor for this run alone.
async fn receive_key<Me: Role>(
    plan: &Plan,
    third: &mut impl Link<Me, ThirdParty>,
) -> Result<(PublicKey, Encryptor), ProtocolError>
where
    Key: SentTo<Me>,
{
    let refused = || ProtocolError::Misbehaviour {
        peer: PartyId::THIRD_PARTY,
        place: SETUP,
        what: Misbehaviour::PublicKey,
    };
    let message: Key = receive(third, SETUP, plan.key_bits as usize / 8).await?;
    let key = PublicKey::from_bytes(&message.modulus).map_err(|_| refused())?;
    if key.bits() != plan.key_bits {
        return Err(refused());
    }
    let encryptor = Encryptor::new(&key, &mut rng());
    Ok((key, encryptor))
}

/// Receives a seed that the third party gives to this party.
async fn receive_seed<Me: Role>(third: &mut impl Link<Me, ThirdParty>) -> Result<Seed, ProtocolError>
where
    TripleSeed: SentTo<Me>,
{
    let message: TripleSeed = receive(third, SETUP, 32).await?;
    Ok(Seed::from_bytes(message.seed))
}

/// The operating system's generator.
fn rng() -> impl rand_core::CryptoRng {
    rand_core::UnwrapErr(getrandom::SysRng)
}

/// Ciphertexts one after the other, each of the key's length.
fn to_bytes(ciphertexts: &[Ciphertext]) -> Vec<u8> {
    ciphertexts.iter().flat_map(|ciphertext| ciphertext.to_bytes()).collect()
}

/// Ciphertexts from a peer, each checked.
fn from_bytes(
    bytes: &[u8],
    expected: usize,
    key: &PublicKey,
    peer: PartyId,
    place: Place,
) -> Result<Vec<Ciphertext>, ProtocolError> {
    crate::engine::check_length(
        peer,
        place,
        "bytes of ciphertexts",
        bytes.len(),
        expected * key.ciphertext_len(),
    )?;
    Ciphertext::all_from_bytes(key, bytes).map_err(|_| ProtocolError::Misbehaviour {
        peer,
        place,
        what: Misbehaviour::Ciphertext,
    })
}

fn defect(error: impl std::fmt::Display) -> ProtocolError {
    ProtocolError::Defect(error.to_string())
}
