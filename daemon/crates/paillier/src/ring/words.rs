//! Storage for ring elements: 64-bit words in cache-line blocks, wiped when dropped.

use zeroize::Zeroize;

/// Words in a block: one cache line, one 512-bit register.
pub(super) const BLOCK: usize = 8;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Block([u64; BLOCK]);

/// An array of words, aligned to 64 bytes so that vector loads never cross a cache line.
#[derive(Clone)]
pub(crate) struct Words(Vec<Block>);

impl Words {
    /// `len` zero words; `len` is a multiple of [`BLOCK`].
    pub(super) fn zero(len: usize) -> Self {
        debug_assert!(len.is_multiple_of(BLOCK));
        Words(vec![Block([0; BLOCK]); len / BLOCK])
    }

    #[allow(unsafe_code)]
    pub(super) fn as_slice(&self) -> &[u64] {
        // SAFETY: a `Block` is exactly `BLOCK` words without padding (`repr(C)`, 64 bytes, aligned to 64),
        // so the vector's `len` blocks are `len * BLOCK` initialised words behind one pointer.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * BLOCK) }
    }

    #[allow(unsafe_code)]
    pub(super) fn as_mut_slice(&mut self) -> &mut [u64] {
        // SAFETY: as in `as_slice`; the borrow of `self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * BLOCK) }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        self.as_mut_slice().zeroize();
    }
}
