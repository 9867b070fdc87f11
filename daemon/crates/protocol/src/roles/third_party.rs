//! T: decrypts masked totals and deals triples. It has no rows and learns the number of rounds, nothing else.

use paillier::{Packing, SecretKey};
use sharing::{BitSlices, Circuit, Dealer, Party, Seed};

use super::{SETUP, defect, from_bytes};
use crate::course::{self, Follower};
use crate::engine::{CORRECTIONS_CHUNK, receive, send};
use crate::error::ProtocolError;
use crate::link::{Link, Place};
use crate::message::{Corrections, Key, MaskedTotal, Proceed, TotalShare, TripleSeed};
use crate::operation::{Engine, Operation, Total};
use crate::party::{Contributor, Lead, PartyId, Second, ThirdParty};
use crate::plan::{Plan, Privacy};
use crate::secure::deal::{Deal, Masks, Stock};

/// The third party's links.
pub struct ThirdPartyLinks<L, S, C> {
    /// To the lead.
    pub lead: L,
    /// To the second host.
    pub second: S,
    /// To the further hosts, in their order.
    pub contributors: Vec<C>,
}

struct State<'a, L, S, C> {
    links: &'a mut ThirdPartyLinks<L, S, C>,
    key: &'a SecretKey,
    dealer: Dealer,
    stock: Stock,
}

/// Runs the third party's part of a run; gives the number of main rounds.
pub async fn third_party<L, S, C>(
    plan: &Plan,
    key: &SecretKey,
    links: &mut ThirdPartyLinks<L, S, C>,
) -> Result<u32, ProtocolError>
where
    L: Link<ThirdParty, Lead>,
    S: Link<ThirdParty, Second>,
    C: Link<ThirdParty, Contributor>,
{
    let public = Key { modulus: key.public().to_bytes() };
    send(&mut links.lead, SETUP, &public).await?;
    send(&mut links.second, SETUP, &public).await?;
    for link in &mut links.contributors {
        send(link, SETUP, &public).await?;
    }
    let (left, right) = (Seed::generate()?, Seed::generate()?);
    send(&mut links.lead, SETUP, &TripleSeed { seed: *left.expose() }).await?;
    send(&mut links.second, SETUP, &TripleSeed { seed: *right.expose() }).await?;
    let stock = Stock::new(&left, &right);
    if let Privacy::Sealed(_) = plan.privacy {
        for link in &mut links.contributors {
            let common = Seed::generate()?;
            send(&mut links.second, SETUP, &TripleSeed { seed: *common.expose() }).await?;
            send(link, SETUP, &TripleSeed { seed: *common.expose() }).await?;
        }
    }
    let mut state = State { links, key, dealer: Dealer::new(left, right), stock };

    course::follow(&mut state, plan).await
}

impl<L, S, C> Follower for State<'_, L, S, C>
where
    L: Link<ThirdParty, Lead>,
    S: Link<ThirdParty, Second>,
    C: Link<ThirdParty, Contributor>,
{
    type Rows = Masks;
    type Engine<'e>
        = Deal<'e, S>
    where
        Self: 'e;

    fn engine(&mut self) -> Self::Engine<'_> {
        Deal::new(&mut self.links.second, &mut self.stock)
    }

    async fn proceeds(&mut self, place: Place) -> Result<bool, ProtocolError> {
        let proceed: Proceed = receive(&mut self.links.lead, place, 1).await?;
        Ok(proceed.more)
    }

    /// One joint operation: decrypts the masked total for the second host, then deals for the circuits.
    async fn serve<O: Operation>(&mut self, operation: &O) -> Result<(), ProtocolError> {
        let place = operation.place();
        let public = self.key.public();
        let packing = Packing::new(public, operation.limbs()).map_err(defect)?;
        let expected = packing.ciphertexts_for(operation.slots());
        let message: MaskedTotal =
            receive(&mut self.links.lead, place, expected * public.ciphertext_len()).await?;
        let masked = from_bytes(&message.ciphertexts, expected, public, PartyId::LEAD, place)?;
        let plaintexts = self.key.decrypt_all(&masked);
        let limbs = packing.unpack(&plaintexts, operation.slots()).map_err(defect)?;
        send(&mut self.links.second, place, &TotalShare { limbs }).await?;
        operation.evaluate(self, Total(None)).await?;
        Ok(())
    }
}

impl<L, S, C> Engine for State<'_, L, S, C>
where
    L: Link<ThirdParty, Lead>,
    S: Link<ThirdParty, Second>,
    C: Link<ThirdParty, Contributor>,
{
    fn party(&self) -> Option<Party> {
        None
    }

    /// Deals for the circuit; the result is a placeholder of the right shape.
    async fn evaluate(
        &mut self,
        place: Place,
        circuit: &Circuit,
        inputs: BitSlices,
    ) -> Result<BitSlices, ProtocolError> {
        let mut remaining = circuit.and_count() * inputs.words();
        while remaining > 0 {
            let words = self.dealer.corrections(remaining.min(CORRECTIONS_CHUNK));
            remaining -= words.len();
            send(&mut self.links.second, place, &Corrections { words }).await?;
        }
        Ok(BitSlices::zero(circuit.outputs(), inputs.lanes()))
    }

    async fn open(&mut self, _: Place, shares: BitSlices) -> Result<BitSlices, ProtocolError> {
        Ok(shares)
    }
}
