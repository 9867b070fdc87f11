"""The known answers of the key derivation and of a sealed record, from another implementation.

Needs the Python package `cryptography`. The numbers it prints stand in the tests of `hierarchy`, `slot`,
`catalog` and `envelope`: if one of them changes, stored vaults no longer open.
"""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY = bytes(range(32))
VAULT = bytes(range(0x40, 0x50))
OWNER = bytes(range(0x80, 0x90))
SALT = bytes(range(0xA0, 0xB8))


def hkdf(ikm, salt, info, length):
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(ikm)


def expand(key, label):
    return hkdf(key, VAULT, b"cloister/vault/v1/" + label, 32)


def mac(key, *parts):
    state = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        state.update(struct.pack(">Q", len(part)) + part)
    return state.digest()


def sealed(record, version, index, context, plain):
    prefix = bytes([1, record, 0]) + struct.pack("<I", len(plain))
    info = b"cloister/chunk/v1" + bytes([record]) + OWNER + struct.pack(">I", version)
    derived = hkdf(KEY, SALT, info, 44)
    data = b"cloister/vault/v1" + prefix + VAULT + OWNER
    data += struct.pack(">IQQ", version, index, len(context)) + context
    return prefix + SALT + AESGCM(derived[:32]).encrypt(derived[32:], plain, data)


for label in [b"kek", b"dek-wrap", b"index-mac", b"names", b"records", b"census"]:
    print(label.decode(), expand(KEY, label).hex())
print("tag", mac(expand(KEY, b"index-mac"), b"dataset", b"iris")[:16].hex())
print("slot check", mac(KEY, b"cloister slot check", VAULT, OWNER).hex())
print("data key check", mac(KEY, b"cloister data key check", VAULT, OWNER, struct.pack(">I", 1)).hex())
stretched = Argon2id(salt=bytes(range(16)), length=32, iterations=3, lanes=4, memory_cost=65536)
print("passphrase kek", expand(stretched.derive(b"correct horse battery staple"), b"kek").hex())
print("sealed", sealed(5, 1, 7, b"context", b"height\n172\n").hex())
