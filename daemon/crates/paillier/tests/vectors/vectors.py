#!/usr/bin/env python3
"""Test vectors made with python-paillier (phe), in both directions.

    python3 vectors.py make > phe.txt
    cargo run -p paillier --example encrypt_vectors < phe.txt > ours.txt
    python3 vectors.py confirm < ours.txt > confirmed.txt && mv confirmed.txt ours.txt

The first command makes keys of the form that this crate demands and has phe encrypt, add and multiply
under them. The second encrypts the same plaintexts with this crate. The third has phe decrypt them, and
writes what phe found beside each. All numbers are hexadecimal. The keys are for these files alone.

    key BITS P Q          the key of the lines that follow
    enc M C               C decrypts to M
    add C1 C2 C           C is phe's sum of C1 and C2
    mul C1 K C            C is C1 to the power K, which phe decrypts to K times C1's number
"""
import sys
from math import gcd
from secrets import randbelow, randbits

import gmpy2
from phe import paillier

SMALL = [p for p in range(3, 1 << 15, 2) if gmpy2.is_prime(p)]


def prime(bits):
    while True:
        p = randbits(bits) | 3 << (bits - 2) | 3
        if all(p % s > 1 for s in SMALL) and gmpy2.is_prime(p, 40):
            return p


def make():
    for bits in (1024, 2048, 3072):
        while True:
            p, q = prime(bits // 2), prime(bits // 2)
            if gcd(p - 1, q - 1) == 2 and abs(p - q) >> (bits // 2 - 100):
                break
        key = paillier.PaillierPublicKey(p * q)
        n = key.n
        print(f"key {bits} {p:x} {q:x}")
        made = []
        for m in (0, 1, n // 2, n - 1, randbelow(n), randbelow(n)):
            made.append(key.raw_encrypt(m))
            print(f"enc {m:x} {made[-1]:x}")
        secret = paillier.PaillierPrivateKey(key, p, q)
        one = paillier.EncryptedNumber(key, made[4])
        for c in made[2:5]:
            print(f"add {made[3]:x} {c:x} {one._raw_add(made[3], c):x}")
        for k in (1, 2, n // 3, n - 1, randbelow(n)):
            # For large k phe goes through an inverse, to another ciphertext of the same number.
            c = int(gmpy2.powmod(made[4], k, n * n))
            assert secret.raw_decrypt(c) == secret.raw_decrypt(one._raw_mul(k))
            print(f"mul {made[4]:x} {k:x} {c:x}")


def confirm():
    for line in sys.stdin:
        kind, *numbers = line.split()
        if kind == "key":
            p, q = (int(x, 16) for x in numbers[1:])
            secret = paillier.PaillierPrivateKey(paillier.PaillierPublicKey(p * q), p, q)
            print(line.strip())
        else:
            m, c = (int(x, 16) for x in numbers)
            found = secret.raw_decrypt(c)
            if found != m:
                sys.exit(f"phe decrypts {c:x} to {found:x}, not {m:x}")
            print(f"{kind} {found:x} {c:x}")


{"make": make, "confirm": confirm}[sys.argv[1]]()
