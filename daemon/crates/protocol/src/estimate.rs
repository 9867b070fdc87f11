//! What a run will cost, before anything starts.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use sharing::{BitSlices, Circuit, Party, Seed};

use crate::course::{self, Follower};
use crate::error::ProtocolError;
use crate::link::{Place, Step};
use crate::operation::{self, Operation, Total};
use crate::party::PartyId;
use crate::plan::{Plan, PlanError, Privacy};
use crate::sealed::Shape;
use crate::secure::matrix::Layout;
use crate::secure::tally::{Count, Tally};

/// The messages of one step from one party to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// The step; of the main rounds, one.
    pub step: Step,
    /// Who sends.
    pub from: PartyId,
    /// Who receives.
    pub to: PartyId,
    /// Messages.
    pub messages: u64,
    /// Bytes of their content, as `daemon/docs/protocol.md` gives them: without lengths, versions and frames.
    pub bytes: u64,
}

/// A network between all parties.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// Bits a second, each way of each link.
    pub bits_per_second: f64,
    /// Seconds from one party to another.
    pub latency: f64,
}

impl Network {
    /// 1 Gbit/s, 0.2 ms there and back.
    pub const LAN: Network = Network { bits_per_second: 1e9, latency: 0.0001 };
    /// 100 Mbit/s, 25 ms there and back.
    pub const WAN: Network = Network { bits_per_second: 1e8, latency: 0.0125 };
}

/// What a run of a plan costs. Of the main rounds, whose number nobody knows before, it says what one costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Ordered by step, sender and receiver.
    pub traffic: Vec<Traffic>,
    /// Messages that wait for each other, by step.
    pub exchanges: Vec<(Step, u64)>,
    /// Bytes of memory, at most, beyond the program itself: at a compute party.
    pub host_memory: u64,
    /// The same at the third party.
    pub third_party_memory: u64,
}

/// What a run of `plan` costs; nothing is sent or computed on shares. It does not depend on which clusters are withheld.
///
/// # Errors
/// As [`Plan::check`].
pub fn estimate(plan: &Plan) -> Result<Estimate, PlanError> {
    plan.check()?;
    let mut counting = Counting { plan, tally: Tally::default() };
    let counted = match pin!(counting.run()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(counted) => counted,
        Poll::Pending => unreachable!("nothing to wait for"),
    };
    // A checked plan has a schedule, a task and circuits.
    counted.map_err(|error| PlanError { what: "the plan", limit: error.to_string() })?;
    let Tally { counts, exchanges, matrices, largest } = counting.tally;
    let of = |((step, from, to), (messages, bytes))| Traffic { step, from, to, messages, bytes };
    let traffic: Vec<Traffic> = counts.into_iter().map(of).collect();

    // A host has its rows raw and on the grid as well, a program at most so many vectors of its largest step's size, and
    // a link's queue what is sent ahead.
    let own = 16 * plan.dim as u64 * plan.rows.iter().max().copied().unwrap_or(0);
    let dealt = |step| traffic.iter().filter(move |t| t.step == step && t.from == PartyId::THIRD_PARTY);
    let queued = Step::ALL.iter().map(|&step| dealt(step).map(|t| t.bytes).sum::<u64>()).max();
    Ok(Estimate {
        exchanges: exchanges.into_iter().collect(),
        host_memory: own + matrices + STEPS_HELD * largest + QUEUES,
        third_party_memory: queued.unwrap_or(0).min(LINK_QUEUE) + QUEUES,
        traffic,
    })
}

/// Vectors of the size of a program's largest step that it holds at most.
const STEPS_HELD: u64 = 3;
/// Bytes of all that is sent ahead, and of blocks.
const QUEUES: u64 = 48 << 20;
/// Bytes that a link queues at most.
const LINK_QUEUE: u64 = 64 << 20;

/// Goes through a run and counts.
struct Counting<'a> {
    plan: &'a Plan,
    tally: Tally,
}

impl Counting<'_> {
    fn further(&self) -> impl Iterator<Item = PartyId> + use<> {
        (2..self.plan.hosts).map(|host| PartyId(host as u8))
    }

    async fn run(&mut self) -> Result<(), ProtocolError> {
        let plan = self.plan;
        let key = plan.key_bits as usize / 8;
        for host in (0..plan.hosts).map(|host| PartyId(host as u8)) {
            self.tally.message(Step::Setup, THIRD, host, key);
        }
        let sealed = plan.privacy != Privacy::Open;
        let seeds = [PartyId::LEAD, PartyId::SECOND].into_iter();
        let common = self.further().filter(|_| sealed).flat_map(|host| [PartyId::SECOND, host]);
        for to in seeds.chain(common) {
            self.tally.message(Step::Setup, THIRD, to, Seed::BYTES);
        }
        self.tally.exchanged(Step::Setup, 1);
        course::follow(self, plan).await?;
        if sealed {
            self.reveal();
        }
        Ok(())
    }

    /// Labels to their owners, and to all which clusters are withheld and the centres of the others.
    fn reveal(&mut self) {
        let (plan, shape) = (self.plan, Shape(self.plan));
        let bits = (usize::BITS - (plan.k - 1).leading_zeros()) as usize;
        let labels = |host| bits * shape.lanes(host).len().div_ceil(64);
        let centres = plan.k * plan.dim;
        let (lead, second) = (PartyId::LEAD, PartyId::SECOND);
        self.tally.words(Step::Reveal, lead, second, labels(second));
        self.tally.words(Step::Reveal, second, lead, labels(lead));
        self.tally.each_way(Step::Reveal, centres);
        self.tally.exchanged(Step::Reveal, 2);
        for host in self.further() {
            self.tally.words(Step::Reveal, lead, host, plan.k.div_ceil(64));
            self.tally.words(Step::Reveal, second, lead, labels(host));
            self.tally.words(Step::Reveal, lead, host, labels(host));
            self.tally.words(Step::Reveal, lead, host, centres);
        }
        if plan.hosts > 2 {
            self.tally.exchanged(Step::Reveal, 3);
        }
    }
}

const THIRD: PartyId = PartyId::THIRD_PARTY;

impl Follower for Counting<'_> {
    type Rows = Layout;
    type Engine<'e>
        = Count<'e>
    where
        Self: 'e;

    fn engine(&mut self) -> Count<'_> {
        Count(&mut self.tally)
    }

    async fn serve<O: Operation>(&mut self, operation: &O) -> Result<(), ProtocolError> {
        let step = operation.place().step;
        let (key, words) = (self.plan.key_bits as usize, operation.slots() * operation.limbs());
        let packing = (key - 1) / (64 * operation.limbs() + 65);
        let ciphertexts = operation.slots().div_ceil(packing) * key / 4;
        for host in [PartyId::SECOND].into_iter().chain(self.further()) {
            self.tally.message(step, host, PartyId::LEAD, ciphertexts);
        }
        self.tally.message(step, PartyId::LEAD, THIRD, ciphertexts);
        self.tally.message(step, THIRD, PartyId::SECOND, 8 * words);
        self.tally.exchanged(step, 3);
        operation.evaluate(self, Total(None)).await?;
        let (lanes, bits) = operation.opened();
        for host in self.further() {
            self.tally.message(step, PartyId::LEAD, host, 8 * bits * lanes.div_ceil(64));
        }
        self.tally.exchanged(step, usize::from(self.plan.hosts > 2));
        Ok(())
    }

    /// One round is counted.
    async fn proceeds(&mut self, place: Place) -> Result<bool, ProtocolError> {
        if self.plan.privacy != Privacy::Open {
            for host in self.further() {
                self.tally.words(place.step, PartyId::LEAD, host, 1);
            }
        }
        self.tally.message(place.step, PartyId::LEAD, THIRD, 1);
        self.tally.exchanged(place.step, 1);
        Ok(false)
    }
}

impl operation::Engine for Counting<'_> {
    fn party(&self) -> Option<Party> {
        None
    }

    async fn evaluate(
        &mut self,
        place: Place,
        circuit: &Circuit,
        inputs: BitSlices,
    ) -> Result<BitSlices, ProtocolError> {
        let words = circuit.triple_words(inputs.lanes());
        self.tally.corrections_of_circuit(place.step, words);
        for words in circuit.message_words(inputs.lanes()) {
            self.tally.message(place.step, PartyId::LEAD, PartyId::SECOND, 8 * words);
            self.tally.message(place.step, PartyId::SECOND, PartyId::LEAD, 8 * words);
        }
        self.tally.exchanged(place.step, circuit.depth());
        Ok(BitSlices::zero(circuit.outputs(), inputs.lanes()))
    }

    async fn open(&mut self, place: Place, shares: BitSlices) -> Result<BitSlices, ProtocolError> {
        let bytes = 8 * shares.as_words().len();
        self.tally.message(place.step, PartyId::LEAD, PartyId::SECOND, bytes);
        self.tally.message(place.step, PartyId::SECOND, PartyId::LEAD, bytes);
        self.tally.exchanged(place.step, 1);
        Ok(shares)
    }
}
