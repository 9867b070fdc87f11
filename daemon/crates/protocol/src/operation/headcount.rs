//! Whether all hosts together have at least k rows: one bit opened.

use sharing::{BitSlices, Builder, numbers};

use super::{DEPTH, Engine, Operation, Total};
use crate::error::ProtocolError;
use crate::link::{Place, Step};

/// Each host puts in its row count; opened: 1 if the sum is below `k`.
pub(crate) struct Headcount {
    pub(crate) k: usize,
}

/// Row counts stay below 2^31.
const BITS: usize = 32;

impl Operation for Headcount {
    fn place(&self) -> Place {
        Place { step: Step::Setup, round: 1 }
    }

    fn limbs(&self) -> usize {
        1
    }

    fn slots(&self) -> usize {
        1
    }

    fn opened(&self) -> (usize, usize) {
        (1, 1)
    }

    async fn evaluate<E: Engine>(&self, engine: &mut E, total: Total) -> Result<BitSlices, ProtocolError> {
        let mut b = Builder::new();
        let (left, right) = (b.input_number(BITS), b.input_number(BITS));
        let count = numbers::add(&mut b, &left, &right, DEPTH);
        let k = b.constant_number(self.k as u64, BITS);
        let few = numbers::less_than(&mut b, &count, &k, DEPTH);
        let circuit = b.finish(&[few]);
        let inputs = BitSlices::concat(&total.addends(engine.party(), BITS, 0..1)?)?;
        let shares = engine.evaluate(self.place(), &circuit, inputs).await?;
        engine.open(self.place(), shares).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::plain::evaluated;

    #[test]
    fn one_bit_is_opened_at_the_limit() {
        for (k, rows, few) in
            [(1, 0, 1), (1, 1, 0), (5, 4, 1), (5, 5, 0), (1024, (1 << 31) - 1, 0), (1024, 1023, 1)]
        {
            assert_eq!(
                evaluated(&Headcount { k }, vec![rows]).to_limbs(1).unwrap(),
                [few],
                "{rows} rows, k = {k}"
            );
        }
    }
}
