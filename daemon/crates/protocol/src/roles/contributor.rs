//! H, any further host: gives its ciphertexts to the lead and is told what was opened.

use paillier::{Encryptor, Packing, PublicKey};
use sharing::BitSlices;

use super::{defect, receive_key, rng, to_bytes};
use crate::engine::{check_length, receive, send};
use crate::error::ProtocolError;
use crate::host::{self, HostInput, JointHost, Outcome};
use crate::link::{Link, Place};
use crate::message::{Contribution, Opened};
use crate::operation::Operation;
use crate::party::{Contributor, Lead, PartyId, ThirdParty};
use crate::plan::Plan;

struct State<'a, L> {
    lead: &'a mut L,
    key: PublicKey,
    encryptor: Encryptor,
}

/// Runs a further host's part of a run.
pub async fn contributor<L, T>(
    plan: &Plan,
    input: HostInput<'_>,
    lead: &mut L,
    third: &mut T,
) -> Result<Outcome, ProtocolError>
where
    L: Link<Contributor, Lead>,
    T: Link<Contributor, ThirdParty>,
{
    let (key, encryptor) = receive_key(plan, third).await?;
    host::run(&mut State { lead, key, encryptor }, plan, input).await
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
