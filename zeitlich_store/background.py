"""The event loop behind `open_store_sync`, and who may use it when."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from typing import Any, Final, TypeVar

from .errors import ConfigurationError

T = TypeVar("T")
_THREAD: Final = "zeitlich-store"


class Background:
    """The event loop of this process's blocking stores, in a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; it is cancelled where waiting for it is interrupted."""
        self.refuse_own_loop(work)
        loop = self._started()
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def refuse_own_loop(self, work: Coroutine[Any, Any, T]) -> None:
        """`RuntimeError` on that very loop, which would wait for itself."""
        if threading.current_thread().name == _THREAD:
            work.close()
            raise RuntimeError("a blocking store cannot be used on its own event loop")

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():  # a fork has no threads but one
                self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
                target = self._loop.run_forever
                threading.Thread(target=target, name=_THREAD, daemon=True).start()
            return self._loop


background: Final = Background()


class Desk:
    """Takes a blocking store's work while the store is open; its threads and sessions share it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open = False
        self._under_way = 0

    def open(self, work: Coroutine[Any, Any, T]) -> T:
        """Open the store by `work`."""
        done = background.run(work)
        with self._changed:
            self._open = True
        return done

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; `ConfigurationError` where the store is not open."""
        with self._changed:
            if not self._open:
                work.close()
                raise ConfigurationError(
                    "the store is not open, or closed by now: use it, its threads and its "
                    "sessions inside `with open_store_sync(...) as store`"
                )
            self._under_way += 1
        try:
            return background.run(work)
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def close(self, work: Coroutine[Any, Any, T]) -> T:
        """Take no more work, let what is under way end, then close the store by `work`."""
        background.refuse_own_loop(work)
        with self._changed:
            self._open = False
            self._changed.wait_for(lambda: not self._under_way)
        return background.run(work)

    def each(self, rows: AsyncGenerator[T, None]) -> Rows[T]:
        """The rows, each fetched when it is asked for."""
        return Rows(self, rows)


class Rows(Iterator[T]):
    """The rows of an async generator, without ``await``.

    One that is dropped half-read needs no finalizer: asyncio has the generator closed on its loop.
    A finalizer here would wait for that loop, also on the loop's own thread, and for ever at the
    interpreter's end, when that thread is stopped.
    """

    def __init__(self, desk: Desk, rows: AsyncGenerator[T, None]) -> None:
        self._desk, self._rows = desk, rows

    def __next__(self) -> T:
        try:
            return self._desk.run(_next(self._rows))
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """Read no more, and wait until what was under way has ended."""
        background.run(_close(self._rows))


async def _next(rows: AsyncGenerator[T, None]) -> T:
    return await anext(rows)


async def _close(rows: AsyncGenerator[T, None]) -> None:
    await rows.aclose()
