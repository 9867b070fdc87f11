//! What a run shows at its end beside its centres.

use sharing::{BitSlices, Builder, numbers};

use super::{DEPTH, Engine, Operation, Total};
use crate::error::ProtocolError;
use crate::link::{Place, Step};

/// Which clusters are withheld: each host puts in 1 for a cluster of which it has some rows, but fewer than its
/// policy demands; opened: whether any host did. In mode `open`; mode `sealed` decides on shares.
pub(crate) struct Withheld {
    pub(crate) clusters: usize,
}

impl Operation for Withheld {
    fn place(&self) -> Place {
        Place { step: Step::Reveal, round: 0 }
    }

    fn limbs(&self) -> usize {
        1
    }

    fn slots(&self) -> usize {
        self.clusters
    }

    fn opened(&self) -> (usize, usize) {
        (self.clusters, 1)
    }

    async fn evaluate<E: Engine>(&self, engine: &mut E, total: Total) -> Result<BitSlices, ProtocolError> {
        // At most MAX_HOSTS ones: five bits.
        let bits = 5;
        let mut b = Builder::new();
        let (left, right) = (b.input_number(bits), b.input_number(bits));
        let sum = numbers::add(&mut b, &left, &right, DEPTH);
        let any = numbers::any(&mut b, &sum);
        let circuit = b.finish(&[any]);
        let inputs = BitSlices::concat(&total.addends(engine.party(), bits, 0..self.clusters)?)?;
        let shares = engine.evaluate(self.place(), &circuit, inputs).await?;
        engine.open(self.place(), shares).await
    }
}

/// Joint sums that every host's policy allows to be shown: cluster sizes, the inertia.
pub(crate) struct Shown {
    pub(crate) round: u32,
    pub(crate) values: usize,
}

/// Bits of a shown value: an inertia needs 94, see [`super::costs`].
pub(crate) const SHOWN_BITS: usize = 94;

impl Operation for Shown {
    fn place(&self) -> Place {
        Place { step: Step::Reveal, round: self.round }
    }

    fn limbs(&self) -> usize {
        2
    }

    fn slots(&self) -> usize {
        self.values
    }

    fn opened(&self) -> (usize, usize) {
        (self.values, SHOWN_BITS)
    }

    async fn evaluate<E: Engine>(&self, engine: &mut E, total: Total) -> Result<BitSlices, ProtocolError> {
        let mut b = Builder::new();
        let (left, right) = (b.input_number(SHOWN_BITS), b.input_number(SHOWN_BITS));
        let sum = numbers::add(&mut b, &left, &right, DEPTH);
        let circuit = b.finish(&sum);
        let inputs = BitSlices::concat(&total.addends(engine.party(), SHOWN_BITS, 0..self.values)?)?;
        let shares = engine.evaluate(self.place(), &circuit, inputs).await?;
        engine.open(self.place(), shares).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::plain::evaluated;

    #[test]
    fn a_cluster_is_withheld_for_any_number_of_hosts_that_ask_for_it() {
        for hosts in 0..=crate::MAX_HOSTS as u64 {
            let opened = evaluated(&Withheld { clusters: 3 }, vec![hosts, 0, hosts]);
            let asked = u64::from(hosts > 0);
            assert_eq!(opened.to_limbs(1).unwrap(), [asked, 0, asked], "{hosts} hosts");
        }
    }

    #[test]
    fn shown_values_are_the_sums() {
        let values: [u128; 5] =
            [0, 1, 1 << 64, (1 << SHOWN_BITS) - 1, kmeans::fixed::MAX_ROWS as u128 * ((1 << 62) - 1)];
        let total = values.iter().flat_map(|&value| [value as u64, (value >> 64) as u64]).collect::<Vec<_>>();
        let opened = evaluated(&Shown { round: 1, values: values.len() }, total.clone());
        assert_eq!(opened.to_limbs(2).unwrap(), total);
    }
}
