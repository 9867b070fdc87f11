//! The AVX-512 IFMA kernel: 52-bit digits, eight to a register, one fused multiply-add for each half of
//! eight digit products.
//!
//! Both parts of the product sit in registers as digits of 64 bits that are allowed to grow: a digit
//! gathers at most 6 products below 2^52 in each of at most 60 steps, which stays below 2^61. Carries run
//! once, at the end. The two parts are two independent chains of dependent instructions, which is what
//! keeps the multipliers busy.

#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::Reduction;
use super::words::BLOCK;

const DIGIT: u64 = (1 << 52) - 1;

/// Whether this processor and system run this kernel.
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")
}

/// Multiplies `x` and `y`; see [`super::Ring::multiply`] for what that means.
///
/// `SQUARE` says that `y` is `x` with its high part doubled, which saves one of the three products.
pub(super) fn multiply<const SQUARE: bool>(out: &mut [u64], x: &[u64], y: &[u64], reduction: &Reduction) {
    // SAFETY: `Kernel::Ifma` is chosen only where `available()` found these processor features.
    unsafe {
        match reduction.digits.div_ceil(BLOCK) {
            2 => steps::<2, SQUARE>(out, x, y, reduction),
            3 => steps::<3, SQUARE>(out, x, y, reduction),
            4 => steps::<4, SQUARE>(out, x, y, reduction),
            5 => steps::<5, SQUARE>(out, x, y, reduction),
            8 => steps::<8, SQUARE>(out, x, y, reduction),
            other => unreachable!("no key size has {other} registers"),
        }
    }
}

/// Copies the entry `index` of `table` to `out`, touching every entry alike.
pub(super) fn select(out: &mut [u64], table: &[u64], index: u64) {
    // SAFETY: `Kernel::Ifma` is chosen only where `available()` found these processor features.
    unsafe { scan(out, table, index) }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn load(words: &[u64]) -> __m512i {
    let block: &[u64; BLOCK] = words.first_chunk().expect("elements are whole blocks");
    // SAFETY: `block` is 64 readable bytes.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn store(words: &mut [u64], value: __m512i) {
    let block: &mut [u64; BLOCK] = words.first_chunk_mut().expect("elements are whole blocks");
    // SAFETY: `block` is 64 writable bytes.
    unsafe { _mm512_storeu_si512(block.as_mut_ptr().cast(), value) }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn load_all<const V: usize>(words: &[u64]) -> [__m512i; V] {
    let mut out = [_mm512_setzero_si512(); V];
    for (register, block) in out.iter_mut().zip(words.chunks_exact(BLOCK)) {
        *register = load(block);
    }
    out
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn scan(out: &mut [u64], table: &[u64], index: u64) {
    let len = out.len();
    let wanted = _mm512_set1_epi64(index as i64);
    // Two blocks at a time: a part is at least two blocks, so an element is a multiple of them.
    for (at, target) in out.chunks_exact_mut(2 * BLOCK).enumerate() {
        let (mut low, mut high) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for (i, entry) in table.chunks_exact(len).enumerate() {
            let hit = _mm512_cmpeq_epi64_mask(_mm512_set1_epi64(i as i64), wanted);
            let source = &entry[at * 2 * BLOCK..][..2 * BLOCK];
            low = _mm512_mask_or_epi64(low, hit, low, load(source));
            high = _mm512_mask_or_epi64(high, hit, high, load(&source[BLOCK..]));
        }
        store(target, low);
        store(&mut target[BLOCK..], high);
    }
}

/// Adds the lower halves of the eight-digit products `factors · digit`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_low<const V: usize>(sum: &mut [__m512i; V], factors: &[__m512i; V], digit: __m512i) {
    for (sum, factor) in sum.iter_mut().zip(factors) {
        *sum = _mm512_madd52lo_epu64(*sum, *factor, digit);
    }
}

/// Adds the upper halves.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_high<const V: usize>(sum: &mut [__m512i; V], factors: &[__m512i; V], digit: __m512i) {
    for (sum, factor) in sum.iter_mut().zip(factors) {
        *sum = _mm512_madd52hi_epu64(*sum, *factor, digit);
    }
}

/// The multiple of the modulus that clears the lowest digit, in all lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn quotient(lowest: __m512i, inverse: __m512i) -> __m512i {
    let product = _mm512_madd52lo_epu64(_mm512_setzero_si512(), lowest, inverse);
    _mm512_broadcastq_epi64(_mm512_castsi512_si128(product))
}

/// Drops the lowest digit, whose lower 52 bits are zero, and carries what is above them.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn shift<const V: usize>(sum: &mut [__m512i; V]) {
    let carry = _mm512_maskz_srli_epi64::<52>(1, sum[0]);
    for j in 0..V {
        let next = if j + 1 < V { sum[j + 1] } else { _mm512_setzero_si512() };
        sum[j] = _mm512_alignr_epi64::<1>(next, sum[j]);
    }
    sum[0] = _mm512_add_epi64(sum[0], carry);
}

/// Carries until every digit is below 2^52.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn normalise<const V: usize>(sum: &mut [__m512i; V]) {
    let digit = _mm512_set1_epi64(DIGIT as i64);
    // Once in full, which leaves digits of at most 2^52 + 2^12 ...
    let mut below = _mm512_setzero_si512();
    for register in sum.iter_mut() {
        let above = _mm512_srli_epi64::<52>(*register);
        let carries = _mm512_alignr_epi64::<7>(above, below);
        *register = _mm512_add_epi64(_mm512_and_si512(*register, digit), carries);
        below = above;
    }
    // ... and then by single bits. A digit that is all ones hands a carry on: adding the mask of those to
    // the mask of carries lets the carries run through them, all in one integer of a bit for each digit.
    let (mut over, mut full) = (0u64, 0u64);
    for (j, register) in sum.iter().enumerate() {
        over |= u64::from(_mm512_cmpgt_epu64_mask(*register, digit)) << (BLOCK * j);
        full |= u64::from(_mm512_cmpeq_epu64_mask(*register, digit)) << (BLOCK * j);
    }
    let carried = (over << 1).wrapping_add(full) ^ full;
    let one = _mm512_set1_epi64(1);
    for (j, register) in sum.iter_mut().enumerate() {
        let carried = (carried >> (BLOCK * j)) as __mmask8;
        *register = _mm512_and_si512(_mm512_mask_add_epi64(*register, carried, *register, one), digit);
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn steps<const V: usize, const SQUARE: bool>(out: &mut [u64], x: &[u64], y: &[u64], reduction: &Reduction) {
    let part = V * BLOCK;
    let (a, b) = (load_all::<V>(x), load_all::<V>(&x[part..]));
    let (c, d) = y.split_at(part);
    let m = load_all::<V>(reduction.modulus.as_slice());
    let inverse = _mm512_set1_epi64(reduction.inverse as i64);
    let lowest_digit = _mm512_maskz_set1_epi64(1, DIGIT as i64);

    let mut low = [_mm512_setzero_si512(); V];
    let mut high = load_all::<V>(reduction.offset.as_slice());
    for (c, d) in c.iter().zip(d).take(reduction.digits) {
        let (c, d) = (_mm512_set1_epi64(*c as i64), _mm512_set1_epi64(*d as i64));

        // low = (low + a·c + m·q) / 2^52
        add_low(&mut low, &a, c);
        let q = quotient(low[0], inverse);
        add_low(&mut low, &m, q);
        shift(&mut low);
        add_high(&mut low, &a, c);
        add_high(&mut low, &m, q);

        // high = (high + a·d + b·c + (2^52 − 1 − q) + m·r) / 2^52
        high[0] = _mm512_add_epi64(high[0], _mm512_andnot_si512(q, lowest_digit));
        add_low(&mut high, &a, d);
        if !SQUARE {
            add_low(&mut high, &b, c);
        }
        let r = quotient(high[0], inverse);
        add_low(&mut high, &m, r);
        shift(&mut high);
        add_high(&mut high, &a, d);
        if !SQUARE {
            add_high(&mut high, &b, c);
        }
        add_high(&mut high, &m, r);
    }
    normalise(&mut low);
    normalise(&mut high);
    for (block, register) in out.chunks_exact_mut(BLOCK).zip(low.into_iter().chain(high)) {
        store(block, register);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn normalised<const V: usize>(digits: &mut [u64]) {
        let mut registers = load_all::<V>(digits);
        normalise(&mut registers);
        for (block, register) in digits.chunks_exact_mut(BLOCK).zip(registers) {
            store(block, register);
        }
    }

    proptest! {
        /// Long runs of full digits, through which carries ripple, do not turn up in random products.
        #[test]
        fn carries_ripple_through_full_digits(
            mut digits in prop::collection::vec(
                prop_oneof![
                    6 => Just(DIGIT),
                    2 => Just(DIGIT + 1),
                    1 => Just(0),
                    1 => 0..1u64 << 61,
                ],
                62,
            ),
        ) {
            if !available() {
                return Ok(()); // nothing to test on this processor
            }
            // Room for what is carried out of the highest digit.
            digits.extend([0, 0]);
            let mut carry = 0;
            let wanted: Vec<u64> = digits
                .iter()
                .map(|digit| {
                    let sum = digit + carry;
                    carry = sum >> 52;
                    sum & DIGIT
                })
                .collect();
            // SAFETY: the processor has the features, as was just asked.
            unsafe { normalised::<8>(&mut digits) };
            prop_assert_eq!(digits, wanted);
        }
    }
}
