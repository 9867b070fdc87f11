//! Wiping words that may hold shares or masks.

use zeroize::Zeroize;

/// Zeroes the whole allocation, also what lies past the length, in one bulk pass.
///
/// [`Vec`]'s own method goes through its elements one by one, which would cost as much as an evaluation.
pub(crate) fn wipe(words: &mut Vec<u64>) {
    words.clear();
    words.zeroize();
}
