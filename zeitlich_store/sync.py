"""The same store without ``await``: one background event loop, safe from many threads.

Every method runs the one it is named after on the background loop and waits for it, so that
docstrings, contracts and errors are those of `ThreadStore`, `Thread` and `Session`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Literal, Self, cast

from ._secrets import hidden
from .background import Desk
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
        self._desk = Desk()
        self._run = self._desk.run

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
        self._desk.close(self._store.__aexit__(exc_type, exc, traceback))

    def open(self) -> Self:
        """As `ThreadStore.open`."""
        self._desk.open(self._store.open())
        return self

    def close(self) -> None:
        """As `ThreadStore.aclose`, behind the calls that other threads have under way.

        What they begin after that is a `ConfigurationError`. Sessions that are still open are not
        waited for, since one that was abandoned would never end: see `BlockingSession`. It does
        nothing in a process forked from the one that opened the store.
        """
        self._desk.close(self._store.aclose())

    def thread(self, thread_id: str, **options: Any) -> BlockingThread:
        """As `ThreadStore.thread`."""
        self._desk.refuse_fork()
        return BlockingThread(self._store.thread(thread_id, **options), self._desk)

    def session(self, thread_id: str | None = None, **options: Any) -> BlockingSession:
        """As `ThreadStore.session`, used with ``with``."""
        self._desk.refuse_fork()
        return BlockingSession(self._store.session(thread_id, **options), self._desk)

    def read(self, thread_id: str, **options: Any) -> ThreadContents:
        """As `ThreadStore.read`."""
        return self._run(self._store.read(thread_id, **options))

    def stat(self, thread_id: str, *, key: str = DEFAULT_KEY) -> ThreadStat:
        """As `ThreadStore.stat`."""
        return self._run(self._store.stat(thread_id, key=key))

    def list(self, **options: Any) -> ThreadPage:
        """As `ThreadStore.list`."""
        return self._run(self._store.list(**options))

    def delete(self, thread_id: str, *, key: str = DEFAULT_KEY) -> None:
        """As `ThreadStore.delete`."""
        self._run(self._store.delete(thread_id, key=key))

    def verify(
        self, thread_id: str | None = None, *, key: str | None = DEFAULT_KEY
    ) -> Iterator[Checked]:
        """As `ThreadStore.verify`."""
        return self._desk.each(self._store.verify(thread_id, key=key))

    def convert(self, thread_id: str | None = None, **options: Any) -> Iterator[Converted]:
        """As `ThreadStore.convert`."""
        return self._desk.each(self._store.convert(thread_id, **options))

    def salvage(self, thread_id: str, *, key: str = DEFAULT_KEY) -> Salvaged:
        """As `ThreadStore.salvage`."""
        return self._run(self._store.salvage(thread_id, key=key))


class BlockingThread:
    """`Thread`, without ``await``."""

    def __init__(self, thread: Thread, desk: Desk) -> None:
        self._thread, self._desk = thread, desk
        self._run = desk.run

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
        return self._run(self._thread.initialize(replace=replace))

    def exists(self) -> bool:
        """As `Thread.exists`."""
        return self._run(self._thread.exists())

    def hydrate(self) -> HydrateResult:
        """As `Thread.hydrate`."""
        return self._run(self._thread.hydrate())

    def flush(self, *, delete_hot: bool = True) -> FlushResult:
        """As `Thread.flush`."""
        return self._run(self._thread.flush(delete_hot=delete_hot))

    def resolve(self, keep: Keep) -> FlushResult:
        """As `Thread.resolve`."""
        return self._run(self._thread.resolve(keep))

    def drop_hot(self) -> bool:
        """As `Thread.drop_hot`."""
        return self._run(self._thread.drop_hot())

    def delete(self) -> None:
        """As `Thread.delete`."""
        self._run(self._thread.delete())

    def fork(self, new_id: str | None = None) -> BlockingThread:
        """As `Thread.fork`."""
        return BlockingThread(self._run(self._thread.fork(new_id)), self._desk)

    def append(self, *messages: Message) -> int:
        """As `Thread.append`."""
        return self._run(self._thread.append(*messages))

    def load(self, last: int | None = None) -> list[Message]:
        """As `Thread.load`."""
        return self._run(self._thread.load(last))

    def length(self) -> int:
        """As `Thread.length`."""
        return self._run(self._thread.length())

    def replace_all(self, *messages: Message) -> None:
        """As `Thread.replace_all`."""
        self._run(self._thread.replace_all(*messages))

    def truncate_from_id(self, message_id: str) -> int:
        """As `Thread.truncate_from_id`."""
        return self._run(self._thread.truncate_from_id(message_id))

    def load_state(self) -> dict[str, Any] | None:
        """As `Thread.load_state`."""
        return self._run(self._thread.load_state())

    def save_state(self, state: Mapping[str, Any]) -> None:
        """As `Thread.save_state`."""
        self._run(self._thread.save_state(state))

    def delete_state(self) -> None:
        """As `Thread.delete_state`."""
        self._run(self._thread.delete_state())


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
    """`Session`, as a plain context manager.

    End it before the store is closed. Where another thread closed the store meanwhile, neither
    state nor archive can be written any more: that is logged and, where the body raised, attached
    to its exception as a note; else it is raised as `ConfigurationError`. Messages that were
    appended are where they were: in Redis, or archived with the rest of a private hot tier.
    """

    def __init__(self, session: Session, desk: Desk) -> None:
        self._session, self._desk = session, desk

    def __enter__(self) -> BlockingSessionThread:
        return BlockingSessionThread(self._desk.run(self._session.__aenter__()), self._desk)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> Literal[False]:
        try:
            self._desk.run(self._session.__aexit__(exc_type, exc, traceback))
        except Exception as failure:  # whatever leaving raised is told beside the body's own
            if exc is None:
                raise
            self._session.note(failure, exc)
        return False
