"""Rewriting archives in another format or codec, one thread at a time.

The new object is committed before the old one is removed, each only if it still is what was read:
whatever stops a conversion, there is an archive, and running it again finishes it. An object that
holds anything the other does not is never removed.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final, Literal, NamedTuple

from .. import _cpu
from ..errors import (
    ConfigurationError,
    ConflictError,
    PreconditionFailedError,
    ZeitlichStoreError,
)
from ..models import Archived, Snapshot, ThreadRef, Written
from ..protocols import Codec
from ..results import Converted, ConvertStatus
from ..snapshot import v1
from ..snapshot.ids import IdOfRaw, place_ids
from ..snapshot.v2 import codec_of
from ..snapshot.v2_layout import (
    CODEC_NUMBERS,
    HEADER_BYTES,
    NAMED_CODEC,
    Header,
    read_header,
    read_trailer,
)
from .v1_objects import UNREADABLE, Found, V1Objects
from .v2_objects import V2Objects

_NOBODY: Final[frozenset[str]] = frozenset()


class _Old(NamedTuple):
    """A v1 object of the thread and what it holds."""

    found: Found
    archived: Archived

    @property
    def snapshot(self) -> Snapshot:
        return self.archived.snapshot


class Converter:
    """Converts the archives of one store.

    Args:
        v1: The store's v1 archives; a new one is written with `codec`.
        v2: Its v2 archives, likewise.
        codec: The codec to write.
        keep_v1: Whether a v1 object stays beside the v2 head that replaces it.
        id_of: A message's id, given its text: v1 does not store which id is whose.
    """

    def __init__(
        self,
        v1: V1Objects,
        v2: V2Objects,
        codec: Codec,
        *,
        keep_v1: bool = False,
        id_of: IdOfRaw | None = None,
    ) -> None:
        self._v1, self._v2, self._codec = v1, v2, codec
        self._keep_v1, self._id_of = keep_v1, id_of

    async def to(
        self,
        ref: ThreadRef,
        format: Literal["v1", "v2"],  # noqa: A002  # the name it has in a URL
        *,
        dead: AbstractSet[str] = _NOBODY,
    ) -> Converted | None:
        """Convert one thread; what fails is told, nothing is lost, and a retry is safe.

        None: it has no archive. One whose write id is in `dead` was deleted, its put landed late:
        a new version of it would count again, so it is none.

        Raises:
            ConfigurationError: To v1, which cannot be encrypted, where the store encrypts.
        """
        if format == "v1" and self._v2.encryption.writes:
            raise ConfigurationError(
                "format v1 cannot be encrypted, and this store encrypts: open it with "
                "encryption=off to write its archives in plaintext"
            )
        try:
            header = await self._header(ref)
            if header is not None and header.write_id.hex() in dead:
                return None
            return await (self._to_v1(ref, header) if format == "v1" else self._to_v2(ref, header))
        except (ZeitlichStoreError, ValueError) as exc:
            return Converted(ref, ConvertStatus.FAILED, problem=_advice(exc))

    async def _header(self, ref: ThreadRef) -> Header | None:
        """The header of the v2 head, fetched alone; None where there is no head."""
        path = self._v2.path(ref)
        first = await self._v2.store.store.get_range(path, 0, HEADER_BYTES)
        try:
            return None if first is None else read_header(first)
        except UNREADABLE as exc:
            raise type(exc)(f"{path}: {exc}") from exc

    # -- to v2 -------------------------------------------------------------------------------------

    async def _to_v2(self, ref: ThreadRef, header: Header | None) -> Converted | None:
        names = await self._names(ref)
        done = header is not None and await self._as_written(ref, header)
        if done and (self._keep_v1 or not names):
            return Converted(ref, ConvertStatus.ALREADY)
        olds = await self._olds(ref)
        head = await self._v2.read(ref)
        self._check_held(ref, head, [] if self._keep_v1 else olds)
        source = head or (olds[0].archived if olds else None)
        if source is None:
            return None
        done = done and head is not None
        size = source.size if done else (await self._commit(ref, source, head)).size
        for old in [] if self._keep_v1 else olds:
            if await self._v1.remove(old.found) and not await self._header(ref):
                await self._v1.put_back(old.found)
        return Converted(ref, ConvertStatus.CONVERTED, source.size, size)

    async def _as_written(self, ref: ThreadRef, header: Header) -> bool:
        """Whether the head is in the codec wanted, and under the key that writes."""
        return await self._v2.sealed_as_written(header) and await self._in_codec(ref, header)

    async def _in_codec(self, ref: ThreadRef, header: Header) -> bool:
        """Whether the head is in the codec wanted, by its first bytes; ours have numbers."""
        wanted = CODEC_NUMBERS.get(self._codec.name, NAMED_CODEC)
        if header.codec != wanted or wanted != NAMED_CODEC:
            return header.codec == wanted
        head = await self._v2.head(ref)  # any other codec's name stands at the end
        if head is None:
            return False
        found = codec_of(head.data, header, read_trailer(head.data), self._v2.codecs)
        return found.name == self._codec.name

    async def _commit(self, ref: ThreadRef, source: Archived, head: Archived | None) -> Written:
        """Write the next version of the content over exactly the head that was read."""
        snapshot = source.snapshot if head else await self._placed(source.snapshot)
        generation = snapshot.generation + 1
        snapshot = replace(snapshot, generation=generation, write_id=secrets.token_hex(16))
        return await self._v2.commit(ref, snapshot, expected=head.token if head else None)

    async def _placed(self, snapshot: Snapshot) -> Snapshot:
        """The ids at their messages, if every one is found; else hydrate finds them.

        An id that `id_of` does not explain says that the thread's user has another one.
        """
        size = sum(map(len, snapshot.messages))
        placed = await _cpu.run(place_ids, snapshot, self._id_of or _no_id, size=size)
        if all(index >= 0 for _, index in placed.ids):
            return placed
        return place_ids(snapshot, _no_id)

    # -- to v1 -------------------------------------------------------------------------------------

    async def _to_v1(self, ref: ThreadRef, header: Header | None) -> Converted | None:
        wanted = self._v1.base(ref) + self._codec.suffix
        names = await self._names(ref)
        if header is None and names == [wanted]:
            return Converted(ref, ConvertStatus.ALREADY)
        olds = await self._olds(ref)
        head = await self._v2.read(ref)
        self._check_held(ref, head, olds)
        source = head or (olds[0].archived if olds else None)
        if source is None:
            return None
        size = await self._replace(ref, wanted, source, olds, head=head)
        return Converted(ref, ConvertStatus.CONVERTED, source.size, size)

    async def _replace(
        self,
        ref: ThreadRef,
        wanted: str,
        source: Archived,
        olds: list[_Old],
        *,
        head: Archived | None,
    ) -> int:
        """Make the source the one object under the name wanted; its stored size."""
        there = [
            old
            for old in olds
            if old.found.path == wanted and old.snapshot.same_content(source.snapshot)
        ]
        others = [old for old in olds if old not in there]
        if head:  # which holds all the others do, and goes last
            await self._remove(others)
        size = there[0].archived.size if there else await self._create(ref, source.snapshot)
        if head:
            await self._v2.delete_version(ref, head.token)
        else:
            await self._remove(others)
        await self._stay(ref, wanted, source.snapshot)
        return size

    async def _stay(self, ref: ThreadRef, wanted: str, snapshot: Snapshot) -> None:
        """A conversion to v2 may have taken the v1 object for a leftover: write it again."""
        if await self._v2.store.store.get_range(wanted, 0, 1) is None:
            await self._create(ref, snapshot)

    async def _create(self, ref: ThreadRef, snapshot: Snapshot) -> int:
        size = sum(map(len, snapshot.messages))
        await _cpu.run(_check_v1_holds, snapshot, size=size)
        return (await self._v1.create(ref, snapshot, self._codec)).size

    # -- v1 objects --------------------------------------------------------------------------------

    async def _names(self, ref: ThreadRef) -> list[str]:
        """The v1 names under which there is an object; none is fetched whole."""
        paths = self._v1.paths(ref) if self._v1.has_path(ref) else []
        found = await asyncio.gather(*(self._v2.store.store.get_range(p, 0, 1) for p in paths))
        return [path for path, data in zip(paths, found, strict=True) if data is not None]

    async def _olds(self, ref: ThreadRef) -> list[_Old]:
        """The thread's v1 objects; `ConflictError` where two of them differ."""
        objects = await self._v1.objects(ref) if self._v1.has_path(ref) else []
        olds = [_Old(found, await self._v1.decode(found)) for found in objects]
        for old in olds[1:]:
            if not old.snapshot.same_content(olds[0].snapshot):
                raise ConflictError(
                    f"{olds[0].found.path} and {old.found.path} differ, and nothing says which is "
                    "newer; remove the one that is older"
                )
        return olds

    async def _remove(self, olds: list[_Old]) -> None:
        for old in olds:
            await self._v1.remove(old.found)

    def _check_held(self, ref: ThreadRef, head: Archived | None, olds: list[_Old]) -> None:
        """`ConflictError` unless the head holds all that the v1 objects beside it hold."""
        for old in olds if head else []:
            if head and not _holds(head.snapshot, old.snapshot):
                raise ConflictError(
                    f"{old.found.path} holds what {self._v2.path(ref)} does not; the latter counts,"
                    " remove the former if it is not needed"
                )


def _holds(head: Snapshot, old: Snapshot) -> bool:
    """Whether a head goes on from a v1 object, or is equal to it, so that nothing of it is lost."""
    known = len(old.messages)
    if head.messages[:known] != old.messages or not set(old.dedup_ids) <= set(head.dedup_ids):
        return False
    went_on = len(head.messages) > known > 0
    return went_on or old.state is None or old.state == head.state


def _check_v1_holds(snapshot: Snapshot) -> None:
    """`ValueError` where format v1 would give back other messages."""
    if v1.parse(v1.encode(snapshot)).messages != snapshot.messages:
        raise ValueError(
            "format v1 cannot hold a message of this thread exactly: two halves of a surrogate "
            "pair stand side by side"
        )


def _advice(exc: Exception) -> str:
    again = isinstance(exc, PreconditionFailedError)
    return f"{exc}: it was changed meanwhile, convert it again" if again else str(exc)


def _no_id(raw: str) -> None:
    """Leaves every id without a place; hydrate, which knows the caller's `id_of`, finds them."""
    del raw
