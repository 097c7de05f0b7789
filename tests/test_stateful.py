"""A store and a plain model agree after every step, whatever happens, on every kind of tier.

ZS_STATEFUL_EXAMPLES sets the number of examples, ZS_STATEFUL_STEPS that of the steps in each.
"""

import asyncio
import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from zeitlich_store import ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.backends.redis_wire import thread_keys
from zeitlich_store.background import background
from zeitlich_store.codecs.zstd import ZstdCodec
from zeitlich_store.testing.dict_cold import DictColdTier
from zeitlich_store.testing.stateful import PARTS, StoreMachine

from .awaited import AwaitedStore

EXAMPLES = os.environ.get("ZS_STATEFUL_EXAMPLES")
STEPS = int(os.environ.get("ZS_STATEFUL_STEPS", "30"))


class BlockingStores(StoreMachine):
    """Both stores without await; what happens in the middle of a call happens on their loop."""

    async def make_store(self, hot, cold):
        store = AwaitedStore.of(ThreadStore(hot, cold))
        await store.open()
        return store

    def other(self, thread_id):
        return self._stores[1].blocking._store.thread(thread_id)

    async def evict_key(self, ref, part):
        return await asyncio.to_thread(background.run, super().evict_key(ref, part))

    async def _close(self):
        for tier in (*self._hots, self._cold):
            await asyncio.to_thread(background.run, tier.aclose())


def run(machine: type[StoreMachine], *, examples: int) -> None:
    profile = settings(
        max_examples=int(EXAMPLES or examples),
        stateful_step_count=STEPS,
        deadline=None,  # a real server answers when it answers
        derandomize="CI" in os.environ,
        suppress_health_check=[HealthCheck.too_slow],  # as above
    )
    run_state_machine_as_test(machine, settings=profile)


class PlainCold(StoreMachine):
    """A cold tier where the last writer wins."""

    conditional = False

    async def make_cold(self):
        return DictColdTier(conditional=False)


class ConditionalCold(StoreMachine):
    content_tokens = True

    async def make_cold(self):
        return DictColdTier(conditional=True)


class ArchiveCold(StoreMachine):
    """The built-in cold tier."""

    conflicts = True

    async def make_cold(self):
        return ObjectArchive(MemoryObjectStore(f"stateful-{id(self)}"), ZstdCodec())


class V1Cold(StoreMachine):
    """The built-in cold tier in format v1, which looks before it writes."""

    content_tokens = True

    async def make_cold(self):
        store = MemoryObjectStore(f"stateful-{id(self)}")
        return ObjectArchive(store, ZstdCodec(), format="v1")


class MemoryHot(StoreMachine):
    async def make_hot(self):
        self.shared = getattr(self, "shared", None) or MemoryHotTier()
        return self.shared


class RedisHot(StoreMachine):
    """Each store has a client of its own; the server may evict a key."""

    url = ""
    can_evict = True

    async def make_hot(self):
        self.tier = RedisHotTier.from_url(self.url, max_connections=2)
        return self.tier

    async def evict_key(self, ref, part):
        key = dict(zip(PARTS, thread_keys(ref), strict=False))[part]
        return bool(await self.tier.client.delete(key))


@pytest.mark.parametrize("cold", [PlainCold, ConditionalCold, ArchiveCold, V1Cold])
def test_a_store_in_memory_agrees_with_the_model(cold):
    run(type("Machine", (MemoryHot, cold), {}), examples=300)


def test_a_blocking_store_in_memory_agrees_with_the_model():
    run(type("Machine", (BlockingStores, MemoryHot, ArchiveCold), {}), examples=60)


def test_a_blocking_store_on_redis_agrees_with_the_model(redis_server):
    machine = type("Machine", (BlockingStores, RedisHot, ArchiveCold), {"url": redis_server.url})
    run(machine, examples=60)


@pytest.mark.parametrize("cold", [PlainCold, ConditionalCold, ArchiveCold, V1Cold])
def test_a_store_on_redis_agrees_with_the_model(cold, redis_server):
    run(type("Machine", (RedisHot, cold), {"url": redis_server.url}), examples=200)
