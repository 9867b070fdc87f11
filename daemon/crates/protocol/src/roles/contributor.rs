//! H, any further host: gives its ciphertexts to the lead and is told what was opened.

use paillier::{Encryptor, Packing, PublicKey};
use sharing::{BitSlices, Seed};
use zeroize::Zeroizing;

use super::compute::{common_stream, masked_labels, receive_labels};
use super::{defect, receive_key, receive_seed, rng, to_bytes};
use crate::engine::{check_length, receive, receive_words, send, send_words};
use crate::error::ProtocolError;
use crate::host::{self, HostInput, JointHost, Outcome};
use crate::link::{Link, Place};
use crate::message::{Contribution, LabelShare, Opened, RowShare};
use crate::operation::Operation;
use crate::party::{Contributor, Lead, PartyId, ThirdParty};
use crate::plan::{Plan, Privacy};
use crate::sealed::{self, REVEAL, ROWS, START, SealedHost, Shape};

struct State<'a, L> {
    lead: &'a mut L,
    key: PublicKey,
    encryptor: Encryptor,
}

/// Runs a further host's part of a run; `me` says which one it is.
pub async fn contributor<L, T>(
    plan: &Plan,
    me: PartyId,
    input: HostInput<'_>,
    lead: &mut L,
    third: &mut T,
) -> Result<Outcome, ProtocolError>
where
    L: Link<Contributor, Lead>,
    T: Link<Contributor, ThirdParty>,
{
    let (key, encryptor) = receive_key(plan, third).await?;
    let mut state = State { lead, key, encryptor };
    match plan.privacy {
        Privacy::Open => host::run(&mut state, plan, input).await,
        Privacy::Sealed(_) => {
            let seed = receive_seed(third).await?;
            let lanes = Shape(plan).lanes(me).len();
            let mut further = Further { state, seed, k: plan.k, dim: plan.dim, lanes };
            sealed::run(&mut further, plan, me, input).await
        }
    }
}

/// A further host in a sealed run.
struct Further<'a, L> {
    state: State<'a, L>,
    /// What it has in common with the second host.
    seed: Seed,
    k: usize,
    dim: usize,
    lanes: usize,
}

impl<L: Link<Contributor, Lead>> Further<'_, L> {
    /// "H masks its rows with a stream that G has too and sends them to L."
    async fn give(&mut self, place: Place, own: Zeroizing<Vec<u64>>) -> Result<(), ProtocolError> {
        let mut share = common_stream(&self.seed, place).words(own.len());
        share.iter_mut().zip(own.iter()).for_each(|(share, own)| *share = own.wrapping_sub(*share));
        send_words::<RowShare, _, _, _>(self.state.lead, place, share).await
    }

    async fn told(&mut self, place: Place, words: usize) -> Result<Vec<u64>, ProtocolError> {
        receive_words::<Opened, _, _, _>(self.state.lead, place, "opened words", words).await
    }
}

impl<L: Link<Contributor, Lead>> JointHost for Further<'_, L> {
    async fn joint<O: Operation>(
        &mut self,
        operation: &O,
        own: Vec<u64>,
    ) -> Result<BitSlices, ProtocolError> {
        self.state.joint(operation, own).await
    }

    async fn proceed(&mut self, _: Place, _: bool) -> Result<(), ProtocolError> {
        Ok(())
    }
}

impl<L: Link<Contributor, Lead>> SealedHost for Further<'_, L> {
    async fn start(&mut self, own: Zeroizing<Vec<u64>>) -> Result<(), ProtocolError> {
        self.give(START, own).await
    }

    async fn introduce(&mut self, own: Zeroizing<Vec<u64>>) -> Result<(), ProtocolError> {
        self.give(ROWS, own).await
    }

    async fn round(&mut self, place: Place) -> Result<bool, ProtocolError> {
        match self.told(place, 1).await?[0] {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(host::out_of_range(place)),
        }
    }

    fn share(&self) -> Vec<u64> {
        Vec::new()
    }

    fn resume(&mut self, _: Zeroizing<Vec<u64>>) -> Result<(), ProtocolError> {
        Ok(())
    }

    /// "Each host's labels are opened to that host alone."
    async fn reveal(&mut self) -> Result<(Vec<bool>, BitSlices), ProtocolError> {
        let told = self.told(REVEAL, self.k.div_ceil(64)).await?;
        let withheld = (0..self.k).map(|cluster| told[cluster / 64] >> (cluster % 64) & 1 == 1).collect();
        let bits = (usize::BITS - (self.k - 1).leading_zeros()) as usize;
        let none = BitSlices::zero(bits, self.lanes);
        let share = receive_labels::<LabelShare, _, _>(self.state.lead, &none).await?;
        Ok((withheld, masked_labels(&share, &self.seed)?))
    }

    async fn centres(&mut self, _: &[bool]) -> Result<Vec<i64>, ProtocolError> {
        let opened = self.told(REVEAL, self.k * self.dim).await?;
        Ok(opened.iter().map(|&word| word as i64).collect())
    }
}

impl<L: Link<Contributor, Lead>> JointHost for State<'_, L> {
    async fn joint<O: Operation>(
        &mut self,
        operation: &O,
        own: Vec<u64>,
    ) -> Result<BitSlices, ProtocolError> {
        let place = operation.place();
        let packing = Packing::new(&self.key, operation.limbs()).map_err(defect)?;
        let plaintexts = packing.pack(&own).map_err(defect)?;
        let ciphertexts = self.encryptor.encrypt_all(&plaintexts, &mut rng()).map_err(defect)?;
        let message = Contribution { ciphertexts: to_bytes(&ciphertexts) };
        send(self.lead, place, &message).await?;

        let (lanes, bits) = operation.opened();
        let expected = bits * lanes.div_ceil(64);
        let opened: Opened = receive(self.lead, place, 8 * expected).await?;
        check_length(PartyId::LEAD, place, "opened words", opened.words.len(), expected)?;
        Ok(BitSlices::from_words(opened.words, bits, lanes)?)
    }

    async fn proceed(&mut self, _: Place, _: bool) -> Result<(), ProtocolError> {
        Ok(())
    }
}
