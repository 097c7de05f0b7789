"""Errors, grouped by what the caller does next.

::

    ZeitlichStoreError
    ├── ConfigurationError        (ValueError)  fix the URL, option or bucket; a retry will not help
    ├── ThreadNotFoundError       (KeyError)    no such thread, or it is not hot: hydrate or make it
    ├── ConflictError                           another writer was first; nothing was overwritten
    │   └── PreconditionFailedError             one conditional write was refused (for tier authors)
    ├── CorruptSnapshotError                    the archive is damaged; it is never overwritten
    ├── UnsupportedFormatError                  the archive is newer than this version: upgrade
    ├── EncryptionError                         the archive is whole, but not to be read like this
    │   ├── MissingKeyError                     it is encrypted with a key that is not configured
    │   ├── WrongKeyError                       the key of that number is not the one it needs
    │   └── PlaintextRefusedError               it is not encrypted, and encryption=require
    ├── KeyUnavailableError                     the key source failed; retry
    ├── LimitExceededError                      the object is larger than a configured limit
    ├── HotTierCorruptError                     part of a hot thread is gone: drop_hot, then hydrate
    ├── HotTierUnavailableError                 Redis did not answer; retry, every operation may be
    ├── ColdTierUnavailableError                the object store did not answer; retry
    └── ColdTierAccessError                     the object store refused: check the credentials

Unreadable is never absent: a thread that cannot be read raises, only a definite "no such object"
counts as absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .models import Archived

GIVES_UP: Final = "drop_hot() gives the hot copy up, hydrate() then brings the archive back"
"""How an error says what ends damage; the command line has words of its own for it."""


class ZeitlichStoreError(Exception):
    """Base of every error this library raises on purpose, bad arguments apart."""


class ConfigurationError(ZeitlichStoreError, ValueError):
    """A URL, option, bucket or environment variable is wrong; a retry will not help."""


class ThreadNotFoundError(ZeitlichStoreError, KeyError):
    """There is no such thread, or it is not hot and the operation needs it hot."""

    def __str__(self) -> str:
        # KeyError shows its argument quoted; this one is a sentence.
        return str(self.args[0]) if self.args else ""


class ConflictError(ZeitlichStoreError):
    """Another writer was first. Nothing was overwritten: both versions are still there.

    From a flush, `archive` is the version found instead of the one expected (None where there is no
    archive any more) and `revision` the hot copy's; `Thread.resolve` ends the conflict.
    """

    archive: Archived | None = None
    revision: str | None = None


class PreconditionFailedError(ConflictError):
    """A write found another version than the one it was to replace; raised by cold tiers."""


class CorruptSnapshotError(ZeitlichStoreError):
    """An archive is damaged. It is never taken for an empty thread and never overwritten."""


class UnsupportedFormatError(ZeitlichStoreError):
    """An archive was written in a format this version does not know; upgrade to read it."""


class EncryptionError(ZeitlichStoreError):
    """An archive whose bytes are whole cannot be read with the keys there are, or must not be.

    Like damage it is never taken for an absent thread and never overwritten.
    """


class MissingKeyError(EncryptionError):
    """An archive is encrypted with a key that is not configured; the message has its number."""


class WrongKeyError(EncryptionError):
    """The key configured under an archive's key number is not the one it was encrypted with."""


class PlaintextRefusedError(EncryptionError):
    """An archive is not encrypted, and the store requires it (``encryption=require``)."""


class KeyUnavailableError(ZeitlichStoreError):
    """The source of encryption keys (a callable) failed. Retrying is safe."""


class LimitExceededError(ZeitlichStoreError):
    """Something is larger than a configured limit, which was checked before allocating."""


class HotTierCorruptError(ZeitlichStoreError):
    """Part of a hot thread is missing or of the wrong type; its archive, if any, is intact."""


class HotTierUnavailableError(ZeitlichStoreError):
    """The hot tier did not answer. Retrying is safe."""


class ColdTierUnavailableError(ZeitlichStoreError):
    """The cold tier did not answer, or failed. Retrying is safe."""


class ColdTierAccessError(ZeitlichStoreError):
    """The cold tier refused the request; check credentials and permissions."""


@contextmanager
def map_errors(
    table: Mapping[type[Exception], type[ZeitlichStoreError]], message: str
) -> Iterator[None]:
    """Translate foreign exceptions at the call that raises them, keeping them as the cause.

    The first matching row of `table` wins; errors of ours pass through unchanged.
    """
    try:
        yield
    except ZeitlichStoreError:
        raise
    except tuple(table) as exc:
        ours = next(table[kind] for kind in table if isinstance(exc, kind))
        raise ours(f"{message}: {str(exc) or type(exc).__name__}") from exc
