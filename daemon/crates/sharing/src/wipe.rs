//! Wiping words that may hold shares or masks.

use core::ops::{Deref, DerefMut};

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Zeroes the whole allocation, also what lies past the length, in one bulk pass.
///
/// [`Vec`]'s own method goes through its elements one by one, which would cost as much as an evaluation.
pub(crate) fn wipe(words: &mut Vec<u64>) {
    words.clear();
    words.zeroize();
}

/// Words that are wiped on drop. Their number is fixed, so none is left behind by growing.
#[derive(Default)]
pub(crate) struct Wiped(Vec<u64>);

impl Wiped {
    /// `count` zeros.
    pub(crate) fn zeros(count: usize) -> Self {
        Wiped(vec![0; count])
    }

    /// The words themselves, no longer wiped: for what may leave.
    pub(crate) fn into_words(mut self) -> Vec<u64> {
        core::mem::take(&mut self.0)
    }
}

impl From<Vec<u64>> for Wiped {
    fn from(words: Vec<u64>) -> Self {
        Wiped(words)
    }
}

impl Deref for Wiped {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl ZeroizeOnDrop for Wiped {}
