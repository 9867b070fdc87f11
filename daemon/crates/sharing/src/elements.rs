//! Arithmetic on single ring elements of a number of limbs that the compiler knows.

use crate::Error;
use crate::RingVec;
use crate::error::{check_length, check_range};
use crate::ring::{add_limb, sub_limb};

/// The limbs of a ring element, least significant first.
pub(crate) type Element<const LIMBS: usize> = [u64; LIMBS];

/// The sum.
#[inline]
pub(crate) fn add<const LIMBS: usize>(x: &Element<LIMBS>, y: &Element<LIMBS>) -> Element<LIMBS> {
    carried(x, y, add_limb)
}

/// The difference.
#[inline]
pub(crate) fn sub<const LIMBS: usize>(x: &Element<LIMBS>, y: &Element<LIMBS>) -> Element<LIMBS> {
    carried(x, y, sub_limb)
}

#[inline]
fn carried<const LIMBS: usize>(
    x: &Element<LIMBS>,
    y: &Element<LIMBS>,
    step: impl Fn(u64, u64, bool) -> (u64, bool),
) -> Element<LIMBS> {
    let mut out = [0; LIMBS];
    let mut carry = false;
    for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
        (*out, carry) = step(*x, *y, carry);
    }
    out
}

/// The product.
#[inline]
pub(crate) fn mul<const LIMBS: usize>(x: &Element<LIMBS>, y: &Element<LIMBS>) -> Element<LIMBS> {
    let mut out = [0; LIMBS];
    for (low, x) in x.iter().enumerate() {
        let mut carry = 0;
        for (out, y) in out[low..].iter_mut().zip(y) {
            (*out, carry) = x.carrying_mul_add(*y, *out, carry);
        }
    }
    out
}

/// Words of `len` elements of `limbs` limbs.
///
/// # Errors
/// [`Error::Range`] unless `limbs` is 1 to 4 and three such vectors fit into memory.
pub(crate) fn words_of(len: usize, limbs: usize) -> Result<usize, Error> {
    check_range("limbs of a ring element", limbs, 1, RingVec::MAX_LIMBS)?;
    check_range("ring elements", len, 0, isize::MAX as usize / (3 * 8 * limbs))?;
    Ok(len * limbs)
}

/// Number of elements in `words`.
///
/// # Errors
/// [`Error::Range`] unless `limbs` is 1 to 4, [`Error::Length`] when the words are not whole elements.
pub(crate) fn elements_in(words: &[u64], limbs: usize) -> Result<usize, Error> {
    check_range("limbs of a ring element", limbs, 1, RingVec::MAX_LIMBS)?;
    let len = words.len() / limbs;
    check_length("limbs in whole ring elements", words.len(), len * limbs)?;
    Ok(len)
}

/// Calls a function that is generic over the number of limbs; the number is known to be 1 to 4.
macro_rules! for_limbs {
    ($limbs:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $limbs {
            1 => $function::<1>($($argument),*),
            2 => $function::<2>($($argument),*),
            3 => $function::<3>($($argument),*),
            _ => $function::<4>($($argument),*),
        }
    };
}
pub(crate) use for_limbs;
