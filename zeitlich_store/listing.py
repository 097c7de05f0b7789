"""Listing threads across both tiers, page by page."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import ConfigurationError
from .models import ThreadRef
from .protocols import ColdTier, HotTier, ListableColdTier, ScannableHotTier
from .results import ThreadInfo, ThreadPage

_HOT, _COLD = "hot:", "cold:"


async def list_threads(
    hot: HotTier, cold: ColdTier | None, *, key: str, limit: int, cursor: str | None
) -> ThreadPage:
    """One page: first the hot threads that were never archived, then the archived ones."""
    ThreadRef(key, "x")  # refuses a bad key
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise ValueError(f"limit is a positive int, not {limit!r}")
    page = await _page(hot, cold, key, limit, _HOT if cursor is None else cursor)
    while not page.threads and page.cursor is not None:
        page = await _page(hot, cold, key, limit, page.cursor)
    return page


async def _page(hot: HotTier, cold: ColdTier | None, key: str, limit: int, at: str) -> ThreadPage:
    if at.startswith(_HOT):
        return await _hot_page(hot, cold, key, limit, at.removeprefix(_HOT))
    if at.startswith(_COLD) and cold is not None:
        return await _cold_page(hot, cold, key, limit, at.removeprefix(_COLD))
    raise ValueError(f"{at!r} is no cursor of a listing")


async def _hot_page(
    hot: HotTier, cold: ColdTier | None, key: str, limit: int, at: str
) -> ThreadPage:
    following, threads = "", []
    if isinstance(hot, ScannableHotTier):
        rows, following = await hot.scan(key=key, cursor=at, limit=limit)
        threads = [
            ThreadInfo(row.ref, hot=True, archived=False)
            for row in rows
            if row.token is None or cold is None
        ]
    if following:
        return ThreadPage(threads, _HOT + following)
    return ThreadPage(threads, None if cold is None else _COLD)


async def _cold_page(hot: HotTier, cold: ColdTier, key: str, limit: int, after: str) -> ThreadPage:
    if not isinstance(cold, ListableColdTier):
        raise ConfigurationError("this cold tier cannot list its threads: it has no list()")
    rows = await cold.list(key=key, after=after, limit=limit)
    refs = [row.ref for row in rows]
    hot_now, gone = await hot.which_hot(refs), await _gone(hot, cold, refs)
    threads = [
        ThreadInfo(
            row.ref, hot=row.ref in hot_now, archived=True, size=row.size, modified=row.modified
        )
        for row in rows
        if row.ref not in gone
    ]
    return ThreadPage(threads, _COLD + rows[-1].path if len(rows) == limit else None)


async def _gone(hot: HotTier, cold: ColdTier, refs: Sequence[ThreadRef]) -> set[ThreadRef]:
    """Threads whose archive is a late put of one that was deleted: it must not count."""
    dead = await hot.dead_writes(refs)
    heads = {ref: await cold.read(ref) for ref in dead}  # few: gates live for an hour
    return {ref for ref, head in heads.items() if head and head.snapshot.write_id in dead[ref]}
