//! What both compute parties do in a sealed run, whatever their role: the programs on their shares.

use std::future::Future;

use kmeans::fixed::sealed::Form;
use sharing::{BitSlices, RingVec, Seed, Stream};
use zeroize::Zeroizing;

use crate::engine::receive_words;
use crate::error::ProtocolError;
use crate::host::JointHost;
use crate::link::{Link, Place, SentBy, SentTo};
use crate::message::Words;
use crate::operation::Operation;
use crate::party::{PartyId, Role};
use crate::plan::Plan;
use crate::sealed::{REVEAL, ROWS, START, SealedHost, Shape};
use crate::secure::clustering::{self, Revealed, Round, Task};
use crate::secure::pair::Matrix;
use crate::secure::{Bits, Engine, Ring, Segment, blocks};

/// A compute party's way to the others.
pub(super) trait ComputeParty: JointHost {
    /// The engine for a while.
    type Engine<'e>: Engine<Rows = Matrix>
    where
        Self: 'e;

    /// The engine over the links to peer and dealer.
    fn engine(&mut self) -> Self::Engine<'_>;

    /// This party's share of what the further hosts introduce: `words` of each, one after the other.
    fn gather(
        &mut self,
        place: Place,
        words: &[usize],
    ) -> impl Future<Output = Result<Zeroizing<Vec<u64>>, ProtocolError>> + Send;

    /// Tells the further hosts what was opened.
    fn tell(&mut self, place: Place, words: &[u64])
    -> impl Future<Output = Result<(), ProtocolError>> + Send;

    /// The labels of this party's own rows from its share of all; gives the others what they need for theirs.
    fn hand_out(
        &mut self,
        shape: &Shape<'_>,
        share: &BitSlices,
    ) -> impl Future<Output = Result<BitSlices, ProtocolError>> + Send;
}

/// A compute party in a sealed run.
pub(super) struct Computing<'a, P> {
    party: P,
    plan: &'a Plan,
    task: Task,
    rows: Option<Matrix>,
    centres: Ring,
    /// The matches of the last round.
    last: Vec<Bits>,
}

impl<'a, P: ComputeParty> Computing<'a, P> {
    pub(super) fn new(party: P, plan: &'a Plan, form: Form) -> Result<Self, ProtocolError> {
        let task = Task::new(plan, form)?;
        Ok(Computing { party, plan, task, rows: None, centres: Ring::elsewhere(1, 0), last: Vec::new() })
    }

    /// Introduces a matrix: own rows, then this party's share of the further hosts'.
    async fn matrix(
        &mut self,
        place: Place,
        segments: &[Segment],
        columns: usize,
        mut own: Zeroizing<Vec<u64>>,
    ) -> Result<Matrix, ProtocolError> {
        let further: Vec<usize> = segments[2..].iter().map(|segment| segment.rows * columns).collect();
        let shares = self.party.gather(place, &further).await?;
        let own = match shares.is_empty() {
            true => std::mem::take(&mut *own),
            false => [own.as_slice(), shares.as_slice()].concat(),
        };
        self.party.engine().introduce(place, segments, columns, Some(own)).await
    }
}

impl<P: ComputeParty> JointHost for Computing<'_, P> {
    async fn joint<O: Operation>(
        &mut self,
        operation: &O,
        own: Vec<u64>,
    ) -> Result<BitSlices, ProtocolError> {
        self.party.joint(operation, own).await
    }

    async fn proceed(&mut self, place: Place, more: bool) -> Result<(), ProtocolError> {
        self.party.proceed(place, more).await
    }
}

impl<P: ComputeParty> SealedHost for Computing<'_, P> {
    async fn start(&mut self, own: Zeroizing<Vec<u64>>) -> Result<(), ProtocolError> {
        let shape = Shape(self.plan);
        let points = self.matrix(START, &shape.points(), shape.point_columns(), own).await?;
        let mut engine = self.party.engine();
        self.centres = clustering::start(&mut engine, &self.task, START, &points).await?;
        Ok(())
    }

    async fn introduce(&mut self, own: Zeroizing<Vec<u64>>) -> Result<(), ProtocolError> {
        let shape = Shape(self.plan);
        self.rows = Some(self.matrix(ROWS, &shape.rows(), shape.row_columns(), own).await?);
        Ok(())
    }

    async fn round(&mut self, place: Place) -> Result<bool, ProtocolError> {
        let rows = self.rows.as_ref().ok_or_else(not_introduced)?;
        let mut engine = self.party.engine();
        let Round { centres, matches, at_rest } =
            clustering::round(&mut engine, &self.task, place, rows, &self.centres).await?;
        drop(engine);
        (self.centres, self.last) = (centres, matches);
        self.party.tell(place, &[u64::from(at_rest)]).await?;
        Ok(at_rest)
    }

    fn share(&self) -> Vec<u64> {
        self.centres.own().map_or_else(Vec::new, |own| own.as_limbs().to_vec())
    }

    fn resume(&mut self, mut share: Zeroizing<Vec<u64>>) -> Result<(), ProtocolError> {
        self.centres = Ring::held(RingVec::new(1, std::mem::take(&mut *share))?);
        Ok(())
    }

    async fn reveal(&mut self) -> Result<(Vec<bool>, BitSlices), ProtocolError> {
        let rows = self.rows.as_ref().ok_or_else(not_introduced)?;
        let mut engine = self.party.engine();
        let Revealed { withheld, labels } =
            clustering::reveal(&mut engine, &self.task, REVEAL, rows, &self.centres, &self.last).await?;
        drop(engine);
        self.party.tell(REVEAL, &packed(&withheld)).await?;
        let share = labels.own().ok_or_else(|| ProtocolError::Defect("labels without a share".into()))?;
        Ok((withheld, self.party.hand_out(&Shape(self.plan), share).await?))
    }

    async fn centres(&mut self, withheld: &[bool]) -> Result<Vec<i64>, ProtocolError> {
        let mut shares = Zeroizing::new(self.share());
        for (share, _) in shares.chunks_exact_mut(self.plan.dim).zip(withheld).filter(|(_, closed)| **closed)
        {
            share.fill(0);
        }
        let shares = Ring::held(RingVec::new(1, std::mem::take(&mut *shares))?);
        let opened = self.party.engine().open_ring(REVEAL, &shares).await?;
        self.party.tell(REVEAL, &opened).await?;
        Ok(opened.iter().map(|&word| word as i64).collect())
    }
}

/// Bits in words, least significant first.
fn packed(bits: &[bool]) -> Vec<u64> {
    let word = |bits: &[bool]| bits.iter().rev().fold(0, |word, &bit| word << 1 | u64::from(bit));
    bits.chunks(64).map(word).collect()
}

/// The lanes of a host's rows.
pub(super) fn share_of(
    labels: &BitSlices,
    shape: &Shape<'_>,
    host: PartyId,
) -> Result<BitSlices, ProtocolError> {
    blocks::cut(labels, 0..labels.bits(), shape.lanes(host))
}

/// The other share of labels, of the same shape as `own`.
pub(super) async fn receive_labels<M, Me, Peer>(
    link: &mut impl Link<Me, Peer>,
    own: &BitSlices,
) -> Result<BitSlices, ProtocolError>
where
    Me: Role,
    Peer: Role,
    M: Words + SentBy<Peer> + SentTo<Me>,
{
    let words = own.as_words().len();
    let words = receive_words::<M, _, _, _>(link, REVEAL, "words of labels", words).await?;
    Ok(BitSlices::from_words(words, own.bits(), own.lanes())?)
}

/// Labels under the mask that the second host and the further host with this seed have in common.
pub(super) fn masked_labels(labels: &BitSlices, seed: &Seed) -> Result<BitSlices, ProtocolError> {
    let mask = common_stream(seed, REVEAL).words(labels.as_words().len());
    Ok(labels.xor(&BitSlices::from_words(mask, labels.bits(), labels.lanes())?)?)
}

/// The stream that the second host and a further host have in common for one place of a run.
pub(super) fn common_stream(seed: &Seed, place: Place) -> Stream {
    let mut label = *b"further host 0 0000";
    label[13] = place.step as u8;
    label[15..].copy_from_slice(&place.round.to_le_bytes());
    Stream::new(seed.derive(&label))
}

fn not_introduced() -> ProtocolError {
    ProtocolError::Defect("a round before the rows were introduced".into())
}
