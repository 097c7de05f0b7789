"""Keys with numbers: the first encrypts what is written, every one decrypts what was."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from ..errors import ConfigurationError

ENVIRONMENT: Final = "ZEITLICH_ENCRYPTION_KEYS"
KEY_BYTES: Final = 32
_HIGHEST: Final = (1 << 32) - 1
_SHAPE: Final = (
    "keys are written NUMBER:KEY,NUMBER:KEY with 32 bytes each in base64, the writing one first; "
    "`zeitlich-store keygen` makes one"
)


@dataclass(frozen=True, slots=True)
class Secret:
    """A key's bytes, which no repr shows."""

    data: bytes = field(repr=False)


class Keyring:
    """Encryption keys by number. The first writes, all read.

    Args:
        keys: Pairs of a number from 1 to 4,294,967,295 and 32 random bytes.

    Raises:
        ConfigurationError: A number or a key cannot be one, or a number stands twice.

    >>> Keyring([(2, bytes(32)), (1, bytes(range(32)))])
    Keyring(2 writes, 1)
    """

    def __init__(self, keys: Iterable[tuple[int, bytes]]) -> None:
        self._keys: dict[int, Secret] = {}
        for number, key in keys:
            if number in self._keys:
                del key
                raise ConfigurationError(f"encryption key {number} is given twice")
            self._keys[number] = checked(number, key)
        if not self._keys:
            raise ConfigurationError("a keyring has at least one key")

    def __repr__(self) -> str:
        first, *others = map(str, self._keys)
        return f"Keyring({', '.join([f'{first} writes', *others])})"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The keys in ``NUMBER:BASE64,NUMBER:BASE64``; errors repeat nothing of it."""
        pairs = [_pair(part.strip()) for part in text.split(",")]
        del text
        places = [place for place, pair in enumerate(pairs, 1) if pair is None]
        if places:
            pairs.clear()
            raise ConfigurationError(f"encryption key no. {places[0]} cannot be read: {_SHAPE}")
        return cls((pair[0], pair[1].data) for pair in pairs if pair)

    @classmethod
    def from_environment(cls) -> Self | None:
        """The keys in ``ZEITLICH_ENCRYPTION_KEYS``; None where it is not set or empty."""
        if not os.environ.get(ENVIRONMENT, "").strip():
            return None
        try:
            return cls.from_text(os.environ[ENVIRONMENT])
        except ConfigurationError as exc:
            raise ConfigurationError(f"{ENVIRONMENT}: {exc}") from None

    @property
    def writing(self) -> int:
        """The number of the key that encrypts."""
        return next(iter(self._keys))

    @property
    def numbers(self) -> tuple[int, ...]:
        """Every key's number, the writing one first."""
        return tuple(self._keys)

    def find(self, number: int) -> Secret | None:
        """The key of that number."""
        return self._keys.get(number)


def new_key_text(number: int = 1) -> str:
    """A new random key as one entry of ``ZEITLICH_ENCRYPTION_KEYS``."""
    _check_number(number)
    return f"{number}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def checked(number: object, key: object) -> Secret:
    """The key behind its number; `ConfigurationError` where either cannot be one."""
    _check_number(number)
    if not isinstance(key, bytes | bytearray) or len(key) != KEY_BYTES:
        del key
        raise ConfigurationError(f"encryption key {number} is not of {KEY_BYTES} bytes")
    return Secret(bytes(key))


def _check_number(number: object) -> None:
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number <= _HIGHEST:
        raise ConfigurationError(f"an encryption key has a number from 1 to {_HIGHEST}")


def _pair(text: str) -> tuple[int, Secret] | None:
    number, colon, key = text.partition(":")
    if not (
        colon and number.isascii() and number.isdecimal() and len(number) <= len(str(_HIGHEST))
    ):
        return None
    try:
        data = base64.b64decode(key.strip().translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError):
        return None
    possible = len(data) == KEY_BYTES and 0 < int(number) <= _HIGHEST
    return (int(number), Secret(data)) if possible else None


_URL_SAFE: Final = str.maketrans("-_", "+/")
