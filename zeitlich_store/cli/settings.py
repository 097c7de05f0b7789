"""The global options, and how every command opens the store they name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import parse_qsl

from ..abilities import PrivateHotTier
from ..factory import COLD_ENV, open_store
from ..store import DEFAULT_KEY, ThreadStore
from ..thread import Thread
from .lines import id_of_line, known_line, raw_of_line

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the global options say; None where one was not given."""

    hot: str | None = field(default=None, repr=False)
    cold: str | None = field(default=None, repr=False)
    codec: str | None = None
    given_key: str | None = None
    as_json: bool = False

    @property
    def key(self) -> str:
        """The thread key."""
        return self.given_key or DEFAULT_KEY

    @property
    def named_codec(self) -> str | None:
        """The codec that --codec names, else the cold URL; None where neither does."""
        url = self.cold or os.environ.get(COLD_ENV) or ""
        return self.codec or dict(parse_qsl(url.partition("?")[2])).get("codec")

    def open(self) -> ThreadStore:
        """The store, not entered yet; `ConfigurationError` for a bad URL."""
        return open_store(self.hot, self.cold, codec=self.codec)

    def run(self, work: Callable[[ThreadStore], Awaitable[T]]) -> T:
        """Do `work` with the store open."""

        async def inside() -> T:
            async with self.open() as store:
                return await work(store)

        return asyncio.run(inside())

    def thread(self, store: ThreadStore, thread_id: str) -> Thread:
        """A handle whose messages are `Line`s: exact text, parsed only for the id."""
        return store.thread(
            thread_id,
            key=self.key,
            id_of=id_of_line,
            serialize=raw_of_line,
            deserialize=known_line,
        )


async def settle(store: ThreadStore, thread: Thread) -> str:
    """Archive a thread that would end with this process; where it is now: ``cold`` or ``hot``."""
    if store.cold is None or not isinstance(store.hot, PrivateHotTier):
        return "hot"
    await thread.flush()
    return "cold"


def refuse_to_forget(store: ThreadStore) -> None:
    """`ValueError` where nothing that is written would outlive the command."""
    lasting = store.cold is not None and "cold='memory:" not in repr(store)
    if not lasting and isinstance(store.hot, PrivateHotTier):
        raise ValueError("with a memory hot tier and no lasting cold tier nothing would be kept")
