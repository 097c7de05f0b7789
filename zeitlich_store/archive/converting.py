"""Rewriting archives in another format or codec, one thread at a time.

The new object is committed before the old one is removed, each only if it still is what was read:
whatever stops a conversion, there is an archive, and running it again finishes it.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Literal

from ..errors import ConflictError, ZeitlichStoreError
from ..models import Snapshot, ThreadRef, Version
from ..protocols import Codec
from ..results import Converted, ConvertStatus
from ..snapshot.ids import IdOfRaw, place_ids
from ..snapshot.v2_layout import CODEC_NUMBERS, HEADER_BYTES, NAMED_CODEC, read_header
from .v1_objects import Found, V1Objects
from .v2_objects import V2Objects


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

    async def to(self, ref: ThreadRef, format: Literal["v1", "v2"]) -> Converted:  # noqa: A002  # the name it has in a URL
        """Convert one thread; what fails is told, nothing is lost, and a retry is safe."""
        try:
            return await (self._to_v1(ref) if format == "v1" else self._to_v2(ref))
        except (ZeitlichStoreError, ValueError) as exc:
            return Converted(ref, ConvertStatus.FAILED, problem=str(exc))

    # -- to v2 -------------------------------------------------------------------------------------

    async def _to_v2(self, ref: ThreadRef) -> Converted:
        old = await self._v1.find(ref) if self._v1.has_path(ref) else None
        if await self._in_codec(ref):
            return await self._finish(ref, old)
        head = await self._v2.read(ref)
        if head is not None:
            snapshot = _anew(head.snapshot)
            written = await self._v2.write(ref, snapshot, expected=head.token)
            return Converted(ref, ConvertStatus.CONVERTED, head.size, written.size)
        if old is None:
            return Converted(ref, ConvertStatus.FAILED, problem="it has no archive")
        archived = await self._v1.decode(old)
        snapshot = _anew(place_ids(archived.snapshot, self._id_of or _no_id))
        written = await self._v2.write(ref, snapshot, expected=None)
        await self._remove(old)
        return Converted(ref, ConvertStatus.CONVERTED, archived.size, written.size)

    async def _in_codec(self, ref: ThreadRef) -> bool:
        """Whether there is a v2 head in the codec wanted, by its first bytes alone."""
        first = await self._v2.store.store.get_range(self._v2.path(ref), 0, HEADER_BYTES)
        wanted = CODEC_NUMBERS.get(self._codec.name, NAMED_CODEC)
        return first is not None and read_header(first).codec == wanted != NAMED_CODEC

    async def _finish(self, ref: ThreadRef, old: Found | None) -> Converted:
        """A v1 object beside a v2 head goes, where the head holds what it holds."""
        if old is None or self._keep_v1:
            return Converted(ref, ConvertStatus.ALREADY)
        head, left = await self._v2.read(ref), await self._v1.decode(old)
        known = left.snapshot.messages
        if head is None or head.snapshot.messages[: len(known)] != known:
            raise ConflictError(
                f"{old.path} holds messages that {self._v2.path(ref)} does not; the latter counts, "
                "remove the former if it is not needed"
            )
        await self._remove(old)
        return Converted(ref, ConvertStatus.CONVERTED, left.size, head.size)

    async def _remove(self, old: Found) -> None:
        if not self._keep_v1:
            await self._v1.remove(old)

    # -- to v1 -------------------------------------------------------------------------------------

    async def _to_v1(self, ref: ThreadRef) -> Converted:
        head, old = await self._v2.read(ref), await self._v1.find(ref)
        if head is None:
            return await self._recode(ref, old)
        if old is not None:
            await self._check_same(ref, old, head.snapshot)
        else:
            await self._v1.write(ref, head.snapshot, expected=Version.ABSENT)
        await self._v2.delete_version(ref, head.token)
        now = await self._v1.find(ref)
        size = len(now.blob.data) if now else None
        return Converted(ref, ConvertStatus.CONVERTED, head.size, size)

    async def _check_same(self, ref: ThreadRef, old: Found, head: Snapshot) -> None:
        """A v1 object that is there already has to be the one an earlier run wrote."""
        found = (await self._v1.decode(old)).snapshot
        if (found.messages, found.state) != (head.messages, head.state):
            raise ConflictError(
                f"{old.path} and {self._v2.path(ref)} hold different threads; remove one of them"
            )

    async def _recode(self, ref: ThreadRef, old: Found | None) -> Converted:
        """From one v1 codec, and so from one name, to another."""
        if old is None:
            return Converted(ref, ConvertStatus.FAILED, problem="it has no archive")
        if old.codec.name == self._codec.name:
            return Converted(ref, ConvertStatus.ALREADY)
        archived = await self._v1.decode(old)
        written = await self._v1.create(ref, archived.snapshot, self._codec)
        await self._v1.remove(old)
        return Converted(ref, ConvertStatus.CONVERTED, archived.size, written.size)


def _anew(snapshot: Snapshot) -> Snapshot:
    """The next version of the same content."""
    generation = snapshot.generation + 1
    return replace(snapshot, generation=generation, write_id=secrets.token_hex(16))


def _no_id(raw: str) -> None:
    """Leaves every id without a place; hydrate, which knows the caller's `id_of`, finds them."""
    del raw
