"""Flush and hydrate: the only place where the tiers meet.

The rules are those of the commit protocol (docs/design.md). `cold` is None for a store without a
cold tier.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from . import _cpu
from .errors import (
    ConflictError,
    HotTierUnavailableError,
    PreconditionFailedError,
    ThreadNotFoundError,
)
from .models import Archived, Base, EvictOutcome, HotExport, Outcome, Snapshot, ThreadRef, Version
from .protocols import ColdTier, HotTier, NamingColdTier
from .results import FlushResult, FlushStatus, HydrateResult, HydrateStatus
from .snapshot.ids import place_ids

IdOfRaw = Callable[[str], str | None]
ROUNDS = 4
"""How often a step that finds the world changed starts again before it says so."""
REFUSALS = 8
"""How often a flush's write may find another version before the flush gives way to others."""
log = logging.getLogger("zeitlich_store")


def new_op() -> str:
    """A fresh operation id."""
    return secrets.token_hex(16)


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
    raise _restless(ref)


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
    base = Base(archived.token, snapshot.generation)
    outcome = await hot.restore(ref, snapshot, base=base, gate=gate, op=new_op())
    if outcome is Outcome.DEAD and cold:
        # A put of a deleted thread that landed late: remove exactly that version, look again.
        await _delete_version(cold, ref, archived.token)
    return outcome


async def _placed(archived: Archived, id_of: IdOfRaw | None) -> Snapshot:
    """The snapshot with each message id at the index of its message."""
    size = sum(map(len, archived.snapshot.messages))
    return await _cpu.run(place_ids, archived.snapshot, id_of, size=size)


async def replace(hot: HotTier, cold: ColdTier | None, ref: ThreadRef, *, op: str) -> None:
    """Discard what is hot for an empty thread that replaces the archive version there is now."""
    archived = await cold.read(ref) if cold else None
    base = Base(archived.token, archived.snapshot.generation) if archived else None
    await hot.initialize(ref, op=op, gate="", replace=True, base=base)


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
    for _ in range(ROUNDS):
        gate = None if fresh else (await hot.status(target)).gate
        if not fresh and cold and await cold.read(target) is not None:
            raise _exists(target)
        outcome = await hot.fork(ref, target, op=op, gate=gate)
        if outcome is Outcome.OK:
            return
        if outcome is Outcome.HOT:
            raise _exists(target)
        if outcome is Outcome.NOT_HOT:
            raise ThreadNotFoundError(f"thread {str(ref)!r} is not hot; hydrate it before forking")
    raise _restless(target)


def _exists(target: ThreadRef) -> ConflictError:
    return ConflictError(f"thread {str(target)!r} exists already; fork to another id, or delete it")


def _restless(ref: ThreadRef) -> HotTierUnavailableError:
    return HotTierUnavailableError(
        f"thread {str(ref)!r} was archived or deleted by others {ROUNDS} times in a row; retry"
    )


async def delete(hot: HotTier, cold: ColdTier | None, ref: ThreadRef) -> None:
    """Remove a thread from both tiers, and copies that others made hot meanwhile."""
    token = await hot.delete(ref, op=new_op())
    removed = await cold.delete(ref) if cold else []
    tokens = [*([token] if token else []), *(version.token for version in removed)]
    write_ids = [v.snapshot.write_id for v in removed if v.snapshot.write_id]
    await hot.finish_delete(ref, op=new_op(), tokens=tokens, write_ids=write_ids)


async def flush(
    hot: HotTier, cold: ColdTier | None, ref: ThreadRef, *, keep: bool = False
) -> FlushResult:
    """Archive a thread and free the hot tier (or keep it there, clean).

    Raises:
        HotTierCorruptError: Part of the thread is gone; nothing was archived.
        ColdTierUnavailableError: Nothing is lost: the thread is still hot; retry.
    """
    if cold is None:
        return FlushResult(FlushStatus.NOTHING, hot=(await hot.status(ref)).hot)
    return await _Flush(hot, cold, ref, keep=keep).run()


class _Flush:
    """One flush: export, put, evict, and again while the thread keeps changing."""

    def __init__(self, hot: HotTier, cold: ColdTier, ref: ThreadRef, *, keep: bool) -> None:
        self._hot, self._cold, self._ref, self._keep = hot, cold, ref, keep
        self._bytes = self._messages = 0
        self._generation: int | None = None

    async def run(self) -> FlushResult:
        export = await self._hot.export(self._ref)
        if export is None:
            return FlushResult(FlushStatus.NOTHING)
        expected, rounds, refusals = export.token, 0, 0
        while rounds < ROUNDS and refusals < REFUSALS:
            try:
                base = await self._archive(export, expected)
            except PreconditionFailedError:
                refusals += 1
                head = await self._cold.read(self._ref)
                # Exported after the head was read: it knows every attempt the head may be of.
                fresh = await self._hot.export(self._ref)
                expected = self._explain(export, fresh, head) if fresh else None
            else:
                rounds += 1
                outcome = await self._evict(export, base)
                if outcome is not EvictOutcome.CHANGED:
                    return self._done(export, outcome, rounds)
                fresh = await self._hot.export(self._ref)
                expected = fresh.token if fresh else None
            if fresh is None:
                return self._result(FlushStatus.GONE, rounds)
            export = fresh
        return self._result(FlushStatus.STILL_HOT, rounds, hot=True)

    async def _archive(self, export: HotExport, expected: str | None) -> Base:
        """The archive version that holds an export; a clean one has it already."""
        if not export.dirty and export.token:
            return Base(export.token, export.generation)
        return await self._write(export, expected)

    async def _write(self, export: HotExport, expected: str | None) -> Base:
        written = await self._cold.write(
            self._ref, export.snapshot, expected=expected or Version.ABSENT
        )
        self._bytes += written.size
        self._messages = len(export.snapshot.messages)
        self._generation = written.generation
        return Base(written.token, export.generation + 1)

    def _explain(self, old: HotExport, fresh: HotExport, head: Archived | None) -> str | None:
        """The version to replace next, after a put was refused because the head is another."""
        if (fresh.incarnation, fresh.token) != (old.incarnation, old.token):
            return fresh.token  # another client archived the thread and it is hot anew
        if head is None:
            return None
        known = head.snapshot.messages
        if fresh.snapshot.messages[: len(known)] != known:
            # Format v1 has no write ids: an attempt of our own whose reply was lost and that was
            # truncated since looks like this, and so does a foreign writer. The last writer wins.
            log.warning(
                "thread %s: replacing an archive this copy was not made from (format v1 cannot "
                "tell another writer from a lost reply)",
                self._ref,
            )
        return head.token

    async def _evict(self, export: HotExport, base: Base) -> EvictOutcome:
        head = export.write_id if export.dirty else None
        outcome = await self._hot.evict(self._ref, export, base=base, head=head, keep=self._keep)
        if outcome is EvictOutcome.UNDO:
            await _delete_version(self._cold, self._ref, base.token)
        return outcome

    def _done(self, export: HotExport, outcome: EvictOutcome, rounds: int) -> FlushResult:
        if outcome is EvictOutcome.UNDO:
            return self._result(FlushStatus.GONE, rounds)
        status = FlushStatus.ARCHIVED if export.dirty else FlushStatus.CLEAN
        self._messages = len(export.snapshot.messages)
        return self._result(status, rounds, hot=self._keep and outcome is EvictOutcome.EVICTED)

    def _result(self, status: FlushStatus, rounds: int, *, hot: bool = False) -> FlushResult:
        return FlushResult(
            status,
            messages=0 if status is FlushStatus.GONE else self._messages,
            bytes=self._bytes,
            generation=self._generation,
            hot=hot,
            rounds=rounds,
        )


async def _delete_version(cold: ColdTier, ref: ThreadRef, token: str) -> None:
    try:
        await cold.delete(ref, expected=token)
    except PreconditionFailedError:
        log.info("thread %s: the version to remove was replaced meanwhile", ref)
