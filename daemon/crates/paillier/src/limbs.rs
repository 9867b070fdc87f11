//! Little-endian arrays of 64-bit limbs.
//!
//! Secret numbers live here rather than in a big-integer type, because such an array can be wiped and
//! its length says nothing about the value. Unless a function says otherwise, its running time depends
//! on lengths alone.

use subtle::Choice;
use zeroize::Zeroizing;

/// A number that is wiped when it goes out of scope.
pub(crate) type Secret = Zeroizing<Vec<u64>>;

/// Zero, in `len` limbs.
pub(crate) fn zero(len: usize) -> Secret {
    Zeroizing::new(vec![0; len])
}

/// `a` in `len` limbs. The limbs that do not fit must be zero.
pub(crate) fn resized(a: &[u64], len: usize) -> Secret {
    let mut out = zero(len);
    let kept = len.min(a.len());
    debug_assert!(a[kept..].iter().all(|&limb| limb == 0), "a limb is lost");
    out[..kept].copy_from_slice(&a[..kept]);
    out
}

/// Reads a big-endian number; the caller has checked `bytes.len()`.
pub(crate) fn from_be_bytes(bytes: &[u8]) -> Secret {
    let mut out = zero(bytes.len().div_ceil(8));
    for (i, byte) in bytes.iter().rev().enumerate() {
        out[i / 8] |= u64::from(*byte) << (8 * (i % 8));
    }
    out
}

/// The big-endian bytes of `a`, all of its limbs.
pub(crate) fn to_be_bytes(a: &[u64]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(8 * a.len()));
    for limb in a.iter().rev() {
        out.extend_from_slice(&limb.to_be_bytes());
    }
    out
}

/// `a += b`, returns the carry. `b` may be shorter than `a`.
pub(crate) fn add_assign(a: &mut [u64], b: &[u64]) -> bool {
    let (low, high) = a.split_at_mut(b.len());
    let mut carry = false;
    for (x, y) in low.iter_mut().zip(b) {
        (*x, carry) = x.carrying_add(*y, carry);
    }
    for x in high {
        (*x, carry) = x.carrying_add(0, carry);
    }
    carry
}

/// `a -= b`, returns the borrow. `b` may be shorter than `a`.
pub(crate) fn sub_assign(a: &mut [u64], b: &[u64]) -> bool {
    let (low, high) = a.split_at_mut(b.len());
    let mut borrow = false;
    for (x, y) in low.iter_mut().zip(b) {
        (*x, borrow) = x.borrowing_sub(*y, borrow);
    }
    for x in high {
        (*x, borrow) = x.borrowing_sub(0, borrow);
    }
    borrow
}

/// `a < b`, for arrays of one length.
pub(crate) fn less_than(a: &[u64], b: &[u64]) -> bool {
    debug_assert_eq!(a.len(), b.len());
    let mut borrow = false;
    for (x, y) in a.iter().zip(b) {
        (_, borrow) = x.borrowing_sub(*y, borrow);
    }
    borrow
}

/// Subtracts `m` from `a` once if `a >= m`, and says whether it did. `m` may be shorter than `a`.
pub(crate) fn reduce_once(a: &mut [u64], m: &[u64]) -> Choice {
    let borrow = sub_assign(a, m);
    // Add the modulus back under a mask, so that both cases touch the same memory.
    let mask = 0u64.wrapping_sub(u64::from(borrow));
    let mut carry = false;
    for (i, x) in a.iter_mut().enumerate() {
        let y = m.get(i).copied().unwrap_or(0) & mask;
        (*x, carry) = x.carrying_add(y, carry);
    }
    Choice::from(u8::from(!borrow))
}

/// `a += 1` if `choice`.
pub(crate) fn increment_if(a: &mut [u64], choice: Choice) {
    let mut carry = choice.unwrap_u8() != 0;
    for x in a {
        (*x, carry) = x.carrying_add(0, carry);
    }
}

/// `a * b`, in the sum of their lengths.
pub(crate) fn product(a: &[u64], b: &[u64]) -> Secret {
    let mut out = zero(a.len() + b.len());
    for (i, &x) in a.iter().enumerate() {
        let mut carry = 0;
        for (slot, &y) in out[i..].iter_mut().zip(b) {
            (*slot, carry) = x.carrying_mul_add(y, *slot, carry);
        }
        out[i + b.len()] = carry;
    }
    out
}

/// Doubles `a`, returns the bit shifted out.
pub(crate) fn double(a: &mut [u64]) -> bool {
    let mut carry = 0;
    for x in a {
        let out = *x >> 63;
        *x = (*x << 1) | carry;
        carry = out;
    }
    carry != 0
}

/// Halves `a`, rounding down.
pub(crate) fn halve(a: &mut [u64]) {
    let mut carry = 0;
    for x in a.iter_mut().rev() {
        let out = *x << 63;
        *x = (*x >> 1) | carry;
        carry = out;
    }
}

/// `a` modulo the 32-bit `divisor`.
pub(crate) fn remainder(a: &[u64], divisor: u32) -> u32 {
    let d = u64::from(divisor);
    let rest = a.iter().rev().fold(0u64, |rest, limb| {
        let upper = ((rest << 32) | (limb >> 32)) % d;
        ((upper << 32) | (limb & 0xffff_ffff)) % d
    });
    rest as u32
}

/// Whether `a` is zero.
pub(crate) fn is_zero(a: &[u64]) -> bool {
    a.iter().fold(0, |all, limb| all | limb) == 0
}

/// Whether two odd numbers of one length have no common divisor.
///
/// Stein's algorithm; its running time depends on the values, which is why it serves key generation
/// and key loading alone.
pub(crate) fn odd_coprime(a: &[u64], b: &[u64]) -> bool {
    debug_assert!(a[0] & b[0] & 1 == 1, "both must be odd");
    let (mut a, mut b) = (resized(a, a.len()), resized(b, a.len()));
    loop {
        if less_than(&a, &b) {
            std::mem::swap(&mut a, &mut b);
        }
        sub_assign(&mut a, &b);
        if is_zero(&a) {
            return b[0] == 1 && is_zero(&b[1..]);
        }
        while a[0] & 1 == 0 {
            halve(&mut a);
        }
    }
}

/// Bits `from..from + count` of `a`, `count` at most 32; bits beyond the end read as zero.
pub(crate) fn bits(a: &[u64], from: usize, count: usize) -> u64 {
    let (limb, shift) = (from / 64, from % 64);
    let low = a.get(limb).copied().unwrap_or(0);
    let high = a.get(limb + 1).copied().unwrap_or(0);
    let joined = (u128::from(high) << 64) | u128::from(low);
    ((joined >> shift) as u64) & ((1 << count) - 1)
}

/// Adds `value`, of 64-bit limbs, to `a` from bit `from` on. The caller knows that nothing is carried out.
pub(crate) fn add_at_bit(a: &mut [u64], from: usize, value: &[u64]) {
    let (first, shift) = (from / 64, from % 64);
    let mut spill = 0;
    let mut carry = false;
    for (i, slot) in a[first..].iter_mut().enumerate() {
        let limb = value.get(i).copied().unwrap_or(0);
        let wide = (u128::from(limb) << shift) | u128::from(spill);
        spill = (wide >> 64) as u64;
        (*slot, carry) = slot.carrying_add(wide as u64, carry);
    }
    debug_assert!(!carry && spill == 0, "a slot lies outside of the plaintext");
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;
    use num_integer::Integer;
    use proptest::prelude::*;

    use super::*;

    fn number(limbs: &[u64]) -> BigUint {
        BigUint::from_bytes_be(&to_be_bytes(limbs))
    }

    proptest! {
        #[test]
        fn bytes_return(a in prop::collection::vec(any::<u64>(), 1..20)) {
            prop_assert_eq!(&*from_be_bytes(&to_be_bytes(&a)), &a);
        }

        #[test]
        fn sums_and_products_agree_with_num_bigint(
            a in prop::collection::vec(any::<u64>(), 5..9),
            b in prop::collection::vec(any::<u64>(), 1..5),
        ) {
            prop_assert_eq!(number(&product(&a, &b)), number(&a) * number(&b));
            let mut sum = resized(&a, a.len() + 1);
            prop_assert!(!add_assign(&mut sum, &b));
            prop_assert_eq!(number(&sum), number(&a) + number(&b));
            prop_assert!(!sub_assign(&mut sum, &b));
            prop_assert_eq!(&sum[..a.len()], &a[..]);
            let mut doubled = resized(&a, a.len() + 1);
            double(&mut doubled);
            prop_assert_eq!(number(&doubled), number(&a) * 2u32);
            halve(&mut doubled);
            prop_assert_eq!(&doubled[..a.len()], &a[..]);
        }

        #[test]
        fn reduces_at_most_once(a in any::<[u64; 3]>(), m in any::<[u64; 3]>()) {
            let mut out = a;
            let reduced = bool::from(reduce_once(&mut out, &m));
            prop_assert_eq!(reduced, number(&a) >= number(&m));
            prop_assert_eq!(less_than(&a, &m), !reduced);
            let wanted = if reduced { number(&a) - number(&m) } else { number(&a) };
            prop_assert_eq!(number(&out), wanted);
        }

        #[test]
        fn small_remainders(a in prop::collection::vec(any::<u64>(), 1..9), d in 1u32..) {
            prop_assert_eq!(BigUint::from(remainder(&a, d)), number(&a) % d);
        }

        #[test]
        fn common_divisors(a in any::<[u32; 3]>(), b in any::<[u32; 3]>(), shared in any::<u16>()) {
            let factor = BigUint::from(shared | 1);
            let odd = |v: [u32; 3]| (BigUint::new(v.to_vec()) | BigUint::from(1u32)) * &factor;
            let (a, b) = (odd(a), odd(b));
            let limbs = |v: &BigUint| resized(&v.to_u64_digits(), 3);
            prop_assert_eq!(odd_coprime(&limbs(&a), &limbs(&b)), a.gcd(&b) == BigUint::from(1u32));
        }

        #[test]
        fn bit_fields(a in any::<[u64; 4]>(), from in 0usize..300, count in 1usize..33) {
            let wanted = (number(&a) >> from) & ((BigUint::from(1u32) << count) - 1u32);
            prop_assert_eq!(BigUint::from(bits(&a, from, count)), wanted);
        }

        #[test]
        fn values_land_at_their_bit(value in any::<[u64; 2]>(), from in 0usize..120) {
            let mut out = [0; 4];
            add_at_bit(&mut out, from, &value);
            prop_assert_eq!(number(&out), number(&value) << from);
        }
    }

    #[test]
    fn carries_run_through_every_limb() {
        let mut a = [u64::MAX; 4];
        assert!(add_assign(&mut a, &[1]));
        assert_eq!(a, [0; 4]);
        assert!(sub_assign(&mut a, &[1]));
        assert_eq!(a, [u64::MAX; 4]);
        increment_if(&mut a, Choice::from(0));
        assert_eq!(a, [u64::MAX; 4]);
        increment_if(&mut a, Choice::from(1));
        assert!(is_zero(&a));
    }
}
