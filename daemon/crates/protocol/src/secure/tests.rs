//! Each step at both compute parties and the dealer over links in memory gives what the engine in the clear gives.

use std::any::Any;
use std::future::Future;
use std::ops::Range;

use sharing::{BitSlices, Circuit, Party, RingVec, Seed, Stream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::deal::{Deal, Stock};
use super::pair::Pair;
use super::plain::{PLACE, Plain, run, words};
use super::supply::{Dealt, Seeded, Supplies};
use super::{Bits, Engine, Ring, Segment, division, stop};
use crate::error::ProtocolError;
use crate::link::{Link, LinkError, Message, Place, SentBy, SentTo};
use crate::party::{Lead, PartyId, Role, Second};

/// One end of a channel in memory.
struct End {
    peer: PartyId,
    to: UnboundedSender<Box<dyn Any + Send>>,
    from: UnboundedReceiver<Box<dyn Any + Send>>,
    sent: Traffic,
}

/// What went one way.
#[derive(Clone, Copy, Default)]
struct Traffic {
    messages: usize,
    bytes: usize,
}

fn linked(a: PartyId, b: PartyId) -> (End, End) {
    let ((to_b, from_a), (to_a, from_b)) = (unbounded_channel(), unbounded_channel());
    let sent = Traffic::default();
    (End { peer: b, to: to_b, from: from_b, sent }, End { peer: a, to: to_a, from: from_a, sent })
}

impl<Local: Role, Remote: Role> Link<Local, Remote> for End {
    fn peer(&self) -> PartyId {
        self.peer
    }

    async fn send<M>(&mut self, place: Place, message: &M) -> Result<(), LinkError>
    where
        M: Message + SentBy<Local> + SentTo<Remote>,
    {
        // A message has no clone: it goes through its serialised form, as on a wire.
        let bytes = transport::codec::encode(message).expect("a message encodes");
        self.sent.messages += 1;
        self.sent.bytes += bytes.len();
        self.to.send(Box::new((place, M::KIND, bytes))).map_err(|_| LinkError::Closed)
    }

    async fn receive<M>(&mut self, place: Place, max_len: usize) -> Result<M, LinkError>
    where
        M: Message + SentBy<Remote> + SentTo<Local>,
    {
        let message = self.from.recv().await.ok_or(LinkError::Closed)?;
        let (at, kind, bytes) = *message.downcast::<(Place, u16, Vec<u8>)>().expect("what is sent");
        assert_eq!((at, kind), (place, M::KIND));
        assert!(bytes.len() <= 1 << 20, "a frame's worth");
        Ok(transport::codec::decode(&bytes, max_len).expect("a message decodes"))
    }
}

type Left<'a> = Pair<'a, Lead, Second, End, Seeded>;
type Right<'a> = Pair<'a, Second, Lead, End, Dealt<'a, End>>;
type Third<'a> = Deal<'a, End>;

/// Who runs a program.
#[derive(Clone, Copy)]
enum View {
    /// One of the three parties.
    Of(Option<Party>),
    /// The engine in the clear, where every value is whole.
    Whole,
}

/// A program for all.
trait Program: Sync {
    type Output;
    fn run<E: Engine>(
        &self,
        engine: &mut E,
        view: View,
    ) -> impl Future<Output = Result<Self::Output, ProtocolError>>;
}

/// What the left, the right party and the dealer end with.
fn all<P: Program>(program: &P) -> [P::Output; 3] {
    metered(program).0
}

/// The same, and what went from left to right, from right to left and from the dealer to the right.
fn metered<P: Program>(program: &P) -> ([P::Output; 3], [Traffic; 3]) {
    let seed = |byte| Seed::from_bytes([byte; 32]);
    let (mut left_peer, mut right_peer) = linked(PartyId::LEAD, PartyId::SECOND);
    let (mut right_third, mut third) = linked(PartyId::SECOND, PartyId::THIRD_PARTY);
    let (mut left, mut right) = (Supplies::new(Party::Left, &seed(1)), Supplies::new(Party::Right, &seed(2)));
    let mut stock = Stock::new(&seed(1), &seed(2));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (of_left, of_right, of_third) = runtime.block_on(async {
        let mut left = Left::new(&mut left_peer, Seeded, &mut left);
        let mut right = Right::new(&mut right_peer, Dealt(&mut right_third), &mut right);
        let mut third = Third::new(&mut third, &mut stock);
        let views = [Some(Party::Left), Some(Party::Right), None].map(View::Of);
        tokio::join!(
            program.run(&mut left, views[0]),
            program.run(&mut right, views[1]),
            program.run(&mut third, views[2])
        )
    });
    let outputs =
        [of_left.expect("the left party"), of_right.expect("the right party"), of_third.expect("the dealer")];
    (outputs, [left_peer.sent, right_peer.sent, third.sent])
}

/// What `view` has of `values`, each of `limbs` limbs.
fn shared(view: View, number: u8, limbs: usize, values: &[u64]) -> Ring {
    let whole = RingVec::new(limbs, values.to_vec()).unwrap();
    let (left, right) = whole.share(&mut Stream::new(Seed::from_bytes([number; 32])));
    match view {
        View::Of(None) => Ring::elsewhere(limbs, left.len()),
        View::Of(Some(Party::Left)) => Ring::held(left),
        View::Of(Some(Party::Right)) => Ring::held(right),
        View::Whole => Ring::held(whole),
    }
}

fn shared_bits(view: View, number: u8, bits: &BitSlices) -> Bits {
    let (left, right) = bits.share(&mut Stream::new(Seed::from_bytes([number; 32])));
    match view {
        View::Of(None) => Bits::elsewhere(bits.bits(), bits.lanes()),
        View::Of(Some(Party::Left)) => Bits::held(left),
        View::Of(Some(Party::Right)) => Bits::held(right),
        View::Whole => Bits::held(bits.clone()),
    }
}

fn opened([left, right, third]: &[Ring; 3]) -> Vec<u64> {
    assert!(third.own().is_none());
    assert_eq!((third.limbs(), third.len()), (left.limbs(), left.len()), "the dealer knows the shape");
    words(&left.add(right).unwrap()).to_vec()
}

fn opened_bits([left, right, third]: &[Bits; 3]) -> BitSlices {
    assert_eq!((third.wires(), third.lanes()), (left.wires(), left.lanes()), "the dealer knows the shape");
    left.own().unwrap().xor(right.own().unwrap()).unwrap()
}

fn numbers(seed: u8, count: usize) -> Vec<u64> {
    Stream::new(Seed::from_bytes([seed; 32])).words(count)
}

/// All steps on vectors of `len` elements.
struct Elementwise {
    limbs: usize,
    width: usize,
    x: Vec<u64>,
    y: Vec<u64>,
    bits: BitSlices,
}

impl Elementwise {
    fn new(len: usize, limbs: usize, width: usize) -> Self {
        let bits = BitSlices::from_words(numbers(9, 3 * len.div_ceil(64)), 3, len).unwrap();
        Elementwise { limbs, width, x: numbers(7, len * limbs), y: numbers(8, len * limbs), bits }
    }

    fn circuit() -> Circuit {
        let mut b = sharing::Builder::new();
        let wires = b.input_number(3);
        let both = b.and(wires[0], wires[1]);
        let all = b.and(both, wires[2]);
        b.finish(&[both, all])
    }
}

impl Program for Elementwise {
    type Output = (Ring, Ring, Ring, Bits, Bits, BitSlices, Vec<u64>);

    async fn run<E: Engine>(&self, engine: &mut E, view: View) -> Result<Self::Output, ProtocolError> {
        let (x, y) = (shared(view, 3, self.limbs, &self.x), shared(view, 4, self.limbs, &self.y));
        let bits = shared_bits(view, 5, &self.bits);
        let product = engine.multiply(PLACE, &x, &y).await?;
        let chosen = engine.choose(PLACE, &bits.part(0..1)?, &x, &y).await?;
        let lifted = engine.lift(PLACE, &bits, self.limbs).await?;
        let negative = engine.negative(PLACE, &x, self.width).await?;
        let evaluated = engine.evaluate(PLACE, &Self::circuit(), &bits).await?;
        let shown = engine.open(PLACE, &bits).await?;
        let ring = engine.open_ring(PLACE, &y).await?;
        Ok((product, chosen, lifted, negative, evaluated, shown, ring))
    }
}

#[test]
fn steps_on_every_element_are_those_in_the_clear() {
    for (len, limbs, width) in
        [(1, 1, 1), (63, 4, 200), (64, 1, 57), (65, 2, 64), (20_000, 1, 55), (40_000, 1, 64)]
    {
        let program = Elementwise::new(len, limbs, width);
        let expected = run(program.run(&mut Plain::default(), View::Whole));
        let [left, right, third] = all(&program);
        assert_eq!(opened(&[left.0, right.0, third.0]), words(&expected.0), "multiply {len}");
        assert_eq!(opened(&[left.1, right.1, third.1]), words(&expected.1), "choose {len}");
        assert_eq!(opened(&[left.2, right.2, third.2]), words(&expected.2), "lift {len}");
        assert!(opened_bits(&[left.3, right.3, third.3]) == *expected.3.own().unwrap(), "negative {len}");
        assert!(opened_bits(&[left.4, right.4, third.4]) == *expected.4.own().unwrap(), "evaluate {len}");
        assert!(left.5 == program.bits && right.5 == program.bits, "open {len}");
        assert!(left.6 == program.y && right.6 == program.y, "open_ring {len}");
    }
}

/// A matrix of rows of both parties and of rows that are shared, multiplied as a run does it, over a part of it.
struct Matrices {
    rows: [usize; 3],
    columns: usize,
    width: usize,
    range: Range<usize>,
}

impl Program for Matrices {
    type Output = [Ring; 4];

    async fn run<E: Engine>(&self, engine: &mut E, view: View) -> Result<Self::Output, ProtocolError> {
        let Matrices { rows: [a, b, c], columns, width, .. } = *self;
        let segments = [
            Segment { rows: a, left: true, right: false },
            Segment { rows: b, left: false, right: true },
            Segment { rows: c, left: true, right: true },
        ];
        let values = numbers(10, (a + b + c) * columns);
        let left: Vec<u64> = numbers(11, c * columns);
        let (of_left, rest) = values.split_at(a * columns);
        let (of_right, both) = rest.split_at(b * columns);
        let right = both.iter().zip(&left).map(|(value, left)| value.wrapping_sub(*left)).collect();
        let own = match view {
            View::Of(None) => None,
            View::Of(Some(Party::Left)) => Some([of_left.to_vec(), left].concat()),
            View::Of(Some(Party::Right)) => Some([of_right.to_vec(), right].concat()),
            View::Whole => Some(values),
        };
        // A second matrix has masks of its own.
        let first = engine.introduce(PLACE, &segments, columns, own.clone()).await?;
        let second = engine.introduce(PLACE, &segments, columns, own).await?;
        let taken = 1.min(columns - 1)..columns;
        let factor = shared(view, 12, 1, &numbers(13, taken.len() * width));
        let weights = shared(view, 14, 1, &numbers(15, self.range.len() * width));
        let (at, of) = (self.range.clone(), taken.clone());
        Ok([
            engine.product(PLACE, &first, at.clone(), of.clone(), &factor).await?,
            engine.weighted_sums(PLACE, &second, at.clone(), of.clone(), &weights).await?,
            engine.product(PLACE, &second, at.clone(), of.clone(), &factor).await?,
            engine.columns(&first, at, of)?,
        ])
    }
}

#[test]
fn matrix_products_are_those_in_the_clear() {
    for (rows, columns, width, range) in [
        ([1, 1, 1], 1, 1, 0..3),
        ([100, 70, 30], 3, 5, 0..200),
        ([100, 70, 30], 4, 2, 50..101),
        ([128, 0, 64], 3, 1, 0..192),
        ([0, 64, 0], 2, 3, 0..64),
        ([30_000, 20_000, 17_000], 3, 4, 100..66_000),
        // A factor and a sum longer than a message.
        ([70, 70, 70], 200, 700, 0..210),
    ] {
        let program = Matrices { rows, columns, width, range: range.clone() };
        let expected = run(program.run(&mut Plain::default(), View::Whole));
        let [left, right, third] = all(&program);
        let found = left.into_iter().zip(right).zip(third).map(|((left, right), third)| [left, right, third]);
        for (step, (found, expected)) in found.zip(&expected).enumerate() {
            assert!(
                opened(&found) == words(expected),
                "{rows:?}, {columns} × {width}, {range:?}: step {step}"
            );
        }
    }
}

/// The end of a round: new centres from sums and counts, then, with a limit, whether they are at rest.
struct Update {
    count_bits: usize,
    dim: usize,
    limit: Option<u64>,
    sums: Vec<u64>,
    counts: Vec<u64>,
    old: Vec<u64>,
}

impl Update {
    fn new(count_bits: usize, k: usize, dim: usize, limit: Option<u64>) -> Self {
        let counts: Vec<u64> = numbers(16, k).iter().map(|count| count >> (64 - count_bits)).collect();
        // Means of 27 bits and a sign, and a remainder; an empty cluster has no sum.
        let values = |seed| numbers(seed, k * dim).into_iter().map(|value| (value as i64 >> 36) as u64);
        let sum = |(at, value): (usize, u64)| match counts[at / dim] {
            0 => 0,
            count => value.wrapping_mul(count).wrapping_add(value % count),
        };
        let sums = values(17).enumerate().map(sum).collect();
        Update { count_bits, dim, limit, sums, old: values(18).collect(), counts }
    }
}

impl Program for Update {
    type Output = (Ring, Option<bool>);

    async fn run<E: Engine>(&self, engine: &mut E, view: View) -> Result<Self::Output, ProtocolError> {
        let of = |number, values: &[u64]| shared(view, number, 1, values);
        let (sums, counts, old) = (of(19, &self.sums), of(20, &self.counts), of(21, &self.old));
        let new = division::centres(engine, PLACE, self.count_bits, &sums, &counts, &old).await?;
        let Some(limit) = self.limit else { return Ok((new, None)) };
        let at_rest = stop::at_rest(engine, PLACE, &old, &new, self.dim, limit).await?;
        Ok((new, Some(at_rest)))
    }
}

#[test]
fn a_round_ends_as_in_the_clear_and_costs_what_is_said() {
    // Count bits, k, attributes; exchanges and bytes over all links, of the division alone and with the stop test.
    for (count_bits, k, dim, division, both) in [
        (14, 1, 1, (15, 7_293), (21, 11_502)),
        (14, 5, 2, (15, 31_141), (24, 35_967)),
        (17, 5, 2, (15, 35_677), (24, 40_503)),
        (17, 10, 10, (15, 108_773), (24, 117_279)),
        (17, 64, 32, (15, 1_379_837), (24, 1_466_815)),
        (31, 3, 3, (17, 37_683), (25, 42_362)),
    ] {
        for (limit, (exchanges, most)) in [(None, division), (Some(1 << 57), both)] {
            let program = Update::new(count_bits, k, dim, limit);
            let expected = run(program.run(&mut Plain::default(), View::Whole));
            let ([left, right, third], traffic) = metered(&program);
            assert_eq!(opened(&[left.0, right.0, third.0]), words(&expected.0), "{k} × {dim}");
            assert_eq!((left.1, right.1), (expected.1, expected.1));
            assert_eq!(third.1, limit.map(|_| false));
            let bytes: usize = traffic.iter().map(|link| link.bytes).sum();
            eprintln!(
                "XX {count_bits} {k} {dim} {limit:?}: {} {bytes} {:?}",
                traffic[0].messages, expected.1
            );
            // Each exchange is a message each way, as all lanes fit a block.
            assert_eq!([traffic[0].messages, traffic[1].messages], [exchanges; 2], "{k} × {dim}");
            assert!(bytes <= most, "{k} × {dim}: {bytes} bytes");
        }
    }
}
