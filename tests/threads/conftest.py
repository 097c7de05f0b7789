"""Stores on both hot tiers, whose every call is recorded and can be made to fail.

Each test runs on the asynchronous store and on the blocking one of `open_store_sync`.
"""

import uuid

import pytest

from zeitlich_store import ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.codecs.gzip import GzipCodec

from ..awaited import AwaitedStore, OnTheLoop


class Recorder:
    """Passes calls on, notes their names, and runs what a test hooks before or after them.

    A test uses the tier itself as `inner`.
    """

    def __init__(self, tier, calls, inner=None):
        self._tier, self.calls = tier, calls
        self.inner = tier if inner is None else inner
        self.before, self.after = {}, {}

    def __getattr__(self, name):
        found = getattr(self._tier, name)
        if name in {"open", "aclose", "check", "seal", "dirty_threads", "client"} or not callable(
            found
        ):
            return found

        async def call(*args, **kwargs):
            self.calls.append(name)
            await self._hook(self.before, name)
            result = await found(*args, **kwargs)
            await self._hook(self.after, name)
            return result

        return call

    @staticmethod
    async def _hook(hooks, name):
        """A hook is used once; a list of them one a call."""
        hook = hooks.get(name)
        if isinstance(hook, list):
            hook = hook.pop(0) if hook else None
        else:
            hooks.pop(name, None)
        if hook is not None:
            await hook()


class Bench:
    """A store, its recorded tiers and the names of the calls in order."""

    def __init__(self, hot, cold):
        self.calls, self._tiers = [], (hot, cold)
        self.hot, self.cold = (self._recorded(tier) for tier in self._tiers)
        self.store = self._made(ThreadStore(self.hot, self.cold))
        self.id = f"t-{uuid.uuid4().hex}"

    def _recorded(self, tier):
        return Recorder(tier, self.calls)

    def _made(self, store, *, opened=False):
        store._open = opened
        return store

    def other(self):
        """A second store on the same tiers, not recorded; already open, as its tiers are."""
        return self._made(ThreadStore(*self._tiers), opened=True)

    async def archived(self, thread_id=None):
        """What the archive holds, None where there is nothing."""
        ref = self.store.thread(thread_id or self.id).ref
        found = await self.cold.inner.read(ref)
        return None if found is None else found.snapshot

    def puts(self):
        return self.calls.count("write")


class BlockingBench(Bench):
    """The same around a blocking store, whose tiers are open on its own loop."""

    def _recorded(self, tier):
        return Recorder(tier, self.calls, inner=OnTheLoop(tier))

    def _made(self, store, *, opened=False):
        return AwaitedStore.of(store, opened=opened)


KINDS = ["memory", "redis", "blocking memory", "blocking redis"]
"""The hot tier, and whether the store is the blocking one; `tests.contracts` counts these."""


def _bench(request, format_name="v2"):
    kind, hot = request.param, MemoryHotTier()
    if "redis" in kind:
        hot = RedisHotTier.from_url(request.getfixturevalue("redis_server").url)
    store = MemoryObjectStore(uuid.uuid4().hex)
    made = BlockingBench if "blocking" in kind else Bench
    return made(hot, ObjectArchive(store, GzipCodec(), format=format_name))


async def _opened(bench):
    async with bench.store:
        bench.calls.clear()
        yield bench
        bench.hot.before.clear()
        bench.cold.before.clear()


@pytest.fixture(params=KINDS)
async def bench(request):
    async for bench in _opened(_bench(request)):
        yield bench


@pytest.fixture(params=KINDS)
async def v1_bench(request):
    """An archive in format v1, which has no room for generation and write id."""
    async for bench in _opened(_bench(request, "v1")):
        yield bench


@pytest.fixture(params=[kind for kind in KINDS if "redis" in kind])
async def redis_bench(request):
    async for bench in _opened(_bench(request)):
        yield bench


@pytest.fixture(params=[kind for kind in KINDS if "blocking" not in kind])
async def waiting_bench(request):
    """For what the asynchronous store alone can do."""
    async for bench in _opened(_bench(request)):
        yield bench
