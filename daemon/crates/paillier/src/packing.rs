//! Many values in one plaintext.

use rand_core::CryptoRng;

use crate::limbs::{self, Secret};
use crate::{Error, Plaintext, PublicKey, random};

/// Bits of a slot above the value, which the mask fills.
const MASK_BITS: usize = 64;

/// Lays values side by side in plaintexts.
///
/// A value has w = 64 · limbs bits. Its slot has w + 64 + 1: the value, the bits by which a mask is longer
/// than a value, and one for the carry of their sum. Values count modulo 2^w; sums of slots are exact as
/// long as they stay inside.
///
/// # Bound
/// A slot holds the sum of H values below 2^w and one mask below 2^(w+64) if H · 2^w + 2^(w+64) ≤ 2^(w+65),
/// that is, for H up to 2^64. What a mask hides is the tighter bound: the masked sum of H values is within
/// statistical distance H · 2^−64 of a fresh mask alone, so at most [`Packing::MAX_ADDENDS`] = 2^10 vectors may be
/// added up, which keeps it below 2^−54 for every slot; [`Packing::check_addends`] refuses more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    limbs: usize,
    slots: usize,
    plaintext_limbs: usize,
}

impl Packing {
    /// The most packed vectors that may be added up under one mask, the masked one among them.
    pub const MAX_ADDENDS: usize = 1 << 10;

    /// Packing of values of `limbs` 64-bit limbs into plaintexts of `key`.
    ///
    /// # Errors
    /// [`Error::Limbs`] if `limbs` is not 1 to 4.
    pub fn new(key: &PublicKey, limbs: usize) -> Result<Self, Error> {
        if !(1..=4).contains(&limbs) {
            return Err(Error::Limbs(limbs));
        }
        // All slots together stay below 2^(bits − 1), and n is above that.
        let slots = (key.bits() as usize - 1) / (64 * limbs + MASK_BITS + 1);
        Ok(Packing { limbs, slots, plaintext_limbs: key.size().limbs() })
    }

    /// 64-bit limbs of a value.
    pub fn limbs(&self) -> usize {
        self.limbs
    }

    /// Values that fit one plaintext.
    pub fn slots_per_plaintext(&self) -> usize {
        self.slots
    }

    /// Plaintexts, and so ciphertexts, that `count` values take.
    pub fn ciphertexts_for(&self, count: usize) -> usize {
        count.div_ceil(self.slots)
    }

    /// Refuses to add up more vectors than a mask can hide.
    ///
    /// # Errors
    /// [`Error::TooManyAddends`] if `vectors` exceeds [`Self::MAX_ADDENDS`].
    pub fn check_addends(&self, vectors: usize) -> Result<(), Error> {
        if vectors > Self::MAX_ADDENDS {
            return Err(Error::TooManyAddends { got: vectors, most: Self::MAX_ADDENDS });
        }
        Ok(())
    }

    /// Packs values, each in [`Self::limbs`] little-endian limbs, one after the other.
    ///
    /// # Errors
    /// [`Error::Count`] if the limbs are no whole number of values.
    pub fn pack(&self, values: &[u64]) -> Result<Vec<Plaintext>, Error> {
        self.count(values)?;
        Ok(self.fill(values, self.limbs))
    }

    /// Takes `count` values, each modulo 2^w, out of plaintexts: [`Self::limbs`] limbs for each.
    ///
    /// # Errors
    /// [`Error::Count`] if `count` values do not take as many plaintexts, [`Error::OtherKey`] if one was made
    /// for a key of another size.
    pub fn unpack(&self, plaintexts: &[Plaintext], count: usize) -> Result<Vec<u64>, Error> {
        if plaintexts.len() != self.ciphertexts_for(count) {
            let wanted = self.ciphertexts_for(count);
            return Err(Error::Count { what: "plaintexts", wanted, got: plaintexts.len() });
        }
        if plaintexts.iter().any(|plaintext| plaintext.limbs().len() != self.plaintext_limbs) {
            return Err(Error::OtherKey("a plaintext"));
        }
        let mut out = Vec::with_capacity(self.limbs * count);
        for slot in 0..count {
            let plaintext = plaintexts[slot / self.slots].limbs();
            let from = slot % self.slots * self.slot_bits();
            for limb in 0..self.limbs {
                let low = limbs::bits(plaintext, from + 64 * limb, 32);
                let high = limbs::bits(plaintext, from + 64 * limb + 32, 32);
                out.push(low | high << 32);
            }
        }
        Ok(out)
    }

    fn slot_bits(&self) -> usize {
        64 * self.limbs + MASK_BITS + 1
    }

    /// The number of values in `values`.
    fn count(&self, values: &[u64]) -> Result<usize, Error> {
        if !values.len().is_multiple_of(self.limbs) {
            let wanted = values.len().next_multiple_of(self.limbs);
            return Err(Error::Count { what: "limbs", wanted, got: values.len() });
        }
        Ok(values.len() / self.limbs)
    }

    /// Lays entries of `width` limbs into slots.
    fn fill(&self, entries: &[u64], width: usize) -> Vec<Plaintext> {
        let pack = |entries: &[u64]| {
            let mut plaintext = limbs::zero(self.plaintext_limbs);
            for (slot, entry) in entries.chunks_exact(width).enumerate() {
                limbs::add_at_bit(&mut plaintext, slot * self.slot_bits(), entry);
            }
            Plaintext::from_limbs(plaintext)
        };
        entries.chunks(self.slots * width).map(pack).collect()
    }
}

/// A one-time mask for a packed vector, wiped when dropped. A mask hides one vector: use it once.
pub struct Mask {
    packing: Packing,
    /// `limbs + 1` limbs for each value.
    entries: Secret,
}

impl Mask {
    /// A mask for `count` values, each uniform in [0, 2^(w+64)).
    pub fn random(packing: &Packing, count: usize, rng: &mut impl CryptoRng) -> Self {
        Mask { packing: *packing, entries: random::limbs((packing.limbs + 1) * count, rng) }
    }

    /// The packed sums of `values` and the mask: little-endian limbs as in [`Packing::pack`].
    ///
    /// # Errors
    /// [`Error::Count`] if there are not as many values as the mask was made for.
    pub fn plaintexts(&self, values: &[u64]) -> Result<Vec<Plaintext>, Error> {
        let limbs = self.packing.limbs;
        let wanted = self.entries.len() / (limbs + 1);
        let got = self.packing.count(values)?;
        if got != wanted {
            return Err(Error::Count { what: "values", wanted, got });
        }
        // A sum of a value and a mask has one bit more than the mask: it takes another limb.
        let mut sums = limbs::zero((limbs + 2) * wanted);
        let entries = self.entries.chunks_exact(limbs + 1).zip(values.chunks_exact(limbs));
        for (sum, (entry, value)) in sums.chunks_exact_mut(limbs + 2).zip(entries) {
            sum[..limbs + 1].copy_from_slice(entry);
            limbs::add_assign(sum, value);
        }
        Ok(self.packing.fill(&sums, limbs + 2))
    }

    /// The negative of the mask, each value modulo 2^w: the masking party's additive share.
    pub fn negated_share(&self) -> Vec<u64> {
        let limbs = self.packing.limbs;
        let mut out = vec![0; self.entries.len() / (limbs + 1) * limbs];
        for (share, entry) in out.chunks_exact_mut(limbs).zip(self.entries.chunks_exact(limbs + 1)) {
            limbs::sub_assign(share, &entry[..limbs]);
        }
        out
    }
}
