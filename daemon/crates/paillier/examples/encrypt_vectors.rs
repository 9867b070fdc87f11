//! Encrypts the plaintexts of a vector file, for another implementation to decrypt; see
//! `tests/vectors/vectors.py`.

use std::error::Error;
use std::io::{BufRead, stdin};

use getrandom::SysRng;
use num_bigint::BigUint;
use num_traits::Num;
use paillier::{Encryptor, Plaintext, PublicKey};
use rand_core::UnwrapErr;

fn main() -> Result<(), Box<dyn Error>> {
    let rng = &mut UnwrapErr(SysRng);
    let mut encryptor = None;
    for line in stdin().lock().lines() {
        let line = line?;
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields[..] {
            ["key", _, p, q] => {
                let n = BigUint::from_str_radix(p, 16)? * BigUint::from_str_radix(q, 16)?;
                encryptor = Some(Encryptor::new(&PublicKey::from_bytes(&n.to_bytes_be())?, rng));
                println!("{line}");
            }
            ["enc", m, _] => {
                let encryptor = encryptor.as_ref().ok_or("a plaintext stands before any key")?;
                let key = encryptor.key();
                let bytes = BigUint::from_str_radix(m, 16)?.to_bytes_be();
                let mut padded = vec![0; key.plaintext_len().saturating_sub(bytes.len())];
                padded.extend(bytes);
                let c = encryptor.encrypt(&Plaintext::from_bytes(key, &padded)?, rng)?;
                println!("enc {m} {:x}", BigUint::from_bytes_be(&c.to_bytes()));
            }
            _ => {}
        }
    }
    Ok(())
}
