"""Verifying archives: every byte of every object is read and checked, and nothing is changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Final

from .. import _cpu
from ..keys import is_v2_path, ref_of_v2_path, v1_folder, v2_folder
from ..models import Snapshot, ThreadRef
from ..results import Checked
from ..snapshot import v2
from .listing import has_head, named, objects
from .v1_objects import EXPANSION, UNREADABLE, V1Objects
from .v2_objects import V2Objects

_AT_ONCE: Final = 8


class Checker:
    """Reads the archives of one store, in both formats."""

    def __init__(self, v1: V1Objects, v2_objects: V2Objects) -> None:
        self._v1, self._v2 = v1, v2_objects
        self._store = v2_objects.store

    async def thread(self, ref: ThreadRef) -> AsyncGenerator[Checked, None]:
        """One thread, under each of its names."""
        paths = [self._v2.path(ref)]
        if self._v1.has_path(ref):
            paths += self._v1.paths(ref)
        async for row in self._each([(path, ref) for path in paths]):
            yield row

    async def key(self, key: str | None) -> AsyncGenerator[Checked, None]:
        """Every archive of a thread key, or (None) of all keys."""
        for folder in self.folders(key):
            async for row in self.below(folder):
                yield row

    def folders(self, key: str | None) -> list[str]:
        """Where the archives of a thread key lie (None: those of every key)."""
        if key is None:
            return [f"{self._v2.prefix}/" if self._v2.prefix else ""]
        folders = [v2_folder(self._v2.prefix, key)]
        with suppress(ValueError):  # format v1 has no place for some keys
            folders.append(v1_folder(self._v1.prefix, key))
        return folders

    async def refs(self, key: str | None) -> AsyncGenerator[ThreadRef, None]:
        """Every archived thread, each once; objects are read only where a path holds a hash."""
        seen: set[ThreadRef] = set()
        for folder in self.folders(key):
            async for row in objects(self._store.store, folder):
                ref = self._ref(row.path)
                if ref is None and is_v2_path(self._v2.prefix, row.path):
                    ref = await named(self._v2, row.path)
                if ref is not None and ref not in seen:
                    seen.add(ref)
                    yield ref

    async def below(self, folder: str) -> AsyncGenerator[Checked, None]:
        """Every archive whose path begins like this; other objects are passed over."""
        found: list[tuple[str, ThreadRef | None]] = []
        async for row in objects(self._store.store, folder):
            ref = self._ref(row.path)
            if ref is not None or is_v2_path(self._v2.prefix, row.path):
                found.append((row.path, ref))
            if len(found) == _AT_ONCE:
                async for checked in self._each(found):
                    yield checked
                found = []
        async for checked in self._each(found):
            yield checked

    def _ref(self, path: str) -> ThreadRef | None:
        """The thread a path belongs to; None where it is no archive's, or holds a hash."""
        if is_v2_path(self._v2.prefix, path):
            return ref_of_v2_path(self._v2.prefix, path)
        parts = path.removeprefix(f"{self._v1.prefix}/" if self._v1.prefix else "").split("/")
        return self._v1.ref_of(*parts) if len(parts) == 2 else None

    async def _each(
        self, paths: Sequence[tuple[str, ThreadRef | None]]
    ) -> AsyncGenerator[Checked, None]:
        """Checks side by side, results in order; an object that is gone by now is left out."""
        for row in await asyncio.gather(*(self._check(path, ref) for path, ref in paths)):
            if row is not None:
                yield row

    async def _check(self, path: str, ref: ThreadRef | None) -> Checked | None:
        blob = await self._store.get(path)
        if blob is None:
            return None
        newer = is_v2_path(self._v2.prefix, path)
        row = Checked(path, ref, "v2" if newer else "v1", len(blob.data))
        size = len(blob.data) * EXPANSION
        try:
            if newer:
                found = await _cpu.run(self._parse, path, blob.data, ref, size=size)
                return row.read(found.ref, found.snapshot)
            snapshot: Snapshot = await _cpu.run(self._v1.parse, blob.data, size=size)
        except UNREADABLE as exc:
            return row.damaged(str(exc))
        return row.read(ref, snapshot).damaged(await self._beside(path, ref))

    def _parse(self, path: str, data: bytes, ref: ThreadRef | None) -> v2.Parsed:
        found = v2.parse(data, self._v2.codecs, max_bytes=self._v2.max_bytes, ref=ref)
        if self._v2.path(found.ref) != path:
            raise UNREADABLE[0](f"it is the archive of {str(found.ref)!r}: it was moved or swapped")
        return found

    async def _beside(self, path: str, ref: ThreadRef | None) -> str:
        """What else the thread of a v1 object has, "" for nothing."""
        if ref is None:
            return ""
        if await has_head(self._v2, ref):
            return f"the thread has {self._v2.path(ref)} as well, which is the one that counts"
        others = [name for name in self._v1.paths(ref) if name != path]
        found = await asyncio.gather(*(self._store.store.get_range(p, 0, 1) for p in others))
        names = [name for name, data in zip(others, found, strict=True) if data is not None]
        return f"the thread has {' and '.join(names)} as well" if names else ""
