"""Whether a store encrypts what it writes, what it may read, and where its keys come from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Final, Literal
from weakref import WeakKeyDictionary

from ..errors import (
    ConfigurationError,
    CorruptSnapshotError,
    KeyUnavailableError,
    MissingKeyError,
    PlaintextRefusedError,
    UnsupportedFormatError,
    ZeitlichStoreError,
)
from ..snapshot.v2_layout import read_header
from ..snapshot.v2_sealing import NO_KEYS, Cipher, Keys, Sealer
from .keyring import ENVIRONMENT, Keyring, Secret, checked

Mode = Literal["on", "require", "off"]
MODES: Final = ("on", "require", "off")
KeySource = Callable[[int | None], tuple[int, bytes] | Awaitable[tuple[int, bytes]]]
"""Given a key's number (None: the one to write with), that number and its 32 bytes.

`KeyError` where there is no such key. It may be a coroutine function; a plain one is called in a
worker thread. What it answers is kept for the life of the store.
"""


class Encryption:
    """The encryption of a cold tier.

    Args:
        keys: A `Keyring`, or a callable that gives keys one by one (a key management service);
            None: no keys, so that encrypted archives cannot be read.
        mode: ``"on"`` encrypts what is written and reads plain archives too, ``"require"`` refuses
            to read those, ``"off"`` writes plain ones and reads both. None: on, if there are keys.

    Raises:
        ConfigurationError: ``on`` or ``require`` without keys; the library is not installed.
    """

    def __init__(
        self, keys: Keyring | KeySource | None = None, *, mode: Mode | None = None
    ) -> None:
        if mode not in (None, *MODES):
            raise ConfigurationError(f"encryption is one of {', '.join(MODES)}, not {mode!r}")
        if keys is not None and not isinstance(keys, Keyring) and not callable(keys):
            raise ConfigurationError("encryption is a Keyring, an Encryption or a callable")
        self.mode: Mode = mode or ("off" if keys is None else "on")
        self._plain_is_meant = mode == "off"
        if keys is None and self.mode != "off":
            raise ConfigurationError(
                f"encryption={self.mode} needs keys: set {ENVIRONMENT} (`zeitlich-store keygen` "
                "makes one), or give open_store(encryption=…)"
            )
        self._make = _cipher_maker() if keys is not None else None
        self._keys = keys
        self._known: dict[int | None, tuple[int, Secret]] = {}
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )

    def __repr__(self) -> str:
        keys = self._keys if isinstance(self._keys, Keyring | None) else "from a callable"
        return f"Encryption({keys}, mode={self.mode!r})"

    @property
    def has_keys(self) -> bool:
        """Whether there is anything to decrypt with."""
        return self._keys is not None

    @property
    def writes(self) -> bool:
        """Whether what is written is encrypted."""
        return self.mode != "off"

    @property
    def requires(self) -> bool:
        """Whether an archive that is not encrypted is refused."""
        return self.mode == "require"

    def check_unsealing(self) -> None:
        """`MissingKeyError` unless a plain version in place of an encrypted one is meant."""
        if not self._plain_is_meant:
            raise MissingKeyError(
                "the archive is encrypted, and this store, which has no keys, would put a plain "
                f"one in its place: set {ENVIRONMENT}, or say encryption=off if that is meant"
            )

    async def writing(self) -> int | None:
        """The number of the key that encrypts; None: nothing is encrypted."""
        return (await self._find(None))[0] if self.writes else None

    async def sealer(self) -> Sealer | None:
        """What the next object is encrypted with; None: it is not.

        Raises:
            KeyUnavailableError, ConfigurationError: The callable failed, or gave no key.
        """
        if not self.writes or self._make is None:
            return None
        number, key = await self._find(None)
        return Sealer(number, _Unlocked(self._make, number, key, requires=self.requires))

    async def keys_of(self, data: bytes) -> Keys:
        """What an object is read with, by its header; the object may be damaged.

        A missing key is told when it is used, so that damage, which needs no key, is told first.

        Raises:
            KeyUnavailableError: The callable failed.
        """
        if self._make is None:
            return NO_KEYS
        number = _key_of(data)
        key, missing = None, None
        if number is not None:
            try:
                key = (await self._find(number))[1]
            except MissingKeyError as exc:
                missing = exc
        return _Unlocked(self._make, number, key, requires=self.requires, missing=missing)

    async def _find(self, number: int | None) -> tuple[int, Secret]:
        if isinstance(self._keys, Keyring):
            wanted = self._keys.writing if number is None else number
            key = self._keys.find(wanted)
            if key is None:
                raise _missing(wanted, f" (configured: {', '.join(map(str, self._keys.numbers))})")
            return wanted, key
        lock = self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with lock:
            if number not in self._known:
                found = await self._ask(number)
                self._known[found[0]] = self._known[number] = found
            return self._known[number]

    async def _ask(self, number: int | None) -> tuple[int, Secret]:
        """What the callable gives; its own words stay in the cause and out of our error."""
        what = "the key to write with" if number is None else f"key {number}"
        try:
            answer = await _called(self._keys, number)
        except ZeitlichStoreError:
            raise
        except KeyError as exc:
            if number is None:
                raise ConfigurationError("the key source has no key to write with") from exc
            raise _missing(number, " as the key source says") from exc
        except Exception as exc:  # a caller's callable raises what it likes
            kind = type(exc).__name__
            raise KeyUnavailableError(f"the key source failed for {what}: {kind}; retry") from exc
        if not isinstance(answer, tuple) or len(answer) != 2 or answer[0] != (number or answer[0]):
            del answer
            raise ConfigurationError(f"the key source answered something else than {what}")
        try:
            return answer[0], checked(*answer)
        finally:
            del answer  # what is no key may nearly be one: in no local of a traceback


class _Unlocked:
    """One key, ready for use without waiting."""

    def __init__(
        self,
        make: Callable[[Secret, int, bytes, bytes], Cipher],
        number: int | None,
        key: Secret | None,
        *,
        requires: bool,
        missing: MissingKeyError | None = None,
    ) -> None:
        self._make, self._number, self._key = make, number, key
        self._requires, self._missing = requires, missing

    def cipher(self, key: int, salt: bytes, tag: bytes) -> Cipher:
        if self._key is None or key != self._number:
            raise self._missing or _missing(key)
        return self._make(self._key, key, salt, tag)

    def check_plain(self) -> None:
        if self._requires:
            raise PlaintextRefusedError(PLAIN_ADVICE)


PLAIN_ADVICE: Final = (
    "the archive is not encrypted, and encryption=require refuses it: if it is to be trusted, open "
    "the store with encryption=on and run `convert --format v2`"
)


def _key_of(data: bytes) -> int | None:
    """The number of the key an object names; None: it names none, or is too damaged to tell."""
    try:
        header = read_header(data)
    except (CorruptSnapshotError, UnsupportedFormatError):
        return None
    return header.key if header.aead else None


async def _called(source: object, number: int | None) -> object:
    answer: object = await asyncio.to_thread(source, number)  # type: ignore[arg-type]  # checked to be callable
    return await answer if isawaitable(answer) else answer


def _missing(number: int, detail: str = "") -> MissingKeyError:
    return MissingKeyError(
        f"the archive is encrypted with key {number}, which is not configured{detail}: add it "
        f"behind the writing key, in {ENVIRONMENT} or where your keys come from"
    )


def _cipher_maker() -> Callable[[Secret, int, bytes, bytes], Cipher]:
    try:
        from .aead import ObjectCipher  # noqa: PLC0415  # cryptography is an extra
    except ImportError as exc:
        raise ConfigurationError(
            'encryption needs a library: pip install "zeitlich-store[encryption]"'
        ) from exc
    return ObjectCipher
