"""Listing hot threads: SCAN for meta keys, then the page's fields, all in one request."""

from __future__ import annotations

from .. import keys as names
from ..models import HotInfo, ThreadRef
from .redis_link import RedisLink
from .redis_scripts import Arg
from .redis_wire import Meta

_FIELDS = ("inc", "ctr", "n", "dirty", "generation", "token")
_GONE = -2  # what PTTL answers where the key has expired since


async def scan(link: RedisLink, key: str, cursor: str, limit: int) -> tuple[list[HotInfo], str]:
    """One page of a thread key's hot threads and the next cursor ("" at the end)."""
    found, following = await link.scan(cursor, names.scan_pattern(key), limit)
    reads: list[tuple[Arg, ...]] = []
    for name in found:
        reads += [("HMGET", name, *_FIELDS), ("PTTL", name)]
    replies = await link.read_each(reads) if reads else []
    rows = zip(found, replies[::2], replies[1::2], strict=True)
    page = [
        info(_ref(name), _meta(fields), pttl)
        for name, fields, pttl in rows
        if isinstance(fields, list) and fields[0] is not None and pttl != _GONE
    ]
    return page, following


def info(ref: ThreadRef, meta: Meta, pttl: int) -> HotInfo:
    """A listing row of what meta says; `pttl` in milliseconds, negative where none is set."""
    return HotInfo(
        ref=ref,
        messages=meta.messages,
        dirty=meta.dirty,
        generation=meta.generation,
        revision=meta.revision,
        token=meta.token,
        expires_in=None if pttl < 0 else pttl / 1000,
    )


def _ref(name: bytes | str) -> ThreadRef:
    return names.ref_of_meta_key(name if isinstance(name, str) else name.decode("ascii"))


def _meta(fields: list[bytes]) -> Meta:
    inc, ctr, n, dirty, generation, token = (field.decode() for field in fields)
    return Meta(dirty == "1", int(generation), f"{inc}:{ctr}", token or None, int(n))
