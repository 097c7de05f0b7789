"""Tiers that fail on purpose: replies get lost, others act at the worst moment."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final

from zeitlich_store.errors import ColdTierUnavailableError
from zeitlich_store.models import Archived, Expected, Removed, Snapshot, ThreadRef, Version, Written
from zeitlich_store.protocols import ColdTier, HotTier

Action = Callable[[], Awaitable[object]]
CHANGES: Final = frozenset({"append", "replace_all", "truncate_from_id", "save_state"})


class FaultyHotTier:
    """A hot tier of which replies get lost, so that calls are sent twice with the same arguments.

    Whatever it is not told to spoil goes to `inner` as it is.
    """

    def __init__(self, inner: HotTier) -> None:
        self._inner = inner
        self._until_lost = 0
        self._between: Action | None = None
        self.before_evict: list[Action] = []

    def lose_reply(self, calls: int) -> None:
        """Lose the reply of the `calls`-th call from now."""
        self._until_lost = calls

    def lose_reply_of_change(self, between: Action) -> None:
        """Lose the reply of the next change; `between` happens before it is sent again."""
        self._between = between

    def calm(self) -> None:
        """Forget what has not gone wrong yet, the reply of `lose_reply` apart."""
        self._between = None
        self.before_evict = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await self._call(name, lambda: found(*args, **kwargs))

        return call

    async def _call(self, name: str, send: Action) -> object:
        if name == "evict" and self.before_evict:
            await self.before_evict.pop(0)()
        answer = await send()
        if name in CHANGES and self._between:
            between, self._between = self._between, None
            await between()
            return await send()
        self._until_lost -= 1
        return await send() if self._until_lost == 0 else answer


class FaultyColdTier:
    """A cold tier of which writes fail, before or after they landed, or are overtaken."""

    def __init__(self, inner: ColdTier) -> None:
        self._inner = inner
        self.before_write: list[Action] = []
        self.fail = ""

    def calm(self) -> None:
        """Forget what has not gone wrong yet."""
        self.before_write = []
        self.fail = ""

    async def open(self) -> None:
        """Open the tier inside."""
        await self._inner.open()

    async def aclose(self) -> None:
        """Close the tier inside."""
        await self._inner.aclose()

    async def read(self, ref: ThreadRef) -> Archived | None:
        """Read from the tier inside."""
        return await self._inner.read(ref)

    async def write(self, ref: ThreadRef, snapshot: Snapshot, *, expected: Expected) -> Written:
        """Write, unless `fail` is ``"before"``; the reply is lost where it is ``"after"``."""
        if self.before_write:
            await self.before_write.pop(0)()
        if self.fail != "before":
            written = await self._inner.write(ref, snapshot, expected=expected)
        if self.fail:
            raise ColdTierUnavailableError(f"failed on purpose {self.fail} the write")
        return written

    async def delete(self, ref: ThreadRef, *, expected: Expected = Version.ANY) -> list[Removed]:
        """Delete in the tier inside."""
        return await self._inner.delete(ref, expected=expected)
