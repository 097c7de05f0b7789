"""Flush and hydrate: the only place where the tiers meet.

The rules are those of the commit protocol (docs/design.md). `cold` is None for a store without a
cold tier.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Literal

from . import _cpu
from .errors import ConflictError, HotTierUnavailableError, ThreadNotFoundError
from .flush import ROUNDS, Flush, delete_version
from .models import Archived, Base, Outcome, Snapshot, ThreadRef
from .protocols import ColdTier, HotTier, NamingColdTier
from .results import FlushResult, FlushStatus, HydrateResult, HydrateStatus
from .snapshot.ids import place_ids

IdOfRaw = Callable[[str], str | None]
Keep = Literal["hot", "archive"]
log = logging.getLogger("zeitlich_store")


def new_op() -> str:
    """A fresh operation id: 64 random bits, of which a thread remembers the last ones."""
    return secrets.token_hex(8)


def checked_ref(cold: ColdTier | None, key: str, thread_id: str) -> ThreadRef:
    """The thread's name; `ValueError` where either tier has no place for it."""
    ref = ThreadRef(key, thread_id)
    if cold is not None and isinstance(cold, NamingColdTier):
        cold.check(ref)
    return ref


async def hydrate(
    hot: HotTier, cold: ColdTier | None, ref: ThreadRef, *, id_of: IdOfRaw | None
) -> HydrateResult:
    """Bring a thread from the archive into the hot tier, unless it is hot already."""
    result, _ = await _make_hot(hot, cold, ref, id_of=id_of, create=None)
    return result


async def open_or_create(
    hot: HotTier, cold: ColdTier | None, ref: ThreadRef, *, id_of: IdOfRaw | None, op: str
) -> tuple[HydrateResult, bool]:
    """`hydrate`, or an empty new thread where there is none; whether it was made."""
    return await _make_hot(hot, cold, ref, id_of=id_of, create=op)


async def _make_hot(
    hot: HotTier,
    cold: ColdTier | None,
    ref: ThreadRef,
    *,
    id_of: IdOfRaw | None,
    create: str | None,
) -> tuple[HydrateResult, bool]:
    for _ in range(ROUNDS):
        status = await hot.status(ref)
        if status.hot:
            return HydrateResult(HydrateStatus.HOT), False
        archived = await cold.read(ref) if cold else None
        if archived is not None:
            outcome = await _restore(hot, cold, ref, archived, status.gate, id_of)
        elif create is not None:
            outcome = await hot.initialize(ref, op=create, gate=status.gate)
        else:
            return HydrateResult(HydrateStatus.NOT_FOUND), False
        if outcome is Outcome.OK:
            return _hydrated(archived), archived is None
        if outcome is Outcome.HOT:
            return HydrateResult(HydrateStatus.HOT), False
    raise restless(ref)


def _hydrated(archived: Archived | None) -> HydrateResult:
    if archived is None:
        return HydrateResult(HydrateStatus.NOT_FOUND)
    snapshot = archived.snapshot
    return HydrateResult(
        HydrateStatus.RESTORED,
        messages=len(snapshot.messages),
        bytes=archived.size,
        generation=snapshot.generation or None,
    )


async def _restore(
    hot: HotTier,
    cold: ColdTier | None,
    ref: ThreadRef,
    archived: Archived,
    gate: str,
    id_of: IdOfRaw | None,
) -> Outcome:
    snapshot = await _placed(archived, id_of)
    outcome = await hot.restore(ref, snapshot, base=_base(archived), gate=gate, op=new_op())
    if outcome is Outcome.DEAD and cold:
        # A put of a deleted thread that landed late: remove exactly that version, look again.
        await delete_version(cold, ref, archived.token)
    return outcome


async def _placed(archived: Archived, id_of: IdOfRaw | None) -> Snapshot:
    """The snapshot with each message id at the index of its message."""
    size = sum(map(len, archived.snapshot.messages))
    return await _cpu.run(place_ids, archived.snapshot, id_of, size=size)


async def read_archive(hot: HotTier, cold: ColdTier | None, ref: ThreadRef) -> Archived | None:
    """The archive for readers: a version whose put must not count any more is not there."""
    archived = await cold.read(ref) if cold else None
    if archived is None or not archived.snapshot.write_id:
        return archived
    dead = await hot.dead_writes([ref])
    return None if archived.snapshot.write_id in dead.get(ref, ()) else archived


async def replace(hot: HotTier, cold: ColdTier | None, ref: ThreadRef, *, op: str) -> None:
    """Discard what is hot for an empty thread that replaces the archive version there is now."""
    archived = await cold.read(ref) if cold else None
    base = _base(archived) if archived else None
    await hot.initialize(ref, op=op, gate="", replace=True, base=base)


def _base(archived: Archived) -> Base:
    snapshot = archived.snapshot
    return Base(archived.token, snapshot.generation, snapshot.write_id)


async def fork(
    hot: HotTier,
    cold: ColdTier | None,
    ref: ThreadRef,
    target: ThreadRef,
    *,
    op: str,
    fresh: bool,
) -> None:
    """Copy a hot thread; `fresh` says that the target's id is new and random."""
    gate = None if fresh else (await hot.status(target)).gate
    if not fresh and await _forked(hot, cold, target, op):
        return
    outcome = await hot.fork(ref, target, op=op, gate=gate)
    if outcome is Outcome.NOT_HOT:
        raise ThreadNotFoundError(f"thread {str(ref)!r} is not hot; hydrate it before forking")
    if outcome is Outcome.HOT:
        raise _exists(target)
    # Stale: the target was there meanwhile. Made by this very fork it may be archived already.
    if outcome is Outcome.STALE and not await _forked(hot, cold, target, op):
        raise _exists(target)


async def _forked(hot: HotTier, cold: ColdTier | None, target: ThreadRef, op: str) -> bool:
    """Whether the target's archive is that of this very fork; `ConflictError` for any other."""
    archived = await read_archive(hot, cold, target)
    if archived is None:
        return False
    if op not in {entry.partition("=")[0] for entry in archived.snapshot.ops}:
        raise _exists(target)
    return True


def _exists(target: ThreadRef) -> ConflictError:
    return ConflictError(f"thread {str(target)!r} exists already; fork to another id, or delete it")


def restless(ref: ThreadRef) -> HotTierUnavailableError:
    """The error of a step that others were faster than each time: the thread is there, retry."""
    return HotTierUnavailableError(
        f"thread {str(ref)!r} was archived or deleted by others {ROUNDS} times in a row; retry"
    )


async def delete(hot: HotTier, cold: ColdTier | None, ref: ThreadRef) -> None:
    """Remove a thread from both tiers, and copies that others made hot meanwhile."""
    token = await hot.delete(ref, op=new_op())
    removed = await cold.delete(ref) if cold else []
    tokens = [*([token] if token else []), *(version.token for version in removed)]
    write_ids = [version.write_id for version in removed if version.write_id]
    await hot.finish_delete(ref, op=new_op(), tokens=tokens, write_ids=write_ids)


async def flush(
    hot: HotTier, cold: ColdTier | None, ref: ThreadRef, *, keep: bool = False
) -> FlushResult:
    """Archive a thread and free the hot tier (or keep it there, clean).

    Raises:
        ConflictError: The archive is not the version this copy was made from; nothing was
            overwritten, the thread is still hot.
        HotTierCorruptError: Part of the thread is gone; nothing was archived.
        ColdTierUnavailableError: Nothing is lost: the thread is still hot; retry.
    """
    if cold is None:
        return FlushResult(FlushStatus.NOTHING, hot=(await hot.status(ref)).hot)
    return await Flush(hot, cold, ref, keep=keep).run()


async def resolve(
    hot: HotTier, cold: ColdTier | None, ref: ThreadRef, *, keep: Keep
) -> FlushResult:
    """Flush, and where that is a conflict, keep one of the two versions for good.

    ``"hot"`` replaces exactly the version found; one that is newer still is another conflict.
    """
    for _ in range(ROUNDS):
        try:
            return await flush(hot, cold, ref)
        except ConflictError as exc:
            if cold is None or exc.revision is None:
                raise
            if keep == "hot":
                return await Flush(hot, cold, ref, keep=False).replace(exc.archive)
            # Exactly the copy that is in conflict: what others append or hydrate since stays.
            if await hot.drop(ref, op=new_op(), revision=exc.revision):
                return FlushResult(FlushStatus.DROPPED)
    raise restless(ref)
