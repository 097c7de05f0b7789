"""A Redis at maxmemory that evicts nothing: what is there can be read, archived and removed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from string import ascii_lowercase

import pytest
from redis.crc import key_slot

from zeitlich_store import (
    ConfigurationError,
    HotTierCorruptError,
    HotTierUnavailableError,
    ThreadNotFoundError,
    open_store,
)
from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.backends.redis_wire import thread_keys
from zeitlich_store.keys import meta_key
from zeitlich_store.results import FlushStatus
from zeitlich_store.store import ThreadStore
from zeitlich_store.testing.dict_cold import DictColdTier

from .. import redis_services, services
from ..wire import RedisProxy
from .test_redis_rights import RIGHTS, make_user

TEXT = "x" * 1_000_000
M1, M2 = {"id": "m1", "text": TEXT}, {"id": "m2", "text": TEXT}
FIRST_MASTER = range(redis_services.SLOTS // 3)
LETTERS = [
    name
    for name in ascii_lowercase
    if key_slot(meta_key("messages", name).encode()) in FIRST_MASTER
]
NAMES = LETTERS[:4]
"""Of a cluster they share one server, so that one makes room for another."""
ONE = NAMES[0]
STATE = {"n": 1}


@pytest.fixture(scope="module", params=["6.2", "7", "cluster"])
def servers(request, tmp_path_factory) -> Iterator[tuple[str, list[redis_services.Server]]]:
    """The URL and the servers behind it."""
    folder = tmp_path_factory.mktemp("full")
    with ExitStack() as stack:
        if request.param == "cluster":
            cluster = stack.enter_context(redis_services.redis_cluster(folder))
            yield cluster.url, list(cluster.servers)
            return
        executable = redis_services.of_version(request.param)
        found = stack.enter_context(services.redis_server(folder, executable=executable))
        yield found.url, [redis_services.Server(found.port)]


def limit(servers: list[redis_services.Server], *, full: bool, short: int = 1_500_000) -> None:
    """Allow the servers so much less memory than they use, or as much as they like."""
    for server in servers:
        with server.admin() as admin:
            admin.config_set("maxmemory-policy", "noeviction")
            used = int(admin.info("memory")["used_memory"])
            admin.config_set("maxmemory", max(1, used - short) if full else 0)


@pytest.fixture
async def store(servers) -> AsyncIterator[ThreadStore]:
    """Four threads on servers that are full since."""
    url, members = servers
    async with open_store(url, "memory://full") as found:
        store = await ThreadStore(found.hot, DictColdTier()).open()
        for name in NAMES:
            thread = store.thread(name)
            await thread.initialize()
            await thread.append(M1, M2)
            await thread.save_state(STATE)
        limit(members, full=True)
        yield store
        limit(members, full=False)
        for name in NAMES:
            await store.delete(name)


async def test_what_is_refused_says_what_to_do(store):
    thread = store.thread(ONE)
    for call in (lambda: thread.append({"id": "m3"}), lambda: thread.save_state({"n": 2})):
        with pytest.raises(HotTierUnavailableError, match=r"out of memory: flush.*maxmemory"):
            await call()
    assert await thread.load() == [M1, M2]


async def test_everything_can_be_read(store):
    thread = store.thread(ONE)
    assert await thread.load() == [M1, M2]
    assert await thread.load(last=1) == [M2]
    assert await thread.length() == 2
    assert await thread.load_state() == STATE
    assert (await store.read(ONE)).messages == [M1, M2]
    assert (await store.read(ONE)).state == STATE
    assert (await store.stat(ONE)).hot.messages == 2
    with pytest.raises(ThreadNotFoundError):
        await store.read("none")
    assert {each.ref.id for each in (await store.list()).threads} == set(NAMES)


async def test_a_store_is_opened_and_finds_the_threads(servers, store):
    async with open_store(servers[0], "memory://full-later") as later:
        assert await later.thread(ONE).load() == [M1, M2]


@pytest.mark.parametrize("delete_hot", [True, False])
async def test_a_flush_archives_everything(store, delete_hot):
    thread = store.thread(ONE)
    result = await thread.flush(delete_hot=delete_hot)
    assert (result.status, result.messages) == (FlushStatus.ARCHIVED, 2)
    assert await thread.exists() is not delete_hot
    if not delete_hot:
        assert (await thread.flush()).status is FlushStatus.CLEAN
    assert (await store.read(ONE)).messages == [M1, M2]
    assert (await store.read(ONE)).state == STATE


@pytest.mark.parametrize("how", ["flush", "drop_hot", "delete"])
async def test_what_is_removed_makes_room_for_new_messages(store, how):
    one, *others = [store.thread(name) for name in NAMES]
    for thread in others:
        await getattr(thread, how)()
        assert not await thread.exists()
    assert await one.append({"id": "m3"}) == 1


async def test_a_truncated_thread_makes_room_as_well(store):
    for name in NAMES:
        assert await store.thread(name).truncate_from_id("m1") == 2
    assert await store.thread(ONE).append({"id": "m3"}) == 1


async def test_an_archived_thread_that_is_hot_too_is_deleted_from_both(servers, store):
    limit(servers[1], full=False)
    await store.thread(ONE).flush(delete_hot=False)
    limit(servers[1], full=True, short=1 << 40)  # full even when it is gone
    await store.delete(ONE)
    with pytest.raises(ThreadNotFoundError):
        await store.read(ONE)


async def test_damage_is_told_as_ever(servers, store):
    client = store.hot.client
    keys = thread_keys(store.thread(ONE).ref)
    await client.delete(keys[1])
    thread = store.thread(ONE)
    for call in (thread.load, thread.length, thread.flush):
        with pytest.raises(HotTierCorruptError, match="is damaged"):
            await call()
    limit(servers[1], full=False)
    await client.set(keys[1], "no list")
    limit(servers[1], full=True)
    for call in (thread.load, thread.length, thread.flush):
        with pytest.raises(HotTierCorruptError, match="is damaged"):
            await call()
    assert await thread.drop_hot()


# -- one server -----------------------------------------------------------------------------------


@pytest.fixture
def alone(tmp_path) -> Iterator[redis_services.Server]:
    with services.redis_server(tmp_path) as found:
        yield redis_services.Server(found.port)


async def test_the_documented_rights_are_enough(alone):
    url = make_user(alone, RIGHTS)
    async with open_store(url, "memory://full-rights") as store:
        thread = store.thread(ONE)
        await thread.initialize()
        await thread.append(M1, M2)
        limit([alone], full=True)
        assert await thread.load() == [M1, M2]
        assert (await thread.flush()).messages == 2


async def test_a_missing_right_is_told_at_open(alone):
    limit([alone], full=True)
    url = make_user(alone, [word for word in RIGHTS if word != "+rpush"])
    with pytest.raises(ConfigurationError, match="rpush"):
        await open_store(url, "none").open()


async def test_a_read_takes_one_round_trip_more_and_an_export_too(alone):
    async with RedisProxy("127.0.0.1", alone.port) as proxy:
        tier = RedisHotTier.from_url(proxy.url, max_connections=1)
        store = await ThreadStore(tier, DictColdTier()).open()
        thread = store.thread(ONE)
        await thread.initialize()
        await thread.append(M1, M2)
        limit([alone], full=True)
        assert await proxy.count(thread.load()) == 2
        assert await proxy.count(thread.flush()) == 2 + 1
        await tier.aclose()
