//! The two compute parties' side of a circuit: an exchange for every AND layer, one to open.

use sharing::{BitSlices, Circuit, Evaluation, Party, Triples};
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Misbehaviour, ProtocolError};
use crate::link::{Link, Place, SentBy, SentTo};
use crate::message::{Corrections, ENVELOPE, Layer, Opening, Words};
use crate::party::{PartyId, Role};

/// The most correction words in one message, so that the dealer streams them.
pub(crate) const CORRECTIONS_CHUNK: usize = 1 << 16;

/// Receives, with the peer and the place put into the error.
pub(crate) async fn receive<M, Me, Peer, L>(
    link: &mut L,
    place: Place,
    max_len: usize,
) -> Result<M, ProtocolError>
where
    Me: Role,
    Peer: Role,
    L: Link<Me, Peer>,
    M: SentBy<Peer> + SentTo<Me>,
{
    let peer = link.peer();
    link.receive(place, max_len + ENVELOPE).await.map_err(|source| ProtocolError::Link {
        peer,
        place,
        source,
    })
}

/// Sends, with the peer and the place put into the error.
pub(crate) async fn send<M, Me, Peer, L>(link: &mut L, place: Place, message: &M) -> Result<(), ProtocolError>
where
    Me: Role,
    Peer: Role,
    L: Link<Me, Peer>,
    M: SentBy<Me> + SentTo<Peer>,
{
    let peer = link.peer();
    link.send(place, message).await.map_err(|source| ProtocolError::Link { peer, place, source })
}

/// The most words of one message of a sealed run: with its envelope it fits one frame.
pub(crate) const WORDS: usize = (1 << 17) - 128;

/// Sends words as messages of bounded length; none if there are no words.
pub(crate) async fn send_words<M, Me, Peer, L>(
    link: &mut L,
    place: Place,
    words: Vec<u64>,
) -> Result<(), ProtocolError>
where
    Me: Role,
    Peer: Role,
    L: Link<Me, Peer>,
    M: Words + SentBy<Me> + SentTo<Peer>,
{
    if words.is_empty() {
        return Ok(());
    }
    if words.len() <= WORDS {
        return send(link, place, &M::new(words)).await;
    }
    let words = Zeroizing::new(words);
    for words in words.chunks(WORDS) {
        send(link, place, &M::new(words.to_vec())).await?;
    }
    Ok(())
}

/// Receives what [`send_words`] sends: `count` words of `what`.
pub(crate) async fn receive_words<M, Me, Peer, L>(
    link: &mut L,
    place: Place,
    what: &'static str,
    count: usize,
) -> Result<Vec<u64>, ProtocolError>
where
    Me: Role,
    Peer: Role,
    L: Link<Me, Peer>,
    M: Words + SentBy<Peer> + SentTo<Me>,
{
    let mut all = Vec::new();
    while all.len() < count {
        let expected = (count - all.len()).min(WORDS);
        let mut words = receive::<M, _, _, _>(link, place, 8 * expected).await?.take();
        check_length(link.peer(), place, what, words.len(), expected)?;
        if expected == count {
            return Ok(words);
        }
        if all.is_empty() {
            // All room at once: a growing vector would leave its old content behind unwiped.
            all.reserve_exact(count);
        }
        all.append(&mut words);
        words.zeroize();
    }
    Ok(all)
}

/// Holds a received vector to the length that the run's shape demands.
pub(crate) fn check_length(
    peer: PartyId,
    place: Place,
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), ProtocolError> {
    match found == expected {
        true => Ok(()),
        false => Err(ProtocolError::Misbehaviour {
            peer,
            place,
            what: Misbehaviour::Length { what, expected, found },
        }),
    }
}

/// Evaluates `circuit` with the other compute party. `supply` is called when triples run out.
pub(crate) async fn evaluate<Me, Peer, L>(
    link: &mut L,
    place: Place,
    circuit: &Circuit,
    inputs: BitSlices,
    party: Party,
    triples: &mut Triples,
    mut supply: impl AsyncSupply,
) -> Result<BitSlices, ProtocolError>
where
    Me: Role,
    Peer: Role,
    L: Link<Me, Peer>,
    Layer: SentBy<Me> + SentTo<Me> + SentBy<Peer> + SentTo<Peer>,
{
    let mut evaluation = Evaluation::new(circuit, party, &inputs)?;
    loop {
        let opened = match evaluation.open(triples) {
            Err(sharing::Error::TriplesExhausted { .. }) => {
                supply.supply(place, triples).await?;
                continue;
            }
            opened => opened?,
        };
        let Some(words) = opened else { break };
        let expected = words.len();
        send(link, place, &Layer { words }).await?;
        let layer: Layer = receive(link, place, 8 * expected).await?;
        check_length(link.peer(), place, "masked words", layer.words.len(), expected)?;
        evaluation.absorb(&layer.words)?;
    }
    Ok(evaluation.outputs()?)
}

/// Where triples come from when they run out.
pub(crate) trait AsyncSupply: Send {
    /// Adds some to `triples`.
    fn supply(
        &mut self,
        place: Place,
        triples: &mut Triples,
    ) -> impl Future<Output = Result<(), ProtocolError>> + Send;
}

/// The left party's triples come from its seed alone and never run out.
pub(crate) struct FromSeed;

impl AsyncSupply for FromSeed {
    async fn supply(&mut self, _: Place, _: &mut Triples) -> Result<(), ProtocolError> {
        Err(ProtocolError::Defect("the left party ran out of triples".into()))
    }
}

/// The right party's triples need the dealer's corrections, `remaining` words for the circuit at hand.
pub(crate) struct FromDealer<'a, L> {
    pub(crate) link: &'a mut L,
    pub(crate) remaining: usize,
}

impl<L: Link<crate::Second, crate::ThirdParty>> AsyncSupply for FromDealer<'_, L> {
    async fn supply(&mut self, place: Place, triples: &mut Triples) -> Result<(), ProtocolError> {
        let expected = self.remaining.min(CORRECTIONS_CHUNK);
        if expected == 0 {
            return Err(ProtocolError::Defect("a circuit takes more triples than it has gates".into()));
        }
        let mut corrections: Corrections = receive(self.link, place, 8 * expected).await?;
        check_length(self.link.peer(), place, "corrections", corrections.words.len(), expected)?;
        self.remaining -= expected;
        Ok(triples.supply(std::mem::take(&mut corrections.words))?)
    }
}

/// Opens shares to both compute parties.
pub(crate) async fn open<Me, Peer, L>(
    link: &mut L,
    place: Place,
    shares: BitSlices,
) -> Result<BitSlices, ProtocolError>
where
    Me: Role,
    Peer: Role,
    L: Link<Me, Peer>,
    Opening: SentBy<Me> + SentTo<Me> + SentBy<Peer> + SentTo<Peer>,
{
    let own = shares.as_words();
    send(link, place, &Opening { words: own.to_vec() }).await?;
    let opening: Opening = receive(link, place, 8 * own.len()).await?;
    check_length(link.peer(), place, "opened words", opening.words.len(), own.len())?;
    let words = own.iter().zip(&opening.words).map(|(own, peer)| own ^ peer).collect();
    Ok(BitSlices::from_words(words, shares.bits(), shares.lanes())?)
}
