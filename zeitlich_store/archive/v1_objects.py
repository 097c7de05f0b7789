"""Archives in format v1: one JSON object a thread, under one of several names."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from .. import _cpu
from ..encryption.settings import PLAIN_ADVICE
from ..errors import (
    ConflictError,
    CorruptSnapshotError,
    EncryptionError,
    LimitExceededError,
    PlaintextRefusedError,
    PreconditionFailedError,
    UnsupportedFormatError,
)
from ..keys import ref_of_v1_path, v1_path
from ..models import Archived, Blob, Expected, Removed, Snapshot, ThreadRef, Version, Written
from ..protocols import Codec
from ..snapshot import v1
from ..snapshot.sniff import sniff
from .commits import CommitStore, another

UNREADABLE = (CorruptSnapshotError, EncryptionError, LimitExceededError, UnsupportedFormatError)
ATTEMPTS = 8
"""How often an object that is replaced while it is to be deleted is looked at again."""
EXPANSION = 16
"""How many times its stored size an archive may well have once it is decoded."""


class Found(NamedTuple):
    """An object under one of the thread's names, and the codec of that name."""

    codec: Codec
    path: str
    blob: Blob

    @property
    def token(self) -> str:
        """The version's token: two versions of equal content have the same."""
        kind = self.codec.suffix.lstrip(".") or "plain"
        return f"{kind}:{hashlib.sha256(self.blob.data).hexdigest()}"


class V1Objects:
    """The v1 archives of a store, at ``{prefix}/{thread key}/{thread id}.json`` + codec suffix.

    An existing archive keeps its name and codec. The object is read before it is replaced, and
    replaced only if it is still what was read. With `refused` none is read: none is encrypted.
    """

    def __init__(
        self,
        store: CommitStore,
        codecs: Sequence[Codec],
        *,
        prefix: str,
        max_bytes: int,
        content_type: str | None,
        refused: bool = False,
    ) -> None:
        self.store = store
        self._refused = refused
        self._codecs = codecs
        self.prefix = prefix
        self._max_bytes = max_bytes
        self._content_type = content_type

    def base(self, ref: ThreadRef) -> str:
        """The thread's name without a codec's suffix; `ValueError` where v1 has none for it."""
        return v1_path(self.prefix, ref)

    def paths(self, ref: ThreadRef) -> list[str]:
        """Every name the thread's archive may have."""
        return [self.base(ref) + codec.suffix for codec in self._codecs]

    def has_path(self, ref: ThreadRef) -> bool:
        """Whether format v1 has a name for the thread."""
        try:
            self.base(ref)
        except ValueError:
            return False
        return True

    def ref_of(self, key: str, name: str) -> ThreadRef | None:
        """The thread of an object in the folder of `key`; None: it is no v1 archive."""
        return ref_of_v1_path(key, name, [codec.suffix for codec in self._codecs])

    async def objects(self, ref: ThreadRef) -> list[Found]:
        """What lies under the thread's names, fetched side by side."""
        paths = self.paths(ref)
        blobs = await asyncio.gather(*(self.store.get(path) for path in paths))
        return [
            Found(codec, path, blob)
            for codec, path, blob in zip(self._codecs, paths, blobs, strict=True)
            if blob is not None
        ]

    async def find(self, ref: ThreadRef) -> Found | None:
        """The thread's one object; `ConflictError` where there are two."""
        objects = await self.objects(ref)
        if len(objects) > 1:
            names = " and ".join(found.path for found in objects)
            raise ConflictError(
                f"thread {str(ref)!r} has two archives, {names}; remove the one that is older"
            )
        return objects[0] if objects else None

    async def decode(self, found: Found) -> Archived:
        """The snapshot in an object."""
        data = found.blob.data
        try:
            snapshot = await _cpu.run(self.parse, data, size=len(data) * EXPANSION)
        except UNREADABLE as exc:
            raise type(exc)(f"{found.path}: {exc}") from exc
        return Archived(snapshot, found.token, len(data))

    def parse(self, data: bytes) -> Snapshot:
        """The snapshot in an object's bytes, whichever codec they begin with."""
        if self._refused:
            raise PlaintextRefusedError(PLAIN_ADVICE)
        return v1.parse(sniff(data, self._codecs).decode(data, max_bytes=self._max_bytes))

    async def write(self, ref: ThreadRef, snapshot: Snapshot, *, expected: Expected) -> Written:
        """Write over the expected version."""
        found = await self.find(ref)
        await self._check_expected(expected, found, self.base(ref))
        codec = self._codecs[0] if found is None else found.codec
        data = await self._encode(snapshot, codec)
        path = self.base(ref) + codec.suffix
        if found is None or found.blob.data != data:
            content_type = self._content_type or codec.content_type
            await self.store.put(
                path, data, expected=found and found.blob.token, content_type=content_type
            )
        return Written(Found(codec, path, Blob(data, None)).token, len(data))

    async def create(self, ref: ThreadRef, snapshot: Snapshot, codec: Codec) -> Written:
        """Write under the codec's own name, where there is no object yet."""
        data, path = await self._encode(snapshot, codec), self.base(ref) + codec.suffix
        content_type = self._content_type or codec.content_type
        token = await self.store.put(path, data, expected=None, content_type=content_type)
        return Written(Found(codec, path, Blob(data, token)).token, len(data))

    async def _check_expected(self, expected: Expected, found: Found | None, name: str) -> None:
        if expected is Version.ANY:
            if found is not None:
                await self.decode(found)  # what cannot be read is never overwritten
        elif expected != (found.token if found else Version.ABSENT):
            raise another(found.path if found else name)

    async def _encode(self, snapshot: Snapshot, codec: Codec) -> bytes:
        size = sum(map(len, snapshot.messages)) + len(snapshot.state or "")
        return await _cpu.run(self._encoded, snapshot, codec, size=size)

    def _encoded(self, snapshot: Snapshot, codec: Codec) -> bytes:
        data = v1.encode(snapshot)
        if len(data) > self._max_bytes:  # this very store would refuse to read it
            raise LimitExceededError(
                f"the archive would decode to {len(data)} bytes, the limit is "
                f"{self._max_bytes} bytes"
            )
        return codec.encode(data)

    async def delete(self, ref: ThreadRef, *, expected: Expected) -> list[Removed]:
        """Remove the thread's objects, readable or not, or the one with that token."""
        if isinstance(expected, str):
            return await self._delete_version(ref, expected)
        removed: list[Removed] = []
        for _ in range(ATTEMPTS):
            objects = await self.objects(ref)
            gone = await asyncio.gather(*map(self._try_remove, objects))
            removed += [Removed(found.token) for found in objects]
            if all(gone):
                return removed  # else one was replaced since it was read: look again
        raise ConflictError(
            f"{self.base(ref)} was replaced {ATTEMPTS} times while it was to be deleted; retry"
        )

    async def _delete_version(self, ref: ThreadRef, token: str) -> list[Removed]:
        objects = await self.objects(ref)
        versions = [found for found in objects if found.token == token]
        if objects and not versions:
            raise another(self.base(ref))
        await asyncio.gather(*(self.remove(found) for found in versions))
        return [Removed(found.token) for found in versions]

    async def _try_remove(self, found: Found) -> bool:
        """Whether that version is gone; another one may be there now."""
        try:
            await self.remove(found)
        except PreconditionFailedError:
            return False
        return True

    async def remove(self, found: Found) -> bool:
        """Remove exactly this version of an object; False where there was none any more."""
        return await self.store.delete(found.path, expected=found.blob.token or "")

    async def put_back(self, found: Found) -> None:
        """Write an object again where it is gone, so that its thread has an archive."""
        with suppress(PreconditionFailedError):
            content_type = self._content_type or found.codec.content_type
            await self.store.put(
                found.path, found.blob.data, expected=None, content_type=content_type
            )
