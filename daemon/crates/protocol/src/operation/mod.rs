//! A joint operation: every host puts in a vector of its own, a function of the sum comes out in the open.
//!
//! An operation is the same code at every party. The compute parties run its circuits on their shares; the third
//! party runs it to know which triples to deal; a further host only needs the shape.

mod centres;
mod costs;
mod headcount;
mod moments;
#[cfg(test)]
mod plain;
mod reveal;

use std::future::Future;

use sharing::numbers::Depth;
use sharing::{BitSlices, Circuit, Party, RingVec};

pub(crate) use centres::{Centres, Division};
pub(crate) use costs::{Largest, Least};
pub(crate) use headcount::Headcount;
pub(crate) use moments::JointMoments;
pub(crate) use reveal::{Shown, Withheld};

use crate::error::ProtocolError;
use crate::link::Place;

/// An AND layer is an exchange over the network, so layers are saved rather than gates.
const DEPTH: Depth = Depth::Shallow;

/// One joint operation of a run.
pub(crate) trait Operation: Send + Sync {
    /// Where it belongs.
    fn place(&self) -> Place;
    /// Width of a slot of the joint sum, in 64-bit limbs.
    fn limbs(&self) -> usize;
    /// Length of the vector that every host puts in.
    fn slots(&self) -> usize;
    /// Lanes and bits of what is opened.
    fn opened(&self) -> (usize, usize);
    /// From this party's additive share of the sum to the opened result.
    fn evaluate<E: Engine>(
        &self,
        engine: &mut E,
        total: Total,
    ) -> impl Future<Output = Result<BitSlices, ProtocolError>> + Send;
}

/// The two-party engine as one party sees it.
pub(crate) trait Engine: Send {
    /// Which of the compute parties this is; the dealer is neither.
    fn party(&self) -> Option<Party>;

    /// Evaluates a circuit on this party's shares of its inputs and gives its shares of the outputs.
    fn evaluate(
        &mut self,
        place: Place,
        circuit: &Circuit,
        inputs: BitSlices,
    ) -> impl Future<Output = Result<BitSlices, ProtocolError>> + Send;

    /// Opens shares to the hosts.
    fn open(
        &mut self,
        place: Place,
        shares: BitSlices,
    ) -> impl Future<Output = Result<BitSlices, ProtocolError>> + Send;
}

/// A party's additive share of a joint sum, `slots` elements. The dealer has none.
pub(crate) struct Total(pub(crate) Option<RingVec>);

impl Total {
    /// The shares in `slots`, one a lane.
    pub(crate) fn gathered(
        &self,
        slots: impl Iterator<Item = usize>,
    ) -> Result<Option<RingVec>, ProtocolError> {
        let Some(total) = &self.0 else { return Ok(None) };
        let limbs = total.limbs();
        let words =
            slots.flat_map(|slot| total.as_limbs()[slot * limbs..][..limbs].iter().copied()).collect();
        Ok(Some(RingVec::new(limbs, words)?))
    }

    /// Input wires for the numbers in `slots`, one a lane, taken modulo 2^`bits`: the left party's share, then the
    /// right party's. A circuit adds the two.
    pub(crate) fn addends(
        &self,
        party: Option<Party>,
        bits: usize,
        slots: impl ExactSizeIterator<Item = usize>,
    ) -> Result<[BitSlices; 2], ProtocolError> {
        let none = BitSlices::zero(bits, slots.len());
        let own = self.gathered(slots)?.map(|shares| shares.to_slices(bits)).transpose()?;
        Ok(match (party, own) {
            (Some(Party::Left), Some(own)) => [own, none],
            (Some(Party::Right), Some(own)) => [none, own],
            _ => [none.clone(), none],
        })
    }
}
