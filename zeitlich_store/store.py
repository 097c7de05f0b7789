"""The store: hands out threads and sessions, reads and lists across both tiers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Final, Literal, Self

from . import _json, tiering, upkeep
from .abilities import PrivateHotTier
from .errors import ConfigurationError
from .listing import list_threads
from .messages import Deserialize, IdOf, MessageFormat, Serialize, default_id_of
from .models import ThreadRef
from .protocols import Codec, ColdTier, HotTier
from .reading import Reader
from .results import Checked, Converted, ThreadContents, ThreadPage, ThreadStat
from .session import Mode, Session
from .snapshot.salvage import Salvaged
from .thread import Thread, check_last
from .transfers import TRANSFERS, Transfers

DEFAULT_KEY: Final = "messages"
log = logging.getLogger("zeitlich_store")


class ThreadStore:
    """Conversation threads in two tiers; made by `open_store`, used as an async context manager.

    Args:
        hot: The hot tier.
        cold: The cold tier; None: threads live in the hot tier alone.
        name_hot: How the hot tier is called in `repr` and logs; holds no secret.
        name_cold: As `name_hot`.
        max_transfers: Threads that move between the tiers at a time; others wait for their turn.
    """

    def __init__(
        self,
        hot: HotTier,
        cold: ColdTier | None,
        *,
        name_hot: str = "hot tier",
        name_cold: str = "cold tier",
        max_transfers: int = TRANSFERS,
    ) -> None:
        self._hot, self._cold = hot, cold
        self._names = (name_hot, name_cold)
        self._transfers = Transfers(max_transfers)
        self._reader = Reader(hot, cold, self._transfers)
        self._open = False

    def __repr__(self) -> str:
        return f"ThreadStore(hot={self._names[0]!r}, cold={self._names[1]!r})"

    @property
    def hot(self) -> HotTier:
        """The hot tier, for admin tools."""
        return self._hot

    @property
    def cold(self) -> ColdTier | None:
        """The cold tier, None in hot-only mode."""
        return self._cold

    async def __aenter__(self) -> Self:
        return await self.open()

    async def open(self) -> Self:
        """Connect both tiers, where ``async with`` does not fit; `aclose` has to follow.

        Raises:
            ConfigurationError: A tier cannot be used the way it is configured.
        """
        await self._hot.open()
        if self._cold is not None:
            try:
                await self._cold.open()
            except BaseException:  # closes, raises again
                await self._hot.aclose()
                raise
        self._transfers.open()
        self._open = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await self.aclose()
        except Exception as failure:
            if exc is None:
                raise
            log.exception("closing %s failed", self)
            exc.add_note(f"closing {self} failed: {failure!r}")

    async def aclose(self) -> None:
        """Close both tiers; a private (memory) hot tier is archived first, and takes no changes.

        A caller's own client or filesystem object stays open. Raises what archiving raised, after
        everything is closed. Calling it again does nothing, but goes on where it was cancelled.
        """
        if not self._open:
            return
        try:
            await self._archive_private()
        except Exception:  # closes, raises again; a cancelled close goes on later
            await self._close()
            raise
        await self._close()

    async def _close(self) -> None:
        self._open = False
        try:
            await self._hot.aclose()
        finally:
            if self._cold is not None:
                await self._cold.aclose()

    async def _archive_private(self) -> None:
        """Flush what is dirty in a hot tier that ends with this store."""
        if self._cold is None or not isinstance(self._hot, PrivateHotTier):
            return
        self._hot.seal()  # an append that is acknowledged now would be in neither tier
        refs = self._hot.dirty_threads()
        results = await asyncio.gather(*map(self._flush, refs), return_exceptions=True)
        failed = [
            (ref, r) for ref, r in zip(refs, results, strict=True) if isinstance(r, BaseException)
        ]
        if failed:
            first = failed[0][1]
            first.add_note(f"not archived: {', '.join(str(ref) for ref, _ in failed)}")
            raise first

    async def _flush(self, ref: ThreadRef) -> None:
        async with self._transfers.turn():
            await tiering.flush(self._hot, self._cold, ref)

    # -- threads ---------------------------------------------------------------------------

    def thread(
        self,
        thread_id: str,
        *,
        key: str = DEFAULT_KEY,
        id_of: IdOf | None = default_id_of,
        serialize: Serialize = _json.dumps,
        deserialize: Deserialize = _json.loads,
    ) -> Thread:
        """A handle on a thread, without I/O.

        Args:
            thread_id: Any text of 1 to 1,024 bytes (format v1 of the archive allows 200 and no
                slash, control character or leading dot).
            key: The thread key: threads of different keys never meet.
            id_of: A message's id, by which it is stored once only; None: no deduplication. By
                default the message's ``"id"`` where that is a non-empty string. For large
                archives it is called in a worker thread.
            serialize: Message to text; compact JSON by default. The text is kept exactly.
            deserialize: Text to message.
        """
        messages = MessageFormat(id_of, serialize, deserialize)
        ref = self._ref(key, thread_id)
        return Thread(self._hot, self._cold, ref, messages, self._transfers)

    def session(
        self,
        thread_id: str | None = None,
        *,
        mode: Mode = "auto",
        new_id: str | None = None,
        key: str = DEFAULT_KEY,
        id_of: IdOf | None = default_id_of,
        serialize: Serialize = _json.dumps,
        deserialize: Deserialize = _json.loads,
    ) -> Session:
        """A session on a thread: ``async with store.session("t-42") as thread``.

        Args:
            thread_id: The thread; None: a new one with a random id (not for continue and fork).
            mode: ``auto``: continue the thread where it exists in either tier, else begin it.
                ``continue``: `ThreadNotFoundError` where there is none. ``new``: begin empty; what
                is hot is discarded, and the flush replaces the archive there was at entry.
                ``fork``: continue a copy of the thread under another id.
            new_id: Id of the fork; None: a random one.
            key: As in `thread`, like the other arguments.
            id_of: As in `thread`.
            serialize: As in `thread`.
            deserialize: As in `thread`.
        """
        ref = None if thread_id is None else self._ref(key, thread_id)
        self._check_open()
        messages = MessageFormat(id_of, serialize, deserialize)
        return Session(
            self._hot,
            self._cold,
            ref,
            mode=mode,
            key=key,
            new_id=new_id,
            messages=messages,
            transfers=self._transfers,
        )

    async def read(
        self,
        thread_id: str,
        *,
        key: str = DEFAULT_KEY,
        last: int | None = None,
        deserialize: Deserialize = _json.loads,
    ) -> ThreadContents:
        """Messages (the last `last` of them) and state, from the tier that has them.

        Neither tier is changed: for viewers and evaluations.

        Raises:
            ThreadNotFoundError: The thread is in neither tier.
        """
        check_last(last)
        ref, messages = self._ref(key, thread_id), MessageFormat(deserialize=deserialize)
        return await self._reader.contents(ref, last, messages)

    async def stat(self, thread_id: str, *, key: str = DEFAULT_KEY) -> ThreadStat:
        """What both tiers hold of a thread; `ThreadNotFoundError` where neither has it."""
        return await self._reader.stat(self._ref(key, thread_id))

    async def list(
        self, *, key: str = DEFAULT_KEY, limit: int = 100, cursor: str | None = None
    ) -> ThreadPage:
        """One page of the threads of a thread key: those never archived, then the archived ones.

        `limit` is the number of threads asked for; a page may hold a few more or fewer, and is
        empty only where no more follow. Pass its `cursor` back for the next one (None: the end).
        A thread archived while it is listed may show twice.
        """
        self._check_open()
        return await list_threads(self._hot, self._cold, key=key, limit=limit, cursor=cursor)

    async def delete(self, thread_id: str, *, key: str = DEFAULT_KEY) -> None:
        """Remove a thread from both tiers; one that is in neither is no error."""
        await tiering.delete(self._hot, self._cold, self._ref(key, thread_id))

    # -- looking after archives --------------------------------------------------------------

    def verify(
        self, thread_id: str | None = None, *, key: str | None = DEFAULT_KEY
    ) -> AsyncGenerator[Checked, None]:
        """Read archives and check every byte of them; a row for each object, nothing is changed.

        One thread's, a thread key's, or (`key` None) all below the prefix.
        """
        self._check_open()
        ref = None if thread_id is None else self._ref(key or DEFAULT_KEY, thread_id)
        return upkeep.verify(self._cold, ref=ref, key=key)

    async def salvage(self, thread_id: str, *, key: str = DEFAULT_KEY) -> Salvaged:
        """The readable messages of a damaged archive, and what is missing."""
        return await upkeep.salvage(self._cold, self._ref(key, thread_id))

    def convert(
        self,
        thread_id: str | None = None,
        *,
        format: Literal["v1", "v2"],  # noqa: A002  # the name it has in a URL
        key: str | None = DEFAULT_KEY,
        codec: Codec | None = None,
        keep_v1: bool = False,
    ) -> AsyncGenerator[Converted, None]:
        """Rewrite archives in another format and `codec` (None: the store's); a row for each.

        One thread's, a thread key's, or (`key` None) all below the prefix. What is in that format
        and codec already is passed over, so that a conversion that was stopped goes on when it is
        run again. Threads that are hot are left alone: flush them first. One that is deleted at
        the very moment it is converted may be back: delete it again.
        """
        self._check_open()
        ref = None if thread_id is None else self._ref(key or DEFAULT_KEY, thread_id)
        return upkeep.convert(
            self._hot, self._cold, format=format, ref=ref, key=key, codec=codec, keep_v1=keep_v1
        )

    def _ref(self, key: str, thread_id: str) -> ThreadRef:
        self._check_open()
        return tiering.checked_ref(self._cold, key, thread_id)

    def _check_open(self) -> None:
        if not self._open:
            raise ConfigurationError(
                "the store is not open: use it as `async with open_store(...) as store`"
            )
