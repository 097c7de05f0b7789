"""A Redis at maxmemory that evicts nothing: what is there can be read, archived and removed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from zeitlich_store import (
    ConfigurationError,
    HotTierCorruptError,
    HotTierUnavailableError,
    open_store,
)
from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.store import ThreadStore
from zeitlich_store.testing.dict_cold import DictColdTier

from .. import redis_services, services
from ..wire import RedisProxy
from .test_redis_rights import RIGHTS, make_user

TEXT = "x" * 100_000
M1, M2 = {"id": "m1", "text": TEXT}, {"id": "m2", "text": TEXT}
NAMES = ("a", "b", "c", "d")
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


def limit(servers: list[redis_services.Server], *, full: bool) -> None:
    """Leave the servers far less memory than they use, or as much as they like."""
    for server in servers:
        with server.admin() as admin:
            admin.config_set("maxmemory-policy", "noeviction")
            used = int(admin.info("memory")["used_memory"])
            admin.config_set("maxmemory", max(1, used - 150_000) if full else 0)


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
            await thread.store.delete(name) if hasattr(thread, "store") else await store.delete(name)


async def test_what_is_refused_says_what_to_do(store):
    thread = store.thread("a")
    for call in (lambda: thread.append({"id": "m3"}), lambda: thread.save_state({"n": 2})):
        with pytest.raises(HotTierUnavailableError, match=r"out of memory: flush.*maxmemory"):
            await call()
    assert await thread.load() == [M1, M2]


async def test_everything_can_be_read(store):
    thread = store.thread("a")
    assert await thread.load() == [M1, M2]
    assert await thread.load(last=1) == [M2]
    assert await thread.length() == 2
    assert await thread.load_state() == STATE
    assert (await store.read("a")).messages == [M1, M2]
    assert (await store.read("a")).state == STATE
    assert (await store.stat("a")).messages == 2
    assert not (await store.read("none")).found
    assert {each.id for each in (await store.list()).threads} == set(NAMES)
