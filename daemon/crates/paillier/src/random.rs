//! Random numbers as limbs.

use rand_core::CryptoRng;

use crate::limbs::{self, Secret};

/// Uniform in [0, 2^(64 len)).
pub(crate) fn limbs(len: usize, rng: &mut impl CryptoRng) -> Secret {
    let mut out = limbs::zero(len);
    for limb in out.iter_mut() {
        *limb = rng.next_u64();
    }
    out
}

/// Uniform in [2, bound − 1); `bound` has the top bit of its top limb set, so that two draws do on average.
pub(crate) fn below(bound: &[u64], rng: &mut impl CryptoRng) -> Secret {
    let mut most = limbs::resized(bound, bound.len());
    limbs::sub_assign(&mut most, &[1]);
    loop {
        let out = limbs(bound.len(), rng);
        let large = out[0] > 1 || !limbs::is_zero(&out[1..]);
        if large && limbs::less_than(&out, &most) {
            return out;
        }
    }
}
