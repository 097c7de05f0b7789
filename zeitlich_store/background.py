"""The event loop behind `open_store_sync`, and who may use it when."""

from __future__ import annotations

import asyncio
import os
import selectors
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from typing import Any, Final, TypeVar

from . import inheritance
from .errors import ConfigurationError

T = TypeVar("T")
_THREAD: Final = "zeitlich-store"


class Background:
    """The event loop of this process's blocking stores, in a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._selector: selectors.BaseSelector | None = None
        self._inherited: list[object] = []

    def after_fork(self) -> None:
        """In a child: begin anew, since the loop's thread and whoever held the lock are gone.

        The parent's loop is kept, as asyncio warns of one that is dropped.
        """
        self._lock = threading.Lock()
        if self._selector is not None:
            inheritance.let_go(self._selector)
        self._inherited.append(self._loop)
        self._loop = self._thread = self._selector = None

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
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a blocking store cannot be used on its own event loop")

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop, self._selector = inheritance.new_loop()
                target = self._loop.run_forever
                self._thread = threading.Thread(target=target, name=_THREAD, daemon=True)
                self._thread.start()
            return self._loop


background: Final = Background()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=background.after_fork)


class Desk:
    """Takes a blocking store's work while the store is open; its threads and sessions share it.

    A process that was forked meanwhile has the sockets of the one that opened the store, and would
    take its answers: there all work is refused, before any lock, as one may be inherited held.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open = False
        self._under_way = 0
        self._pid = 0  # of the process that has connections; 0: none

    @property
    def forked(self) -> bool:
        """Whether this is another process than the one that opened the store."""
        return self._pid not in {0, os.getpid()}

    def refuse_fork(self, work: Coroutine[Any, Any, T] | None = None) -> None:
        """`ConfigurationError` in a process forked from the one that opened the store."""
        if self.forked:
            if work is not None:
                work.close()
            raise ConfigurationError("a store does not go through a fork: open one in each process")

    def open(self, work: Coroutine[Any, Any, T]) -> T:
        """Open the store by `work`."""
        self.refuse_fork(work)
        before, self._pid = self._pid, os.getpid()
        if not before:
            self._changed = threading.Condition()  # the old one may be inherited held
        try:
            done = background.run(work)
        except Exception:
            self._pid = before
            raise
        with self._changed:
            self._open = True
        return done

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; `ConfigurationError` where the store is not open."""
        self.refuse_fork(work)
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

    def close(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Take no more work, let what is under way end, then close the store by `work`.

        In a forked process the connections are the parent's, and left alone.
        """
        if self.forked:
            work.close()
            return None
        background.refuse_own_loop(work)
        with self._changed:
            self._open = False
            self._changed.wait_for(lambda: not self._under_way)
        done = background.run(work)
        self._pid = 0
        return done

    def each(self, rows: AsyncGenerator[T, None]) -> Rows[T]:
        """The rows, each fetched when it is asked for."""
        self.refuse_fork()
        return Rows(self, rows)


class Rows(Iterator[T]):
    """The rows of an async generator, without ``await``.

    One that is dropped half-read needs no finalizer: asyncio has the generator closed on its loop.
    A finalizer here would wait for that loop, also on the loop's own thread, and for ever at the
    interpreter's end, when that thread is stopped.
    """

    def __init__(self, desk: Desk, rows: AsyncGenerator[T, None]) -> None:
        self._desk, self._rows = desk, rows
        self._turn = asyncio.Lock()  # a generator may be asked for one thing at a time

    def __next__(self) -> T:
        try:
            return self._desk.run(self._next())
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """Read no more, and wait until what was under way has ended."""
        if not self._desk.forked:
            background.run(self._close())

    async def _next(self) -> T:
        async with self._turn:
            return await anext(self._rows)

    async def _close(self) -> None:
        async with self._turn:
            await self._rows.aclose()
