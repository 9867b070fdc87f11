//! Comparisons of joint costs: which clusters a start splits, which start is the best.

use sharing::numbers::Sign;
use sharing::{BitSlices, Builder, Circuit, Party, Wire, numbers};
use zeroize::Zeroizing;

use super::{DEPTH, Engine, Operation, Total};
use crate::error::ProtocolError;
use crate::link::Place;

/// Bits of a row's cost.
const COST_BITS: usize = 62;
/// Limbs of a joint cost.
const LIMBS: usize = 2;

/// Opened, start by start: which `count` clusters have the largest joint costs, and nothing of their order.
pub(crate) struct Largest {
    pub(crate) place: Place,
    pub(crate) starts: usize,
    pub(crate) clusters: usize,
    pub(crate) count: usize,
    pub(crate) count_bits: usize,
}

impl Largest {
    /// Pairs `(i, j)`, `i < j`, of one start's clusters.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + Clone + use<> {
        let clusters = self.clusters;
        (0..clusters).flat_map(move |i| (i + 1..clusters).map(move |j| (i, j)))
    }

    /// The place of the pair `(i, j)` in [`Self::pairs`].
    fn pair_index(&self, i: usize, j: usize) -> usize {
        i * (2 * self.clusters - i - 1) / 2 + j - i - 1
    }
}

impl Operation for Largest {
    fn place(&self) -> Place {
        self.place
    }

    fn limbs(&self) -> usize {
        LIMBS
    }

    fn slots(&self) -> usize {
        self.starts * self.clusters
    }

    fn opened(&self) -> (usize, usize) {
        (self.starts * self.clusters, 1)
    }

    async fn evaluate<E: Engine>(&self, engine: &mut E, total: Total) -> Result<BitSlices, ProtocolError> {
        let (k, starts) = (self.clusters, self.starts);
        let bits = COST_BITS + self.count_bits;
        let costs = bits_of(engine, self.place, &total, self.slots(), bits).await?;
        // Every pair of a start's clusters in a lane of its own: 1 where the first costs less.
        let lanes = |second: bool| {
            let pairs = self.pairs();
            (0..starts).flat_map(move |s| pairs.clone().map(move |(i, j)| s * k + if second { j } else { i }))
        };
        let first: Vec<usize> = lanes(false).collect();
        let second: Vec<usize> = lanes(true).collect();
        let pairs = BitSlices::concat(&[gathered(&costs, &first)?, gathered(&costs, &second)?])?;
        let less = engine.evaluate(self.place, &comparison(bits), pairs).await?;

        // A lane a cluster, a wire each other cluster: 1 where that one ranks before this one. Of equal costs the
        // smaller index ranks first: for i < j, j ranks before i where i costs less, else i before j.
        let per_start = k * (k - 1) / 2;
        let mut before = Vec::with_capacity(k - 1);
        for other in 0..k - 1 {
            let pair_of = |lane: usize| {
                let (s, i) = (lane / k, lane % k);
                let j = other + usize::from(other >= i);
                s * per_start + self.pair_index(i.min(j), i.max(j))
            };
            let pairs: Vec<usize> = (0..starts * k).map(pair_of).collect();
            before.push(negated(engine.party(), gathered(&less, &pairs)?, |lane| other < lane % k)?);
        }
        let chosen =
            engine.evaluate(self.place, &ranking(k, self.count), BitSlices::concat(&before)?).await?;
        engine.open(self.place, chosen).await
    }
}

/// Opened: the index of the start with the least joint inertia.
pub(crate) struct Least {
    pub(crate) place: Place,
    pub(crate) starts: usize,
    pub(crate) count_bits: usize,
}

impl Operation for Least {
    fn place(&self) -> Place {
        self.place
    }

    fn limbs(&self) -> usize {
        LIMBS
    }

    fn slots(&self) -> usize {
        self.starts
    }

    fn opened(&self) -> (usize, usize) {
        (1, index_bits(self.starts))
    }

    async fn evaluate<E: Engine>(&self, engine: &mut E, total: Total) -> Result<BitSlices, ProtocolError> {
        let bits = COST_BITS + self.count_bits;
        let inertias = bits_of(engine, self.place, &total, self.starts, bits).await?;
        // All values side by side in one lane.
        let values =
            (0..self.starts).map(|start| gathered(&inertias, &[start])).collect::<Result<Vec<_>, _>>()?;
        let mut b = Builder::new();
        let wires: Vec<Vec<Wire>> = (0..self.starts).map(|_| b.input_number(bits)).collect();
        let least = numbers::argmin(&mut b, &wires, Sign::Unsigned, DEPTH);
        let circuit = b.finish(&least.index);
        let shares = engine.evaluate(self.place, &circuit, BitSlices::concat(&values)?).await?;
        engine.open(self.place, shares).await
    }
}

fn index_bits(values: usize) -> usize {
    (usize::BITS - (values - 1).leading_zeros()) as usize
}

/// Shares of the bits of the first `lanes` joint costs.
async fn bits_of<E: Engine>(
    engine: &mut E,
    place: Place,
    total: &Total,
    lanes: usize,
    bits: usize,
) -> Result<BitSlices, ProtocolError> {
    let mut b = Builder::new();
    let (left, right) = (b.input_number(bits), b.input_number(bits));
    let sum = numbers::add(&mut b, &left, &right, DEPTH);
    let circuit = b.finish(&sum);
    engine
        .evaluate(place, &circuit, BitSlices::concat(&total.addends(engine.party(), bits, 0..lanes)?)?)
        .await
}

/// `x < y`.
fn comparison(bits: usize) -> Circuit {
    let mut b = Builder::new();
    let (x, y) = (b.input_number(bits), b.input_number(bits));
    let less = numbers::less_than(&mut b, &x, &y, DEPTH);
    b.finish(&[less])
}

/// Whether fewer than `count` of `clusters - 1` bits are set.
fn ranking(clusters: usize, count: usize) -> Circuit {
    let mut b = Builder::new();
    let mut sums: Vec<Vec<Wire>> = (1..clusters).map(|_| vec![b.input()]).collect();
    while sums.len() > 1 {
        sums = sums
            .chunks(2)
            .map(|pair| match pair {
                [x, y] => {
                    let bits = x.len().max(y.len()) + 1;
                    numbers::add(&mut b, &widened(x, bits), &widened(y, bits), DEPTH)
                }
                _ => pair[0].clone(),
            })
            .collect();
    }
    let rank = sums.pop().unwrap_or_else(|| vec![Wire::ZERO]);
    let chosen = match count >= clusters {
        true => Wire::ONE,
        false => {
            let bits = rank.len().max(index_bits(count + 1));
            let limit = b.constant_number(count as u64, bits);
            numbers::less_than(&mut b, &widened(&rank, bits), &limit, DEPTH)
        }
    };
    b.finish(&[chosen])
}

/// A number that is not negative, with zeros above it up to `bits`.
fn widened(number: &[Wire], bits: usize) -> Vec<Wire> {
    number.iter().copied().chain(std::iter::repeat(Wire::ZERO)).take(bits).collect()
}

/// The same wires with other lanes: lane `i` of the result is lane `lanes[i]` of `slices`.
fn gathered(slices: &BitSlices, lanes: &[usize]) -> Result<BitSlices, ProtocolError> {
    let limbs = slices.bits().div_ceil(64);
    let values = Zeroizing::new(slices.to_limbs(limbs)?);
    let mut chosen = Zeroizing::new(Vec::with_capacity(lanes.len() * limbs));
    for &lane in lanes {
        chosen.extend_from_slice(&values[lane * limbs..][..limbs]);
    }
    Ok(BitSlices::from_limbs(&chosen, limbs, slices.bits())?)
}

/// One wire, negated in some lanes: a public change that the left party makes on its share.
fn negated(
    party: Option<Party>,
    wire: BitSlices,
    in_lane: impl Fn(usize) -> bool,
) -> Result<BitSlices, ProtocolError> {
    if party != Some(Party::Left) {
        return Ok(wire);
    }
    let mut words = wire.as_words().to_vec();
    for lane in (0..wire.lanes()).filter(|&lane| in_lane(lane)) {
        words[lane / 64] ^= 1 << (lane % 64);
    }
    Ok(BitSlices::from_words(words, 1, wire.lanes())?)
}

#[cfg(test)]
mod tests;
