//! The engine in the clear: one party holds everything, so that programs can be held to their definition alone.

use std::future::Future;
use std::ops::Range;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use sharing::{BitSlices, Circuit, Party, RingVec, sign};

use super::{Bits, Engine, Ring, Segment};
use crate::error::ProtocolError;
use crate::link::{Place, Step};

/// Where programs under test run.
pub(super) const PLACE: Place = Place { step: Step::Round, round: 0 };

/// The left party, while the right party's share of everything is zero. It counts exchanges as two parties make them.
#[derive(Default)]
pub(super) struct Plain {
    pub(super) exchanges: usize,
}

/// Rows in the clear.
pub(super) struct Table {
    columns: usize,
    values: Vec<u64>,
}

/// The result of a program that waits for nobody.
pub(super) fn run<T>(program: impl Future<Output = Result<T, ProtocolError>>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(program).poll(&mut context) {
        Poll::Ready(result) => result.unwrap(),
        Poll::Pending => panic!("a program in the clear waits"),
    }
}

/// Values of one limb.
pub(super) fn ring(values: &[i64]) -> Ring {
    let words = values.iter().map(|&value| value as u64).collect();
    Ring::held(RingVec::new(1, words).unwrap())
}

/// What [`ring`] was given.
pub(super) fn integers(x: &Ring) -> Vec<i64> {
    words(x).iter().map(|&word| word as i64).collect()
}

/// All limbs.
pub(super) fn words(x: &Ring) -> &[u64] {
    x.own().unwrap().as_limbs()
}

/// One wire, a bit a lane.
pub(super) fn bits(values: &[bool]) -> Bits {
    let values: Vec<u64> = values.iter().map(|&value| value.into()).collect();
    Bits::held(BitSlices::from_limbs(&values, 1, 1).unwrap())
}

/// Each lane's number, of at most 64 wires.
pub(super) fn numbers(bits: &Bits) -> Vec<u64> {
    bits.own().unwrap().to_limbs(1).unwrap()
}

impl Plain {
    /// Rows of `columns` values each.
    pub(super) fn rows(columns: usize, values: &[i64]) -> Table {
        assert!(values.len().is_multiple_of(columns));
        Table { columns, values: values.iter().map(|&value| value as u64).collect() }
    }
}

impl Table {
    fn row(&self, row: usize, columns: &Range<usize>) -> &[u64] {
        &self.values[row * self.columns..][columns.clone()]
    }
}

fn share(limbs: usize, words: Vec<u64>) -> Result<Ring, ProtocolError> {
    Ok(Ring::held(RingVec::new(limbs, words)?))
}

/// Modulo 2^(64·limbs).
fn times(x: &[u64], y: &[u64]) -> Vec<u64> {
    let mut out = vec![0u64; x.len()];
    for (shift, &left) in x.iter().enumerate() {
        let mut carry = 0u128;
        for (out, &right) in out[shift..].iter_mut().zip(y) {
            carry += u128::from(left) * u128::from(right) + u128::from(*out);
            *out = carry as u64;
            carry >>= 64;
        }
    }
    out
}

impl Engine for Plain {
    type Rows = Table;

    fn party(&self) -> Option<Party> {
        Some(Party::Left)
    }

    async fn evaluate(&mut self, _: Place, circuit: &Circuit, inputs: &Bits) -> Result<Bits, ProtocolError> {
        self.exchanges += circuit.depth();
        Ok(Bits::held(circuit.evaluate_plain(inputs.own().unwrap())?))
    }

    async fn multiply(&mut self, _: Place, x: &Ring, y: &Ring) -> Result<Ring, ProtocolError> {
        assert_eq!((x.limbs(), x.len()), (y.limbs(), y.len()));
        self.exchanges += 1;
        let pairs = words(x).chunks_exact(x.limbs()).zip(words(y).chunks_exact(y.limbs()));
        share(x.limbs(), pairs.flat_map(|(x, y)| times(x, y)).collect())
    }

    async fn lift(&mut self, _: Place, bits: &Bits, limbs: usize) -> Result<Ring, ProtocolError> {
        self.exchanges += 1;
        let mut lifted = Vec::with_capacity(bits.wires() * bits.lanes() * limbs);
        for wire in 0..bits.wires() {
            for bit in numbers(&bits.part(wire..wire + 1)?) {
                lifted.push(bit);
                lifted.extend(std::iter::repeat_n(0, limbs - 1));
            }
        }
        share(limbs, lifted)
    }

    async fn negative(&mut self, _: Place, x: &Ring, width: usize) -> Result<Bits, ProtocolError> {
        assert!((1..=64 * x.limbs()).contains(&width));
        self.exchanges += sign::exchanges(width);
        let (limb, bit) = ((width - 1) / 64, (width - 1) % 64);
        let signs: Vec<bool> =
            words(x).chunks_exact(x.limbs()).map(|element| element[limb] >> bit & 1 == 1).collect();
        Ok(bits(&signs))
    }

    async fn choose(
        &mut self,
        _: Place,
        condition: &Bits,
        x: &Ring,
        y: &Ring,
    ) -> Result<Ring, ProtocolError> {
        assert_eq!((x.limbs(), x.len()), (y.limbs(), y.len()));
        assert_eq!((condition.wires(), condition.lanes()), (1, x.len()));
        self.exchanges += 1;
        let pairs = words(x).chunks_exact(x.limbs()).zip(words(y).chunks_exact(y.limbs()));
        let chosen = pairs.zip(numbers(condition)).flat_map(|((x, y), one)| if one == 1 { x } else { y });
        share(x.limbs(), chosen.copied().collect())
    }

    async fn introduce(
        &mut self,
        _: Place,
        segments: &[Segment],
        columns: usize,
        own: Option<Vec<u64>>,
    ) -> Result<Table, ProtocolError> {
        self.exchanges += 1;
        let values = own.unwrap();
        assert_eq!(values.len(), segments.iter().map(|segment| segment.rows).sum::<usize>() * columns);
        Ok(Table { columns, values })
    }

    async fn product(
        &mut self,
        _: Place,
        rows: &Table,
        range: Range<usize>,
        columns: Range<usize>,
        factor: &Ring,
    ) -> Result<Ring, ProtocolError> {
        assert!(factor.limbs() == 1 && factor.len().is_multiple_of(columns.len()));
        self.exchanges += 1;
        let mut out = Vec::with_capacity(factor.len() / columns.len() * range.len());
        for factor in words(factor).chunks_exact(columns.len()) {
            for row in range.clone() {
                let terms = rows.row(row, &columns).iter().zip(factor);
                out.push(terms.fold(0, |sum: u64, (&x, &y)| sum.wrapping_add(x.wrapping_mul(y))));
            }
        }
        share(1, out)
    }

    async fn weighted_sums(
        &mut self,
        _: Place,
        rows: &Table,
        range: Range<usize>,
        columns: Range<usize>,
        weights: &Ring,
    ) -> Result<Ring, ProtocolError> {
        assert!(weights.limbs() == 1 && weights.len().is_multiple_of(range.len()));
        self.exchanges += 1;
        let mut out = Vec::with_capacity(weights.len() / range.len() * columns.len());
        for weights in words(weights).chunks_exact(range.len()) {
            let mut sums = vec![0u64; columns.len()];
            for (row, &weight) in range.clone().zip(weights) {
                for (sum, &x) in sums.iter_mut().zip(rows.row(row, &columns)) {
                    *sum = sum.wrapping_add(x.wrapping_mul(weight));
                }
            }
            out.extend(sums);
        }
        share(1, out)
    }

    fn columns(
        &self,
        rows: &Table,
        range: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Ring, ProtocolError> {
        let values =
            columns.flat_map(|column| range.clone().map(move |row| rows.row(row, &(column..column + 1))[0]));
        share(1, values.collect())
    }

    async fn open(&mut self, _: Place, bits: &Bits) -> Result<BitSlices, ProtocolError> {
        self.exchanges += 1;
        Ok(bits.own().unwrap().clone())
    }

    async fn open_ring(&mut self, _: Place, x: &Ring) -> Result<Vec<u64>, ProtocolError> {
        self.exchanges += 1;
        Ok(words(x).to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_what_it_says() {
        let mut engine = Plain::default();
        let (x, y) = (ring(&[3, -4, i64::MIN]), ring(&[-5, 6, 1]));
        assert_eq!(integers(&run(engine.multiply(PLACE, &x, &y))), [-15, -24, i64::MIN]);
        let signs = run(engine.negative(PLACE, &x, 3));
        assert_eq!(numbers(&signs), [0, 1, 0]);
        assert_eq!(integers(&run(engine.choose(PLACE, &signs, &x, &y))), [-5, -4, 1]);
        assert_eq!(words(&run(engine.lift(PLACE, &signs, 2))), [0, 0, 1, 0, 0, 0]);
        let wide = share(2, vec![u64::MAX, 1, 2, 0]).unwrap();
        assert_eq!(words(&run(engine.multiply(PLACE, &wide, &wide))), [1, u64::MAX - 3, 4, 0]);
    }

    #[test]
    fn matrices_are_column_by_column() {
        let mut engine = Plain::default();
        let own = Some(vec![1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let segments = [Segment { rows: 3, left: true, right: false }];
        let rows = run(engine.introduce(PLACE, &segments, 3, own));
        let product = run(engine.product(PLACE, &rows, 1..3, 0..2, &ring(&[1, 0, 1, -1])));
        assert_eq!(integers(&product), [4, 7, -1, -1]);
        let sums = run(engine.weighted_sums(PLACE, &rows, 1..3, 0..2, &ring(&[1, 1, 0, -1])));
        assert_eq!(integers(&sums), [11, 13, -7, -8]);
        assert_eq!(integers(&engine.columns(&rows, 1..3, 1..3).unwrap()), [5, 8, 6, 9]);
    }
}
