//! The rounded division of additively shared sums by additively shared counts.
//!
//! ANDs and layers of the whole circuit, shallow, by count bits n, quotient bits q and radix bits r:
//!
//! | n, q, limbs | r = 1 | r = 2 | r = 3 | r = 4 | r = 5 |
//! |---|---|---|---|---|---|
//! | 24, 32, 1 | 4 593, 199 | 6 747, 106 | 10 126, 76 | 16 494, 62 | 25 804, 52 |
//! | 32, 32, 1 | 7 064, 237 | 10 200, 125 | 15 098, 90 | 24 307, 72 | 37 708, 62 |
//! | 32, 82, 2 | 16 819, 583 | 24 930, 298 | 38 220, 205 | 60 625, 158 | 99 383, 130 |
//! | 32, 162, 4 | 33 087, 1 144 | 49 158, 578 | 76 034, 389 | 120 833, 298 | 198 723, 242 |
//!
//! On a local network the best is r = 4 for up to some 64 lanes (5 with fewer than 25 count bits), 3 for some hundred
//! and 2 for some thousand; on a wide network 6 or 7 for few lanes. [`SharedDivision::plan`] chooses.

use crate::error::{check_length, check_range};
use crate::numbers::{self, Depth, DivisionForm, Divisor, Sign};
use crate::{BitSlices, Builder, Circuit, Error, Party, RingVec};

/// The shape of a division of shared numbers: each lane has its own sum, count and previous value.
///
/// The result is [`reference::rounded_division`](crate::reference::rounded_division): sum / count rounded half up, or
/// the previous value where the count is below the limit. It is right when the true quotient fits
/// `quotient_bits` bits (signed or not, as `sign` says) and the count fits `count_bits`; so the sum needs at most
/// `count_bits + quotient_bits` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedDivision {
    /// Limbs of the ring in which the sum is shared.
    pub sum_limbs: usize,
    /// Limbs of the ring in which the count is shared.
    pub count_limbs: usize,
    /// Bits of the largest count, 1 to 63. Row counts are public, so take no more than they need.
    pub count_bits: usize,
    /// Bits of a quotient and of a previous value, 1 to 192.
    pub quotient_bits: usize,
    /// Counts below this keep the previous value; 0 is taken as 1.
    pub limit: u64,
    /// Whether sums and quotients are two's complement.
    pub sign: Sign,
}

/// What a network takes for an evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NetworkCost {
    /// Seconds of one exchange of short messages.
    pub exchange_seconds: f64,
    /// Bytes a second in one direction.
    pub bytes_per_second: f64,
}

impl NetworkCost {
    /// A local network: 0.2 ms, 1 Gbit/s.
    pub const LAN: Self = Self { exchange_seconds: 0.2e-3, bytes_per_second: 125e6 };
    /// A wide network: 25 ms, 100 Mbit/s.
    pub const WAN: Self = Self { exchange_seconds: 25e-3, bytes_per_second: 12.5e6 };

    /// Bytes that the right party receives for a word of ANDs: two masked words and a correction.
    const BYTES_PER_AND_WORD: f64 = 24.0;

    /// Seconds that an evaluation of `circuit` over `lanes` lanes spends on the network.
    pub fn seconds(&self, circuit: &Circuit, lanes: usize) -> f64 {
        circuit.depth() as f64 * self.exchange_seconds + self.transfer_seconds(circuit, lanes)
    }

    fn transfer_seconds(&self, circuit: &Circuit, lanes: usize) -> f64 {
        circuit.triple_words(lanes) as f64 * Self::BYTES_PER_AND_WORD / self.bytes_per_second
    }
}

/// A form of a division, chosen for its cost.
#[derive(Debug)]
pub struct DivisionPlan {
    /// The form.
    pub form: DivisionForm,
    /// The circuit in that form.
    pub circuit: Circuit,
    /// Seconds on the network that it was chosen for.
    pub seconds: f64,
}

impl SharedDivision {
    /// The most quotient bits.
    pub const MAX_QUOTIENT_BITS: usize = 192;
    /// The most count bits.
    pub const MAX_COUNT_BITS: usize = 63;

    /// The circuit. Its inputs are the left and the right party's share of the dividend, the left and the right
    /// party's share of the count, and the previous value; [`inputs`](Self::inputs) lays them out.
    ///
    /// # Errors
    /// [`Error::Range`] when a parameter is out of its range.
    pub fn circuit(&self, form: DivisionForm) -> Result<Circuit, Error> {
        self.check()?;
        check_range("radix bits of a division", form.radix_bits, 1, DivisionForm::MAX_RADIX_BITS)?;
        let mut b = Builder::new();
        let [left_sum, right_sum] = [(); 2].map(|()| b.input_number(self.dividend_bits()));
        let [left_count, right_count] = [(); 2].map(|()| b.input_number(self.count_bits));
        let previous = b.input_number(self.quotient_bits);
        let dividend = numbers::add(&mut b, &left_sum, &right_sum, form.depth);
        let count = numbers::add(&mut b, &left_count, &right_count, form.depth);
        let by = Divisor { count: &count, previous: &previous, limit: self.limit, sign: self.sign };
        let divide = if self.lifts_locally() { numbers::divide_lifted } else { numbers::divide_rounded };
        let quotient = divide(&mut b, &dividend, by, form);
        Ok(b.finish(&quotient))
    }

    /// This party's shares of the circuit's inputs, from its additive shares of `sum` and `count` and its
    /// exclusive-or share of `previous` (`quotient_bits` wires).
    ///
    /// # Errors
    /// [`Error::Length`] when a vector's limbs, elements or wires are not those of this shape, [`Error::Range`] when
    /// a parameter is out of its range.
    pub fn inputs(
        &self,
        party: Party,
        sum: &RingVec,
        count: &RingVec,
        previous: &BitSlices,
    ) -> Result<BitSlices, Error> {
        self.check()?;
        check_length("limbs of the sums", sum.limbs(), self.sum_limbs)?;
        check_length("limbs of the counts", count.limbs(), self.count_limbs)?;
        check_length("counts for the sums", count.len(), sum.len())?;
        check_length("previous values for the sums", previous.lanes(), sum.len())?;
        check_length("bits of the previous values", previous.bits(), self.quotient_bits)?;
        let dividend = if self.lifts_locally() { &self.lifted(sum, count)? } else { sum };
        let dividend = dividend.to_slices(self.dividend_bits())?;
        let count = count.to_slices(self.count_bits)?;
        let others_dividend = BitSlices::zero(dividend.bits(), dividend.lanes());
        let others_count = BitSlices::zero(count.bits(), count.lanes());
        match party {
            Party::Left => BitSlices::concat([&dividend, &others_dividend, &count, &others_count, previous]),
            Party::Right => BitSlices::concat([&others_dividend, &dividend, &others_count, &count, previous]),
        }
    }

    /// The shallow form that takes the least time on `network` for `lanes` lanes; ties go to the fewer ANDs.
    ///
    /// # Errors
    /// [`Error::Range`] when a parameter is out of its range.
    pub fn plan(&self, lanes: usize, network: NetworkCost) -> Result<DivisionPlan, Error> {
        let mut best: Option<DivisionPlan> = None;
        for radix_bits in 1..=DivisionForm::MAX_RADIX_BITS {
            let form = DivisionForm { radix_bits, depth: Depth::Shallow };
            let circuit = self.circuit(form)?;
            let seconds = network.seconds(&circuit, lanes);
            let least_for_larger_radix = network.transfer_seconds(&circuit, lanes); // ANDs only grow with the radix
            if best.as_ref().is_none_or(|best| seconds < best.seconds) {
                best = Some(DivisionPlan { form, circuit, seconds });
            }
            if best.as_ref().is_some_and(|best| best.seconds <= least_for_larger_radix) {
                break;
            }
        }
        Ok(best.expect("at least one radix was tried"))
    }

    fn check(&self) -> Result<(), Error> {
        check_range("limbs of the sums", self.sum_limbs, 1, RingVec::MAX_LIMBS)?;
        check_range("limbs of the counts", self.count_limbs, 1, RingVec::MAX_LIMBS)?;
        check_range("bits of a count", self.count_bits, 1, Self::MAX_COUNT_BITS)?;
        check_range("bits of a quotient", self.quotient_bits, 1, Self::MAX_QUOTIENT_BITS)
    }

    /// Whether both rings hold the lifted dividend, so that each party lifts its shares by itself.
    fn lifts_locally(&self) -> bool {
        64 * self.sum_limbs.min(self.count_limbs) > self.count_bits + self.quotient_bits
    }

    fn dividend_bits(&self) -> usize {
        let needed = self.count_bits + self.quotient_bits;
        if self.lifts_locally() { needed + 1 } else { needed.min(64 * self.sum_limbs) }
    }

    /// The share of 2·sum + count·(1 + 2^quotient_bits) or 2·sum + count, for [`numbers::divide_lifted`].
    fn lifted(&self, sum: &RingVec, count: &RingVec) -> Result<RingVec, Error> {
        let count = count.with_limbs(sum.limbs())?;
        let doubled = sum.shifted_left(1).add(&count)?;
        match self.sign {
            Sign::Unsigned => Ok(doubled),
            Sign::Signed => doubled.add(&count.shifted_left(self.quotient_bits)),
        }
    }
}
