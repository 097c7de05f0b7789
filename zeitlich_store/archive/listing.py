"""Listing archives of both formats: first those in v2, then those in v1 that have no v2 head."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..keys import is_v2_path, ref_of_v2_path, v1_folder, v2_folder
from ..models import ArchiveInfo, ObjectInfo, ThreadRef
from ..protocols import ObjectStore
from .v1_objects import UNREADABLE, V1Objects
from .v2_objects import V2Objects

_PAGE = 500


async def list_archives(
    v1: V1Objects | None, v2: V2Objects, *, key: str, after: str, limit: int
) -> list[ArchiveInfo]:
    """Up to `limit` archives behind path `after`, in this module's order; no `v1`: only v2."""
    rows: list[ArchiveInfo] = []
    newer = v2_folder(v2.prefix, key)
    if not after or after.startswith(newer):
        rows = await _take(_v2_rows(v2, newer, key, after), limit)
        after = ""
    older = _folder(v1, key)
    if v1 is not None and older is not None and len(rows) < limit:
        rows += await _take(_v1_rows(v1, v2, older, key, after), limit - len(rows))
    return rows


def _folder(v1: V1Objects | None, key: str) -> str | None:
    """Where a thread key's v1 archives lie; None where it can have none."""
    try:
        return v1_folder(v1.prefix, key) if v1 else None
    except ValueError:
        return None


async def _take(rows: AsyncGenerator[ArchiveInfo, None], limit: int) -> list[ArchiveInfo]:
    taken: list[ArchiveInfo] = []
    async with aclosing(rows):
        async for row in rows:
            taken.append(row)
            if len(taken) == limit:
                break
    return taken


async def objects(
    store: ObjectStore, folder: str, after: str = ""
) -> AsyncGenerator[ObjectInfo, None]:
    """Every object of a folder behind path `after`, fetched page by page."""
    while True:
        page = await store.list(folder, after=after, limit=_PAGE)
        for row in page:
            yield row
        if len(page) < _PAGE:
            return
        after = page[-1].path


async def _v2_rows(
    objs: V2Objects, folder: str, key: str, after: str
) -> AsyncGenerator[ArchiveInfo, None]:
    async for row in objects(objs.store.store, folder, after):
        if is_v2_path(objs.prefix, row.path):
            ref = await named(objs, row.path)
            if ref is not None and ref.key == key:
                yield ArchiveInfo(ref, row.path, row.size, row.modified)


async def named(objs: V2Objects, path: str) -> ThreadRef | None:
    """The thread of a v2 object path; where that holds a hash, the object has to be read."""
    ref = ref_of_v2_path(objs.prefix, path)
    if ref is not None or "~~" not in path:
        return ref
    blob = await objs.store.get(path)
    if blob is None:
        return None
    try:
        ref = (await objs.parsed(blob.data, None)).ref
    except UNREADABLE as exc:
        raise type(exc)(f"{path}: {exc}") from exc
    return ref if objs.path(ref) == path else None


async def _v1_rows(
    v1: V1Objects, v2: V2Objects, folder: str, key: str, after: str
) -> AsyncGenerator[ArchiveInfo, None]:
    seen: set[ThreadRef] = set()  # a thread may have two names
    async for row in objects(v1.store.store, folder, after):
        ref = v1.ref_of(key, row.path.removeprefix(folder))
        if ref is not None and ref not in seen and not await has_head(v2, ref):
            seen.add(ref)
            yield ArchiveInfo(ref, row.path, row.size, row.modified)


async def has_head(v2: V2Objects, ref: ThreadRef) -> bool:
    """Whether the thread has a v2 head as well, which then is the one that counts."""
    return await v2.store.store.get_range(v2.path(ref), 0, 1) is not None
