//! The sign of a shared number: a secure comparison.
//!
//! A number is shared as x + y modulo 2^width, x at the left party and y at the right. Its sign is the top bit of x,
//! of y and the carry into the top place, exclusive or; and that carry is [x' > ¬y'] of the bits below. Pairs of bits
//! are compared in one exchange (`leaf`), then a tree of merges (`merge`) finds the most significant pair that
//! differs: three nodes become one in an exchange, the last four at once.
//!
//! **Order.** The exchanges of many blocks of lanes are run side by side: all blocks open an exchange before the first
//! absorbs it. So a party draws all that a block needs for an exchange when it opens it: its masks, then, at the left
//! party, its parts of the corrections. The dealer deals exchange after exchange, and block after block in each.

mod leaf;
mod merge;
mod stage;
#[cfg(test)]
mod tests;
mod wires;

use stage::{Stage, stages};
use wires::add;

use crate::error::{check_length, check_range};
use crate::wipe::Wiped;
use crate::{BitSlices, Dealing, Error, Party, Randomness, RingVec};

/// Exchanges of a comparison of `width` bits: at most 4 up to 73 bits, 5 up to 217, else 6.
pub fn exchanges(width: usize) -> usize {
    stages(width).count()
}

/// Words that each party sends in each exchange for `lanes` numbers of `width` bits.
pub fn words(width: usize, lanes: usize) -> Vec<usize> {
    stages(width).map(|stage| stage.operands().saturating_mul(lanes.div_ceil(64))).collect()
}

/// Words of corrections to the right party in each exchange for `lanes` numbers of `width` bits.
pub fn corrections(width: usize, lanes: usize) -> Vec<usize> {
    stages(width).map(|stage| stage.parts().saturating_mul(lanes.div_ceil(64))).collect()
}

/// The corrections for one exchange, counted from 0, over `lanes` numbers of `width` bits.
///
/// # Errors
/// [`Error::Range`] unless `width` is 1 to 256, the exchange is one of [`exchanges`] and the words fit into memory.
pub fn deal(dealing: &mut Dealing, width: usize, lanes: usize, exchange: usize) -> Result<Vec<u64>, Error> {
    check_width(width, RingVec::MAX_LIMBS)?;
    let Some(stage) = stages(width).nth(exchange) else {
        let most = exchanges(width).saturating_sub(1);
        return Err(Error::Range { what: "exchange of a comparison", least: 0, most, found: exchange });
    };
    check_lanes(lanes)?;
    let words = lanes.div_ceil(64);
    let mut masks = [(); 2].map(|()| Wiped::zeros(stage.operands() * words));
    let mut parts = vec![0; stage.parts() * words];
    dealing.fill(Party::Left, &mut masks[0]);
    dealing.fill(Party::Left, &mut parts);
    dealing.fill(Party::Right, &mut masks[1]);
    let [left, right] = &mut masks;
    match stage {
        Stage::Leaves(chunks) => leaf::add_products(chunks, [left, right], words, &mut parts),
        Stage::Merge(layer) => {
            add(left, right);
            merge::deal(layer, left, words, &mut parts);
        }
    }
    Ok(parts)
}

/// A party's comparison of a block of numbers with zero.
///
/// While [`open`](Self::open) gives words, send them, and [`absorb`](Self::absorb) the other party's; then
/// [`finish`](Self::finish).
pub struct Signs {
    party: Party,
    width: usize,
    lanes: usize,
    /// Exchanges that are over.
    done: usize,
    /// This party's bits, all of them before the first exchange, thereafter the top one.
    bits: BitSlices,
    /// Shares of the nodes: "greater" of all, then "equal" of all but the lowest. While the leaves are open, the left
    /// party's parts of them.
    nodes: Wiped,
    opening: Option<Opening>,
}

/// An exchange that was opened and not absorbed.
struct Opening {
    stage: Stage,
    masks: Wiped,
    /// Of a merge, at the left party.
    parts: Wiped,
    /// Of the leaves the right party's operands, of a merge what was sent. Nothing of the left party's leaves.
    kept: Wiped,
}

impl Signs {
    /// Starts from this party's additive shares, as limbs, least significant first, element after element, of which
    /// the low `width` bits matter.
    ///
    /// # Errors
    /// [`Error::Range`] unless `limbs` is 1 to 4 and `width` is 1 to 64 times that, [`Error::Length`] when `values` are
    /// not whole elements.
    pub fn new(party: Party, values: &[u64], limbs: usize, width: usize) -> Result<Self, Error> {
        check_range("limbs of a ring element", limbs, 1, RingVec::MAX_LIMBS)?;
        check_width(width, limbs)?;
        check_lanes(values.len() / limbs)?;
        let bits = BitSlices::from_limbs(values, limbs, width)?;
        Ok(Self { party, width, lanes: bits.lanes(), done: 0, bits, nodes: Wiped::default(), opening: None })
    }

    /// The words to send in the next exchange; none when there is no further one.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] when the last exchange was not absorbed, [`Error::WrongParty`] when the randomness is the
    /// other party's. Then nothing is drawn.
    pub fn open(&mut self, randomness: &mut Randomness) -> Result<Option<Vec<u64>>, Error> {
        if self.opening.is_some() {
            return Err(Error::OutOfOrder("an exchange of a comparison opened before the last was absorbed"));
        }
        if randomness.party() != self.party {
            return Err(Error::WrongParty);
        }
        let Some(stage) = stages(self.width).nth(self.done) else { return Ok(None) };
        let words = self.words();
        let mut masks = Wiped::zeros(stage.operands() * words);
        randomness.fill(&mut masks);
        let drawn = match self.party {
            Party::Left => stage.parts() * words,
            Party::Right => 0,
        };
        let mut message = vec![0; masks.len()];
        let (mut kept, mut parts) = (Wiped::default(), Wiped::default());
        match stage {
            Stage::Leaves(chunks) => {
                self.nodes = node_wires(chunks.count(), words);
                randomness.fill(&mut self.nodes[..drawn]);
                leaf::operands(self.party, chunks, self.bits.as_words(), words, &mut message);
                self.bits = self.bits.part(self.width - 1..self.width)?;
                if self.party == Party::Right {
                    kept = message.clone().into();
                }
                add(&mut message, &masks);
            }
            Stage::Merge(layer) => {
                parts = Wiped::zeros(drawn);
                randomness.fill(&mut parts);
                merge::operands(layer, &self.nodes, words, &mut message);
                add(&mut message, &masks);
                kept = message.clone().into();
            }
        }
        self.opening = Some(Opening { stage, masks, parts, kept });
        Ok(Some(message))
    }

    /// Ends the exchange with the other party's words and, at the right party, the dealer's corrections for it; the
    /// left party takes none.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] when no exchange is open, [`Error::Length`] when the words or the corrections are too
    /// many or too few.
    pub fn absorb(&mut self, peer: &[u64], corrections: &[u64]) -> Result<(), Error> {
        let Some(opening) = &self.opening else {
            return Err(Error::OutOfOrder("words for a comparison without an open exchange"));
        };
        let words = self.words();
        let expected = match self.party {
            Party::Left => 0,
            Party::Right => opening.stage.parts() * words,
        };
        check_length("words of a comparison", peer.len(), opening.masks.len())?;
        check_length("words of corrections of a comparison", corrections.len(), expected)?;
        let Some(Opening { stage, masks, parts, mut kept }) = self.opening.take() else {
            unreachable!("looked at above")
        };
        match stage {
            Stage::Leaves(chunks) => {
                self.nodes[..expected].copy_from_slice(corrections);
                let operands = match self.party {
                    Party::Left => [&masks, peer],
                    Party::Right => [peer, &kept],
                };
                leaf::add_products(chunks, operands, words, &mut self.nodes);
                leaf::add_linear(chunks, operands, self.party, words, &mut self.nodes);
            }
            Stage::Merge(layer) => {
                add(&mut kept, peer);
                let (one, parts) = match self.party {
                    Party::Left => (u64::MAX, &*parts),
                    Party::Right => (0, corrections),
                };
                let inputs = merge::Inputs { opened: &kept, masks: &masks, parts };
                let mut nodes = node_wires(layer.groups().count(), words);
                merge::evaluate(layer, one, inputs, words, &self.nodes, &mut nodes);
                self.nodes = nodes;
            }
        }
        self.done += 1;
        Ok(())
    }

    /// This party's exclusive-or share of the signs, 1 for negative: one wire.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] before the last exchange was absorbed.
    pub fn finish(self) -> Result<BitSlices, Error> {
        if self.done < exchanges(self.width) {
            return Err(Error::OutOfOrder("the result of a comparison before its last exchange"));
        }
        let mut signs = self.bits.as_words().to_vec();
        add(&mut signs, &self.nodes);
        BitSlices::from_words(signs, 1, self.lanes)
    }

    fn words(&self) -> usize {
        self.lanes.div_ceil(64)
    }
}

/// Room for "greater" of so many nodes and "equal" of all but one.
fn node_wires(nodes: usize, words: usize) -> Wiped {
    Wiped::zeros((2 * nodes - 1) * words)
}

fn check_width(width: usize, limbs: usize) -> Result<(), Error> {
    check_range("bits of a comparison", width, 1, 64 * limbs)
}

/// Keeps all sizes computed from the lanes far from overflow.
fn check_lanes(lanes: usize) -> Result<(), Error> {
    check_range("lanes of a comparison", lanes, 0, isize::MAX as usize / (1 << 12))
}
