"""Round trips to Redis, counted on the wire through the public API, and replies lost on the way."""

from collections.abc import AsyncIterator
from math import ceil

import pytest
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.results import FlushStatus, HydrateStatus
from zeitlich_store.store import ThreadStore
from zeitlich_store.testing.dict_cold import DictColdTier
from zeitlich_store.testing.hot_suite_tools import content, exported, new_op, new_ref
from zeitlich_store.thread import Thread

from ..wire import RedisProxy
from .operations import OPERATIONS, whole
from .test_redis import LARGE, STAGED

MIB = 1 << 20
KIB = 1000  # bytes of text in a message of the large thread


def messages(count: int, *, size: int = 20, start: int = 0) -> list[dict[str, str]]:
    return [{"id": f"m{at}", "text": f"{at:07d}".ljust(size)} for at in range(start, start + count)]


@pytest.fixture
async def proxy(redis_server) -> AsyncIterator[RedisProxy]:
    async with RedisProxy(redis_server.host, redis_server.port) as proxy:
        yield proxy


@pytest.fixture
async def hot(proxy: RedisProxy) -> AsyncIterator[RedisHotTier]:
    """A tier with one connection, that is open already."""
    tier = RedisHotTier.from_url(proxy.url, max_connections=1, retry=Retry(NoBackoff(), 3))
    await tier.open()
    yield tier
    await tier.aclose()


@pytest.fixture
async def store(hot: RedisHotTier) -> ThreadStore:
    return await ThreadStore(hot, DictColdTier()).open()


@pytest.fixture(params=["20 messages", "1 MiB"])
async def thread(store: ThreadStore, request) -> Thread:
    """A dirty hot thread with a state."""
    thread = store.thread(new_op())
    await thread.initialize()
    few = request.param == "20 messages"
    await thread.append(*(messages(20) if few else messages(1000, size=KIB)))
    await thread.save_state({"tasks": ["t1"]})
    return thread


@pytest.mark.parametrize("count", [1, 200])
async def test_append_takes_one_round_trip(proxy, thread, count):
    new = messages(count, start=5000)
    assert await proxy.count(thread.append(*new)) == 1


async def test_append_of_1_mib_takes_one_round_trip(proxy, store):
    thread = store.thread(new_op())
    await thread.initialize()
    assert await proxy.count(thread.append(*messages(1000, size=KIB))) == 1


async def test_reads_take_one_round_trip_each(proxy, store, thread):
    assert await proxy.count(thread.load()) == 1
    assert await proxy.count(thread.load(last=5)) == 1
    assert await proxy.count(thread.length()) == 1
    assert await proxy.count(thread.load_state()) == 1
    assert await proxy.count(thread.exists()) == 1
    assert await proxy.count(store.read(thread.id)) == 1


async def test_changes_take_one_round_trip_each(proxy, thread):
    assert await proxy.count(thread.save_state({"n": 1})) == 1
    assert await proxy.count(thread.delete_state()) == 1
    assert await proxy.count(thread.truncate_from_id("m10")) == 1
    assert await proxy.count(thread.replace_all(*messages(20))) == 1
    assert await proxy.count(thread.replace_all(*messages(1000, size=KIB))) == 1
    assert await proxy.count(thread.drop_hot()) == 1


async def test_fork_takes_one_round_trip_and_two_to_a_given_id(proxy, thread):
    assert await proxy.count(thread.fork()) == 1
    assert await proxy.count(thread.fork(new_op())) == 2


async def test_delete_takes_two_round_trips(proxy, thread):
    assert await proxy.count(thread.delete()) == 2


@pytest.mark.parametrize("delete_hot", [True, False])
async def test_flush_takes_two_round_trips(proxy, thread, delete_hot):
    assert await proxy.count(thread.flush(delete_hot=delete_hot)) == 2


async def test_flush_of_a_clean_thread_takes_two_round_trips(proxy, thread):
    await thread.flush(delete_hot=False)
    assert await proxy.count(thread.flush()) == 2


async def test_hydrate_takes_two_round_trips_cold_and_one_hot(proxy, thread):
    await thread.flush()
    assert await proxy.count(thread.hydrate()) == 2
    assert await proxy.count(thread.hydrate()) == 1


async def test_a_new_thread_takes_two_round_trips(proxy, store):
    assert await proxy.count(store.thread(new_op()).initialize()) == 2


async def test_each_further_mib_takes_at_most_one_more_round_trip(proxy, store):
    thread, many = store.thread(new_op()), messages(9 * 1024, size=1024)
    size = sum(len(message["id"]) + len(message["text"]) for message in many)
    assert size > 9 * MIB
    most = 1 + ceil(size / MIB)
    await thread.initialize()
    assert 1 < await proxy.count(thread.append(*many)) <= most
    assert 1 < await proxy.count(thread.replace_all(*many)) <= most
    await thread.flush()
    assert 2 < await proxy.count(thread.hydrate()) <= most


# -- lost replies ----------------------------------------------------------------------------------

NAMES_DIFFER = {"export", "info", "fork onto it"}
"""Answers that name the thread or an attempt."""
SECOND_ANSWER = {"evict"}
"""What is gone by the first request is reported as gone to the second."""


@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_operation_whose_reply_is_lost_gives_the_same_answer_and_content(proxy, hot, name):
    calm, unlucky = await whole(hot), await whole(hot)
    expected = await OPERATIONS[name](calm)
    proxy.lose_reply()
    found = await OPERATIONS[name](unlucky)
    assert proxy.lost
    if name not in NAMES_DIFFER | SECOND_ANSWER:
        assert found == expected
    assert await hot.read(unlucky.ref) == await hot.read(calm.ref)
    if name not in SECOND_ANSWER:
        assert await content(hot, unlucky.ref) == await content(hot, calm.ref)


async def test_a_resent_export_notes_both_attempts(proxy, hot):
    case = await whole(hot)
    proxy.lose_reply()
    export = await exported(hot, case.ref)
    assert len(export.pending) == 3
    assert export.pending[-1] == export.write_id


@pytest.mark.parametrize("after", [1, 2, 3, 4])
@pytest.mark.parametrize("name", STAGED)
async def test_a_staged_write_survives_the_loss_of_any_reply(proxy, hot, name, after):
    ref = new_ref()
    if name != "restore":
        await hot.initialize(ref, op=new_op(), gate="")
    proxy.lose_reply(after)
    await STAGED[name](hot, ref)
    assert proxy.lost
    found = await content(hot, ref)
    assert list(found.messages) == [entry.raw for entry in LARGE]
    assert found.ids == {(entry.id, at) for at, entry in enumerate(LARGE)}


@pytest.mark.parametrize("after", [1, 2])
async def test_a_flush_survives_the_loss_of_either_reply(proxy, store, after):
    thread = store.thread(new_op())
    await thread.initialize()
    await thread.append(*messages(3))
    proxy.lose_reply(after)
    result = await thread.flush()
    assert proxy.lost
    assert (result.status, result.messages, result.hot) == (FlushStatus.ARCHIVED, 3, False)
    assert not await thread.exists()
    assert (await store.read(thread.id)).messages == messages(3)


@pytest.mark.parametrize("after", [1, 2])
async def test_a_hydrate_survives_the_loss_of_either_reply(proxy, store, after):
    thread = store.thread(new_op())
    await thread.initialize()
    await thread.append(*messages(3))
    await thread.flush()
    proxy.lose_reply(after)
    assert (await thread.hydrate()).status is HydrateStatus.RESTORED
    assert proxy.lost
    assert await thread.load() == messages(3)


@pytest.mark.parametrize("after", [1, 2])
async def test_a_delete_survives_the_loss_of_either_reply(proxy, store, after):
    thread = store.thread(new_op())
    await thread.initialize()
    await thread.append(*messages(3))
    await thread.flush(delete_hot=False)
    proxy.lose_reply(after)
    await thread.delete()
    assert proxy.lost
    assert not (await thread.hydrate()).found


async def test_a_session_survives_the_loss_of_any_reply(proxy, store):
    for after in range(1, 12):
        name = new_op()
        proxy.lose_reply(after)
        async with store.session(name) as thread:
            assert await thread.append({"text": "no id"}) == 1
            thread.state["n"] = after
        lost = proxy.lost
        read = await store.read(name)
        assert (read.messages, read.state, read.tier) == ([{"text": "no id"}], {"n": after}, "cold")
        if not lost:
            break
    assert after == 6 + 1
