//! L, the host where the run was asked for: gathers ciphertexts, masks their product, left compute party.

use paillier::{Encryptor, Mask, Packing, PublicKey};
use sharing::{BitSlices, Circuit, Party, RingVec, Seed, Triples};

use super::{SETUP, defect, from_bytes, receive_key, rng, to_bytes};
use crate::engine::{self, FromSeed, receive, send};
use crate::error::ProtocolError;
use crate::host::{self, HostInput, JointHost, Outcome};
use crate::link::{Link, Place};
use crate::message::{Contribution, MaskedTotal, Opened, Proceed, TripleSeed};
use crate::operation::{Engine, Operation, Total};
use crate::party::{Contributor, Lead, Second, ThirdParty};
use crate::plan::Plan;

/// The lead's links.
pub struct LeadLinks<S, C, T> {
    /// To the second host.
    pub second: S,
    /// To the further hosts, in their order.
    pub contributors: Vec<C>,
    /// To the third party.
    pub third: T,
}

struct State<'a, S, C, T> {
    links: &'a mut LeadLinks<S, C, T>,
    key: PublicKey,
    encryptor: Encryptor,
    triples: Triples,
}

/// Runs the lead's part of a run.
pub async fn lead<S, C, T>(
    plan: &Plan,
    input: HostInput<'_>,
    links: &mut LeadLinks<S, C, T>,
) -> Result<Outcome, ProtocolError>
where
    S: Link<Lead, Second>,
    C: Link<Lead, Contributor>,
    T: Link<Lead, ThirdParty>,
{
    let (key, encryptor) = receive_key(plan, &mut links.third).await?;
    let seed: TripleSeed = receive(&mut links.third, SETUP, 32).await?;
    let triples = Triples::left(Seed::from_bytes(seed.seed));
    host::run(&mut State { links, key, encryptor, triples }, plan, input).await
}

impl<S, C, T> JointHost for State<'_, S, C, T>
where
    S: Link<Lead, Second>,
    C: Link<Lead, Contributor>,
    T: Link<Lead, ThirdParty>,
{
    async fn joint<O: Operation>(
        &mut self,
        operation: &O,
        own: Vec<u64>,
    ) -> Result<BitSlices, ProtocolError> {
        let place = operation.place();
        let packing = Packing::new(&self.key, operation.limbs()).map_err(defect)?;
        packing.check_addends(2 + self.links.contributors.len()).map_err(defect)?;
        let ciphertexts = packing.ciphertexts_for(operation.slots());

        // "L multiplies them all, adds its own vector and a fresh uniform mask R."
        let mask = Mask::random(&packing, operation.slots(), &mut rng());
        let masked = mask.plaintexts(&own).map_err(defect)?;
        let mut total = self.encryptor.encrypt_all(&masked, &mut rng()).map_err(defect)?;
        let limit = ciphertexts * self.key.ciphertext_len();
        let contribution: Contribution = receive(&mut self.links.second, place, limit).await?;
        let mut contributions = vec![(self.links.second.peer(), contribution)];
        for link in &mut self.links.contributors {
            contributions.push((link.peer(), receive(link, place, limit).await?));
        }
        for (peer, contribution) in contributions {
            let theirs = from_bytes(&contribution.ciphertexts, ciphertexts, &self.key, peer, place)?;
            for (total, theirs) in total.iter_mut().zip(&theirs) {
                *total = self.key.add(total, theirs);
            }
        }
        let message = MaskedTotal { ciphertexts: to_bytes(&total) };
        send(&mut self.links.third, place, &message).await?;

        // "Now L holds -R and G holds y."
        let share = Total(Some(RingVec::new(operation.limbs(), mask.negated_share())?));
        let opened = operation.evaluate(self, share).await?;
        for link in &mut self.links.contributors {
            send(link, place, &Opened { words: opened.as_words().to_vec() }).await?;
        }
        Ok(opened)
    }

    async fn proceed(&mut self, place: Place, more: bool) -> Result<(), ProtocolError> {
        send(&mut self.links.third, place, &Proceed { more }).await
    }
}

impl<S, C, T> Engine for State<'_, S, C, T>
where
    S: Link<Lead, Second>,
    C: Link<Lead, Contributor>,
    T: Link<Lead, ThirdParty>,
{
    fn party(&self) -> Option<Party> {
        Some(Party::Left)
    }

    async fn evaluate(
        &mut self,
        place: Place,
        circuit: &Circuit,
        inputs: BitSlices,
    ) -> Result<BitSlices, ProtocolError> {
        let link = &mut self.links.second;
        engine::evaluate(link, place, circuit, inputs, Party::Left, &mut self.triples, FromSeed).await
    }

    async fn open(&mut self, place: Place, shares: BitSlices) -> Result<BitSlices, ProtocolError> {
        engine::open(&mut self.links.second, place, shares).await
    }
}
