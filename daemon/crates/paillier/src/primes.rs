//! The primes of a key.
//!
//! A prime p of a key is congruent to 3 modulo 4 with its top two bits set, and neither p nor (p − 1)/2
//! has a factor below 2^15. The former makes −1 a non-residue with Jacobi symbol 1 modulo n, and lets one
//! power decide a round of the Miller-Rabin test; the latter makes nearly every element of that symbol a
//! generator of their group, see [`crate::Encryptor`].

use std::sync::OnceLock;

use rand_core::CryptoRng;

use crate::limbs::{self, Secret};
use crate::random;
use crate::ring::Ring;

/// Factors below this bound are looked for by division.
const SIEVE_BOUND: u32 = 1 << 15;

/// Rounds of the Miller-Rabin test for a fresh prime: a composite passes one with probability 1/4 at most.
const ROUNDS: usize = 40;

/// The odd primes below the sieve bound.
fn small_primes() -> &'static [u32] {
    static PRIMES: OnceLock<Vec<u32>> = OnceLock::new();
    PRIMES.get_or_init(|| {
        let mut composite = vec![false; SIEVE_BOUND as usize];
        let mut primes = Vec::new();
        for i in (3..SIEVE_BOUND).step_by(2) {
            if !composite[i as usize] {
                primes.push(i);
                (u64::from(i) * u64::from(i)..u64::from(SIEVE_BOUND))
                    .step_by(2 * i as usize)
                    .for_each(|multiple| composite[multiple as usize] = true);
            }
        }
        primes
    })
}

/// Whether an odd `number` has a factor below 2^15.
pub(crate) fn has_small_factor(number: &[u64]) -> bool {
    small_primes().iter().any(|&prime| limbs::remainder(number, prime) == 0)
}

/// A random prime of `len` limbs, of the form described above.
pub(crate) fn generate(len: usize, rng: &mut impl CryptoRng) -> Secret {
    loop {
        let mut candidate = random::limbs(len, rng);
        candidate[0] |= 3;
        candidate[len - 1] |= 3 << 62;
        if !survives_sieve(&candidate) {
            continue;
        }
        let test = MillerRabin::new(&candidate);
        if (0..ROUNDS).all(|_| test.passes(&random::below(&candidate, rng))) {
            return candidate;
        }
    }
}

/// Checks a stored prime: its form, and that it is prime to a few fixed bases, which no damage survives.
pub(crate) fn check(prime: &[u64]) -> Result<(), &'static str> {
    if prime[prime.len() - 1] >> 62 != 3 {
        return Err("a prime is too short");
    }
    if prime[0] & 3 != 3 {
        return Err("a prime is not congruent to 3 modulo 4");
    }
    if !survives_sieve(prime) {
        return Err("a prime, or the number below it, has a small factor");
    }
    let test = MillerRabin::new(prime);
    let bases = small_primes().iter().take(12);
    if !bases.into_iter().all(|&base| test.passes(&[u64::from(base)])) {
        return Err("a number that must be prime is not");
    }
    Ok(())
}

/// Whether neither p nor (p − 1)/2, both odd, has a factor below 2^15.
fn survives_sieve(candidate: &[u64]) -> bool {
    small_primes().iter().all(|&prime| limbs::remainder(candidate, prime) > 1)
}

/// Whether p, q of equal length differ by at least 2^(length − 100), so that Fermat's method fails.
pub(crate) fn far_apart(p: &[u64], q: &[u64]) -> bool {
    let (more, less) = if limbs::less_than(p, q) { (q, p) } else { (p, q) };
    let mut difference = limbs::resized(more, more.len());
    limbs::sub_assign(&mut difference, less);
    let from = 64 * p.len() - 100;
    (0..4).any(|i| limbs::bits(&difference, from + 25 * i, 25) != 0)
}

/// Whether gcd(p − 1, q − 1) = 2, for p and q congruent to 3 modulo 4.
pub(crate) fn orders_share_only_two(p: &[u64], q: &[u64]) -> bool {
    let half = |prime: &[u64]| {
        let mut out = limbs::resized(prime, prime.len());
        limbs::halve(&mut out);
        out
    };
    limbs::odd_coprime(&half(p), &half(q))
}

/// The Miller-Rabin test of a number congruent to 3 modulo 4.
struct MillerRabin {
    ring: Ring,
    /// (p − 1)/2, which is odd: the first power of the general test is the only one.
    exponent: Secret,
    minus_one: Secret,
}

impl MillerRabin {
    fn new(candidate: &[u64]) -> Self {
        let mut exponent = limbs::resized(candidate, candidate.len());
        limbs::halve(&mut exponent);
        let mut minus_one = limbs::resized(candidate, candidate.len());
        limbs::sub_assign(&mut minus_one, &[1]);
        MillerRabin { ring: Ring::new(candidate), exponent, minus_one }
    }

    /// Whether base^((p − 1)/2) is 1 or −1.
    fn passes(&self, base: &[u64]) -> bool {
        let power = self.ring.residue(&self.ring.power(&self.ring.element(base), &self.exponent));
        (power[0] == 1 && limbs::is_zero(&power[1..])) || *power == *self.minus_one
    }
}

#[cfg(test)]
mod tests {
    use getrandom::SysRng;
    use num_bigint::BigUint;
    use rand_core::UnwrapErr;

    use super::*;

    #[test]
    fn the_sieve_knows_its_primes() {
        let primes = small_primes();
        assert_eq!(&primes[..6], [3, 5, 7, 11, 13, 17]);
        // 3512 primes lie below 2^15 (OEIS A007053), 2 among them.
        assert_eq!(primes.len(), 3511);
    }

    #[test]
    fn generated_primes_have_the_form_and_pass_the_check() {
        let rng = &mut UnwrapErr(SysRng);
        for len in [8, 16] {
            let prime = generate(len, rng);
            assert_eq!(check(&prime), Ok(()));
            let p = BigUint::from_bytes_be(&limbs::to_be_bytes(&prime));
            let minus_one = &p - 1u32;
            for base in [2u32, 3, 65537] {
                assert_eq!(BigUint::from(base).modpow(&minus_one, &p), BigUint::from(1u32));
            }
            let mut other = prime.clone();
            other[0] ^= 1 << 5;
            assert!(check(&other).is_err());
            assert!(!far_apart(&prime, &other));
            assert!(far_apart(&prime, &generate(len, rng)));
        }
    }

    #[test]
    fn composites_fail() {
        let rng = &mut UnwrapErr(SysRng);
        // The product of three such primes is 3 modulo 4 again, and no small factor gives it away.
        let product = loop {
            let [p, q, r] = std::array::from_fn(|_| generate(8, rng));
            let product = limbs::product(&limbs::product(&p, &q), &r);
            if product[23] >> 63 == 1 {
                break product;
            }
        };
        let test = MillerRabin::new(&product);
        assert!((0..ROUNDS).any(|_| !test.passes(&random::below(&product, rng))));
    }

    #[test]
    fn a_shared_factor_is_found() {
        // (p − 1)/2 = 3·5, (q − 1)/2 = 5·7 against 3·5 and 7·11.
        assert!(!orders_share_only_two(&[31], &[71]));
        assert!(orders_share_only_two(&[31], &[155]));
    }
}
