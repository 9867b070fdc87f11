//! New joint centres, `C_j = (Σ_h S_j^h) / (Σ_h n_j^h)` rounded, an empty cluster keeping its centre.

use sharing::numbers::Sign;
use sharing::{BitSlices, Circuit, NetworkCost, Party, SharedDivision};

use super::{Engine, Operation, Total};
use crate::error::ProtocolError;
use crate::link::Place;

/// Bits of a centre's coordinate.
const CENTRE_BITS: usize = 32;

/// Each host puts in, for every centre, `dim` sums and a count; opened: the new centres, whatever the number of
/// starts that they belong to.
pub(crate) struct Centres<'a> {
    pub(crate) place: Place,
    pub(crate) dim: usize,
    /// `clusters × dim` coordinates of the centres that empty clusters keep.
    pub(crate) previous: &'a [i64],
    pub(crate) division: &'a Division,
}

/// The division of every round, built once a run.
pub(crate) struct Division {
    shape: SharedDivision,
    circuit: Circuit,
}

impl Division {
    /// For counts of `count_bits` bits, in the form that suits `lanes` divisions side by side on a local network.
    pub(crate) fn new(count_bits: usize, lanes: usize) -> Result<Self, ProtocolError> {
        let shape = SharedDivision {
            sum_limbs: 1,
            count_limbs: 1,
            count_bits,
            quotient_bits: CENTRE_BITS,
            limit: 1,
            sign: Sign::Signed,
        };
        let circuit = shape.plan(lanes, NetworkCost::LAN)?.circuit;
        Ok(Division { shape, circuit })
    }
}

impl Centres<'_> {
    fn clusters(&self) -> usize {
        self.previous.len() / self.dim
    }

    /// Public numbers as shares: the left party holds them, the right one zero.
    fn public_previous(&self, party: Party) -> Result<BitSlices, ProtocolError> {
        if party == Party::Right {
            return Ok(BitSlices::zero(CENTRE_BITS, self.previous.len()));
        }
        let words: Vec<u64> = self.previous.iter().map(|&value| value as u64).collect();
        Ok(BitSlices::from_limbs(&words, 1, CENTRE_BITS)?)
    }
}

impl Operation for Centres<'_> {
    fn place(&self) -> Place {
        self.place
    }

    fn limbs(&self) -> usize {
        1
    }

    fn slots(&self) -> usize {
        self.clusters() * (self.dim + 1)
    }

    fn opened(&self) -> (usize, usize) {
        (self.previous.len(), CENTRE_BITS)
    }

    async fn evaluate<E: Engine>(&self, engine: &mut E, total: Total) -> Result<BitSlices, ProtocolError> {
        // A cluster's slots: its dim sums, then its count. A lane is a coordinate of a centre.
        let first = |lane: usize| lane / self.dim * (self.dim + 1);
        let lanes = 0..self.previous.len();
        let sums = total.gathered(lanes.clone().map(|lane| first(lane) + lane % self.dim))?;
        let counts = total.gathered(lanes.clone().map(|lane| first(lane) + self.dim))?;
        let Division { shape, circuit } = self.division;
        let inputs = match (engine.party(), sums, counts) {
            (Some(party), Some(sums), Some(counts)) => {
                shape.inputs(party, &sums, &counts, &self.public_previous(party)?)?
            }
            _ => BitSlices::zero(circuit.inputs(), lanes.len()),
        };
        let shares = engine.evaluate(self.place, circuit, inputs).await?;
        engine.open(self.place, shares).await
    }
}
