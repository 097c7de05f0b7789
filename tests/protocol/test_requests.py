"""How many requests the commit protocol costs, by name: they are what a user waits for."""

import uuid

import pytest

from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.testing.gates import FaultAt

from .matrix import Bench, messages, redis_pool

V1_NAMES = ["store get"] * 3


@pytest.fixture
async def bench(redis_server):
    bench = Bench(redis_pool(redis_server), MemoryObjectStore(uuid.uuid4().hex))
    await bench.load_scripts()
    yield bench
    await bench.pool.aclose()


async def requests(bench, step, thread_id="t"):
    """The names of the requests of one step."""
    gate = FaultAt(0, "fail")
    await step(bench.store(gate).thread(thread_id))
    return gate.seen


async def test_a_thread_goes_through_both_tiers_in_these_requests(bench):
    first = await requests(bench, lambda t: t.initialize())
    nowhere = ["store get", *V1_NAMES, "store get"]  # it may have moved to v2 between the looks
    assert first == ["redis status", *nowhere, "redis initialize"]
    assert await requests(bench, lambda t: t.append(*messages("a", "b"))) == ["redis append"]
    flush = ["redis export", "store put_if", "redis evict"]
    assert await requests(bench, lambda t: t.flush()) == flush
    hydrate = ["redis status", "store get", "redis restore"]
    assert await requests(bench, lambda t: t.hydrate()) == hydrate
    assert await requests(bench, lambda t: t.hydrate()) == ["redis status"]
    assert await requests(bench, lambda t: t.flush()) == ["redis export", "redis evict"]
    assert await requests(bench, lambda t: t.flush()) == ["redis export"]


async def test_a_flush_that_lost_its_reply_finds_its_own_version_with_one_get(bench):
    await bench.store().thread("t").initialize()
    gate = FaultAt(2, "lose")
    await bench.store(gate).thread("t").flush()
    assert gate.seen == ["redis export", "store put_if", "store get", "redis evict"]


async def test_a_delete_reads_what_it_deletes(bench):
    async with bench.store().session("t") as thread:
        await thread.append(*messages("a"))
    found = await requests(bench, lambda t: t.delete())
    deleting = ["store get", "store delete_if"]
    assert found == ["redis delete", *V1_NAMES, *deleting, "redis finish_delete"]
