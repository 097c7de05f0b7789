"""The hot tier in this process's memory: the embedded default, private to its store.

The rules are those of the Redis scripts. Nothing awaits between looking and writing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace as changed

from ..errors import ConfigurationError
from ..keys import THREAD_TTL_SECONDS
from ..models import (
    Base,
    Entry,
    EvictOutcome,
    HotExport,
    HotStatus,
    Outcome,
    Snapshot,
    ThreadRef,
)
from .hot_errors import not_hot, unplaced
from .memory_records import GATE_SECONDS, Gates, Record, parse_ops, tail
from .memory_views import MemoryViews


class MemoryHotTier(MemoryViews):
    """Holds hot threads in memory.

    Args:
        ttl_seconds: How long a thread stays after it was archived or hydrated.
        dirty_ttl_seconds: How long one with changes that are not archived stays.
        clock: Seconds on a clock that never goes back; for tests.
    """

    def __init__(
        self,
        *,
        ttl_seconds: float = 86_400,
        dirty_ttl_seconds: float = THREAD_TTL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clean_ttl = ttl_seconds
        self._dirty_ttl = dirty_ttl_seconds
        super().__init__({}, Gates(clock), clock)
        self._sealed = False

    async def open(self) -> None:
        self._sealed = False

    async def aclose(self) -> None:
        self._records.clear()
        self._gates.clear()

    def seal(self) -> None:
        self._sealed = True

    def dirty_threads(self) -> list[ThreadRef]:
        return [ref for ref in list(self._records) if (r := self._find(ref)) and r.dirty]

    # -- making a thread hot ---------------------------------------------------------------

    async def status(self, ref: ThreadRef) -> HotStatus:
        return HotStatus(self._find(ref) is not None, self._gates.nonce(ref))

    async def initialize(
        self,
        ref: ThreadRef,
        *,
        op: str,
        gate: str,
        replace: bool = False,
        base: Base | None = None,
    ) -> Outcome:
        record = self._find(ref)
        if record and (op in record.ops or not replace):
            return Outcome.OK if op in record.ops else Outcome.HOT
        if not replace and self._gates.nonce(ref) != gate:
            return Outcome.STALE
        if record:
            self._gates.give_up(ref, record)
        record = Record(op, lineage=op, ops={op: 1})
        record.set_base(base)
        return self._create(ref, record)

    async def fork(
        self, ref: ThreadRef, target: ThreadRef, *, op: str, gate: str | None = None
    ) -> Outcome:
        source, found = self._find(ref), self._find(target)
        revision = source.revision if source else None
        if found:
            again = revision is not None and found.counter == 0 and found.fork_of == revision
            return Outcome.OK if again or op in found.ops else Outcome.HOT
        if gate is not None and self._gates.nonce(target) != gate:
            return Outcome.STALE
        if source is None:
            return Outcome.NOT_HOT
        copy = Record(op, list(source.messages), source.state, dict(source.ids), lineage=op)
        copy.ops, copy.fork_of = {op: 1}, revision
        return self._create(target, copy)

    async def restore(
        self,
        ref: ThreadRef,
        snapshot: Snapshot,
        *,
        base: Base | None,
        gate: str,
        op: str,
        dirty: bool = False,
    ) -> Outcome:
        found = self._find(ref)
        if found:
            return Outcome.OK if found.incarnation == op else Outcome.HOT
        if self._gates.nonce(ref) != gate:
            return Outcome.STALE
        if snapshot.write_id and snapshot.write_id in self._gates.dead(ref):
            return Outcome.DEAD
        record = Record(op, list(snapshot.messages), snapshot.state, dict(snapshot.ids))
        record.lineage, record.dirty = snapshot.lineage or op, dirty
        record.ops = parse_ops(snapshot.ops)
        record.set_base(base)
        record.head = snapshot.write_id
        return self._create(ref, record)

    # -- messages and state ------------------------------------------------------------------

    async def append(self, ref: ThreadRef, entries: Sequence[Entry], *, op: str) -> int:
        record = self._changing(ref)
        if op in record.ops:
            return record.ops[op]
        added = record.append(entries)
        return self._commit(record, op, added) if added else 0

    async def load(self, ref: ThreadRef, last: int | None = None) -> list[str]:
        return tail(self._hot(ref).messages, last)

    async def length(self, ref: ThreadRef) -> int:
        return len(self._hot(ref).messages)

    async def replace_all(self, ref: ThreadRef, entries: Sequence[Entry], *, op: str) -> None:
        record = self._changing(ref)
        if op not in record.ops:
            record.messages, record.ids = [], {}
            record.append(entries)
            self._commit(record, op, 1)

    async def truncate_from_id(self, ref: ThreadRef, message_id: str, *, op: str) -> int:
        record = self._changing(ref)
        if op in record.ops:
            return record.ops[op]
        at = record.ids.get(message_id)
        if at is None:
            return 0
        if at < 0:
            raise unplaced(message_id)
        return self._commit(record, op, record.truncate(at))

    async def load_state(self, ref: ThreadRef) -> str | None:
        return self._hot(ref).state

    async def save_state(
        self, ref: ThreadRef, state: str | None, *, op: str, seen: str | None = None
    ) -> bool:
        record = self._changing(ref)
        if op in record.ops:
            return bool(record.ops[op])
        if record.state == state:
            return False
        overwrote = record.state != seen
        record.state = state
        return bool(self._commit(record, op, int(overwrote)))

    # -- archiving and removing ----------------------------------------------------------------

    async def export(self, ref: ThreadRef) -> HotExport | None:
        record = self._find(ref)
        return record.export(secrets.token_hex(16)) if record else None

    async def evict(
        self,
        ref: ThreadRef,
        export: HotExport,
        *,
        base: Base,
        head: str | None,
        keep: bool = False,
    ) -> EvictOutcome:
        record = self._find(ref)
        if record is None:
            if not (head and self._gates.must_not_count(ref, head)):
                return EvictOutcome.GONE
            return EvictOutcome.UNDO if self._gates.deleted(ref) else EvictOutcome.DEAD
        if export.write_id not in record.pending:
            return EvictOutcome.CHANGED
        same_base = record.token == export.token
        now = changed(base, write_id=head or record.head)
        if record.revision != export.revision:
            if same_base and base.token != export.token:
                record.set_base(now)
            return EvictOutcome.CHANGED
        if keep:
            if same_base:
                record.set_base(now)
                record.dirty = False
                record.expires_at = self._clock() + self._clean_ttl
            record.head = now.write_id
            self._gates.give_up(ref, record)
            self._gates.archived(ref, [], head, self._clean_ttl + GATE_SECONDS)
            return EvictOutcome.EVICTED
        dead = [write_id for write_id in record.pending if head and write_id != head]
        del self._records[ref]
        self._gates.archived(ref, dead, head)
        return EvictOutcome.EVICTED

    async def drop(self, ref: ThreadRef, *, op: str, revision: str | None = None) -> bool:
        if op in self._gates.answers(ref):
            return True
        record = self._records.get(ref)
        if record is None or revision not in {None, record.revision}:
            return False
        del self._records[ref]
        self._gates.give_up(ref, record)
        self._gates.close(ref, [])
        self._gates.answers(ref)[op] = None
        return True

    async def delete(self, ref: ThreadRef, *, op: str) -> str | None:
        if op in self._gates.answers(ref):
            return self._gates.answers(ref)[op]
        record = self._records.pop(ref, None)
        head = record.head if record else ""
        words = (*self._gates.past(ref), *(record.pending if record else ()))
        dead = [word for word in words if word != head]
        self._gates.close(ref, dead, deleted=True, doomed=head)
        self._gates.leave_behind(ref)
        return self._gates.answers(ref).setdefault(op, record.token if record else None)

    async def finish_delete(
        self, ref: ThreadRef, *, op: str, tokens: Sequence[str], write_ids: Sequence[str]
    ) -> None:
        del op  # a resend changes nothing more
        record, dead = self._find(ref), [*write_ids, *self._gates.behind(ref)]
        if record and (record.token in tokens or set(record.pending) & set(write_ids)):
            dead += record.pending  # its flushes under way, too
            del self._records[ref]
        self._gates.close(ref, dead, deleted=True)

    # -- records and gates -----------------------------------------------------------------------

    def _changing(self, ref: ThreadRef) -> Record:
        self._check_open()
        return self._hot(ref)

    def _check_open(self) -> None:
        if self._sealed:
            raise ConfigurationError(
                "the store is being closed: nothing was changed; end what uses it first"
            )

    def _hot(self, ref: ThreadRef) -> Record:
        record = self._find(ref)
        if record is None:
            raise not_hot(ref)
        return record

    def _create(self, ref: ThreadRef, record: Record) -> Outcome:
        self._check_open()
        record.dead = list(self._gates.dead(ref))
        record.expires_at = self._clock() + (self._dirty_ttl if record.dirty else self._clean_ttl)
        self._records[ref] = record
        return Outcome.OK

    def _commit(self, record: Record, op: str, reply: int) -> int:
        record.expires_at = self._clock() + self._dirty_ttl
        return record.commit(op, reply)
