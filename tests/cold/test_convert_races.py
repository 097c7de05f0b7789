"""Conversions, migrations and readers at the same time: whatever the order, the thread is there."""

import gzip
import json
import uuid
from contextlib import suppress

import pytest

from zeitlich_store import ConflictError, FlushStatus, LimitExceededError, ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.codecs import GzipCodec, JsonCodec
from zeitlich_store.testing.gated_tiers import GatedConditionalStore
from zeitlich_store.testing.gates import FaultAt, open_gate
from zeitlich_store.testing.scheduler import Scheduler

V1, V2 = "threads/messages/t.json.gz", "threads/v2/messages/t/head.zt2"
MESSAGE = {"id": "a"}
OLD = gzip.compress(
    json.dumps(
        {"v": 1, "messages": [json.dumps(MESSAGE)], "state": None, "dedupIds": ["a"]}
    ).encode()
)
SCHEDULES = 100


async def opened(objects, gate=open_gate, codec=None, **options):
    store = GatedConditionalStore(objects, gate)
    return await ThreadStore(
        MemoryHotTier(), ObjectArchive(store, codec or GzipCodec(), **options)
    ).open()


async def converted(store, **options):
    return [row async for row in store.convert(**options)]


async def started(start):
    """A thread in v1, in v2, or in both formats."""
    objects = MemoryObjectStore(uuid.uuid4().hex)
    await objects.put(V1, OLD)
    if start != "v1":
        await converted(await opened(objects), format="v2", keep_v1=start == "both")
    return objects


class Overtaken:
    """A gate through which, before the n-th request, something else is done as well."""

    def __init__(self, at, other):
        self.at, self.other, self.seen = at, other, 0

    async def __call__(self, request, send):
        self.seen += 1
        if self.seen == self.at:
            await self.other()
        return await send()


@pytest.mark.parametrize("start", ["v1", "v2", "both"])
@pytest.mark.parametrize("formats", [("v1", "v2"), ("v2", "v1")], ids="-".join)
async def test_overtaken_by_a_conversion_the_other_way_the_thread_is_there(start, formats):
    mine, others = formats
    for at in range(1, 30):
        objects = await started(start)

        async def other(objects=objects):
            await converted(await opened(objects), format=others)

        gate = Overtaken(at, other)
        await converted(await opened(objects, gate), format=mine)
        assert (await (await opened(objects)).read("t")).messages == [MESSAGE], at
        if at > gate.seen:
            return
    raise AssertionError("a conversion has fewer requests than that")


@pytest.mark.parametrize("start", ["v1", "v2", "both"])
@pytest.mark.parametrize(
    "ways",
    [
        (("v1", GzipCodec()), ("v2", GzipCodec())),
        (("v1", GzipCodec()), ("v1", JsonCodec())),
        (("v2", GzipCodec()), ("v2", JsonCodec())),
    ],
    ids=["opposite", "to-v1", "to-v2"],
)
async def test_in_any_order_of_two_conversions_an_archive_stays(start, ways):
    for seed in range(SCHEDULES):
        objects, scheduler = await started(start), Scheduler(seed)
        clients = []
        for name, (form, codec) in zip("AB", ways, strict=True):
            client = scheduler.client(name)
            store = await opened(objects, scheduler.gate_of(client), codec)
            clients.append((client, lambda store=store, form=form: converted(store, format=form)))
        await scheduler.run(clients)
        left = [row.path for row in await objects.list("")]
        assert left, f"seed {seed}: {scheduler.trace}"
        if len(left) == 1:  # two v1 names are told, and the next run ends it
            assert (await (await opened(objects)).read("t")).messages == [MESSAGE], seed


@pytest.mark.parametrize("at", [1, 2, 3, 4])
async def test_a_thread_that_moves_to_v2_while_it_is_looked_for_is_found(at):
    objects = await started("v1")

    async def migrate():
        store = await opened(objects)
        async with store.session("t") as thread:
            await thread.append({"id": "b"})

    store = await opened(objects, Overtaken(at, migrate))
    found = (await store.read("t")).messages
    assert found[:1] == [MESSAGE]


async def test_whichever_reply_of_a_migrating_flush_is_lost_the_v1_object_goes():
    requests = 1
    while True:
        objects = await started("v1")
        gate = FaultAt(requests, "lose")
        store = await opened(objects, gate)
        async with store.session("t") as thread:
            await thread.append({"id": "b"})
        assert [row.path for row in await objects.list("")] == [V2], gate.seen[requests - 1]
        assert len((await store.read("t")).messages) == 2
        if requests > len(gate.seen):
            break
        requests += 1
    assert requests > 6


@pytest.mark.parametrize("form", ["v1", "v2"])
async def test_what_the_store_would_refuse_to_read_is_not_archived(form):
    objects = MemoryObjectStore(uuid.uuid4().hex)
    store = await opened(objects, max_decoded_bytes=10_000, format=form)
    thread = store.thread("t")
    await thread.initialize()
    await thread.append({"id": "a", "text": "x" * 20_000})
    with pytest.raises(LimitExceededError, match=r"limit is \d+ bytes"):
        await thread.flush()
    assert await thread.length() == 1
    assert await objects.list("") == []
    await thread.truncate_from_id("a")
    await thread.append({"id": "a", "text": "x" * 9_000})
    assert (await thread.flush()).status is FlushStatus.ARCHIVED
    assert len((await store.read("t")).messages) == 1


async def test_a_thread_deleted_at_any_point_of_its_migrating_flush_stays_deleted():
    at = 1
    while True:
        objects, hot = await started("v1"), MemoryHotTier()
        deleting = ThreadStore(hot, ObjectArchive(objects, GzipCodec()))
        await deleting.open()
        gate = Overtaken(0, lambda deleting=deleting: deleting.delete("t"))
        archive = ObjectArchive(GatedConditionalStore(objects, gate), GzipCodec())
        store = await ThreadStore(hot, archive).open()
        thread = store.thread("t")
        await thread.hydrate()
        await thread.append({"id": "b"})
        gate.at, gate.seen = at, 0
        await thread.flush()
        if at > gate.seen:
            break
        assert await objects.list("") == [], at
        at += 1
    assert at > 4


class OvertakenAfter(Overtaken):
    """The same, after the n-th request."""

    async def __call__(self, request, send):
        self.seen += 1
        reply = await send()
        if self.seen == self.at:
            await self.other()
        return reply


async def test_a_v1_thread_that_is_flushed_while_it_is_deleted_is_deleted():
    for at in range(1, 5):
        objects = await started("v1")
        writing = await opened(objects, format="v1")
        thread = writing.thread("t")
        await thread.hydrate()
        await thread.append({"id": "b"})

        async def flush(thread=thread):
            with suppress(ConflictError):  # it comes when the archive is gone
                await thread.flush()

        gate = OvertakenAfter(at, flush)
        await (await opened(objects, gate, format="v1")).delete("t")
        assert await objects.list("") == [], at
