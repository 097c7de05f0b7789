"""Verifying archives: every byte of every object is read and checked, and nothing is changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from .. import _cpu
from ..errors import CorruptSnapshotError, MissingKeyError
from ..keys import is_v2_path, ref_of_v2_path, v1_folder, v2_folder
from ..models import ThreadRef
from ..results import Checked
from ..snapshot.v2_layout import read_header
from .listing import has_head, named, objects
from .v1_objects import EXPANSION, UNREADABLE, V1Objects
from .v2_objects import V2Objects

_AT_ONCE: Final = 8


class Checker:
    """Reads the archives of one store, in both formats; without `v1` in v2 alone."""

    def __init__(self, v1: V1Objects | None, v2_objects: V2Objects) -> None:
        self._v1, self._v2 = v1, v2_objects
        self._store = v2_objects.store
        self._prefix = f"{v2_objects.prefix}/" if v2_objects.prefix else ""

    async def thread(self, ref: ThreadRef) -> AsyncGenerator[Checked, None]:
        """One thread, under each of its names."""
        paths = [self._v2.path(ref)]
        if self._v1 is not None and self._v1.has_path(ref):
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
            return [self._prefix if self._v1 else f"{self._prefix}v2/"]
        folders = [v2_folder(self._v2.prefix, key)]
        if self._v1 is not None:
            with suppress(ValueError):  # format v1 has no place for some keys
                folders.append(v1_folder(self._v1.prefix, key))
        return folders

    async def refs(self, key: str | None) -> AsyncGenerator[ThreadRef | Checked, None]:
        """Every archived thread, each once; a row instead for an object that names none.

        Objects are read only where a path holds a hash.
        """
        seen: set[ThreadRef] = set()
        for folder in self.folders(key):
            async for path, ref, size in self._archives(folder):
                found = ref or await self._named(path, size)
                if isinstance(found, Checked):
                    yield found
                elif found is not None and found not in seen:
                    seen.add(found)
                    yield found

    async def _named(self, path: str, size: int) -> ThreadRef | Checked | None:
        """The thread of a path that does not spell it; None where the object is gone by now."""
        row = Checked(path, None, "v2", size)
        try:
            ref = await named(self._v2, path)
        except UNREADABLE as exc:
            return row.damaged(str(exc))
        if ref is not None or await self._store.store.get_range(path, 0, 1) is None:
            return ref
        return row.damaged(f"{path}: no thread has this path; the object was moved")

    async def below(self, folder: str) -> AsyncGenerator[Checked, None]:
        """Every archive whose path begins like this; other objects are passed over."""
        found: list[tuple[str, ThreadRef | None]] = []
        async for path, ref, _ in self._archives(folder):
            found.append((path, ref))
            if len(found) == _AT_ONCE:
                async for checked in self._each(found):
                    yield checked
                found = []
        async for checked in self._each(found):
            yield checked

    async def _archives(
        self, folder: str
    ) -> AsyncGenerator[tuple[str, ThreadRef | None, int], None]:
        """Path, thread (None: the path does not spell it) and size of every archive."""
        async for row in objects(self._store.store, folder):
            if is_v2_path(self._v2.prefix, row.path):
                yield row.path, ref_of_v2_path(self._v2.prefix, row.path), row.size
            elif (ref := self._v1_ref(row.path)) is not None:
                yield row.path, ref, row.size

    def _v1_ref(self, path: str) -> ThreadRef | None:
        """The thread of a v1 object; None where it is no archive."""
        parts = path.removeprefix(self._prefix).split("/")
        if self._v1 is None or len(parts) != 2:
            return None
        ref = self._v1.ref_of(*parts)
        return ref if ref is not None and self._v1.has_path(ref) else None

    async def _each(
        self, paths: Sequence[tuple[str, ThreadRef | None]]
    ) -> AsyncGenerator[Checked, None]:
        """Checks side by side, results in order; an object that is gone by now is left out."""
        tasks = [asyncio.ensure_future(self._check(path, ref)) for path, ref in paths]
        try:
            rows = await asyncio.gather(*tasks)
        finally:
            # Where one raised, the others must not go on reading a store that is being closed.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for row in rows:
            if row is not None:
                yield row

    async def _check(self, path: str, ref: ThreadRef | None) -> Checked | None:
        try:
            return await self._checked(path, ref)
        except UNREADABLE as exc:  # no plain file, or larger than any archive may be
            newer = is_v2_path(self._v2.prefix, path)
            return Checked(path, ref, "v2" if newer else "v1", 0, problem=str(exc))

    async def _checked(self, path: str, ref: ThreadRef | None) -> Checked | None:
        blob = await self._store.get(path)
        if blob is None:
            return None
        if self._v1 is None or is_v2_path(self._v2.prefix, path):
            return await self._checked_v2(Checked(path, ref, "v2", len(blob.data)), blob.data)
        size = len(blob.data) * EXPANSION
        row = Checked(path, ref, "v1", len(blob.data))
        row = await _cpu.run(_checked_v1, self._v1, row, blob.data, size=size)
        beside = await self._beside(path, ref)
        if beside and await self._store.store.get_range(path, 0, 1) is None:
            return None  # converted or removed while it was looked at
        return row.damaged("; ".join(filter(None, (row.problem, beside))))

    async def _checked_v2(self, row: Checked, data: bytes) -> Checked:
        try:
            found = await self._v2.parsed(data, row.ref)
            if self._v2.path(found.ref) != row.path:
                raise CorruptSnapshotError(
                    f"it is the archive of {str(found.ref)!r}: it was moved or swapped"
                )
        except MissingKeyError as exc:
            # Every byte is as it was written. Who has no key at all asks for no more than that.
            return row.damaged(str(exc)) if self._v2.encryption.has_keys else _unopened(row, data)
        except UNREADABLE as exc:
            return row.damaged(str(exc))
        return row.read(found.ref, found.snapshot)

    async def _beside(self, path: str, ref: ThreadRef | None) -> str:
        """What else the thread of a v1 object has, "" for nothing."""
        if ref is None or self._v1 is None:
            return ""
        if await has_head(self._v2, ref):
            return f"the thread has {self._v2.path(ref)} as well, which is the one that counts"
        others = [name for name in self._v1.paths(ref) if name != path]
        found = await asyncio.gather(*(self._store.store.get_range(p, 0, 1) for p in others))
        names = [name for name, data in zip(others, found, strict=True) if data is not None]
        return f"the thread has {' and '.join(names)} as well" if names else ""


def _unopened(row: Checked, data: bytes) -> Checked:
    header = read_header(data)
    what = f"encrypted with key {header.key}: checksums are right, its contents were not read"
    return replace(
        row, messages=header.messages, generation=header.generation or None, unchecked=what
    )


def _checked_v1(v1: V1Objects, row: Checked, data: bytes) -> Checked:
    try:
        return row.read(row.ref, v1.parse(data))
    except UNREADABLE as exc:
        return row.damaged(str(exc))
