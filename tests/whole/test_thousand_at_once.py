"""A thousand threads flushed and hydrated at the same time, on every backend.

``pytest -rP tests/whole/test_thousand_at_once.py`` shows times and memory; connections and the
threads held at a time are asserted.
"""

import asyncio
import gc
import resource
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from zeitlich_store import FlushStatus, HydrateStatus, ThreadStore, open_store
from zeitlich_store.transfers import TRANSFERS

from ..backends import tiers_of
from .leftovers import sockets

THREADS = 1000
BACKENDS = [
    *("memory+memory", "memory+file", "redis+file", "cluster+memory", "sentinel+memory"),
    *("redis+s3", "memory+r2", "redis+gs", "memory+az", "memory+ftp"),
    *("memory+webdav", "memory+sftp"),
]
CONNECTIONS = {"memory": 0, "redis": 64, "sentinel": 64 + 64, "cluster": 3 * 64 + 3}
"""To Redis, at most: as many as `max_connections` says, for each server. Each that is made asks
Sentinel on one of its own, and a cluster's nodes are found by some more."""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sockets are counted in /proc")
MESSAGES = [
    {"id": f"m{n}", "role": "user", "content": f"{n}: " + "words " * 150} for n in range(20)
]


class Counted:
    """A hot tier that counts the threads between the tiers: exported and not evicted yet, asked
    for and not restored yet."""

    def __init__(self, hot):
        self.hot, self.now, self.peak = hot, 0, 0

    def __getattr__(self, name):
        return getattr(self.hot, name)

    def _begin(self):
        self.now += 1
        self.peak = max(self.peak, self.now)

    async def export(self, ref):
        self._begin()
        return await self.hot.export(ref)

    async def evict(self, *args, **options):
        self.now -= 1
        return await self.hot.evict(*args, **options)

    async def status(self, ref):
        self._begin()
        return await self.hot.status(ref)

    async def restore(self, *args, **options):
        self.now -= 1
        return await self.hot.restore(*args, **options)


def resident():
    """Memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024**2


@asynccontextmanager
async def watched(peak):
    """Keep the most sockets and memory seen, every 10 ms."""

    async def look():
        while True:
            peak["sockets"] = max(peak["sockets"], sockets())
            peak["MiB"] = max(peak["MiB"], resident())
            await asyncio.sleep(0.01)

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        task.cancel()


async def timed(calls):
    begun = time.perf_counter()
    return await asyncio.gather(*calls), time.perf_counter() - begun


@pytest.mark.parametrize("name", BACKENDS)
async def test_a_thousand_flushes_and_hydrates_at_a_time_are_bounded(name, request, tmp_path):
    tiers = tiers_of(name, request, tmp_path / "threads")
    made = open_store(tiers.hot, f"{tiers.cold}?legacy=off", storage_options=tiers.options)
    hot = Counted(made.hot)
    gc.collect()
    before = peak = {"sockets": sockets(), "MiB": resident()}
    peak = dict(before)
    async with ThreadStore(hot, made.cold) as store, watched(peak):
        threads = [store.thread(f"{tmp_path.name}-{n}") for n in range(THREADS)]
        await asyncio.gather(*(thread.initialize() for thread in threads))
        for thread in threads:
            await thread.append(*MESSAGES)
        hot.now = hot.peak = 0
        flushed, flush_seconds = await timed(thread.flush() for thread in threads)
        hydrated, hydrate_seconds = await timed(thread.hydrate() for thread in threads)
        assert {each.status for each in flushed} == {FlushStatus.ARCHIVED}
        assert {each.status for each in hydrated} == {HydrateStatus.RESTORED}
        assert [await thread.length() for thread in threads] == [len(MESSAGES)] * THREADS
        await asyncio.gather(*(thread.drop_hot() for thread in threads))
    opened, grown = peak["sockets"] - before["sockets"], peak["MiB"] - before["MiB"]
    print(f"{name}: flush {flush_seconds:.1f} s, hydrate {hydrate_seconds:.1f} s, at most ", end="")
    print(f"{hot.peak} threads between the tiers, {opened} sockets, {grown:.0f} MiB more memory")
    assert 1 <= hot.peak <= TRANSFERS
    # The cold tier's: one for each thread on its way; two for the loop of a library.
    assert opened <= CONNECTIONS[name.partition("+")[0]] + TRANSFERS + 2
