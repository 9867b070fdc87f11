//! Vectors made with python-paillier, in both directions; `vectors/vectors.py` says how.

use num_bigint::BigUint;
use num_traits::Num;
use paillier::{Ciphertext, PublicKey, SecretKey};

fn hex(text: &str) -> BigUint {
    BigUint::from_str_radix(text, 16).unwrap()
}

/// The number in `len` big-endian bytes.
fn padded(number: &BigUint, len: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let mut out = vec![0; len - bytes.len()];
    out.extend(bytes);
    out
}

fn ciphertext(key: &PublicKey, text: &str) -> Ciphertext {
    Ciphertext::from_bytes(key, &padded(&hex(text), key.ciphertext_len())).unwrap()
}

/// Runs a file, and returns how many lines of each kind it had: keys, encryptions, sums, multiples.
fn run(file: &str) -> [usize; 4] {
    let mut counts = [0; 4];
    let mut secret = None;
    for line in file.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let ["key", bits, p, q] = fields[..] {
            let len = bits.parse::<usize>().unwrap() / 16;
            let key = SecretKey::from_bytes(&[padded(&hex(p), len), padded(&hex(q), len)].concat()).unwrap();
            assert_eq!(key.public().modulus(), &(hex(p) * hex(q)));
            assert_eq!(PublicKey::from_bytes(&key.public().to_bytes()).as_ref(), Ok(key.public()));
            secret = Some(key);
            counts[0] += 1;
            continue;
        }
        let secret = secret.as_ref().expect("a key comes first");
        let key = secret.public();
        match fields[..] {
            ["enc", m, c] => {
                let decrypted = secret.decrypt(&ciphertext(key, c));
                assert_eq!(BigUint::from_bytes_be(&decrypted.to_bytes()), hex(m));
                counts[1] += 1;
            }
            ["add", a, b, sum] => {
                assert_eq!(key.add(&ciphertext(key, a), &ciphertext(key, b)), ciphertext(key, sum));
                counts[2] += 1;
            }
            ["mul", a, constant, product] => {
                let constant = hex(constant).to_u64_digits();
                assert_eq!(key.mul_constant(&ciphertext(key, a), &constant), ciphertext(key, product));
                counts[3] += 1;
            }
            _ => panic!("an unknown line: {line}"),
        }
    }
    counts
}

#[test]
fn what_phe_encrypts_adds_and_multiplies_is_understood() {
    assert_eq!(run(include_str!("vectors/phe.txt")), [3, 18, 9, 15]);
}

#[test]
fn what_this_crate_encrypted_is_what_phe_decrypted() {
    assert_eq!(run(include_str!("vectors/ours.txt")), [3, 18, 0, 0]);
}
