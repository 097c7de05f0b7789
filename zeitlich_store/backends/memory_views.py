"""The threads in this process's memory, and the looks at them that change nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter

from ..models import HotInfo, HotView, ThreadRef
from .memory_records import Gates, Record, tail


class MemoryViews:
    """Records and gates by thread; what has expired is not there."""

    def __init__(
        self, records: dict[ThreadRef, Record], gates: Gates, clock: Callable[[], float]
    ) -> None:
        self._records, self._gates, self._clock = records, gates, clock

    def _find(self, ref: ThreadRef) -> Record | None:
        record = self._records.get(ref)
        if record and record.expires_at <= self._clock():
            del self._records[ref]
            return None
        return record

    async def read(self, ref: ThreadRef, last: int | None = None) -> HotView | None:
        record = self._find(ref)
        return HotView(tail(record.messages, last), record.state) if record else None

    async def which_hot(self, refs: Sequence[ThreadRef]) -> set[ThreadRef]:
        return {ref for ref in refs if self._find(ref)}

    async def dead_writes(self, refs: Sequence[ThreadRef]) -> Mapping[ThreadRef, AbstractSet[str]]:
        return {ref: frozenset(dead) for ref in refs if (dead := self._gates.dead(ref))}

    async def info(self, ref: ThreadRef) -> HotInfo | None:
        record = self._find(ref)
        return record.info(ref, self._clock()) if record else None

    async def scan(
        self, *, key: str, cursor: str = "", limit: int = 100
    ) -> tuple[list[HotInfo], str]:
        refs = sorted(
            (r for r in self._records if r.key == key and r.id > cursor), key=attrgetter("id")
        )
        rows = [r.info(ref, self._clock()) for ref in refs[:limit] if (r := self._find(ref))]
        return rows, refs[limit - 1].id if len(refs) > limit else ""
