"""Encryption in format v2: each frame and the manifest sealed by themselves, under one key.

::

    header | salt[32] | key check[16] | sealed frames | sealed manifest | trailer

The object's key comes from the master key, the salt, the thread tag and the key's number. The salt
is random for each object ever written, so that no key seals two objects, and within one each part
has a number of its own as nonce: neither a retry nor two versions of a thread can use one twice.
Each part is bound to the header and to what stands in front of its bytes.

The cipher itself comes from outside: this layer knows the standard library alone.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final, NamedTuple, Protocol

from ..errors import CorruptSnapshotError, MissingKeyError, WrongKeyError
from . import v2_layout as layout

SALT_BYTES: Final = 32
CHECK_BYTES: Final = 16
SEAL_BYTES: Final = SALT_BYTES + CHECK_BYTES
"""What stands between the header and the first frame of an encrypted object."""
OVERHEAD: Final = 16
"""How much longer a part becomes by being sealed."""
_NO_KEY_ADVICE: Final = (
    "no keys are configured: set ZEITLICH_ENCRYPTION_KEYS, or give open_store(encryption=…)"
)


class Cipher(Protocol):
    """AES-256-GCM under the key of one object."""

    @property
    def check(self) -> bytes:
        """16 bytes that tell this key from any other and nothing else about it."""

    def seal(self, nonce: bytes, data: bytes, bound: bytes) -> bytes:
        """The data encrypted, 16 bytes longer."""

    def open(self, nonce: bytes, data: bytes, bound: bytes) -> bytes | None:
        """The data decrypted, None where it is not what was sealed."""


class Keys(Protocol):
    """The master keys there are."""

    def cipher(self, key: int, salt: bytes, tag: bytes) -> Cipher:
        """The cipher of one object; `MissingKeyError` where the key of that number is not known."""

    def check_plain(self) -> None:
        """`PlaintextRefusedError` where an object that is not encrypted must not be read."""


class Sealer(NamedTuple):
    """What objects are to be encrypted with: the number of a key, and where to find it.

    `salt` is None but for tests: 32 random bytes for each object.
    """

    key: int
    keys: Keys
    salt: bytes | None = None


class Parts(Protocol):
    """How the parts of one object go in and out: sealed, or as they are."""

    @property
    def overhead(self) -> int:
        """How much longer a part becomes, in bytes."""

    def seal(self, number: int, data: bytes, bound: bytes) -> bytes:
        """A part as it is stored; `bound` is what stands in front of it in the object."""

    def open(self, number: int, data: bytes, bound: bytes) -> bytes:
        """A stored part as it was; `CorruptSnapshotError` where it or `bound` was changed."""


class _NoKeys:
    """What a reader has that was given nothing."""

    def cipher(self, key: int, salt: bytes, tag: bytes) -> Cipher:
        del salt, tag
        raise MissingKeyError(f"the archive is encrypted with key {key}, and {_NO_KEY_ADVICE}")

    def check_plain(self) -> None:
        return


class _Plain:
    """Parts that are stored as they are."""

    overhead = 0

    def seal(self, number: int, data: bytes, bound: bytes) -> bytes:
        del number, bound
        return data

    def open(self, number: int, data: bytes, bound: bytes) -> bytes:
        del number, bound
        return data


class _Sealed:
    """Parts that are encrypted and bound to the object's header."""

    overhead = OVERHEAD

    def __init__(self, cipher: Cipher, header: bytes) -> None:
        self._cipher, self._header = cipher, header

    def seal(self, number: int, data: bytes, bound: bytes) -> bytes:
        return self._cipher.seal(_nonce(number), data, self._bound(number, bound))

    def open(self, number: int, data: bytes, bound: bytes) -> bytes:
        found = self._cipher.open(_nonce(number), data, self._bound(number, bound))
        if found is None:
            name = "the manifest" if number == layout.MANIFEST else f"frame {number}"
            raise CorruptSnapshotError(
                f"{name} does not authenticate: the object was changed by someone without the key"
            )
        return found

    def _bound(self, number: int, bound: bytes) -> bytes:
        return self._header + number.to_bytes(4, "little") + bound


PLAIN: Final[Parts] = _Plain()
NO_KEYS: Final[Keys] = _NoKeys()


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "little")


def frames_at(header: layout.Header) -> int:
    """Where the first frame begins."""
    return layout.HEADER_BYTES + (SEAL_BYTES if header.aead else 0)


def begin(header: layout.Header, sealer: Sealer | None) -> tuple[bytearray, Parts]:
    """What stands in front of an object's frames, and how its parts are to be stored."""
    front = bytearray(layout.pack_header(header))
    if sealer is None:
        return front, PLAIN
    salt = sealer.salt or secrets.token_bytes(SALT_BYTES)
    cipher = sealer.keys.cipher(header.key, salt, header.tag)
    parts = _Sealed(cipher, bytes(front))
    return front + salt + cipher.check, parts


def opened(data: bytes, header: layout.Header, keys: Keys) -> Parts:
    """How the parts of an object with that header are to be read; its digest has been compared.

    Raises:
        MissingKeyError, WrongKeyError, PlaintextRefusedError: As they say.
        CorruptSnapshotError: It ends too early.
    """
    if not header.aead:
        keys.check_plain()
        return PLAIN
    start = layout.HEADER_BYTES
    block = data[start : start + SEAL_BYTES]
    if len(block) < SEAL_BYTES:
        raise CorruptSnapshotError(f"the object is cut off at byte {len(data)}")
    cipher = keys.cipher(header.key, block[:SALT_BYTES], header.tag)
    if not hmac.compare_digest(cipher.check, block[SALT_BYTES:]):
        raise WrongKeyError(
            f"the key configured as number {header.key} is not the key {header.key} that the "
            "archive was encrypted with: configure that one"
        )
    return _Sealed(cipher, data[:start])
