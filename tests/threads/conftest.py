"""Stores on both hot tiers, whose every call is recorded and can be made to fail."""

import uuid

import pytest

from zeitlich_store import ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.codecs.gzip import GzipCodec


class Recorder:
    """Passes calls on, notes their names, and runs what a test hooks before or after them."""

    def __init__(self, inner, calls):
        self.inner, self.calls = inner, calls
        self.before, self.after = {}, {}

    def __getattr__(self, name):
        found = getattr(self.inner, name)
        if name in {"open", "aclose", "check", "dirty_threads", "client"} or not callable(found):
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
        self.calls = []
        self.hot, self.cold = Recorder(hot, self.calls), Recorder(cold, self.calls)
        self.store = ThreadStore(self.hot, self.cold)
        self.id = f"t-{uuid.uuid4().hex}"

    def other(self):
        """A second store on the same tiers, not recorded; already open, as its tiers are."""
        store = ThreadStore(self.hot.inner, self.cold.inner)
        store._open = True
        return store

    async def archived(self, thread_id=None):
        """What the archive holds, None where there is nothing."""
        ref = self.store.thread(thread_id or self.id).ref
        found = await self.cold.inner.read(ref)
        return None if found is None else found.snapshot

    def puts(self):
        return self.calls.count("write")


def _bench(request, kind, format_name="v2"):
    hot = MemoryHotTier()
    if kind == "redis":
        hot = RedisHotTier.from_url(request.getfixturevalue("redis_server").url)
    store = MemoryObjectStore(uuid.uuid4().hex)
    return Bench(hot, ObjectArchive(store, GzipCodec(), format=format_name))


async def _opened(bench):
    async with bench.store:
        bench.calls.clear()
        yield bench
        bench.hot.before.clear()
        bench.cold.before.clear()


@pytest.fixture(params=["memory", "redis"])
async def bench(request):
    async for bench in _opened(_bench(request, request.param)):
        yield bench


@pytest.fixture(params=["memory", "redis"])
async def v1_bench(request):
    """An archive in format v1, which has no room for generation and write id."""
    async for bench in _opened(_bench(request, request.param, "v1")):
        yield bench


@pytest.fixture
async def redis_bench(request):
    async for bench in _opened(_bench(request, "redis")):
        yield bench
