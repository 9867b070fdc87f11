//! Rounded division with a shared quotient: new centres from sums and counts, exact, with nothing opened.
//!
//! For each cluster with count N and each of its sums S the result is `⌊(2S + N) / 2N⌋`, or the old value where N = 0.
//! There is one [reciprocal](reciprocals) a cluster and one product with it a sum, which gives a candidate `q̂` that is
//! the quotient or one off; its remainder then says which.
//!
//! **Why the candidate is close.** With `a = (2S + N) / 2N` the quotient is `q = ⌊a⌋`, and `S/N = a − 1/2`. A reciprocal
//! is wrong by a factor within 1 ± 2^-36 and |S/N| ≤ 2^32, so the product is `a − 1/2` with an error below 1/2. It lies
//! in `(a − 1, a)`, and rounded down it is `q − 1` or `q`. [Truncation](Ring::truncated) may add one, so `q̂` is `q − 1`,
//! `q` or `q + 1`. The remainder `r = 2S + N − 2N·q̂ = 2N·(a − q̂)` is then in `[−2N, 4N)`, and `r < 0` and `r < 2N` are
//! comparisons of `count_bits + 3` bits.
//!
//! **Why it is exact.** Truncation is all that can fail: with probability |v|/2^256 at a value v. The largest is
//! S times a reciprocal of N: below `2^(32 + count_bits + 40)` and a hair, so no more than 2^104; those inside a reciprocal
//! are below 2^115. Each fails with less than 2^-141, and 2^40 of them, more than any run makes, with less than 2^-100.
//!
//! With n count bits, k clusters, d attributes and c(w) for the exchanges of a comparison of w bits:
//!
//! | step | exchanges | lanes |
//! |---|---|---|
//! | sums and counts in 4 limbs | 1 | (d + 1)k products of 4 limbs |
//! | which powers of two are above a count | c(n + 1) | nk comparisons |
//! | normalised counts | 1 | (2n − 1)k choices of 4 limbs |
//! | reciprocals | 4 | 7k products of 4 limbs |
//! | candidates | 1 | dk products of 4 limbs |
//! | remainders | 1 | dk products |
//! | where they lie | c(n + 3) | (2d + 1)k comparisons |
//! | the quotient or the old value | 1 | 3dk choices |
//!
//! That is 9 + c(n + 1) + c(n + 3): 15 exchanges for 9 to 22 count bits, 16 for 23 and 24, 17 for 25 to 31.
//! Over all links it is 36 kB for 17 count bits, k = 5 and d = 2; 109 kB for k = d = 10; 1.4 MB for k = 64 and d = 32.

mod reciprocal;
#[cfg(test)]
mod tests;

use self::reciprocal::{FRACTION_BITS, LIMBS, PRECISION_BITS, reciprocals};
use super::widen::widen;
use super::{Engine, Ring};
use crate::error::ProtocolError;
use crate::link::Place;

/// The most bits of a count.
pub(super) const MAX_COUNT_BITS: usize = 31;
/// Sums are below two to this power in magnitude.
pub(super) const SUM_BITS: usize = 62;
/// Quotients and old values are below two to this power in magnitude.
pub(super) const QUOTIENT_BITS: usize = 32;

/// Truncation fails with a probability of at most one to two to this power.
const FAILURE_BITS: usize = 141;
// The candidate's error is below a half, and the largest values leave room for truncation.
const _: () = assert!(QUOTIENT_BITS + 1 < PRECISION_BITS);
const _: () = assert!(QUOTIENT_BITS + MAX_COUNT_BITS + FRACTION_BITS + 1 + FAILURE_BITS <= 64 * LIMBS);
const _: () = assert!(MAX_COUNT_BITS + 2 * FRACTION_BITS + 3 + FAILURE_BITS < 64 * LIMBS);

/// New centres, row-major: each of `sums`, by cluster, over its cluster's one of `counts`, rounded half up; where the count
/// is 0, what `old` has.
///
/// All have one limb. Counts are below 2^`count_bits`, which is 1 to [`MAX_COUNT_BITS`]; a sum is within [`SUM_BITS`], and 0
/// where the count is 0; quotients are within [`QUOTIENT_BITS`].
pub(super) async fn centres<E: Engine>(
    engine: &mut E,
    place: Place,
    count_bits: usize,
    sums: &Ring,
    counts: &Ring,
    old: &Ring,
) -> Result<Ring, ProtocolError> {
    let (len, clusters) = (sums.len(), counts.len());
    let whole = clusters > 0 && len.is_multiple_of(clusters) && old.len() == len;
    if !whole || !(1..=MAX_COUNT_BITS).contains(&count_bits) {
        return Err(ProtocolError::Defect(format!("{len} sums by {clusters} counts of {count_bits} bits")));
    }
    let party = engine.party();
    let cluster_of: Vec<usize> = (0..len).map(|at| at / (len / clusters)).collect();

    let wide = widen(engine, place, &Ring::concat([sums, counts])?, SUM_BITS, LIMBS).await?;
    let (wide_sums, wide_counts) = (wide.part(0..len)?, wide.part(len..len + clusters)?);
    let reciprocals = reciprocals(engine, place, count_bits, counts, &wide_counts).await?;
    let products = engine.multiply(place, &wide_sums, &reciprocals.gathered(&cluster_of)?).await?;
    let candidates = products.truncated(party, count_bits + FRACTION_BITS).narrowed(1)?;

    let divisors = counts.gathered(&cluster_of)?;
    let multiples = engine.multiply(place, &candidates, &divisors).await?;
    let remainders = sums.sub(&multiples)?.shifted_left(1).add(&divisors)?;
    let past_next = remainders.sub(&divisors.shifted_left(1))?;
    let past_empty = counts.sub(&Ring::public(party, 1, &vec![1; clusters])?)?;
    let tested = Ring::concat([&remainders, &past_next, &past_empty])?;
    let negative = engine.negative(place, &tested, count_bits + 3).await?;

    // `q̂ + 1`, less one for either negative. An empty cluster has none: its remainder is 0.
    let empty = cluster_of.iter().map(|cluster| 2 * len + cluster);
    let conditions = negative.gathered(&(0..2 * len).chain(empty).collect::<Vec<_>>())?;
    let one = Ring::public(party, 1, &vec![1; len])?;
    let zero = Ring::public(party, 1, &vec![0; len])?;
    let either = Ring::concat([&one, &one, old])?;
    let or = Ring::concat([&zero, &zero, &candidates.add(&one)?])?;
    let chosen = engine.choose(place, &conditions, &either, &or).await?;
    let part = |index: usize| chosen.part(index * len..(index + 1) * len);
    part(2)?.sub(&part(0)?)?.sub(&part(1)?)
}
