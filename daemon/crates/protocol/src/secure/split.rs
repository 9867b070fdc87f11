//! The engine on true shares: both compute parties in one process, so that what a program does to shares is tested too.
//!
//! The parties are two threads that run the same program. For a step they show each other their shares, each computes
//! it in the clear, and both split the result again with the same random stream. So every share is uniform and new, as
//! the real steps make it, and what is local (truncation, widening, public terms) sees such shares.

use std::future::Future;
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};

use sharing::{BitSlices, Circuit, Party, RingVec, Seed, Stream};

use super::plain::{Plain, Table, run};
use super::{Bits, Engine, Ring, Segment};
use crate::error::ProtocolError;
use crate::link::Place;

/// One of the two parties.
pub(super) struct Split {
    party: Party,
    to_peer: Sender<Vec<u64>>,
    from_peer: Receiver<Vec<u64>>,
    /// The masks of all results; both parties have the same.
    masks: Stream,
    /// Computes, and counts the exchanges.
    pub(super) clear: Plain,
}

/// Runs `program` at the left and the right party. `number` fixes all shares.
pub(super) fn both<T: Send, F: Future<Output = Result<T, ProtocolError>>>(
    number: u64,
    program: impl Fn(Split) -> F + Sync,
) -> [T; 2] {
    let ((to_right, from_left), (to_left, from_right)) = (channel(), channel());
    let party = |party, to_peer, from_peer| Split {
        party,
        to_peer,
        from_peer,
        masks: stream(number, b"results"),
        clear: Plain::default(),
    };
    let left = party(Party::Left, to_right, from_right);
    let right = party(Party::Right, to_left, from_left);
    std::thread::scope(|scope| {
        let right = scope.spawn(|| run(program(right)));
        let left = run(program(left));
        [left, right.join().expect("the right party reports its own failure")]
    })
}

/// Fresh shares of one-limb values: the left party's, the right party's.
pub(super) fn shared(number: u64, values: &[i64]) -> [Ring; 2] {
    let words = values.iter().map(|&value| value as u64).collect();
    let (left, right) = RingVec::new(1, words).unwrap().share(&mut stream(number, b"inputs"));
    [left, right].map(Ring::held)
}

/// The one-limb values of which the parties hold shares.
pub(super) fn opened([left, right]: &[Ring; 2]) -> Vec<i64> {
    super::plain::integers(&left.add(right).unwrap())
}

/// This party's of two shares.
pub(super) fn own(party: Option<Party>, [left, right]: &[Ring; 2]) -> &Ring {
    if party == Some(Party::Left) { left } else { right }
}

fn stream(number: u64, purpose: &[u8]) -> Stream {
    let mut bytes = [0; Seed::BYTES];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Stream::new(Seed::from_bytes(bytes).derive(purpose))
}

impl Split {
    /// The peer's words for ours.
    fn swapped(&self, words: &[u64]) -> Result<Vec<u64>, ProtocolError> {
        let gone = |_| ProtocolError::Defect("the other party has failed".into());
        self.to_peer
            .send(words.to_vec())
            .map_err(|_| ProtocolError::Defect("the other party left".into()))?;
        let peer = self.from_peer.recv().map_err(gone)?;
        assert_eq!(peer.len(), words.len(), "the parties are at different steps");
        Ok(peer)
    }

    fn shown(&self, x: &Ring) -> Result<Ring, ProtocolError> {
        let own = x.own().unwrap();
        let peer = RingVec::new(x.limbs(), self.swapped(own.as_limbs())?)?;
        Ok(Ring::held(own.add(&peer)?))
    }

    fn shown_bits(&self, x: &Bits) -> Result<Bits, ProtocolError> {
        let own = x.own().unwrap();
        let peer = BitSlices::from_words(self.swapped(own.as_words())?, x.wires(), x.lanes())?;
        Ok(Bits::held(own.xor(&peer)?))
    }

    fn split(&mut self, x: &Ring) -> Ring {
        let (left, right) = x.own().unwrap().share(&mut self.masks);
        Ring::held(if self.party == Party::Left { left } else { right })
    }

    fn split_bits(&mut self, x: &Bits) -> Bits {
        let (left, right) = x.own().unwrap().share(&mut self.masks);
        Bits::held(if self.party == Party::Left { left } else { right })
    }
}

impl Engine for Split {
    type Rows = Table;

    fn party(&self) -> Option<Party> {
        Some(self.party)
    }

    async fn evaluate(
        &mut self,
        place: Place,
        circuit: &Circuit,
        inputs: &Bits,
    ) -> Result<Bits, ProtocolError> {
        let inputs = self.shown_bits(inputs)?;
        let out = self.clear.evaluate(place, circuit, &inputs).await?;
        Ok(self.split_bits(&out))
    }

    async fn multiply(&mut self, place: Place, x: &Ring, y: &Ring) -> Result<Ring, ProtocolError> {
        let (x, y) = (self.shown(x)?, self.shown(y)?);
        let out = self.clear.multiply(place, &x, &y).await?;
        Ok(self.split(&out))
    }

    async fn lift(&mut self, place: Place, bits: &Bits, limbs: usize) -> Result<Ring, ProtocolError> {
        let bits = self.shown_bits(bits)?;
        let out = self.clear.lift(place, &bits, limbs).await?;
        Ok(self.split(&out))
    }

    async fn negative(&mut self, place: Place, x: &Ring, width: usize) -> Result<Bits, ProtocolError> {
        let x = self.shown(x)?;
        let out = self.clear.negative(place, &x, width).await?;
        Ok(self.split_bits(&out))
    }

    async fn choose(
        &mut self,
        place: Place,
        condition: &Bits,
        x: &Ring,
        y: &Ring,
    ) -> Result<Ring, ProtocolError> {
        let (condition, x, y) = (self.shown_bits(condition)?, self.shown(x)?, self.shown(y)?);
        let out = self.clear.choose(place, &condition, &x, &y).await?;
        Ok(self.split(&out))
    }

    async fn introduce(
        &mut self,
        place: Place,
        segments: &[Segment],
        columns: usize,
        own: Option<Vec<u64>>,
    ) -> Result<Table, ProtocolError> {
        let own = own.unwrap();
        let mut known = own.as_slice();
        let mut values = Vec::new();
        for segment in segments {
            let (part, rest) =
                known.split_at(segment.rows * columns * usize::from(segment.known_to(self.party)));
            known = rest;
            values.extend_from_slice(part);
            values.resize(values.len() + segment.rows * columns - part.len(), 0);
        }
        assert!(known.is_empty(), "more rows than the segments say");
        let peer = self.swapped(&values)?;
        let sums = values.iter().zip(peer).map(|(own, peer)| own.wrapping_add(peer)).collect();
        self.clear.introduce(place, segments, columns, Some(sums)).await
    }

    async fn product(
        &mut self,
        place: Place,
        rows: &Table,
        range: Range<usize>,
        columns: Range<usize>,
        factor: &Ring,
    ) -> Result<Ring, ProtocolError> {
        let factor = self.shown(factor)?;
        let out = self.clear.product(place, rows, range, columns, &factor).await?;
        Ok(self.split(&out))
    }

    async fn weighted_sums(
        &mut self,
        place: Place,
        rows: &Table,
        range: Range<usize>,
        columns: Range<usize>,
        weights: &Ring,
    ) -> Result<Ring, ProtocolError> {
        let weights = self.shown(weights)?;
        let out = self.clear.weighted_sums(place, rows, range, columns, &weights).await?;
        Ok(self.split(&out))
    }

    fn columns(
        &self,
        rows: &Table,
        range: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Ring, ProtocolError> {
        // The rows are kept in the clear; their owner is as good as any, so the left party holds them.
        let values = self.clear.columns(rows, range, columns)?;
        Ring::private(self.party(), Party::Left, 1, values.len(), Some(super::plain::words(&values)))
    }

    async fn open(&mut self, place: Place, bits: &Bits) -> Result<BitSlices, ProtocolError> {
        let bits = self.shown_bits(bits)?;
        self.clear.open(place, &bits).await
    }

    async fn open_ring(&mut self, place: Place, x: &Ring) -> Result<Vec<u64>, ProtocolError> {
        let x = self.shown(x)?;
        self.clear.open_ring(place, &x).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::plain::PLACE;
    use super::*;

    #[test]
    fn results_are_shares_of_what_the_clear_engine_gives() {
        let (x, y) = (shared(1, &[3, -4, i64::MIN]), shared(2, &[-5, 6, 1]));
        let (x, y) = (&x, &y);
        let product = both(3, |mut engine| async move {
            let party = engine.party();
            engine.multiply(PLACE, own(party, x), own(party, y)).await
        });
        assert_eq!(opened(&product), [-15, -24, i64::MIN]);
        assert!(
            opened(x).iter().zip(super::super::plain::integers(&product[0])).all(|(x, share)| *x != share)
        );
    }

    #[test]
    fn rows_are_the_sum_of_what_their_owners_know() {
        let segments = [
            Segment { rows: 1, left: true, right: false },
            Segment { rows: 1, left: true, right: true },
            Segment { rows: 1, left: false, right: true },
        ];
        let ones = shared(4, &[1; 3]);
        let ones = &ones;
        let sums = both(5, |mut engine| async move {
            let party = engine.party();
            let known = if party == Some(Party::Left) { vec![1, 2, 10, 20] } else { vec![100, 200, 7, 8] };
            let rows = engine.introduce(PLACE, &segments, 2, Some(known)).await?;
            engine.weighted_sums(PLACE, &rows, 0..3, 0..2, own(party, ones)).await
        });
        assert_eq!(opened(&sums), [118, 230]);
    }
}
