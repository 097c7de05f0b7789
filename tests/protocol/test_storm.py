"""Many writers flush one thread at once while replies get lost: one winner a generation.

Any request of either tier can be hit: gets, puts and deletes, refused ones too, exports, evictions.
ZS_STORM sets how often each of the 32 writers flushes.
"""

import asyncio
import os
import random
from collections import Counter
from contextlib import suppress

import pytest

from zeitlich_store import ConflictError
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.errors import HotTierUnavailableError, PreconditionFailedError
from zeitlich_store.messages import MessageFormat
from zeitlich_store.results import FlushStatus
from zeitlich_store.session import SessionThread
from zeitlich_store.snapshot.v2_layout import read_header
from zeitlich_store.transfers import Transfers

from ..backends import conditional_store
from .matrix import Bench, redis_pool

LOST = 0.3
ATTEMPTS = int(os.environ.get("ZS_STORM", "40"))


class Storm:
    """Counts who won which generation, and loses three of ten replies of both tiers."""

    def __init__(self, objects):
        self.objects = objects
        self.generations, self.claimed = Counter(), set()
        self.lost, self.rng = Counter(), random.Random(1)
        self.conflicts, self.busy, self.ends = 0, 0, Counter()

    def __getattr__(self, name):
        return getattr(self.objects, name)

    async def put_if(self, path, data, *, expected, content_type=None):
        """Counts what takes effect."""
        token = await self.objects.put_if(path, data, expected=expected, content_type=content_type)
        self.generations[read_header(data).generation] += 1
        return token

    async def gate(self, request, send):
        """Sends the same request again where its reply got lost, whatever that was."""
        if self.rng.random() < LOST:
            self.lost[await self._sent(request, send)] += 1
        return await send()

    async def _sent(self, request, send):
        with suppress(PreconditionFailedError):
            await send()
            return request
        return f"{request} refused"

    def count(self, result):
        self.ends[str(result.status)] += 1
        if result.status is FlushStatus.ARCHIVED:
            self.claimed.add(result.generation)


async def writer(bench, storm, thread_id, name, attempts):
    """Appends a message and flushes, again and again."""
    store = bench.store(storm.gate)
    ref = store.thread(thread_id).ref
    thread = SessionThread(store.hot, store.cold, ref, MessageFormat(), Transfers())
    for n in range(attempts):
        await until_done(storm, lambda n=n: thread.append({"id": f"{name}-{n}"}))
        await until_done(storm, lambda: flush(storm, thread))


async def flush(storm, thread):
    try:
        storm.count(await thread.flush())
    except ConflictError:
        storm.conflicts += 1


async def until_done(storm, step):
    """Others archive the thread faster than this one hydrates it: try again."""
    while True:
        try:
            return await step()
        except HotTierUnavailableError:
            storm.busy += 1


async def rage(bench, objects, writers, attempts, record):
    storm = Storm(objects)
    bench.objects = storm
    await bench.load_scripts()
    thread = bench.store().thread("storm")
    await thread.initialize()
    await asyncio.gather(
        *(writer(bench, storm, "storm", f"w{n}", attempts) for n in range(writers))
    )
    await thread.flush()
    stored = [message["id"] for message in (await bench.store().read("storm")).messages]
    tell(storm, record)
    check(storm, stored, writers, attempts)


def tell(storm, record):
    """The numbers that the assertions are about."""
    lost = dict(sorted(storm.lost.items()))
    print(
        f"\n{sum(storm.ends.values())} flushes: {dict(storm.ends)}, {len(storm.generations)} "
        f"generations, {storm.lost.total()} replies lost: {lost}, {storm.busy} waits"
    )
    record("flushes by how they ended", dict(storm.ends))
    record("replies lost", lost)


def check(storm, stored, writers, attempts):
    """One winner a generation, no false conflict, no false success, every message once."""
    assert storm.conflicts == 0
    assert set(storm.generations.values()) == {1}
    assert sorted(storm.generations) == list(range(1, len(storm.generations) + 1))
    assert storm.claimed <= set(storm.generations)
    assert len(stored) == len(set(stored)) == writers * attempts
    for name in range(writers):
        mine = [id_ for id_ in stored if id_.startswith(f"w{name}-")]
        assert mine == [f"w{name}-{n}" for n in range(attempts)]
    lost = {"store put_if", "store put_if refused", "store get", "redis export", "redis evict"}
    assert lost <= set(storm.lost)
    assert sum(storm.ends.values()) == writers * attempts


@pytest.fixture
async def bench(redis_server):
    bench = Bench(redis_pool(redis_server), None)
    yield bench
    await bench.pool.aclose()


@pytest.mark.timeout(30 * max(ATTEMPTS, 40))  # 6,400 are a quarter of an hour where it is busy
async def test_32_writers_on_a_local_folder(bench, tmp_path, record_testsuite_property):
    objects = LocalObjectStore(tmp_path)
    await objects.open()
    await rage(bench, objects, 32, ATTEMPTS, record_testsuite_property)


@pytest.mark.parametrize("name", ["az", "gs"])
async def test_32_writers_on_other_services(
    bench, name, request, tmp_path, record_testsuite_property
):
    objects = conditional_store(name, request, tmp_path)
    await objects.open()
    await rage(bench, objects, 32, 25, record_testsuite_property)
    await objects.aclose()


async def test_8_writers_on_s3(bench, request, tmp_path, record_testsuite_property):
    objects = conditional_store("s3", request, tmp_path)
    await objects.open()
    await rage(bench, objects, 8, 25, record_testsuite_property)
    await objects.aclose()
