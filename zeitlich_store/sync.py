"""The same store without ``await``: one background event loop, safe from many threads.

Every method runs the one it is named after on the background loop and waits for it, so that
docstrings, contracts and errors are those of `ThreadStore`, `Thread` and `Session`.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar, cast

from ._secrets import hidden
from .factory import open_store
from .messages import Message
from .models import ThreadRef
from .results import (
    Checked,
    Converted,
    FlushResult,
    HydrateResult,
    ThreadContents,
    ThreadPage,
    ThreadStat,
)
from .session import Session, SessionThread
from .snapshot.salvage import Salvaged
from .store import DEFAULT_KEY, ThreadStore
from .thread import Thread
from .tiering import Keep

T = TypeVar("T")


class _Background:
    """The event loop of this process's blocking stores, in a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; it is cancelled where waiting for it is interrupted."""
        loop = self._started()
        if threading.current_thread().name == _THREAD:
            work.close()
            raise RuntimeError("a blocking store cannot be used on its own event loop")
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():  # a fork has no threads but one
                self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
                target = self._loop.run_forever
                threading.Thread(target=target, name=_THREAD, daemon=True).start()
            return self._loop


_THREAD: Final = "zeitlich-store"
_background: Final = _Background()


def open_store_sync(*args: Any, **kwargs: Any) -> BlockingStore:
    """`open_store` for code without an event loop; the arguments are the same.

    >>> with open_store_sync("memory://", "memory://doc-sync") as store:
    ...     with store.session("t-1") as thread:
    ...         thread.append({"id": "m1", "text": "hi"})
    ...     store.read("t-1").messages
    1
    [{'id': 'm1', 'text': 'hi'}]
    """
    args, kwargs = tuple(map(hidden, args)), {name: hidden(each) for name, each in kwargs.items()}
    return BlockingStore(open_store(*args, **kwargs))


class BlockingStore:
    """`ThreadStore`, as a plain context manager."""

    def __init__(self, store: ThreadStore) -> None:
        self._store = store

    def __repr__(self) -> str:
        return repr(self._store).replace("ThreadStore", type(self).__name__, 1)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _background.run(self._store.__aexit__(exc_type, exc, traceback))

    def open(self) -> Self:
        """As `ThreadStore.open`."""
        _background.run(self._store.open())
        return self

    def close(self) -> None:
        """As `ThreadStore.aclose`."""
        _background.run(self._store.aclose())

    def thread(self, thread_id: str, **options: Any) -> BlockingThread:
        """As `ThreadStore.thread`."""
        return BlockingThread(self._store.thread(thread_id, **options))

    def session(self, thread_id: str | None = None, **options: Any) -> BlockingSession:
        """As `ThreadStore.session`, used with ``with``."""
        return BlockingSession(self._store.session(thread_id, **options))

    def read(self, thread_id: str, **options: Any) -> ThreadContents:
        """As `ThreadStore.read`."""
        return _background.run(self._store.read(thread_id, **options))

    def stat(self, thread_id: str, *, key: str = DEFAULT_KEY) -> ThreadStat:
        """As `ThreadStore.stat`."""
        return _background.run(self._store.stat(thread_id, key=key))

    def list(self, **options: Any) -> ThreadPage:
        """As `ThreadStore.list`."""
        return _background.run(self._store.list(**options))

    def delete(self, thread_id: str, *, key: str = DEFAULT_KEY) -> None:
        """As `ThreadStore.delete`."""
        _background.run(self._store.delete(thread_id, key=key))

    def verify(
        self, thread_id: str | None = None, *, key: str | None = DEFAULT_KEY
    ) -> Iterator[Checked]:
        """As `ThreadStore.verify`."""
        return _each(self._store.verify(thread_id, key=key))

    def convert(self, thread_id: str | None = None, **options: Any) -> Iterator[Converted]:
        """As `ThreadStore.convert`."""
        return _each(self._store.convert(thread_id, **options))

    def salvage(self, thread_id: str, *, key: str = DEFAULT_KEY) -> Salvaged:
        """As `ThreadStore.salvage`."""
        return _background.run(self._store.salvage(thread_id, key=key))


class BlockingThread:
    """`Thread`, without ``await``."""

    def __init__(self, thread: Thread) -> None:
        self._thread = thread

    def __repr__(self) -> str:
        return repr(self._thread).replace(type(self._thread).__name__, type(self).__name__, 1)

    @property
    def id(self) -> str:
        """The thread's id."""
        return self._thread.id

    @property
    def key(self) -> str:
        """The thread key."""
        return self._thread.key

    @property
    def ref(self) -> ThreadRef:
        """Thread key and id."""
        return self._thread.ref

    def initialize(self, *, replace: bool = False) -> bool:
        """As `Thread.initialize`."""
        return _background.run(self._thread.initialize(replace=replace))

    def exists(self) -> bool:
        """As `Thread.exists`."""
        return _background.run(self._thread.exists())

    def hydrate(self) -> HydrateResult:
        """As `Thread.hydrate`."""
        return _background.run(self._thread.hydrate())

    def flush(self, *, delete_hot: bool = True) -> FlushResult:
        """As `Thread.flush`."""
        return _background.run(self._thread.flush(delete_hot=delete_hot))

    def resolve(self, keep: Keep) -> FlushResult:
        """As `Thread.resolve`."""
        return _background.run(self._thread.resolve(keep))

    def drop_hot(self) -> bool:
        """As `Thread.drop_hot`."""
        return _background.run(self._thread.drop_hot())

    def delete(self) -> None:
        """As `Thread.delete`."""
        _background.run(self._thread.delete())

    def fork(self, new_id: str | None = None) -> BlockingThread:
        """As `Thread.fork`."""
        return BlockingThread(_background.run(self._thread.fork(new_id)))

    def append(self, *messages: Message) -> int:
        """As `Thread.append`."""
        return _background.run(self._thread.append(*messages))

    def load(self, last: int | None = None) -> list[Message]:
        """As `Thread.load`."""
        return _background.run(self._thread.load(last))

    def length(self) -> int:
        """As `Thread.length`."""
        return _background.run(self._thread.length())

    def replace_all(self, *messages: Message) -> None:
        """As `Thread.replace_all`."""
        _background.run(self._thread.replace_all(*messages))

    def truncate_from_id(self, message_id: str) -> int:
        """As `Thread.truncate_from_id`."""
        return _background.run(self._thread.truncate_from_id(message_id))

    def load_state(self) -> dict[str, Any] | None:
        """As `Thread.load_state`."""
        return _background.run(self._thread.load_state())

    def save_state(self, state: Mapping[str, Any]) -> None:
        """As `Thread.save_state`."""
        _background.run(self._thread.save_state(state))

    def delete_state(self) -> None:
        """As `Thread.delete_state`."""
        _background.run(self._thread.delete_state())


class BlockingSessionThread(BlockingThread):
    """`SessionThread`: a `BlockingThread` with `state`."""

    @property
    def state(self) -> dict[str, Any]:
        """The state slice, a JSON dict; the session saves what it holds at the end."""
        return cast("SessionThread", self._thread).state

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        cast("SessionThread", self._thread).state = state


class BlockingSession:
    """`Session`, as a plain context manager."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> BlockingSessionThread:
        return BlockingSessionThread(_background.run(self._session.__aenter__()))

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> Literal[False]:
        _background.run(self._session.__aexit__(exc_type, exc, traceback))
        return False


def _each(rows: AsyncGenerator[T, None]) -> Iterator[T]:
    """The rows, each fetched when it is asked for."""
    try:
        while True:
            try:
                yield _background.run(_next(rows))
            except StopAsyncIteration:
                return
    finally:
        _background.run(_close(rows))


async def _next(rows: AsyncGenerator[T, None]) -> T:
    return await anext(rows)


async def _close(rows: AsyncGenerator[T, None]) -> None:
    await rows.aclose()
