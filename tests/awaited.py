"""A blocking store as tests of the asynchronous one await it, so that both run the same bodies.

A call waits in a worker thread. What a test does in the middle of a call, on the background loop,
where a blocking store refuses to wait for itself, uses the asynchronous store inside.
"""

import asyncio
import inspect
import threading

from zeitlich_store.background import background
from zeitlich_store.sync import BlockingStore


def on_the_loop():
    """Whether this is the loop that blocking stores use."""
    return threading.current_thread().name == "zeitlich-store"


class Awaited:
    """A blocking thread; `state` and whatever else is no call passes through."""

    def __init__(self, blocking):
        self.blocking = blocking

    def __getattr__(self, name):
        found = getattr(self.blocking, name)
        if not callable(found):
            return found

        async def call(*args, **kwargs):
            done = await asyncio.to_thread(found, *args, **kwargs)
            return Awaited(done) if name == "fork" else done

        return call


class AwaitedSession:
    """A blocking session."""

    def __init__(self, blocking):
        self.blocking = blocking

    async def __aenter__(self):
        return Awaited(await asyncio.to_thread(self.blocking.__enter__))

    async def __aexit__(self, *raised):
        return await asyncio.to_thread(self.blocking.__exit__, *raised)


class AwaitedStore(Awaited):
    """A blocking store."""

    @classmethod
    def of(cls, store, *, opened=False):
        """Of the asynchronous store inside; `opened`: its tiers are open already."""
        blocking = BlockingStore(store)
        blocking._desk._open = store._open = opened
        return cls(blocking)

    async def __aenter__(self):
        await self.open()
        return self

    async def __aexit__(self, *raised):
        await asyncio.to_thread(self.blocking.__exit__, *raised)

    def thread(self, *args, **options):
        if on_the_loop():
            return self.blocking._store.thread(*args, **options)
        return Awaited(self.blocking.thread(*args, **options))

    def session(self, *args, **options):
        if on_the_loop():
            return self.blocking._store.session(*args, **options)
        return AwaitedSession(self.blocking.session(*args, **options))

    def __getattr__(self, name):
        if name in {"hot", "cold"}:
            return OnTheLoop(getattr(self.blocking._store, name))
        return getattr(self.blocking._store, name) if on_the_loop() else super().__getattr__(name)


class OnTheLoop:
    """A tier, or what it holds, that was opened on the background loop: calls are made there."""

    def __init__(self, inner):
        vars(self)["inner"] = inner

    def __setattr__(self, name, value):
        setattr(self.inner, name, value)

    def __delattr__(self, name):
        vars(self.inner).pop(name, None)  # monkeypatch takes back each of two patches

    def __getattr__(self, name):
        found = getattr(self.inner, name)
        if on_the_loop():
            return found
        return _called_there(found) if callable(found) else OnTheLoop(found)


def _called_there(found):
    async def call(*args, **kwargs):
        done = found(*args, **kwargs)
        return await done if inspect.isawaitable(done) else done

    async def wait(*args, **kwargs):
        return await asyncio.to_thread(background.run, call(*args, **kwargs))

    return wait
