//! G, the first peer: gives its ciphertexts to the lead, right compute party.

use paillier::{Encryptor, Packing, PublicKey};
use sharing::{BitSlices, Circuit, Party, RingVec, Seed, Triples};

use super::{SETUP, defect, receive_key, rng, to_bytes};
use crate::engine::{self, FromDealer, check_length, receive, send};
use crate::error::ProtocolError;
use crate::host::{self, HostInput, JointHost, Outcome};
use crate::link::{Link, Place};
use crate::message::{Contribution, TotalShare, TripleSeed};
use crate::operation::{Engine, Operation, Total};
use crate::party::{Lead, PartyId, Second, ThirdParty};
use crate::plan::Plan;

/// The second host's links.
pub struct SecondLinks<L, T> {
    /// To the lead.
    pub lead: L,
    /// To the third party.
    pub third: T,
}

struct State<'a, L, T> {
    links: &'a mut SecondLinks<L, T>,
    key: PublicKey,
    encryptor: Encryptor,
    triples: Triples,
}

/// Runs the second host's part of a run.
pub async fn second<L, T>(
    plan: &Plan,
    input: HostInput<'_>,
    links: &mut SecondLinks<L, T>,
) -> Result<Outcome, ProtocolError>
where
    L: Link<Second, Lead>,
    T: Link<Second, ThirdParty>,
{
    let (key, encryptor) = receive_key(plan, &mut links.third).await?;
    let seed: TripleSeed = receive(&mut links.third, SETUP, 32).await?;
    let triples = Triples::right(Seed::from_bytes(seed.seed));
    host::run(&mut State { links, key, encryptor, triples }, plan, input).await
}

impl<L, T> JointHost for State<'_, L, T>
where
    L: Link<Second, Lead>,
    T: Link<Second, ThirdParty>,
{
    async fn joint<O: Operation>(
        &mut self,
        operation: &O,
        own: Vec<u64>,
    ) -> Result<BitSlices, ProtocolError> {
        let place = operation.place();
        // "Every host encrypts its packed vector under T's key and sends it to L — not to T."
        let packing = Packing::new(&self.key, operation.limbs()).map_err(defect)?;
        let plaintexts = packing.pack(&own).map_err(defect)?;
        let ciphertexts = self.encryptor.encrypt_all(&plaintexts, &mut rng()).map_err(defect)?;
        let message = Contribution { ciphertexts: to_bytes(&ciphertexts) };
        send(&mut self.links.lead, place, &message).await?;

        // "T decrypts, takes each slot modulo 2^w and hands y = x + R to G."
        let expected = operation.slots() * operation.limbs();
        let mut share: TotalShare = receive(&mut self.links.third, place, 8 * expected).await?;
        check_length(PartyId::THIRD_PARTY, place, "words of the total", share.limbs.len(), expected)?;
        operation
            .evaluate(self, Total(Some(RingVec::new(operation.limbs(), std::mem::take(&mut share.limbs))?)))
            .await
    }

    async fn proceed(&mut self, _: Place, _: bool) -> Result<(), ProtocolError> {
        Ok(())
    }
}

impl<L, T> Engine for State<'_, L, T>
where
    L: Link<Second, Lead>,
    T: Link<Second, ThirdParty>,
{
    fn party(&self) -> Option<Party> {
        Some(Party::Right)
    }

    async fn evaluate(
        &mut self,
        place: Place,
        circuit: &Circuit,
        inputs: BitSlices,
    ) -> Result<BitSlices, ProtocolError> {
        let remaining = circuit.and_count() * inputs.words();
        let supply = FromDealer { link: &mut self.links.third, remaining };
        engine::evaluate(
            &mut self.links.lead,
            place,
            circuit,
            inputs,
            Party::Right,
            &mut self.triples,
            supply,
        )
        .await
    }

    async fn open(&mut self, place: Place, shares: BitSlices) -> Result<BitSlices, ProtocolError> {
        engine::open(&mut self.links.lead, place, shares).await
    }
}
