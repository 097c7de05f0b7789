"""Messages land before every request of a running flush, on a real Redis: none is lost.

ZS_INTERLEAVINGS sets how many orders are tried, ZS_SEED where the seeds begin.
"""

import os
import random
from collections import Counter

from zeitlich_store.backends.memory_cold import MemoryObjectStore

from .matrix import Bench, redis_pool

INTERLEAVINGS = int(os.environ.get("ZS_INTERLEAVINGS", "10000"))
FIRST = int(os.environ.get("ZS_SEED", "0"))


class Landing:
    """A gate that appends some messages before it lets a request pass."""

    def __init__(self, bench, thread_id, rng):
        self.thread = bench.store().thread(thread_id)
        self.rng, self.landed = rng, []
        self.eagerness = rng.choice([0.2, 0.5, 0.8, 1.0])

    async def __call__(self, request, send):
        while self.rng.random() < self.eagerness / 2:
            await self.append()
        return await send()

    async def append(self):
        message = {"n": len(self.landed)} | (
            {"id": f"m{len(self.landed)}"} if self.rng.random() < 0.5 else {}
        )
        self.landed.append(message)
        assert await self.thread.append(message) == 1


async def one(bench, seed):
    """One flush with messages landing all through it; its result."""
    rng = random.Random(seed)
    thread_id = f"landing-{seed}-{os.getpid()}"
    landing = Landing(bench, thread_id, rng)
    await landing.thread.initialize()
    await landing.append()
    result = await bench.store(landing).thread(thread_id).flush(delete_hot=rng.random() < 0.7)
    found = await bench.store().read(thread_id)
    assert found.messages == landing.landed, seed
    if result.hot:
        await landing.thread.flush()
        assert (await bench.store().read(thread_id)).messages == landing.landed, seed
    await bench.store().delete(thread_id)
    return result


async def test_an_append_at_any_step_of_a_flush_is_kept_once_and_in_order(
    redis_server, record_testsuite_property
):
    bench = Bench(redis_pool(redis_server), MemoryObjectStore("landing"))
    await bench.load_scripts()
    rounds, ends = Counter(), Counter()
    for seed in range(FIRST, FIRST + INTERLEAVINGS):
        result = await one(bench, seed)
        rounds[result.rounds] += 1
        ends[str(result.status)] += 1
    await bench.pool.aclose()
    record_testsuite_property("flushes by rounds", dict(sorted(rounds.items())))
    record_testsuite_property("flushes by how they ended", dict(ends))
    print(f"\n{INTERLEAVINGS} flushes: rounds {dict(sorted(rounds.items()))}, {dict(ends)}")
    assert rounds[2] > 0
    assert ends["still-hot"] > 0
