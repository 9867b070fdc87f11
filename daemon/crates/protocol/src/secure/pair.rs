//! The engine at a compute party: for every block of lanes the masked operands go out, the peer's come in, and at the
//! right party the dealer's corrections.
//!
//! Blocks are sent ahead of what is received, but no farther than [`AHEAD`], so that a step over many rows takes one
//! exchange and little memory. All randomness of a block is drawn when it is opened: how far ahead a party is changes
//! nothing.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::ops::Range;

use sharing::choose::{self, Choice};
use sharing::lift::{self, Lift};
use sharing::matrix::{Block, Product, Rows, Sums};
use sharing::product::{self, Products};
use sharing::sign::{self, Signs};
use sharing::{BitSlices, Circuit, Evaluation, Party, Randomness, RingVec};
use zeroize::{Zeroize, Zeroizing};

use super::matrix::{Layout, RowBlock};
use super::supply::{Supplies, Supply};
use super::{Bits, Engine, Ring, Segment, blocks};
use crate::engine::{CORRECTIONS_CHUNK, WORDS, check_length, receive, receive_words, send, send_words};
use crate::error::ProtocolError;
use crate::link::{Link, Place, SentBy, SentTo};
use crate::message::{Layer, Masked, MaskedRows, Opening};
use crate::party::Role;

/// Bytes that a party sends before it takes the peer's: more than a long line holds, and far less than a link queues.
const AHEAD: usize = 8 << 20;

/// The engine at a compute party: `Me` of `Me` and `Peer`.
pub(crate) struct Pair<'a, Me, Peer, L, S> {
    link: &'a mut L,
    supply: S,
    supplies: &'a mut Supplies,
    roles: PhantomData<fn() -> (Me, Peer)>,
}

/// What one block of an exchange takes.
#[derive(Clone, Copy)]
struct Size {
    /// Words from the peer.
    words: usize,
    /// Words of corrections.
    corrections: usize,
}

impl<'a, Me, Peer, L, S> Pair<'a, Me, Peer, L, S>
where
    Me: Role,
    Peer: Role,
    L: Link<Me, Peer>,
    S: Supply,
    Layer: SentBy<Me> + SentTo<Me> + SentBy<Peer> + SentTo<Peer>,
    Masked: SentBy<Me> + SentTo<Me> + SentBy<Peer> + SentTo<Peer>,
    MaskedRows: SentBy<Me> + SentTo<Me> + SentBy<Peer> + SentTo<Peer>,
    Opening: SentBy<Me> + SentTo<Me> + SentBy<Peer> + SentTo<Peer>,
{
    pub(crate) fn new(link: &'a mut L, supply: S, supplies: &'a mut Supplies) -> Self {
        Pair { link, supply, supplies, roles: PhantomData }
    }

    fn me(&self) -> Party {
        self.supplies.randomness.party()
    }

    async fn send(&mut self, place: Place, words: Vec<u64>) -> Result<(), ProtocolError> {
        send_words::<Masked, _, _, _>(self.link, place, words).await
    }

    async fn receive(&mut self, place: Place, words: usize) -> Result<Vec<u64>, ProtocolError> {
        receive_words::<Masked, _, _, _>(self.link, place, "masked words", words).await
    }

    /// One exchange over all `blocks`: `open` masks a block's operands, `size` says what comes for it, `absorb` takes
    /// that: the block, its state, the peer's words, the corrections.
    async fn exchange<B: Send + Sync, State: Send>(
        &mut self,
        place: Place,
        blocks: impl Iterator<Item = B> + Send,
        mut open: impl FnMut(&mut Randomness, &B) -> Result<(State, Vec<u64>), ProtocolError> + Send,
        size: impl Fn(&B) -> Size + Send,
        mut absorb: impl FnMut(B, State, &[u64], &[u64]) -> Result<(), ProtocolError> + Send,
    ) -> Result<(), ProtocolError> {
        let mut blocks = blocks;
        let mut opened = VecDeque::new();
        let mut ahead = 0;
        loop {
            if ahead < AHEAD
                && let Some(block) = blocks.next()
            {
                let (state, words) = open(&mut self.supplies.randomness, &block)?;
                let bytes = 8 * words.len();
                ahead += bytes;
                self.send(place, words).await?;
                opened.push_back((block, state, bytes));
                continue;
            }
            let Some((block, state, bytes)) = opened.pop_front() else { return Ok(()) };
            let Size { words, corrections } = size(&block);
            let words = self.receive(place, words).await?;
            let corrections = self.supply.corrections(place, corrections).await?;
            absorb(block, state, &words, &corrections)?;
            ahead -= bytes;
        }
    }
}

/// A matrix as a compute party knows it.
pub(crate) struct Matrix {
    layout: Layout,
    /// Own parts of the rows, row-major.
    own: Zeroizing<Vec<u64>>,
    /// The peer's parts, masked by it.
    peer: Vec<u64>,
}

impl Matrix {
    /// What `party` knows of the block, its columns of `columns`.
    fn block(
        &self,
        party: Party,
        block: &RowBlock,
        columns: &Range<usize>,
    ) -> Result<Block<'_>, ProtocolError> {
        let own = rows_at(&self.own, self.layout.columns(), block.of(party), columns)?;
        let peer = rows_at(&self.peer, self.layout.columns(), block.of(other(party)), columns)?;
        Ok(Block { own, peer })
    }
}

/// The rows at `places` of row-major `values`, `width` elements each, and of them the columns of `columns`.
pub(super) fn rows_at<'v>(
    values: &'v [u64],
    width: usize,
    places: Option<Range<usize>>,
    columns: &Range<usize>,
) -> Result<Option<Rows<'v>>, ProtocolError> {
    let Some(places) = places else { return Ok(None) };
    Ok(Some(Rows::new(&values[places.start * width..places.end * width], width, columns.clone())?))
}

fn other(party: Party) -> Party {
    match party {
        Party::Left => Party::Right,
        Party::Right => Party::Left,
    }
}

fn held(x: &Ring) -> Result<&RingVec, ProtocolError> {
    x.own().ok_or_else(|| ProtocolError::Defect("a compute party without its share".into()))
}

fn held_bits(x: &Bits) -> Result<&BitSlices, ProtocolError> {
    x.own().ok_or_else(|| ProtocolError::Defect("a compute party without its share".into()))
}

/// The limbs of the elements of `range`.
fn elements<'x>(x: &'x RingVec, range: &Range<usize>) -> &'x [u64] {
    &x.as_limbs()[range.start * x.limbs()..range.end * x.limbs()]
}

/// Adds a block's share to the whole, and wipes it in one pass.
fn append(out: &mut Vec<u64>, mut share: Vec<u64>) {
    out.extend_from_slice(&share);
    share.clear();
    share.zeroize();
}

fn shape(same: bool) -> Result<(), ProtocolError> {
    if same { Ok(()) } else { Err(ProtocolError::Defect("shares of different shapes".into())) }
}

impl<Me, Peer, L, S> Engine for Pair<'_, Me, Peer, L, S>
where
    Me: Role,
    Peer: Role,
    L: Link<Me, Peer>,
    S: Supply,
    Layer: SentBy<Me> + SentTo<Me> + SentBy<Peer> + SentTo<Peer>,
    Masked: SentBy<Me> + SentTo<Me> + SentBy<Peer> + SentTo<Peer>,
    MaskedRows: SentBy<Me> + SentTo<Me> + SentBy<Peer> + SentTo<Peer>,
    Opening: SentBy<Me> + SentTo<Me> + SentBy<Peer> + SentTo<Peer>,
{
    type Rows = Matrix;

    fn party(&self) -> Option<Party> {
        Some(self.me())
    }

    async fn evaluate(
        &mut self,
        place: Place,
        circuit: &Circuit,
        inputs: &Bits,
    ) -> Result<Bits, ProtocolError> {
        let (me, inputs) = (self.me(), held_bits(inputs)?);
        let cut = blocks::of_circuit(inputs.lanes(), circuit.widest_layer());
        let mut evaluations = Vec::new();
        for lanes in cut {
            let inputs = blocks::cut(inputs, 0..inputs.bits(), lanes)?;
            evaluations.push(Evaluation::new(circuit, me, &inputs)?);
        }
        // The dealer streams the corrections of all layers as one.
        let mut dealt = match me {
            Party::Left => 0,
            Party::Right => circuit.triple_words(inputs.lanes()),
        };
        for _ in 0..circuit.depth() {
            let (mut first, mut ahead) = (0, VecDeque::new());
            while first < evaluations.len() || !ahead.is_empty() {
                let sent: usize = ahead.iter().sum();
                if 8 * sent < AHEAD && first < evaluations.len() {
                    let words = loop {
                        match evaluations[first].open(&mut self.supplies.triples) {
                            Err(sharing::Error::TriplesExhausted { .. }) if dealt > 0 => {
                                let more = dealt.min(CORRECTIONS_CHUNK);
                                let corrections = self.supply.corrections(place, more).await?;
                                self.supplies.triples.supply(corrections)?;
                                dealt -= more;
                            }
                            opened => break opened?,
                        }
                    };
                    let words =
                        words.ok_or_else(|| ProtocolError::Defect("a circuit without its layers".into()))?;
                    ahead.push_back(words.len());
                    send(self.link, place, &Layer { words }).await?;
                    first += 1;
                } else if let Some(expected) = ahead.pop_front() {
                    let layer: Layer = receive(self.link, place, 8 * expected).await?;
                    check_length(self.link.peer(), place, "masked words", layer.words.len(), expected)?;
                    evaluations[first - ahead.len() - 1].absorb(&layer.words)?;
                }
            }
        }
        let outputs = evaluations.into_iter().map(Evaluation::outputs).collect::<Result<Vec<_>, _>>()?;
        Ok(Bits::held(blocks::join(&outputs, circuit.outputs(), inputs.lanes())?))
    }

    async fn multiply(&mut self, place: Place, x: &Ring, y: &Ring) -> Result<Ring, ProtocolError> {
        let limbs = x.limbs();
        shape((limbs, x.len()) == (y.limbs(), y.len()))?;
        let (x, y) = (held(x)?, held(y)?);
        let mut out = Vec::with_capacity(x.as_limbs().len());
        self.exchange(
            place,
            blocks::of(x.len(), product::words(1, limbs)),
            |randomness, lanes| {
                Ok(Products::open(randomness, elements(x, lanes), elements(y, lanes), limbs)?)
            },
            |lanes| Size {
                words: product::words(lanes.len(), limbs),
                corrections: product::corrections(lanes.len(), limbs),
            },
            |_, state, words, corrections| {
                append(&mut out, state.absorb(words, corrections)?);
                Ok(())
            },
        )
        .await?;
        Ok(Ring::held(RingVec::new(limbs, out)?))
    }

    async fn lift(&mut self, place: Place, bits: &Bits, limbs: usize) -> Result<Ring, ProtocolError> {
        let bits = held_bits(bits)?;
        let mut out = Vec::with_capacity(bits.bits() * bits.lanes() * limbs);
        self.exchange(
            place,
            blocks::of_wires(bits.bits(), bits.lanes(), limbs),
            |randomness, (wires, lanes)| {
                Ok(Lift::open(randomness, &blocks::cut(bits, wires.clone(), lanes.clone())?, limbs)?)
            },
            |(wires, lanes)| Size {
                words: lift::words(wires.len(), lanes.len()),
                corrections: lift::corrections(wires.len(), lanes.len(), limbs),
            },
            |_, state, words, corrections| {
                append(&mut out, state.absorb(words, corrections)?);
                Ok(())
            },
        )
        .await?;
        Ok(Ring::held(RingVec::new(limbs, out)?))
    }

    async fn negative(&mut self, place: Place, x: &Ring, width: usize) -> Result<Bits, ProtocolError> {
        let (me, x) = (self.me(), held(x)?);
        let cut: Vec<_> = blocks::of(x.len(), sign_words(width)).collect();
        let mut signs = cut
            .iter()
            .map(|lanes| Signs::new(me, elements(x, lanes), x.limbs(), width))
            .collect::<Result<Vec<_>, _>>()?;
        for exchange in 0..sign::exchanges(width) {
            let mut states = signs.into_iter();
            let mut absorbed = Vec::with_capacity(cut.len());
            self.exchange(
                place,
                cut.iter(),
                |randomness, _| {
                    let mut state: Signs = states.next().ok_or_else(missing)?;
                    let words = state.open(randomness)?.ok_or_else(missing)?;
                    Ok((state, words))
                },
                |lanes| Size {
                    words: sign::words(width, lanes.len())[exchange],
                    corrections: sign::corrections(width, lanes.len())[exchange],
                },
                |_, mut state, words, corrections| {
                    state.absorb(words, corrections)?;
                    absorbed.push(state);
                    Ok(())
                },
            )
            .await?;
            signs = absorbed;
        }
        let signs = signs.into_iter().map(Signs::finish).collect::<Result<Vec<_>, _>>()?;
        Ok(Bits::held(blocks::join(&signs, 1, x.len())?))
    }

    async fn choose(
        &mut self,
        place: Place,
        condition: &Bits,
        x: &Ring,
        y: &Ring,
    ) -> Result<Ring, ProtocolError> {
        let limbs = x.limbs();
        shape(
            (limbs, x.len()) == (y.limbs(), y.len())
                && (condition.wires(), condition.lanes()) == (1, x.len()),
        )?;
        let (condition, x, y) = (held_bits(condition)?, held(x)?, held(y)?);
        let mut out = Vec::with_capacity(x.as_limbs().len());
        self.exchange(
            place,
            blocks::of(x.len(), choose::corrections(1, limbs)),
            |randomness, lanes| {
                let condition = blocks::cut(condition, 0..1, lanes.clone())?;
                Ok(Choice::open(randomness, &condition, elements(x, lanes), elements(y, lanes), limbs)?)
            },
            |lanes| Size {
                words: choose::words(lanes.len(), limbs),
                corrections: choose::corrections(lanes.len(), limbs),
            },
            |_, state, words, corrections| {
                append(&mut out, state.absorb(words, corrections)?);
                Ok(())
            },
        )
        .await?;
        Ok(Ring::held(RingVec::new(limbs, out)?))
    }

    async fn introduce(
        &mut self,
        place: Place,
        segments: &[Segment],
        columns: usize,
        own: Option<Vec<u64>>,
    ) -> Result<Matrix, ProtocolError> {
        let layout = Layout::new(segments, columns);
        let own = Zeroizing::new(own.unwrap_or_default());
        shape(own.len() == layout.rows_of(self.me()) * columns)?;
        let mut masking = self.supplies.masking();
        let expected = layout.rows_of(other(self.me())) * columns;
        let mut peer = Vec::with_capacity(expected);
        let mut mine = own.chunks(WORDS);
        // Both send as much as they like ahead of the other, message by message, and no more.
        let mut ahead = 0;
        while mine.len() > 0 || peer.len() < expected {
            if let Some(words) = mine.next() {
                send(self.link, place, &MaskedRows { words: masking.mask(words) }).await?;
                ahead += 8 * words.len();
            }
            if peer.len() < expected && (ahead >= AHEAD || mine.len() == 0) {
                let words = (expected - peer.len()).min(WORDS);
                let rows =
                    receive_words::<MaskedRows, _, _, _>(self.link, place, "words of masked rows", words);
                let rows = rows.await?;
                peer.extend_from_slice(&rows);
                ahead = ahead.saturating_sub(8 * rows.len());
            }
        }
        Ok(Matrix { layout, own, peer })
    }

    async fn product(
        &mut self,
        place: Place,
        rows: &Matrix,
        range: Range<usize>,
        columns: Range<usize>,
        factor: &Ring,
    ) -> Result<Ring, ProtocolError> {
        let (me, width) = (self.me(), factor.len() / columns.len().max(1));
        let shape = rows.layout.shape(&range, columns.len(), width);
        let (product, words) = Product::open(&mut self.supplies.randomness, shape, held(factor)?.as_limbs())?;
        self.send(place, words).await?;
        let words = self.receive(place, shape.product_words(other(me))).await?;
        let mut product = product.absorb(&words)?;
        for block in rows.layout.blocks(&range, width) {
            let len = block.rows.len();
            let corrections = self.supply.corrections(place, shape.product_corrections(len)).await?;
            let known = rows.block(me, &block, &columns)?;
            product.block(&mut self.supplies.randomness, len, known, &corrections)?;
        }
        Ok(Ring::held(RingVec::new(1, product.finish()?)?))
    }

    async fn weighted_sums(
        &mut self,
        place: Place,
        rows: &Matrix,
        range: Range<usize>,
        columns: Range<usize>,
        weights: &Ring,
    ) -> Result<Ring, ProtocolError> {
        let (me, total, weights) = (self.me(), range.len(), held(weights)?.as_limbs());
        let width = weights.len() / total.max(1);
        let shape = rows.layout.shape(&range, columns.len(), width);
        // The weights of a block, column by column.
        let of_block = |block: &RowBlock| {
            let mut words = Zeroizing::new(Vec::with_capacity(width * block.rows.len()));
            for column in weights.chunks_exact(total.max(1)) {
                words.extend_from_slice(&column[block.rows.clone()]);
            }
            words
        };
        let mut sums = Sums::new(&mut self.supplies.randomness, shape)?;
        let blocks = rows.layout.blocks(&range, width);
        let (mut next, mut opened, mut ahead) = (blocks.iter(), VecDeque::new(), 0);
        loop {
            if ahead < AHEAD
                && let Some(block) = next.next()
            {
                let (known, weights) = (rows.block(me, block, &columns)?, of_block(block));
                let words = sums.open(&mut self.supplies.randomness, block.rows.len(), known, &weights)?;
                opened.push_back((block, 8 * words.len()));
                ahead += 8 * words.len();
                self.send(place, words).await?;
                continue;
            }
            let Some((block, bytes)) = opened.pop_front() else { break };
            let expected = shape.sums_words(other(me), block.rows.len(), block.parts);
            let words = self.receive(place, expected).await?;
            sums.absorb(block.rows.len(), rows.block(me, block, &columns)?, &of_block(block), &words)?;
            ahead -= bytes;
        }
        let corrections = self.supply.corrections(place, shape.sums_corrections()).await?;
        Ok(Ring::held(RingVec::new(1, sums.finish(&corrections)?)?))
    }

    fn columns(
        &self,
        rows: &Matrix,
        range: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Ring, ProtocolError> {
        let (me, width) = (self.me(), rows.layout.columns());
        let mut words = vec![0; columns.len() * range.len()];
        for block in rows.layout.blocks(&range, 1) {
            let Some(own) = block.of(me) else { continue };
            for (column, words) in columns.clone().zip(words.chunks_exact_mut(range.len())) {
                let values = rows.own[own.start * width..own.end * width].iter().skip(column).step_by(width);
                words[block.rows.clone()].iter_mut().zip(values).for_each(|(word, value)| *word = *value);
            }
        }
        Ok(Ring::held(RingVec::new(1, words)?))
    }

    async fn open(&mut self, place: Place, bits: &Bits) -> Result<BitSlices, ProtocolError> {
        let bits = held_bits(bits)?.clone();
        crate::engine::open(self.link, place, bits).await
    }

    async fn open_ring(&mut self, place: Place, x: &Ring) -> Result<Vec<u64>, ProtocolError> {
        let own = held(x)?;
        let words = own.as_limbs().to_vec();
        send_words::<Opening, _, _, _>(self.link, place, words).await?;
        let expected = own.as_limbs().len();
        let peer = receive_words::<Opening, _, _, _>(self.link, place, "opened words", expected).await?;
        let peer = RingVec::new(own.limbs(), peer)?;
        Ok(own.add(&peer)?.as_limbs().to_vec())
    }
}

/// Words of a lane in the longest of a comparison's messages, for 64 lanes share a word.
pub(super) fn sign_words(width: usize) -> usize {
    let longest = sign::words(width, 64).into_iter().chain(sign::corrections(width, 64)).max();
    longest.unwrap_or(0).div_ceil(64)
}

fn missing() -> ProtocolError {
    ProtocolError::Defect("a comparison ended before its last exchange".into())
}
