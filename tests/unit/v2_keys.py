"""Encrypted objects for the tests, under published keys: never use these for anything else."""

import base64

from zeitlich_store.encryption.aead import ObjectCipher
from zeitlich_store.encryption.keyring import Secret
from zeitlich_store.errors import MissingKeyError, PlaintextRefusedError
from zeitlich_store.snapshot.v2_sealing import Sealer

KEY_1 = bytes(range(32))
KEY_2 = bytes(range(100, 132))
SALT = bytes(range(200, 232))
TEXT = ",".join(f"{n}:{base64.b64encode(key).decode()}" for n, key in [(2, KEY_2), (1, KEY_1)])
"""Key 2 writes, key 1 reads."""


class TestKeys:
    """Keys for `v2.parse` without an `Encryption` around them."""

    __test__ = False

    def __init__(self, keys, *, requires=False):
        self._keys, self._requires = keys, requires

    def cipher(self, key, salt, tag):
        if key not in self._keys:
            raise MissingKeyError(f"there is no key {key}")
        return ObjectCipher(Secret(self._keys[key]), key, salt, tag)

    def check_plain(self):
        if self._requires:
            raise PlaintextRefusedError("it is not encrypted")


KEYS = TestKeys({1: KEY_1, 2: KEY_2})
SEALER = Sealer(1, KEYS)
FIXED = Sealer(1, KEYS, SALT)
