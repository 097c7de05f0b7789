"""One flush: export, conditional put, evict, and again while the world changes meanwhile.

The rules are those of the commit protocol, docs/design.md; each was found because a run without it
lost data.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Final, NamedTuple

from .errors import ConflictError, PreconditionFailedError
from .models import Archived, Base, EvictOutcome, HotExport, Snapshot, ThreadRef, Version
from .protocols import ColdTier, HotTier
from .results import FlushResult, FlushStatus

ROUNDS: Final = 4
"""How often a step that finds the world changed starts again before it says so."""
REFUSALS: Final = 16
"""How often a flush's write may find another version before the flush gives way to others."""
ARCHIVED_OPS: Final = 16
"""How many operation ids go into the archive with a thread: the last ones."""
_UNDO: Final = {EvictOutcome.DEAD, EvictOutcome.UNDO}
DECIDES: Final = "resolve('hot') or resolve('archive') decides"
"""How an error says what ends a conflict; the command line has words of its own for it."""
log = logging.getLogger("zeitlich_store")


class _Target(NamedTuple):
    """The archive version a write replaces: its token (None: there is none) and generation."""

    token: str | None
    generation: int


class _Stored(NamedTuple):
    """The archive version that holds an export, and its write id (None: nothing was written)."""

    base: Base
    write_id: str | None = None


class Flush:
    """Archives one thread and frees the hot tier, or (`keep`) leaves it there, clean."""

    def __init__(self, hot: HotTier, cold: ColdTier, ref: ThreadRef, *, keep: bool) -> None:
        self._hot, self._cold, self._ref, self._keep = hot, cold, ref, keep
        self._bytes = self._messages = self._rounds = 0
        self._generation: int | None = None
        self._target: _Target | None = None
        self._versioned = True
        self._forced = False

    async def run(self) -> FlushResult:
        """Flush.

        Raises:
            ConflictError: The archive is a version that nothing explains.
        """
        export = await self._hot.export(self._ref)
        if export is None:
            return FlushResult(FlushStatus.NOTHING)
        refusals, mine = 0, export.incarnation
        while self._rounds < ROUNDS and refusals < REFUSALS:
            stored = await self._store(export)
            if stored is None:
                refusals += 1
                fresh, stored = await self._refused(export, mine)
                if fresh is None:
                    return self._result(FlushStatus.GONE)
                export = fresh
                if stored is None:
                    continue
            outcome = await self._evict(export, stored)
            if outcome is not EvictOutcome.CHANGED:
                return self._done(export, outcome)
            self._target, self._forced = None, False
            again = await self._hot.export(self._ref)
            if again is None:
                return self._result(FlushStatus.GONE)
            export = again
        return self._result(FlushStatus.STILL_HOT, hot=True)

    async def replace(self, found: Archived | None) -> FlushResult:
        """Flush over exactly this version (None: where there is none), whatever explains it."""
        generation = found.snapshot.generation if found else 0
        self._target = _Target(found.token if found else None, generation)
        self._forced = True
        return await self.run()

    async def _store(self, export: HotExport) -> _Stored | None:
        """The version that holds an export; None where the write was refused."""
        if not export.dirty and export.token and not self._forced:
            return _Stored(Base(export.token, export.generation))
        target = self._target or _Target(export.token, export.generation)
        snapshot = _version(export, target.generation + 1)
        try:
            written = await self._cold.write(
                self._ref, snapshot, expected=target.token or Version.ABSENT
            )
        except PreconditionFailedError:
            return None
        self._bytes += written.size
        self._messages = len(snapshot.messages)
        self._generation = written.generation
        self._versioned = written.generation is not None
        return _Stored(Base(written.token, snapshot.generation), export.write_id)

    async def _refused(self, old: HotExport, mine: str) -> tuple[HotExport | None, _Stored | None]:
        """After a refused write: what is hot now, and the version that holds it, if one does.

        A conflict of another incarnation than `mine`, which is archived, is not this flush's.
        """
        head = await self._cold.read(self._ref)
        if head and head.snapshot.write_id == old.write_id:
            return old, self._adopted(head)  # it landed, its reply was lost
        # Exported after the head was read: it knows every attempt the head may be of.
        fresh = await self._hot.export(self._ref)
        if fresh is None:
            return None, None
        try:
            return fresh, self._explain(old, fresh, head)
        except ConflictError:
            if self._rounds and fresh.incarnation != mine:
                return None, None
            raise

    def _explain(self, old: HotExport, fresh: HotExport, head: Archived | None) -> _Stored | None:
        """The version that holds the fresh export, or None and a new target."""
        tried = self._target.token if self._target else old.token
        if (fresh.incarnation, fresh.token) != (old.incarnation, old.token):
            self._target = None  # another client archived the thread and it is hot anew
            return None
        if (head.token if head else None) == tried:
            return None  # refused for a reason that has passed
        if head is None:
            raise self._conflict(None, fresh)
        if head.snapshot.write_id in fresh.pending and _equal(head.snapshot, fresh.snapshot):
            return self._adopted(head)
        if not (
            head.snapshot.write_id in {*fresh.pending, *fresh.dead}
            or head.snapshot.same_content(fresh.snapshot)
        ):
            self._foreign(head, fresh)
        self._target = _Target(head.token, head.snapshot.generation)
        return None

    def _adopted(self, head: Archived) -> _Stored:
        self._target = None
        self._generation = head.snapshot.generation or None
        self._messages = len(head.snapshot.messages)
        return _Stored(Base(head.token, head.snapshot.generation), head.snapshot.write_id)

    def _foreign(self, head: Archived, fresh: HotExport) -> None:
        """Another writer's version: a conflict where the tier can tell it from a lost reply."""
        if head.versioned:
            raise self._conflict(head, fresh)
        known = head.snapshot.messages
        if fresh.snapshot.messages[: len(known)] != known:
            log.warning(
                "thread %s: replacing an archive this copy was not made from (format v1 cannot "
                "tell another writer from a lost reply)",
                self._ref,
            )

    def _conflict(self, head: Archived | None, fresh: HotExport) -> ConflictError:
        what = f"generation {head.snapshot.generation}" if head else "gone"
        error = ConflictError(
            f"thread {str(self._ref)!r}: the archive is {what}, not the version this hot copy was "
            f"made from; nothing was overwritten. {DECIDES}"
        )
        error.archive, error.revision = head, fresh.revision
        return error

    async def _evict(self, export: HotExport, stored: _Stored) -> EvictOutcome:
        self._rounds += 1
        outcome = await self._hot.evict(
            self._ref, export, base=stored.base, head=stored.write_id, keep=self._keep
        )
        if outcome is EvictOutcome.DEAD and not self._versioned:
            # A token says here what was stored, not by whom: it may be the other's archive.
            return EvictOutcome.GONE
        if outcome in _UNDO:
            await delete_version(self._cold, self._ref, stored.base.token)
        return outcome

    def _done(self, export: HotExport, outcome: EvictOutcome) -> FlushResult:
        if outcome in _UNDO:
            return self._result(FlushStatus.GONE)
        status = FlushStatus.ARCHIVED if export.dirty or self._forced else FlushStatus.CLEAN
        self._messages = len(export.snapshot.messages)
        return self._result(status, hot=self._keep and outcome is EvictOutcome.EVICTED)

    def _result(self, status: FlushStatus, *, hot: bool = False) -> FlushResult:
        return FlushResult(
            status,
            messages=0 if status is FlushStatus.GONE else self._messages,
            bytes=self._bytes,
            generation=self._generation,
            hot=hot,
            rounds=self._rounds,
        )


def _version(export: HotExport, generation: int) -> Snapshot:
    """What an export becomes in the archive."""
    snapshot, ops = export.snapshot, export.snapshot.ops[-ARCHIVED_OPS:]
    return replace(snapshot, generation=generation, write_id=export.write_id, ops=ops)


def _equal(head: Snapshot, hot: Snapshot) -> bool:
    """Whether an archive version holds what is hot, down to the operations it remembers."""
    return head.same_content(hot) and head.ops == hot.ops[-ARCHIVED_OPS:]


async def delete_version(cold: ColdTier, ref: ThreadRef, token: str) -> None:
    """Remove exactly this version, if it is still there."""
    try:
        await cold.delete(ref, expected=token)
    except PreconditionFailedError:
        log.info("thread %s: the version to remove was replaced meanwhile", ref)
