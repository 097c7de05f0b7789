"""One thread's contents and figures, from whichever tier has them; neither is changed."""

from __future__ import annotations

from . import tiering
from .errors import ThreadNotFoundError
from .messages import MessageFormat
from .models import Archived, ThreadRef
from .protocols import ColdTier, HotTier
from .results import ThreadContents, ThreadStat
from .thread import parse_state
from .transfers import Transfers


class Reader:
    """Looks at threads; an archive is read in a turn of its own."""

    def __init__(self, hot: HotTier, cold: ColdTier | None, transfers: Transfers) -> None:
        self._hot, self._cold, self._transfers = hot, cold, transfers

    async def contents(
        self, ref: ThreadRef, last: int | None, messages: MessageFormat
    ) -> ThreadContents:
        """As `ThreadStore.read`."""
        view = await self._hot.read(ref, last)
        if view is not None:
            return ThreadContents(
                messages.messages(view.messages), parse_state(ref, view.state), "hot"
            )
        archived = await self._archive(ref)
        if archived is None:
            raise _nowhere(ref)
        raws = archived.snapshot.messages
        tail = raws if last is None else raws[len(raws) - min(last, len(raws)) :]
        return ThreadContents(
            messages.messages(tail), parse_state(ref, archived.snapshot.state), "cold"
        )

    async def stat(self, ref: ThreadRef) -> ThreadStat:
        """As `ThreadStore.stat`."""
        hot = await self._hot.info(ref)
        archived = await self._archive(ref)
        if archived is None:
            if hot is None:
                raise _nowhere(ref)
            return ThreadStat(ref, hot, None, None)
        snapshot = archived.snapshot
        return ThreadStat(
            ref, hot, len(snapshot.messages), archived.size, snapshot.generation or None
        )

    async def _archive(self, ref: ThreadRef) -> Archived | None:
        async with self._transfers.turn():
            return await tiering.read_archive(self._hot, self._cold, ref)


def _nowhere(ref: ThreadRef) -> ThreadNotFoundError:
    return ThreadNotFoundError(f"thread {str(ref)!r} is in neither tier")
