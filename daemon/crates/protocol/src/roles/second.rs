//! G, the first peer: gives its ciphertexts to the lead, right compute party.

use paillier::{Encryptor, Packing, PublicKey};
use sharing::{BitSlices, Circuit, Party, RingVec, Seed, Triples};
use zeroize::Zeroizing;

use super::compute::{ComputeParty, Computing, common_stream, masked_labels, receive_labels, share_of};
use super::{defect, receive_key, receive_seed, rng, to_bytes};
use crate::engine::{self, FromDealer, check_length, receive, send, send_words};
use crate::error::ProtocolError;
use crate::host::{self, HostInput, JointHost, Outcome};
use crate::link::{Link, Place};
use crate::message::{Contribution, LabelShare, MaskedLabels, TotalShare};
use crate::operation::{Engine, Operation, Total};
use crate::party::{Lead, PartyId, Second, ThirdParty};
use crate::plan::{Plan, Privacy};
use crate::sealed::{self, REVEAL, Shape};
use crate::secure::pair::Pair;
use crate::secure::supply::{Dealt, Supplies};

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
    supplies: Supplies,
    /// What it has in common with each further host.
    further: Vec<Seed>,
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
    let seed = receive_seed(&mut links.third).await?;
    let mut further = Vec::new();
    if let Privacy::Sealed(_) = plan.privacy {
        for _ in 2..plan.hosts {
            further.push(receive_seed(&mut links.third).await?);
        }
    }
    let supplies = Supplies::new(Party::Right, &seed);
    let mut state = State { links, key, encryptor, triples: Triples::right(seed), supplies, further };
    match plan.privacy {
        Privacy::Open => host::run(&mut state, plan, input).await,
        Privacy::Sealed(form) => {
            let mut computing = Computing::new(state, plan, form)?;
            sealed::run(&mut computing, plan, PartyId::SECOND, input).await
        }
    }
}

impl<L, T> ComputeParty for State<'_, L, T>
where
    L: Link<Second, Lead>,
    T: Link<Second, ThirdParty>,
{
    type Engine<'e>
        = Pair<'e, Second, Lead, L, Dealt<'e, T>>
    where
        Self: 'e;

    fn engine(&mut self) -> Self::Engine<'_> {
        Pair::new(&mut self.links.lead, Dealt(&mut self.links.third), &mut self.supplies)
    }

    /// "H masks its rows with a stream that G has too": the stream is G's share.
    async fn gather(&mut self, place: Place, words: &[usize]) -> Result<Zeroizing<Vec<u64>>, ProtocolError> {
        let mut all = Zeroizing::new(vec![0; words.iter().sum()]);
        let mut rest = all.as_mut_slice();
        for (seed, &words) in self.further.iter().zip(words) {
            let (share, others) = rest.split_at_mut(words);
            common_stream(seed, place).fill_words(share);
            rest = others;
        }
        Ok(all)
    }

    async fn tell(&mut self, _: Place, _: &[u64]) -> Result<(), ProtocolError> {
        Ok(())
    }

    /// "Each host's labels are opened to that host alone": of a further host's labels G's share goes masked to L, who adds
    /// its own and passes it on.
    async fn hand_out(&mut self, shape: &Shape<'_>, share: &BitSlices) -> Result<BitSlices, ProtocolError> {
        let lead = &mut self.links.lead;
        let theirs = share_of(share, shape, PartyId::LEAD)?;
        send_words::<LabelShare, _, _, _>(lead, REVEAL, theirs.as_words().to_vec()).await?;
        let own = share_of(share, shape, PartyId::SECOND)?;
        let peer = receive_labels::<LabelShare, _, _>(lead, &own).await?;
        for (index, seed) in self.further.iter().enumerate() {
            let share = share_of(share, shape, PartyId(index as u8 + 2))?;
            let masked = masked_labels(&share, seed)?.as_words().to_vec();
            send_words::<MaskedLabels, _, _, _>(lead, REVEAL, masked).await?;
        }
        Ok(own.xor(&peer)?)
    }
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
