//! The stop test: whether all centres are at rest, the one bit of a round that is opened.

use super::{Engine, Ring};
use crate::error::ProtocolError;
use crate::link::Place;

/// Bits of the difference of a limit and a squared shift.
const WIDTH: usize = 64;

/// Whether no centre's squared shift from `old` to `new` (row-major, `dim` elements of one limb each) is above `limit`, opened
/// to the compute parties; false at the dealer.
///
/// With coordinates below 2^m in magnitude a shift is below `dim·2^(2m+2)`, which the grid keeps to 2^63 at most, and `limit`
/// is below that: their difference fits 64 bits as two's complement. Of the centres that moved only the number is formed,
/// and only whether it is 0 is opened.
///
/// With k centres and c(w) for the exchanges of a comparison of w bits it takes 2 + c(64) exchanges for k = 1 and
/// 3 + c(64) + c(1 + bits of k − 1) for more: 6; 8 up to k = 4, 9 up to 256, 10 for any more. On the way are dk products,
/// k comparisons of 64 bits, k lifted bits and one short comparison: 4.8 kB over all links for k = 5 and d = 2, 8.5 kB for
/// k = d = 10, 87 kB for k = 64 and d = 32.
pub(super) async fn at_rest<E: Engine>(
    engine: &mut E,
    place: Place,
    old: &Ring,
    new: &Ring,
    dim: usize,
    limit: u64,
) -> Result<bool, ProtocolError> {
    if dim == 0 || old.len() == 0 || !old.len().is_multiple_of(dim) || limit >> (WIDTH - 1) != 0 {
        return Err(ProtocolError::Defect(format!("a stop test of {} values in rows of {dim}", old.len())));
    }
    let (party, clusters) = (engine.party(), old.len() / dim);
    let steps = new.sub(old)?;
    let shifts = engine.multiply(place, &steps, &steps).await?.sums_of(dim)?;
    let slack = Ring::public(party, 1, &vec![limit; clusters])?.sub(&shifts)?;
    let moved = engine.negative(place, &slack, WIDTH).await?;
    let at_rest = if clusters == 1 {
        moved.not(party)?
    } else {
        // From −1, where none moved, to k − 1: the bits of k − 1 and a sign.
        let number = engine.lift(place, &moved, 1).await?.sums_of(clusters)?;
        let less_one = number.sub(&Ring::public(party, 1, &[1])?)?;
        engine.negative(place, &less_one, 1 + (usize::BITS - (clusters - 1).leading_zeros()) as usize).await?
    };
    let opened = engine.open(place, &at_rest).await?;
    Ok(opened.as_words() == [1])
}

#[cfg(test)]
mod tests {
    use kmeans::fixed::Normalise;
    use kmeans::fixed::sealed::{self, grid, stop_limit};
    use proptest::prelude::*;

    use super::super::plain::{PLACE, Plain, ring, run};
    use super::super::split::{both, own, shared};
    use super::*;

    /// What both parties say, and after how many exchanges.
    fn tested(number: u64, old: &[i64], new: &[i64], dim: usize, limit: u64) -> (bool, usize) {
        let (old, new) = (shared(number, old), shared(number.wrapping_add(1), new));
        let (old, new) = (&old, &new);
        let [left, right] = both(number, |mut engine| async move {
            let party = engine.party();
            let at_rest = at_rest(&mut engine, PLACE, own(party, old), own(party, new), dim, limit).await?;
            Ok((at_rest, engine.clear.exchanges))
        });
        assert_eq!(left, right);
        left
    }

    /// Squared shifts, by centre.
    fn shifts(old: &[i64], new: &[i64], dim: usize) -> Vec<u64> {
        let squares: Vec<u64> = old.iter().zip(new).map(|(old, new)| old.abs_diff(*new).pow(2)).collect();
        squares.chunks_exact(dim).map(|squares| squares.iter().sum()).collect()
    }

    proptest! {
        #[test]
        fn it_is_the_definition(
            dim in 1..6_usize,
            k in 1..12_usize,
            fine: bool,
            values in proptest::collection::vec((any::<i64>(), any::<i64>(), 0..4_u8), 72),
            pick: prop::sample::Index,
            number: u64,
        ) {
            let grid = grid(if fine { &Normalise::ZScore } else { &Normalise::None }, dim).unwrap();
            let most = grid.most();
            let near = |value: i64, by: i64| (value + by).clamp(-most, most);
            let (old, new): (Vec<i64>, Vec<i64>) = values[..k * dim]
                .iter()
                .map(|&(a, b, kind)| {
                    let [a, b] = [a, b].map(|value| value.rem_euclid(2 * most + 1) - most);
                    match kind {
                        0 => (a, a),
                        1 => (a, near(a, b % 100)),
                        2 => (a, b),
                        _ => (most * a.signum(), -most * a.signum()),
                    }
                })
                .unzip();
            let shifts = shifts(&old, &new, dim);
            let one = shifts[pick.index(k)];
            let all = *shifts.iter().max().unwrap();
            let largest = stop_limit(grid, dim, 1e9);
            for limit in [0, one, all, all.saturating_sub(1), (all + 1).min(largest), largest] {
                let expected = sealed::at_rest(&old, &new, dim, limit);
                prop_assert_eq!(expected, all <= limit);
                prop_assert_eq!(tested(number, &old, &new, dim, limit).0, expected, "limit {}", limit);
            }
        }
    }

    #[test]
    fn one_of_many_centres_moves() {
        for k in [1, 2, 3, 63, 64, 65, 129] {
            for moving in [0, k / 2, k - 1] {
                let old = vec![7; 2 * k];
                let mut new = old.clone();
                assert!(tested(1, &old, &new, 2, 0).0, "{k}");
                new[2 * moving + 1] -= 1;
                assert!(!tested(1, &old, &new, 2, 0).0, "{moving} of {k}");
            }
        }
    }

    #[test]
    fn exchanges_are_as_said() {
        for (k, expected) in [(1, 6), (2, 8), (4, 8), (5, 9), (256, 9), (257, 10)] {
            assert_eq!(tested(1, &vec![0; k], &vec![0; k], 1, 0).1, expected, "{k}");
        }
    }

    #[test]
    fn other_shapes_and_limits_are_refused() {
        for (len, dim, limit) in [(0, 1, 0), (3, 2, 0), (2, 0, 0), (2, 1, 1 << 63)] {
            let centres = ring(&vec![0; len]);
            let program = async {
                Ok(at_rest(&mut Plain::default(), PLACE, &centres, &centres, dim, limit).await.is_err())
            };
            assert!(run(program));
        }
    }
}
