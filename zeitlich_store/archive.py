"""The built-in cold tier: an object store, a codec and a format (v1, the original's)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Final

from . import _cpu
from .codecs.gzip import GzipCodec
from .codecs.plain import JsonCodec
from .codecs.zstd import ZstdCodec
from .errors import (
    ConflictError,
    CorruptSnapshotError,
    LimitExceededError,
    PreconditionFailedError,
    UnsupportedFormatError,
)
from .keys import ref_of_v1_path, v1_folder, v1_path
from .models import Archived, ArchiveInfo, Blob, Expected, Snapshot, ThreadRef, Version, Written
from .protocols import Codec, ConditionalObjectStore, ObjectStore
from .snapshot import v1
from .snapshot.sniff import sniff

DEFAULT_MAX_DECODED_BYTES: Final = 1 << 30
_EXPANSION: Final = 16
"""How many times its stored size an archive may well have once it is decoded."""
_Found = tuple[Codec, str, Blob]
_UNREADABLE: Final = (CorruptSnapshotError, LimitExceededError, UnsupportedFormatError)


class ObjectArchive:
    """Keeps one object per thread at ``{prefix}/{thread key}/{thread id}.json`` + codec suffix.

    The object is read before it is replaced, and replaced only if it is still what was read where
    the store can compare and write in one step; elsewhere, of two writers at the very same time,
    the last one wins.

    Args:
        store: Where the objects lie; closed with this tier.
        codec: How a new archive is written; an existing one keeps its name and codec.
        codecs: What may be read, by the first bytes, whatever the object is called.
        prefix: First part of every path, ``"threads"`` as in the original.
        max_decoded_bytes: Largest decoded archive; more is `LimitExceededError`.
        content_type: Overrides the codec's own.
    """

    def __init__(
        self,
        store: ObjectStore,
        codec: Codec,
        *,
        codecs: Sequence[Codec] = (),
        prefix: str = "threads",
        max_decoded_bytes: int = DEFAULT_MAX_DECODED_BYTES,
        content_type: str | None = None,
    ) -> None:
        known = codecs or (JsonCodec(), GzipCodec(), ZstdCodec())
        self._store = store
        self._codec = codec
        # The configured codec comes first: of two with one suffix, its level counts.
        self._codecs = (codec, *(c for c in known if c.suffix != codec.suffix))
        self._prefix = prefix.strip("/")
        self._max_bytes = max_decoded_bytes
        self._content_type = content_type

    @property
    def store(self) -> ObjectStore:
        """The object store, for admin tools."""
        return self._store

    async def open(self) -> None:
        """Open the object store; a missing bucket is `ConfigurationError`."""
        await self._store.open()

    async def aclose(self) -> None:
        """Close the object store."""
        await self._store.aclose()

    def check(self, ref: ThreadRef) -> None:
        """Raise `ValueError` where format v1 has no path for the thread's name."""
        v1_path(self._prefix, ref)

    async def read(self, ref: ThreadRef) -> Archived | None:
        """The archive of a thread, by whichever name and codec it was written.

        Raises:
            ConflictError: There are two under different names; the message names both.
            CorruptSnapshotError, UnsupportedFormatError, LimitExceededError: It cannot be read.
        """
        found = await self._find(ref)
        return None if found is None else await self._decode(*found)

    async def write(self, ref: ThreadRef, snapshot: Snapshot, *, expected: Expected) -> Written:
        """Write over the expected version; `PreconditionFailedError` where another is there.

        An existing object that cannot be read is never overwritten.
        """
        found = await self._find(ref)
        await self._check_expected(ref, expected, found)
        codec = self._codec if found is None else found[0]
        data = await self._encode(snapshot, codec)
        if found is None or found[2].data != data:
            path = v1_path(self._prefix, ref) + codec.suffix
            await self._put(
                path, data, found and found[2], self._content_type or codec.content_type
            )
        return Written(_token(codec, data), len(data))

    async def _put(self, path: str, data: bytes, seen: Blob | None, content_type: str) -> None:
        if isinstance(self._store, ConditionalObjectStore):
            await self._store.put_if(path, data, expected=seen, content_type=content_type)
        else:
            await self._store.put(path, data, content_type=content_type)

    async def delete(self, ref: ThreadRef, *, expected: Expected = Version.ANY) -> list[Archived]:
        """Remove the thread's objects, readable or not; the versions that could be read."""
        objects = await self._objects(ref)
        if isinstance(expected, str) and objects:
            objects = [row for row in objects if _token(row[0], row[2].data) == expected]
            if not objects:
                raise _another(ref)
        removed = [await self._decode_or_none(*found) for found in objects]
        await asyncio.gather(*(self._store.delete(path) for _, path, _ in objects))
        return [archived for archived in removed if archived is not None]

    async def list(self, *, key: str, after: str = "", limit: int = 100) -> list[ArchiveInfo]:
        """Archived threads of a thread key by path; objects that are no archive are left out."""
        folder = v1_folder(self._prefix, key)
        page: dict[ThreadRef, ArchiveInfo] = {}
        while len(page) < limit:
            rows = await self._store.list(folder, after=after, limit=limit)
            for row in rows:
                after = row.path
                ref = self._ref(key, row.path.removeprefix(folder))
                if ref is not None:
                    page[ref] = ArchiveInfo(ref, row.path, row.size, row.modified)
                if len(page) == limit:
                    break
            if len(rows) < limit:
                break
        return list(page.values())

    def _ref(self, key: str, name: str) -> ThreadRef | None:
        return ref_of_v1_path(key, name, [codec.suffix for codec in self._codecs])

    async def _objects(self, ref: ThreadRef) -> Sequence[_Found]:
        """What lies under the thread's names, fetched side by side."""
        base = v1_path(self._prefix, ref)
        paths = [base + codec.suffix for codec in self._codecs]
        blobs = await asyncio.gather(*(self._store.get(path) for path in paths))
        return [
            (codec, path, blob)
            for codec, path, blob in zip(self._codecs, paths, blobs, strict=True)
            if blob is not None
        ]

    async def _find(self, ref: ThreadRef) -> _Found | None:
        objects = await self._objects(ref)
        if len(objects) > 1:
            names = " and ".join(path for _, path, _ in objects)
            raise ConflictError(
                f"thread {str(ref)!r} has two archives, {names}; remove the one that is older"
            )
        return objects[0] if objects else None

    async def _check_expected(
        self, ref: ThreadRef, expected: Expected, found: _Found | None
    ) -> None:
        token = Version.ABSENT if found is None else _token(found[0], found[2].data)
        if expected is Version.ANY:
            if found is not None:
                await self._decode(*found)
        elif expected != token:
            raise _another(ref)

    async def _encode(self, snapshot: Snapshot, codec: Codec) -> bytes:
        size = sum(map(len, snapshot.messages)) + len(snapshot.state or "")
        return await _cpu.run(lambda: codec.encode(v1.encode(snapshot)), size=size)

    async def _decode(self, codec: Codec, path: str, blob: Blob) -> Archived:
        data = blob.data
        try:
            snapshot = await _cpu.run(self._parse, data, size=len(data) * _EXPANSION)
        except _UNREADABLE as exc:
            raise type(exc)(f"{path}: {exc}") from exc
        return Archived(snapshot, _token(codec, data), len(data))

    async def _decode_or_none(self, codec: Codec, path: str, blob: Blob) -> Archived | None:
        try:
            return await self._decode(codec, path, blob)
        except _UNREADABLE:
            return None

    def _parse(self, data: bytes) -> Snapshot:
        codec = sniff(data, self._codecs)
        return v1.parse(codec.decode(data, max_bytes=self._max_bytes))


def _token(codec: Codec, data: bytes) -> str:
    return f"{codec.suffix.lstrip('.') or 'plain'}:{hashlib.sha256(data).hexdigest()}"


def _another(ref: ThreadRef) -> PreconditionFailedError:
    return PreconditionFailedError(f"the archive of thread {str(ref)!r} is another version")
