//! The homomorphic laws, at the edges of the plaintext space and on random numbers.

use std::sync::LazyLock;

use getrandom::SysRng;
use num_bigint::BigUint;
use paillier::{Ciphertext, Encryptor, Error, KeySize, Plaintext, PublicKey, SecretKey};
use proptest::prelude::*;
use rand_core::UnwrapErr;

static KEYS: LazyLock<(SecretKey, Encryptor)> = LazyLock::new(|| {
    let rng = &mut UnwrapErr(SysRng);
    let secret = SecretKey::generate(KeySize::Bits1024, rng);
    let encryptor = Encryptor::new(secret.public(), rng);
    (secret, encryptor)
});

fn plaintext(key: &PublicKey, value: &BigUint) -> Plaintext {
    let bytes = value.to_bytes_be();
    let mut padded = vec![0; key.plaintext_len() - bytes.len()];
    padded.extend(bytes);
    Plaintext::from_bytes(key, &padded).unwrap()
}

fn number(plaintext: &Plaintext) -> BigUint {
    BigUint::from_bytes_be(&plaintext.to_bytes())
}

fn encrypt(value: &BigUint) -> Ciphertext {
    KEYS.1.encrypt(&plaintext(KEYS.0.public(), value), &mut UnwrapErr(SysRng)).unwrap()
}

fn decrypt(ciphertext: &Ciphertext) -> BigUint {
    number(&KEYS.0.decrypt(ciphertext))
}

fn edges() -> Vec<BigUint> {
    let n = KEYS.0.public().modulus();
    let one = BigUint::from(1u32);
    vec![BigUint::ZERO, one.clone(), BigUint::from(u64::MAX), n / 2u32, n / 2u32 + 1u32, n - 2u32, n - one]
}

/// Mostly random residues, often an edge.
fn value() -> impl Strategy<Value = BigUint> {
    prop_oneof![
        1 => (0..edges().len()).prop_map(|i| edges()[i].clone()),
        2 => prop::collection::vec(any::<u32>(), 32).prop_map(|d| BigUint::new(d) % KEYS.0.public().modulus()),
    ]
}

fn limbs(value: &BigUint) -> Vec<u64> {
    value.to_u64_digits()
}

#[test]
fn laws_hold_at_the_edges() {
    let key = KEYS.0.public();
    let n = key.modulus();
    for a in edges() {
        let ca = encrypt(&a);
        assert_eq!(decrypt(&ca), a);
        for b in edges() {
            assert_eq!(decrypt(&key.add(&ca, &encrypt(&b))), (&a + &b) % n);
            assert_eq!(decrypt(&key.mul_constant(&ca, &limbs(&b))), &a * &b % n);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn laws_hold(a in value(), b in value(), c in value()) {
        let key = KEYS.0.public();
        let n = key.modulus();
        let (ca, cb) = (encrypt(&a), encrypt(&b));
        let sum = key.add(&ca, &cb);
        prop_assert_eq!(&sum, &key.add(&cb, &ca));
        prop_assert_eq!(&sum, &key.sum([&ca, &cb]));
        prop_assert_eq!(decrypt(&sum), (&a + &b) % n);
        let scaled = key.mul_constant(&sum, &limbs(&c));
        prop_assert_eq!(decrypt(&scaled), (&a + &b) * &c % n);
        // Distributivity is exact on ciphertexts too.
        let apart = key.add(&key.mul_constant(&ca, &limbs(&c)), &key.mul_constant(&cb, &limbs(&c)));
        prop_assert_eq!(&scaled, &apart);
        // a + (n − 1)·a = 0
        let minus_one = limbs(&(n - 1u32));
        prop_assert_eq!(decrypt(&key.add(&ca, &key.mul_constant(&ca, &minus_one))), BigUint::ZERO);
        let fresh = KEYS.1.rerandomise(&ca, &mut UnwrapErr(SysRng));
        prop_assert_ne!(&fresh, &ca);
        prop_assert_eq!(decrypt(&fresh), a);
    }
}

#[test]
fn the_same_plaintext_never_has_the_same_ciphertext() {
    let rng = &mut UnwrapErr(SysRng);
    let key = KEYS.0.public();
    let m = Plaintext::from_u64(key, 7);
    let mut all = KEYS.1.encrypt_all(&vec![m.clone(); 20], rng).unwrap();
    all.push(key.encrypt_textbook(&m, rng).unwrap());
    for (i, c) in all.iter().enumerate() {
        assert_eq!(decrypt(c), BigUint::from(7u32));
        assert!(all[..i].iter().all(|other| other != c));
    }
}

#[test]
fn batches_keep_their_order() {
    let rng = &mut UnwrapErr(SysRng);
    let key = KEYS.0.public();
    let messages: Vec<Plaintext> = (0..37).map(|i| Plaintext::from_u64(key, i)).collect();
    let decrypted = KEYS.0.decrypt_all(&KEYS.1.encrypt_all(&messages, rng).unwrap());
    assert!(decrypted == messages);
    assert!(KEYS.1.encrypt_all(&[], rng).unwrap().is_empty());
}

#[test]
fn an_empty_sum_is_zero() {
    assert_eq!(decrypt(&KEYS.0.public().sum([])), BigUint::ZERO);
}

#[test]
fn a_plaintext_of_another_key_is_refused() {
    let rng = &mut UnwrapErr(SysRng);
    let larger = SecretKey::generate(KeySize::Bits2048, rng);
    let m = Plaintext::from_u64(larger.public(), 1);
    let refused = Err(Error::PlaintextTooLarge { got: 2048, modulus: 1024 });
    assert_eq!(KEYS.1.encrypt(&m, rng), refused);
    assert_eq!(KEYS.1.encrypt_all(&[m], rng).map(|mut all| all.remove(0)), refused);
}

#[test]
fn keys_of_every_size_work() {
    let rng = &mut UnwrapErr(SysRng);
    for size in [KeySize::Bits1024, KeySize::Bits2048, KeySize::Bits3072] {
        let secret = SecretKey::generate(size, rng);
        let key = secret.public();
        assert_eq!(key.modulus().bits(), u64::from(size.bits()));
        let encryptor = Encryptor::new(key, rng);
        for m in [BigUint::ZERO, BigUint::from(12345u32), key.modulus() - 1u32] {
            let ciphertext = encryptor.encrypt(&plaintext(key, &m), rng).unwrap();
            assert_eq!(number(&secret.decrypt(&ciphertext)), m);
            let textbook = key.encrypt_textbook(&plaintext(key, &m), rng).unwrap();
            assert_eq!(number(&secret.decrypt(&textbook)), m);
        }
    }
}
