//! A 256-bit key: wiped when dropped, never printed, never copied by accident.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::Result;

/// On the heap, so that moving a key leaves no copy of it behind on the stack.
pub(crate) struct Key(Box<[u8; 32]>);

impl Key {
    pub(crate) const BYTES: usize = 32;

    pub(crate) fn zero() -> Self {
        Self(Box::new([0; Self::BYTES]))
    }

    pub(crate) fn random() -> Result<Self> {
        let mut key = Self::zero();
        getrandom::fill(key.as_mut())?;
        Ok(key)
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::BYTES {
            return None;
        }
        let mut key = Self::zero();
        key.as_mut().copy_from_slice(bytes);
        Some(key)
    }

    pub(crate) fn duplicate(&self) -> Self {
        let mut key = Self::zero();
        key.as_mut().copy_from_slice(self.as_ref());
        key
    }

    pub(crate) fn as_ref(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn as_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }

    /// HMAC-SHA256 under this key over the parts, each preceded by its length so that no two lists agree.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.as_ref()).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Key {}
