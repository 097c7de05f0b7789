"""Listing hot threads: SCAN for meta keys, then the page's fields, all in one request."""

from __future__ import annotations

from .. import keys as names
from ..models import HotInfo, ThreadRef
from .redis_link import RedisLink
from .redis_scripts import Arg
from .redis_wire import META_FIELDS, Meta, scanned_meta

_GONE = -2  # what PTTL answers where the key has expired since


async def scan(link: RedisLink, key: str, cursor: str, limit: int) -> tuple[list[HotInfo], str]:
    """One page of a thread key's hot threads and the next cursor ("" at the end)."""
    names_found, following = await link.scan(cursor, names.scan_pattern(key), limit)
    refs = [ref for name in names_found if (ref := _ref(name)) is not None]
    reads: list[tuple[Arg, ...]] = []
    for ref in refs:
        name = names.meta_key(ref.key, ref.id)
        reads += [("HMGET", name, *META_FIELDS), ("PTTL", name)]
    replies = await link.read_each(reads) if reads else []
    rows = zip(refs, replies[::2], replies[1::2], strict=True)
    page = [
        info(ref, scanned_meta(fields), pttl)
        for ref, fields, pttl in rows
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


def _ref(name: bytes | str) -> ThreadRef | None:
    """The thread a key of Redis belongs to; None: it is another application's."""
    try:
        text = name if isinstance(name, str) else name.decode("ascii")
        ref = names.ref_of_meta_key(text)
    except ValueError:
        return None
    return ref if names.meta_key(ref.key, ref.id) == text else None
