//! L, the host where the run was asked for: gathers ciphertexts, masks their product, left compute party.

use paillier::{Encryptor, Mask, Packing, PublicKey};
use sharing::{BitSlices, Circuit, Party, RingVec, Triples};
use zeroize::Zeroizing;

use super::compute::{ComputeParty, Computing, receive_labels, share_of};
use super::{defect, from_bytes, receive_key, receive_seed, rng, to_bytes};
use crate::engine::{self, FromSeed, receive, receive_words, send, send_words};
use crate::error::ProtocolError;
use crate::host::{self, HostInput, JointHost, Outcome};
use crate::link::{Link, Place};
use crate::message::{Contribution, LabelShare, MaskedLabels, MaskedTotal, Opened, Proceed, RowShare};
use crate::operation::{Engine, Operation, Total};
use crate::party::{Contributor, Lead, PartyId, Second, ThirdParty};
use crate::plan::{Plan, Privacy};
use crate::sealed::{self, REVEAL, Shape};
use crate::secure::pair::Pair;
use crate::secure::supply::{Seeded, Supplies};

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
    supplies: Supplies,
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
    let seed = receive_seed(&mut links.third).await?;
    let supplies = Supplies::new(Party::Left, &seed);
    let mut state = State { links, key, encryptor, triples: Triples::left(seed), supplies };
    match plan.privacy {
        Privacy::Open => host::run(&mut state, plan, input).await,
        Privacy::Sealed(form) => {
            let mut computing = Computing::new(state, plan, form)?;
            sealed::run(&mut computing, plan, PartyId::LEAD, input).await
        }
    }
}

impl<S, C, T> ComputeParty for State<'_, S, C, T>
where
    S: Link<Lead, Second>,
    C: Link<Lead, Contributor>,
    T: Link<Lead, ThirdParty>,
{
    type Engine<'e>
        = Pair<'e, Lead, Second, S, Seeded>
    where
        Self: 'e;

    fn engine(&mut self) -> Self::Engine<'_> {
        Pair::new(&mut self.links.second, Seeded, &mut self.supplies)
    }

    /// "H masks its rows with a stream that G has too and sends them to L": what comes is L's share.
    async fn gather(&mut self, place: Place, words: &[usize]) -> Result<Zeroizing<Vec<u64>>, ProtocolError> {
        let mut all = Zeroizing::new(Vec::with_capacity(words.iter().sum()));
        for (link, &words) in self.links.contributors.iter_mut().zip(words) {
            all.append(&mut receive_words::<RowShare, _, _, _>(link, place, "words of rows", words).await?);
        }
        Ok(all)
    }

    async fn tell(&mut self, place: Place, words: &[u64]) -> Result<(), ProtocolError> {
        for link in &mut self.links.contributors {
            send_words::<Opened, _, _, _>(link, place, words.to_vec()).await?;
        }
        Ok(())
    }

    /// "Each host's labels are opened to that host alone": G's and L's shares change hands; of a further host's labels G's
    /// share comes masked, and goes on with L's added.
    async fn hand_out(&mut self, shape: &Shape<'_>, share: &BitSlices) -> Result<BitSlices, ProtocolError> {
        let theirs = share_of(share, shape, PartyId::SECOND)?;
        send_words::<LabelShare, _, _, _>(&mut self.links.second, REVEAL, theirs.as_words().to_vec()).await?;
        let own = share_of(share, shape, PartyId::LEAD)?;
        let peer = receive_labels::<LabelShare, _, _>(&mut self.links.second, &own).await?;
        for (index, link) in self.links.contributors.iter_mut().enumerate() {
            let share = share_of(share, shape, PartyId(index as u8 + 2))?;
            let masked = receive_labels::<MaskedLabels, _, _>(&mut self.links.second, &share).await?;
            let words = share.xor(&masked)?.as_words().to_vec();
            send_words::<LabelShare, _, _, _>(link, REVEAL, words).await?;
        }
        Ok(own.xor(&peer)?)
    }
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
