#!/usr/bin/env python3
"""Times python-paillier (phe), to be read beside `cargo bench -p paillier` on the same machine.

Prints the least time of several runs of each operation in milliseconds, and the versions that were used.
"""
import time

import gmpy2
from phe import EncryptedNumber, paillier


def least(f, seconds=2.0):
    times = []
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds:
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


print(f"gmpy2 {gmpy2.version()}, {gmpy2.mp_version()}")
for bits in (2048, 3072):
    public, secret = paillier.generate_paillier_keypair(n_length=bits)
    m = public.n // 3
    x, y = public.raw_encrypt(m), public.raw_encrypt(m + 1)
    number = EncryptedNumber(public, x)
    print(f"encrypt/{bits:<24}{least(lambda: public.raw_encrypt(m)):12.4f}")
    print(f"decrypt/{bits:<24}{least(lambda: secret.raw_decrypt(x)):12.4f}")
    print(f"add/{bits:<28}{least(lambda: number._raw_add(x, y)):12.4f}")
    print(f"mul constant/{bits:<19}{least(lambda: number._raw_mul(m)):12.4f}")
