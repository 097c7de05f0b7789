"""AES-256-GCM and HKDF of the library cryptography, which is the extra ``[encryption]``."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..errors import LimitExceededError
from ..snapshot.v2_sealing import CHECK_BYTES
from .keyring import KEY_BYTES, Secret

_LABEL: Final = b"zeitlich-store v2 AES-256-GCM\0"


class ObjectCipher:
    """The cipher of one object, under a key made for its thread and for this one object."""

    __slots__ = ("_gcm", "check")

    def __init__(self, master: Secret, number: int, salt: bytes, tag: bytes) -> None:
        info = _LABEL + tag + number.to_bytes(4, "little")
        hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES + CHECK_BYTES, salt=salt, info=info)
        made = Secret(hkdf.derive(master.data))
        self._gcm = AESGCM(made.data[:KEY_BYTES])
        self.check = made.data[KEY_BYTES:]

    def seal(self, nonce: bytes, data: bytes, bound: bytes) -> bytes:
        """As `Cipher.seal`; `LimitExceededError` for more than 2 GiB."""
        try:
            return self._gcm.encrypt(nonce, data, bound)
        except OverflowError as exc:
            raise LimitExceededError(
                f"{len(data)} bytes cannot be encrypted in one piece: the limit is 2 GiB"
            ) from exc

    def open(self, nonce: bytes, data: bytes, bound: bytes) -> bytes | None:
        """As `Cipher.open`."""
        try:
            return self._gcm.decrypt(nonce, data, bound)
        except (InvalidTag, OverflowError):
            return None
