//! Packed vectors, their masks, and the joint sum that they are for.

use std::sync::LazyLock;

use getrandom::SysRng;
use num_bigint::BigUint;
use paillier::{Encryptor, Error, KeySize, Mask, Packing, Plaintext, SecretKey};
use proptest::prelude::*;
use rand_core::UnwrapErr;

static KEYS: LazyLock<(SecretKey, Encryptor)> = LazyLock::new(|| {
    let rng = &mut UnwrapErr(SysRng);
    let secret = SecretKey::generate(KeySize::Bits1024, rng);
    let encryptor = Encryptor::new(secret.public(), rng);
    (secret, encryptor)
});

fn packing(limbs: usize) -> Packing {
    Packing::new(KEYS.0.public(), limbs).unwrap()
}

/// a + b, each value modulo 2^(64 limbs).
fn add(a: &[u64], b: &[u64], limbs: usize) -> Vec<u64> {
    let sums = a.chunks(limbs).zip(b.chunks(limbs)).map(|(a, b)| {
        let mut carry = false;
        a.iter().zip(b).map(move |(x, y)| {
            let sum;
            (sum, carry) = x.carrying_add(*y, carry);
            sum
        })
    });
    sums.flatten().collect()
}

fn limb() -> impl Strategy<Value = u64> {
    prop_oneof![2 => any::<u64>(), 1 => Just(0), 1 => Just(u64::MAX)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn packed_values_return((limbs, values) in (1usize..5).prop_flat_map(|limbs| {
        (0usize..40).prop_flat_map(move |count| {
            (Just(limbs), prop::collection::vec(limb(), limbs * count))
        })
    })) {
        let packing = packing(limbs);
        let count = values.len() / limbs;
        let packed = packing.pack(&values).unwrap();
        prop_assert_eq!(packed.len(), packing.ciphertexts_for(count));
        prop_assert_eq!(packing.unpack(&packed, count).unwrap(), values.clone());

        let mask = Mask::random(&packing, count, &mut UnwrapErr(SysRng));
        let masked = packing.unpack(&mask.plaintexts(&values).unwrap(), count).unwrap();
        prop_assert_eq!(add(&masked, &mask.negated_share(), limbs), values);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// The joint sum as the protocol runs it: shares of the total, and nothing spills between slots.
    #[test]
    fn a_joint_sum_gives_shares(
        limbs in 1usize..5,
        hosts in 2usize..6,
        seed in prop::collection::vec(limb(), 4 * 20 * 5),
    ) {
        let rng = &mut UnwrapErr(SysRng);
        let (secret, encryptor) = (&KEYS.0, &KEYS.1);
        let packing = packing(limbs);
        let vectors: Vec<&[u64]> = seed.chunks(limbs * 20).take(hosts).collect();
        packing.check_addends(hosts).unwrap();

        let mask = Mask::random(&packing, 20, rng);
        let mut total = encryptor.encrypt_all(&mask.plaintexts(vectors[0]).unwrap(), rng).unwrap();
        for vector in &vectors[1..] {
            let other = encryptor.encrypt_all(&packing.pack(vector).unwrap(), rng).unwrap();
            for (sum, next) in total.iter_mut().zip(&other) {
                *sum = secret.public().add(sum, next);
            }
        }
        let seen = packing.unpack(&secret.decrypt_all(&total), 20).unwrap();
        let wanted = vectors.iter().fold(vec![0; 20 * limbs], |sum, vector| add(&sum, vector, limbs));
        prop_assert_eq!(add(&seen, &mask.negated_share(), limbs), wanted);
    }
}

#[test]
fn the_most_addends_stay_inside_their_slots() {
    // The largest values, as many as are allowed, with a mask: in the integers, without encryption.
    for limbs in 1..5 {
        let packing = packing(limbs);
        let count = packing.slots_per_plaintext();
        let values = vec![u64::MAX; limbs * count];
        let number = |plaintext: &Plaintext| BigUint::from_bytes_be(&plaintext.to_bytes());
        let unmasked = number(&packing.pack(&values).unwrap()[0]);
        let mask = Mask::random(&packing, count, &mut UnwrapErr(SysRng));
        let total = number(&mask.plaintexts(&values).unwrap()[0]) + unmasked * (Packing::MAX_ADDENDS - 1);
        assert!(&total < KEYS.0.public().modulus());
        let mut bytes = vec![0; 128 - total.to_bytes_be().len()];
        bytes.extend(total.to_bytes_be());
        let total = Plaintext::from_bytes(KEYS.0.public(), &bytes).unwrap();
        let seen = packing.unpack(&[total], count).unwrap();
        // 1024 values of 2^w − 1 are −1024 modulo 2^w.
        let mut wanted = vec![u64::MAX; limbs];
        wanted[0] = 0u64.wrapping_sub(Packing::MAX_ADDENDS as u64);
        assert_eq!(add(&seen, &mask.negated_share(), limbs), wanted.repeat(count));
    }
}

#[test]
fn slots_per_plaintext_are_as_many_as_fit() {
    let slots = |limbs| packing(limbs).slots_per_plaintext();
    assert_eq!([slots(1), slots(2), slots(3), slots(4)], [7, 5, 3, 3]);
    assert_eq!(packing(1).ciphertexts_for(0), 0);
    assert_eq!(packing(1).ciphertexts_for(7), 1);
    assert_eq!(packing(1).ciphertexts_for(8), 2);
}

#[test]
fn wrong_counts_are_refused() {
    let key = KEYS.0.public();
    for limbs in [0, 5] {
        assert_eq!(Packing::new(key, limbs), Err(Error::Limbs(limbs)));
    }
    let two = packing(2);
    let wrong = |what, wanted, got| Some(Error::Count { what, wanted, got });
    assert_eq!(two.pack(&[1, 2, 3]).err(), wrong("limbs", 4, 3));
    let mask = Mask::random(&two, 3, &mut UnwrapErr(SysRng));
    assert_eq!(mask.plaintexts(&[0; 4]).err(), wrong("values", 3, 2));
    assert_eq!(mask.plaintexts(&[0; 5]).err(), wrong("limbs", 6, 5));
    let packed = two.pack(&[0; 12]).unwrap();
    assert_eq!(packed.len(), 2);
    assert_eq!(two.unpack(&packed, 5).err(), wrong("plaintexts", 1, 2));
    assert_eq!(two.unpack(&packed[..1], 6).err(), wrong("plaintexts", 2, 1));
    assert_eq!(two.unpack(&packed, usize::MAX).err().map(|_| ()), Some(()));
    assert_eq!(two.check_addends(1024), Ok(()));
    assert_eq!(two.check_addends(1025), Err(Error::TooManyAddends { got: 1025, most: 1024 }));

    let larger = SecretKey::generate(KeySize::Bits2048, &mut UnwrapErr(SysRng));
    let foreign = Plaintext::from_u64(larger.public(), 1);
    assert_eq!(two.unpack(&[foreign], 1).err(), Some(Error::OtherKey("a plaintext")));
}
