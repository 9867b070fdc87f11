use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;

fn kernels() -> Vec<Kernel> {
    let mut all = vec![Kernel::Portable];
    #[cfg(target_arch = "x86_64")]
    if ifma::available() {
        all.push(Kernel::Ifma);
    }
    all
}

fn number(limbs: &[u64]) -> BigUint {
    BigUint::from_bytes_be(&limbs::to_be_bytes(limbs))
}

fn to_limbs(number: &BigUint, len: usize) -> Secret {
    limbs::resized(&number.to_u64_digits(), len)
}

/// Limb counts of p and n at every key size.
const LENGTHS: [usize; 5] = [8, 16, 24, 32, 48];

fn modulus() -> impl Strategy<Value = Vec<u64>> {
    let any_limb = prop_oneof![3 => any::<u64>(), 1 => Just(0), 1 => Just(u64::MAX)];
    prop::sample::select(&LENGTHS[..])
        .prop_flat_map(move |len| prop::collection::vec(any_limb.clone(), len))
        .prop_map(|mut m| {
            m[0] |= 1;
            *m.last_mut().unwrap() |= 1 << 63;
            m
        })
}

/// A modulus, and numbers below its fourth power.
fn operands() -> impl Strategy<Value = (Vec<u64>, Vec<u64>, Vec<u64>)> {
    modulus().prop_flat_map(|m| {
        let limb = prop_oneof![3 => any::<u64>(), 1 => Just(0), 1 => Just(u64::MAX)];
        let integer = prop::collection::vec(limb, 4 * m.len());
        (Just(m), integer.clone(), integer)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn products_sums_and_squares((m, x, y) in operands()) {
        let square = number(&m).pow(2);
        for kernel in kernels() {
            let ring = Ring::with_kernel(&m, kernel);
            let (ex, ey) = (ring.element(&x), ring.element(&y));
            prop_assert_eq!(number(&ring.integer(&ex)), number(&x) % &square);
            let product = ring.multiply(&ex, &ey);
            prop_assert_eq!(number(&ring.integer(&product)), number(&x) * number(&y) % &square);
            prop_assert_eq!(number(&ring.integer(&ring.square(&ex))), number(&x).pow(2) % &square);
            let mut sum = product.clone();
            for _ in 0..3 {
                ring.add_assign(&mut sum, &product);
            }
            let wanted = number(&x) * number(&y) * 4u32;
            prop_assert_eq!(number(&ring.integer(&sum)), &wanted % &square);
            prop_assert_eq!(number(&ring.integer(&ring.square(&sum))), wanted.pow(2) % &square);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn powers((m, x, _) in operands(), exponent in prop::collection::vec(any::<u64>(), 1..4)) {
        let square = number(&m).pow(2);
        for kernel in kernels() {
            let ring = Ring::with_kernel(&m, kernel);
            let power = ring.power(&ring.element(&x), &exponent);
            prop_assert_eq!(number(&ring.integer(&power)), number(&x).modpow(&number(&exponent), &square));
        }
    }
}

#[test]
fn edges_of_the_range() {
    for len in LENGTHS {
        let mut least = vec![0; len];
        (least[0], least[len - 1]) = (1, 1 << 63);
        for m in [least, vec![u64::MAX; len]] {
            let m = number(&m);
            let square = m.pow(2);
            let one = BigUint::from(1u32);
            let edges = [
                BigUint::ZERO,
                one.clone(),
                &m - 1u32,
                m.clone(),
                &m + 1u32,
                &square - 1u32,
                &square - &m,
                &square / 2u32,
            ];
            for kernel in kernels() {
                let ring = Ring::with_kernel(&to_limbs(&m, len), kernel);
                assert_eq!(number(&ring.integer(ring.one())), one);
                for x in &edges {
                    let element = ring.element(&to_limbs(x, 2 * len));
                    let (low, high) = ring.parts(&element);
                    assert_eq!((number(&low), number(&high)), (x % &m, x / &m), "{kernel:?} {len}");
                    assert_eq!(number(&ring.residue(&element)), x % &m);
                    assert_eq!(number(&ring.integer(&ring.square(&element))), x * x % &square);
                    for y in &edges {
                        let product = ring.multiply(&element, &ring.element(&to_limbs(y, 2 * len)));
                        assert_eq!(number(&ring.integer(&product)), x * y % &square, "{kernel:?} {len}");
                    }
                    assert_eq!(number(&ring.integer(&ring.power(&element, &[0]))), one);
                }
            }
        }
    }
}

#[test]
fn a_chain_of_lazy_products_stays_in_range() {
    // Repeated squaring without any reduction in between would show a bound that is slightly too wide.
    for len in LENGTHS {
        let m = number(&vec![u64::MAX; len]);
        let square = m.pow(2);
        let x = &square - 2u32;
        for kernel in kernels() {
            let ring = Ring::with_kernel(&to_limbs(&m, len), kernel);
            let mut element = ring.element(&to_limbs(&x, 2 * len));
            ring.square_repeatedly(&mut element, 100);
            let wanted = x.modpow(&(BigUint::from(1u32) << 100), &square);
            assert_eq!(number(&ring.integer(&element)), wanted);
        }
    }
}

#[test]
fn selection_finds_each_entry() {
    let m = vec![u64::MAX; 8];
    for kernel in kernels() {
        let ring = Ring::with_kernel(&m, kernel);
        let entries: Vec<Element> = (0..9).map(|i| ring.element(&[i])).collect();
        let table = ring.table(&entries);
        let mut out = ring.zero();
        for i in 0..9 {
            ring.select_into(&mut out, &table, i);
            assert_eq!(*ring.integer(&out), *limbs::resized(&[i], 16));
        }
    }
}
