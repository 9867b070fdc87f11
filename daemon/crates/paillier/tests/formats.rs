//! Keys and ciphertexts from outside: what is refused, and what comes back.

use std::sync::LazyLock;

use getrandom::SysRng;
use num_bigint::BigUint;
use paillier::{Ciphertext, Encryptor, Error, KeySize, Plaintext, PublicKey, SecretKey};
use rand_core::UnwrapErr;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{BytesDeserializer, Error as ValueError, SeqDeserializer};

static SECRET: LazyLock<SecretKey> =
    LazyLock::new(|| SecretKey::generate(KeySize::Bits1024, &mut UnwrapErr(SysRng)));

fn padded(number: &BigUint, len: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let mut out = vec![0; len - bytes.len()];
    out.extend(bytes);
    out
}

/// p and q.
fn primes() -> (BigUint, BigUint) {
    let bytes = SECRET.to_bytes();
    (BigUint::from_bytes_be(&bytes[..64]), BigUint::from_bytes_be(&bytes[64..]))
}

fn joined(p: &BigUint, q: &BigUint) -> Vec<u8> {
    [padded(p, 64), padded(q, 64)].concat()
}

#[test]
fn sizes() {
    for bits in [1024, 2048, 3072] {
        let size = KeySize::from_bits(bits).unwrap();
        assert_eq!(size.bits(), bits);
        assert_eq!(size.is_test(), bits < 3072);
    }
    for bits in [0, 512, 1023, 4096, u32::MAX] {
        assert_eq!(KeySize::from_bits(bits), Err(Error::KeySize(bits)));
    }
}

#[test]
fn a_secret_key_returns_and_still_decrypts() {
    let rng = &mut UnwrapErr(SysRng);
    let again = SecretKey::from_bytes(&SECRET.to_bytes()).unwrap();
    assert_eq!(again.public(), SECRET.public());
    let m = Plaintext::from_u64(SECRET.public(), 99);
    let c = Encryptor::new(SECRET.public(), rng).encrypt(&m, rng).unwrap();
    assert!(again.decrypt(&c) == m);
    let (p, q) = primes();
    assert_eq!(again.public().modulus(), &(p * q));
}

#[test]
fn generated_primes_are_as_promised() {
    let (p, q) = primes();
    let one = BigUint::from(1u32);
    for prime in [&p, &q] {
        assert_eq!(prime.bits(), 512);
        assert!(prime.bit(510), "the second bit is set");
        assert_eq!(prime % 4u32, BigUint::from(3u32));
        assert_eq!(BigUint::from(5u32).modpow(&(prime - 1u32), prime), one);
    }
    let gcd = num_integer::gcd(&p - 1u32, &q - 1u32);
    assert_eq!(gcd, BigUint::from(2u32));
    assert_eq!(num_integer::gcd(&p * &q, (&p - 1u32) * (&q - 1u32)), one);
    assert_eq!(SECRET.public().modulus().bits(), 1024);
}

#[test]
fn damaged_secret_keys_are_refused() {
    let (p, q) = primes();
    let refusal = |p: &BigUint, q: &BigUint| match SecretKey::from_bytes(&joined(p, q)) {
        Err(Error::SecretKey(reason)) => reason,
        Err(other) => panic!("another refusal: {other}"),
        Ok(_) => panic!("accepted"),
    };
    assert!(refusal(&(&p >> 1u32), &q).contains("short"));
    assert!(refusal(&p, &(&q ^ BigUint::from(2u32))).contains("modulo 4"));
    assert!(refusal(&p, &p).contains("close"));
    assert!(refusal(&BigUint::ZERO, &q).contains("short"));
    // Every single bit that flips is noticed.
    let bytes = SECRET.to_bytes();
    for bit in (0..1024).step_by(37) {
        let mut damaged = bytes.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(SecretKey::from_bytes(&damaged).is_err(), "bit {bit}");
    }
    for len in [0, 1, 127, 129, 130, 512, 10_000] {
        assert!(
            matches!(SecretKey::from_bytes(&vec![255; len]), Err(Error::Length { got, .. }) if got == len)
        );
    }
}

#[test]
fn bad_public_keys_are_refused() {
    let n = SECRET.public().modulus();
    let refusal = |n: &BigUint| match PublicKey::from_bytes(&padded(n, 128)) {
        Err(Error::PublicKey(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert!(refusal(&BigUint::ZERO).contains("shorter"));
    assert!(refusal(&(n >> 1u32)).contains("shorter"));
    assert!(refusal(&(n - 1u32)).contains("modulo 4"));
    assert!(refusal(&(n + 2u32)).contains("modulo 4"));
    let (p, q) = primes();
    let larger = p.clone().max(q);
    assert!(refusal(&(&larger * &larger)).contains("square"));
    // 3 divides it, and it is 1 modulo 4.
    let multiple = (BigUint::from(1u32) << 1023u32) / 12u32 * 12u32 + 9u32 + 12u32;
    assert!(refusal(&multiple).contains("small factor"));
    // The largest prime below 2^1024 that is 1 modulo 4.
    let two = BigUint::from(2u32);
    let mut prime = (BigUint::from(1u32) << 1024u32) - 3u32;
    while two.modpow(&(&prime - 1u32), &prime) != BigUint::from(1u32) {
        prime -= 4u32;
    }
    assert!(refusal(&prime).contains("prime"));
    for len in [0, 127, 129, 512] {
        assert!(matches!(PublicKey::from_bytes(&vec![1; len]), Err(Error::Length { got, .. }) if got == len));
    }
}

#[test]
fn ciphertexts_outside_of_the_group_are_refused() {
    let key = SECRET.public();
    let n = key.modulus();
    let square = n * n;
    let (p, q) = primes();
    let read = |c: &BigUint| Ciphertext::from_bytes(key, &padded(c, key.ciphertext_len()));
    for bad in [&BigUint::ZERO, &p, &q, n, &(n * 5u32), &(&p * 3u32), &(&square - n), &(&square - &q)] {
        assert!(matches!(read(bad), Err(Error::Ciphertext(reason)) if reason.contains("factor")));
    }
    for bad in [&square, &(&square + 1u32), &((BigUint::from(1u32) << 2048u32) - 1u32)] {
        assert!(matches!(read(bad), Err(Error::Ciphertext(reason)) if reason.contains("below")));
    }
    for good in [BigUint::from(1u32), &square - 1u32, n + 1u32] {
        let c = read(&good).unwrap();
        assert_eq!(BigUint::from_bytes_be(&c.to_bytes()), good);
        assert_eq!(c.to_bytes().len(), key.ciphertext_len());
        let _ = SECRET.decrypt(&c);
    }
    for len in [0, 128, 255, 257, 1 << 16] {
        let wanted = Error::Length { what: "a ciphertext", wanted: "256".into(), got: len };
        assert_eq!(Ciphertext::from_bytes(key, &vec![0; len]), Err(wanted));
    }
}

#[test]
fn lists_of_ciphertexts_are_checked_one_by_one() {
    let rng = &mut UnwrapErr(SysRng);
    let key = SECRET.public();
    let messages: Vec<Plaintext> = (0..5).map(|i| Plaintext::from_u64(key, i)).collect();
    let all = Encryptor::new(key, rng).encrypt_all(&messages, rng).unwrap();
    let bytes: Vec<u8> = all.iter().flat_map(Ciphertext::to_bytes).collect();
    assert_eq!(Ciphertext::all_from_bytes(key, &bytes), Ok(all));
    assert_eq!(Ciphertext::all_from_bytes(key, &[]), Ok(Vec::new()));
    let (p, q) = primes();
    for place in 0..5 {
        for bad in [&BigUint::ZERO, &p, &q, &(key.modulus() * key.modulus())] {
            let mut damaged = bytes.clone();
            damaged[256 * place..][..256].copy_from_slice(&padded(bad, 256));
            assert!(matches!(Ciphertext::all_from_bytes(key, &damaged), Err(Error::Ciphertext(_))));
        }
    }
    let wanted =
        Error::Length { what: "a list of ciphertexts", wanted: "a multiple of 256".into(), got: 1279 };
    assert_eq!(Ciphertext::all_from_bytes(key, &bytes[1..]), Err(wanted));
}

#[test]
fn plaintexts_must_lie_below_the_modulus() {
    let key = SECRET.public();
    let n = key.modulus();
    let read = |m: &BigUint| Plaintext::from_bytes(key, &padded(m, 128)).map(|m| m.to_bytes().to_vec());
    assert_eq!(read(&(n - 1u32)), Ok(padded(&(n - 1u32), 128)));
    assert_eq!(read(n), Err(Error::PlaintextTooLarge { got: 1024, modulus: 1024 }));
    assert!(matches!(Plaintext::from_bytes(key, &[0; 127]), Err(Error::Length { got: 127, .. })));
}

#[test]
fn public_keys_pass_through_serde() {
    let key = SECRET.public();
    let bytes = key.to_bytes();
    let read = PublicKey::deserialize(BytesDeserializer::<ValueError>::new(&bytes)).unwrap();
    assert_eq!(&read, key);
    let sequence = SeqDeserializer::<_, ValueError>::new(bytes.iter().copied());
    assert_eq!(&PublicKey::deserialize(sequence).unwrap(), key);
    let damaged: Vec<u8> = bytes.iter().map(|byte| byte & 0x7f).collect();
    assert!(PublicKey::deserialize(BytesDeserializer::<ValueError>::new(&damaged)).is_err());
    // An endless sequence ends at the longest key.
    let endless = SeqDeserializer::<_, ValueError>::new(std::iter::repeat(1u8));
    assert!(PublicKey::deserialize(endless).unwrap_err().to_string().contains("385"));
    let wrong: Result<PublicKey, ValueError> = PublicKey::deserialize(7u32.into_deserializer());
    assert!(wrong.is_err());
}

#[test]
fn errors_never_show_numbers_of_the_input() {
    let key = SECRET.public();
    let text = Ciphertext::from_bytes(key, &padded(&primes().0, 256)).unwrap_err().to_string();
    assert!(text.contains("factor in common") && !text.contains(&primes().0.to_string()));
}
