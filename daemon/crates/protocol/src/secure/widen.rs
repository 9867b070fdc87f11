//! From one limb to several.

use sharing::{Party, RingVec};

use super::{Engine, Ring};
use crate::error::ProtocolError;
use crate::link::Place;

/// The same integers in `limbs` limbs. One exchange.
///
/// `x` has one limb; its elements are two's complement in `[−2^below, 2^63 − 2^below)`, for `below` of 0 to 62.
///
/// With 2^below added, an element `v` is in `[0, 2^63)`, and its two shares, taken as integers, add up to `v + o·2^64`.
/// With no top bit among them they are below 2^64 together, so `o = 0`; with both they are not, so `o = 1`; with one
/// they are at least 2^63, and as `v` is less, `o = 1`. So `o` is the disjunction of two bits, each known to one party.
pub(super) async fn widen<E: Engine>(
    engine: &mut E,
    place: Place,
    x: &Ring,
    below: usize,
    limbs: usize,
) -> Result<Ring, ProtocolError> {
    let party = engine.party();
    let lifted = x.add(&Ring::public(party, 1, &vec![1 << below; x.len()])?)?;
    let top = |owner: Party| -> Result<Ring, ProtocolError> {
        let bit = |word: &u64| std::iter::once(word >> 63).chain(std::iter::repeat_n(0, limbs - 1));
        match lifted.own() {
            Some(own) if party == Some(owner) => {
                Ok(Ring::held(RingVec::new(limbs, own.as_limbs().iter().flat_map(bit).collect())?))
            }
            Some(_) => Ok(Ring::held(RingVec::zero(limbs, x.len())?)),
            None => Ok(Ring::elsewhere(limbs, x.len())),
        }
    };
    let (left, right) = (top(Party::Left)?, top(Party::Right)?);
    let both = engine.multiply(place, &left, &right).await?;
    let overflow = left.add(&right)?.sub(&both)?.shifted_left(64);
    lifted.extended(limbs)?.sub(&overflow)?.sub(&offset(engine, below, limbs, x.len())?)
}

/// 2^below, `len` times.
fn offset<E: Engine>(engine: &E, below: usize, limbs: usize, len: usize) -> Result<Ring, ProtocolError> {
    let element = std::iter::once(1 << below).chain(std::iter::repeat_n(0, limbs - 1));
    let values: Vec<u64> = (0..len).flat_map(|_| element.clone()).collect();
    Ring::public(engine.party(), limbs, &values)
}

#[cfg(test)]
mod tests {
    use super::super::plain::{PLACE, words};
    use super::super::split::{both, own, shared};
    use super::*;

    #[test]
    fn integers_stay_what_they_are_whatever_their_shares() {
        let below = 61;
        let edges = [0, 1, -1, 1 << 61, -(1 << 61), (1 << 61) * 3 - 1];
        let x: Vec<i64> = (0..300).map(|at| edges[at % edges.len()]).collect();
        for limbs in [2, 4] {
            let shares = &shared(limbs as u64, &x);
            let [left, right] = both(7, |mut engine| async move {
                let party = engine.party();
                widen(&mut engine, PLACE, own(party, shares), below, limbs).await
            });
            let expected: Vec<u64> = x
                .iter()
                .flat_map(|&x| {
                    std::iter::once(x as u64).chain(std::iter::repeat_n((x >> 63) as u64, limbs - 1))
                })
                .collect();
            assert_eq!(words(&left.add(&right).unwrap()), expected, "{limbs}");
        }
    }
}
