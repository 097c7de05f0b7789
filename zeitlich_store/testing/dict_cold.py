"""A cold tier in a dict, for tests of what lies above it."""

from __future__ import annotations

import hashlib

from zeitlich_store.errors import PreconditionFailedError
from zeitlich_store.models import Archived, Expected, Removed, Snapshot, ThreadRef, Version, Written
from zeitlich_store.snapshot import v1


class DictColdTier:
    """Keeps v1 archives in memory; several stores may share one.

    Args:
        conditional: Whether a write or delete that expects another version is refused, as on a
            store with conditional writes; else the last writer wins.

    A token is one of the content: v1 has no room for what would tell two equal versions apart.
    """

    def __init__(self, *, conditional: bool = False) -> None:
        self._conditional = conditional
        self._archives: dict[ThreadRef, bytes] = {}

    async def open(self) -> None:
        """Nothing to check."""

    async def aclose(self) -> None:
        """Nothing to close; the archives stay, another store may use them."""

    async def read(self, ref: ThreadRef) -> Archived | None:
        """The archive as it would come back from bytes, that is without what v1 has no room for."""
        if ref not in self._archives:
            return None
        data = self._archives[ref]
        return Archived(v1.parse(data), _token(data), len(data))

    async def write(self, ref: ThreadRef, snapshot: Snapshot, *, expected: Expected) -> Written:
        """Store the archive's v1 bytes."""
        self._check(ref, expected)
        data = self._archives[ref] = v1.encode(snapshot)
        return Written(_token(data), len(data))

    async def delete(self, ref: ThreadRef, *, expected: Expected = Version.ANY) -> list[Removed]:
        """Remove the archive."""
        self._check(ref, expected)
        archived = await self.read(ref)
        self._archives.pop(ref, None)
        return [Removed(archived.token)] if archived else []

    def _check(self, ref: ThreadRef, expected: Expected) -> None:
        token = _token(self._archives[ref]) if ref in self._archives else Version.ABSENT
        if self._conditional and expected not in {Version.ANY, token}:
            raise PreconditionFailedError(f"the archive of {ref} is {token}, not {expected}")


def _token(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
