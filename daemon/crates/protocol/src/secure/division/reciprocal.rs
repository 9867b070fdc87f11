//! Reciprocals of shared counts, to 36 bits, in four exchanges after a normalisation.
//!
//! **Normalisation.** For N in `[1, 2^n)` let P be the power of two with `N·P` in `[2^(n−1), 2^n)`, and `u = N·P / 2^n`, in
//! `[1/2, 1)`. With `b_j = [N < 2^j]` it is `P = 1 − b_0·2^(n−1) + Σ_(0<j<n) b_j·2^(n−1−j)`, linear in bits that are all found at
//! once; N times that gives `N·P` in the same exchange, where `b_0·N = 0` is left out. For N = 0 both are 0.
//!
//! **Polynomial.** Of all polynomials of its degree, `(1 − T_16(x) / T_16(3)) / u` with `x = 3 − 4u` in `(−1, 1]` and the
//! Chebyshev polynomial T_16 is the closest to `1/u`: its relative error is at most `1/T_16(3) < 2^-39.6`. Let
//! `t_i = T_(2^i)(x)` and `c_i = T_(2^i)(3)`. As `T_2m = 2T_m² − 1`,
//!
//! `c_(i+1) − t_(i+1) = 2·(c_i − t_i)·(c_i + t_i)`, and `c_0 − t_0 = 4u`, so `c_4 − t_4 = 2^6·u·Π_(i<4) (c_i + t_i)`.
//!
//! So the polynomial is the product of the `c_i + t_i`, times `2^6 / c_4`: a square and a factor an exchange, with all `t_i`
//! in `[−1, 1]`. (Goldschmidt's iteration from the best line gets to 2^-32 in as many.)
//!
//! **Numbers.** The factors are scaled by `2^-B_i`, where `B = 2, 5, 10, 20` are the bits of the `c_i`, and have f = 40 fraction
//! bits then; so `t_i` is kept to f − B_i bits. The product starts with `K·P`, where `K = 2^(6+37) / c_4` makes up for
//! the scales. After each product [truncation](Ring::truncated) takes the fraction bits back to these, within one unit of the
//! last place:
//!
//! | value | error, in 2^-40 | smallest value of its factor | relative error, in 2^-40 |
//! |---|---|---|---|
//! | t_0 | 0, as n ≤ 40 | c_0 − 1 = 2 | 0 |
//! | t_1 | 2^5 | c_1 − 1 = 16 | 2 |
//! | t_2 | 4·2^5 + 2^10 | c_2 − 1 = 576 | 2.01 |
//! | t_3 | 4·1153 + 2^20 | c_3 − 1 = 665 856 | 1.59 |
//! | K | 1/2 | 9.92 | 0.06 |
//! | the product after each factor | 1 | 4.96, 2.48, 1.39, 0.88 | 0.21, 0.41, 0.72, 1.14 |
//! | the polynomial | | | 1.24 |
//!
//! Together they are below 9.5·2^-40 < 2^-36. The squares are below 2^80, and the products before truncation below
//! `9.92·2^(n−1)·2^f·2^f < 2^(n + 83) ≤ 2^114`.
//!
//! For N = 0 every t_i is c_i, which fits as well, and the product is within 15·2^-40 of 0.

use super::super::{Engine, Ring};
use crate::error::ProtocolError;
use crate::link::Place;

/// Limbs of the ring: room for a failure of truncation below 2^-100.
pub(super) const LIMBS: usize = 4;
/// Fraction bits f of a reciprocal.
pub(super) const FRACTION_BITS: usize = 40;
/// The relative error of a reciprocal is below one to two to this power.
pub(super) const PRECISION_BITS: usize = 36;

/// The c_i: Chebyshev polynomials of degree 1, 2, 4, 8 and 16 at 3.
const AT_THREE: [u64; 5] = [3, 17, 577, 665_857, 886_731_088_897];
/// Factors of the polynomial.
const FACTORS: usize = AT_THREE.len() - 1;
/// K, with f fraction bits, rounded.
const SCALE: u64 = {
    let bits = 6 + scale_bits(0) + scale_bits(1) + scale_bits(2) + scale_bits(3) + FRACTION_BITS;
    let (numerator, by) = (1 << bits, AT_THREE[FACTORS] as u128);
    ((numerator + by / 2) / by) as u64
};

/// B_i.
const fn scale_bits(factor: usize) -> usize {
    (u64::BITS - AT_THREE[factor].leading_zeros()) as usize
}

/// `2^count_bits / N` with [`FRACTION_BITS`] fraction bits and [`LIMBS`] limbs for every count N, given in one limb and in
/// `LIMBS`; for N = 0 next to nothing.
pub(super) async fn reciprocals<E: Engine>(
    engine: &mut E,
    place: Place,
    count_bits: usize,
    counts: &Ring,
    wide: &Ring,
) -> Result<Ring, ProtocolError> {
    let (party, len) = (engine.party(), counts.len());
    let public = |value: u64| Ring::public(party, LIMBS, &[value, 0, 0, 0].repeat(len));
    let (normalised, mut product) = normalised(engine, place, count_bits, counts, wide).await?;
    // t_0 = x = 3 − 4·normalised / 2^count_bits
    let mut t = public(3 << (FRACTION_BITS - scale_bits(0)))?
        .sub(&normalised.shifted_left(FRACTION_BITS - count_bits))?;
    for (factor, at_three) in AT_THREE[..FACTORS].iter().enumerate() {
        let scale = scale_bits(factor);
        let sum = public(at_three << (FRACTION_BITS - scale))?.add(&t)?;
        if factor + 1 == FACTORS {
            product = engine.multiply(place, &product, &sum).await?.truncated(party, FRACTION_BITS);
            continue;
        }
        let both = engine.multiply(place, &Ring::concat([&product, &t])?, &Ring::concat([&sum, &t])?).await?;
        product = both.part(0..len)?.truncated(party, FRACTION_BITS);
        // 2t² − 1, from 2(f − B) fraction bits to f − B of the next factor
        let next = scale_bits(factor + 1);
        let shift = FRACTION_BITS - 2 * scale - 1 + next;
        t = both.part(len..2 * len)?.truncated(party, shift).sub(&public(1 << (FRACTION_BITS - next))?)?;
    }
    Ok(product)
}

/// N·P, and K·P with f fraction bits.
async fn normalised<E: Engine>(
    engine: &mut E,
    place: Place,
    count_bits: usize,
    counts: &Ring,
    wide: &Ring,
) -> Result<(Ring, Ring), ProtocolError> {
    let (party, len) = (engine.party(), counts.len());
    let mut differences = Vec::with_capacity(count_bits);
    for power in 0..count_bits {
        differences.push(counts.sub(&Ring::public(party, 1, &vec![1 << power; len])?)?);
    }
    let below = engine.negative(place, &Ring::concat(&differences)?, count_bits + 1).await?;

    let scale = Ring::public(party, LIMBS, &[SCALE, 0, 0, 0].repeat(len))?;
    let mut terms = Vec::with_capacity(2 * count_bits - 1);
    terms.extend((1..count_bits).map(|power| wide.shifted_left(count_bits - 1 - power)));
    terms.push(scale.shifted_left(count_bits - 1).neg());
    terms.extend((1..count_bits).map(|power| scale.shifted_left(count_bits - 1 - power)));
    let terms = Ring::concat(&terms)?;
    let conditions: Vec<usize> = (len..count_bits * len).chain(0..count_bits * len).collect();
    let none = Ring::public(party, LIMBS, &vec![0; LIMBS * terms.len()])?;
    let chosen = engine.choose(place, &below.gathered(&conditions)?, &terms, &none).await?;

    let (of_counts, of_scale) = ((count_bits - 1) * len, terms.len());
    let normalised = Ring::concat([wide, &chosen.part(0..of_counts)?])?.sum_of_columns(len)?;
    let product = Ring::concat([&scale, &chosen.part(of_counts..of_scale)?])?.sum_of_columns(len)?;
    Ok((normalised, product))
}
