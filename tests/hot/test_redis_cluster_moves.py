"""Slots that move from one master of a cluster to another while threads are worked on."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from zeitlich_store.backends.redis_cluster import ClusterLink
from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.backends.redis_patience import Patience, Turnstile
from zeitlich_store.backends.redis_wire import thread_keys
from zeitlich_store.errors import HotTierUnavailableError
from zeitlich_store.models import ThreadRef
from zeitlich_store.testing.hot_suite_tools import content, make

from .. import redis_services
from .operations import OPERATIONS, Case, whole


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[redis_services.Cluster]:
    with redis_services.redis_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
async def hot(cluster) -> AsyncIterator[RedisHotTier]:
    client = redis.asyncio.RedisCluster(
        host="127.0.0.1", port=cluster.servers[0].port, retry=Retry(NoBackoff(), 0)
    )
    tier = RedisHotTier(
        ClusterLink(client, Turnstile(64, Patience(attempt=5, call=20))), owns_client=True
    )
    await tier.open()
    yield tier
    await tier.aclose()


@dataclass
class Move:
    """A slot on its way from one master to the next; each step is one of `redis-cli --cluster`."""

    slot: int
    source: redis.Redis
    target: redis.Redis
    others: list[redis.Redis]

    def begin(self) -> None:
        source, target = (client.cluster("myid").decode() for client in (self.source, self.target))
        self.target.execute_command("CLUSTER SETSLOT", self.slot, "IMPORTING", source)
        self.source.execute_command("CLUSTER SETSLOT", self.slot, "MIGRATING", target)

    def keys(self, *names: str) -> None:
        where = self.target.connection_pool.connection_kwargs
        self.source.execute_command(
            "MIGRATE", where["host"], where["port"], "", 0, 5000, "KEYS", *names
        )

    def rest(self) -> None:
        found = self.source.execute_command("CLUSTER GETKEYSINSLOT", self.slot, 1000)
        if found:
            self.keys(*found)

    def end(self) -> None:
        target = self.target.cluster("myid").decode()
        for client in (self.target, self.source, *self.others):
            client.execute_command("CLUSTER SETSLOT", self.slot, "NODE", target)


def move_of(cluster: redis_services.Cluster, hot: RedisHotTier, ref: ThreadRef) -> Move:
    key = thread_keys(ref)[0]
    port = hot.client.get_node_from_key(key).port
    mine = [s.admin() for s in cluster.servers if s.port == port]
    others = [s.admin() for s in cluster.servers if s.port != port]
    return Move(hot.client.keyslot(key), mine[0], others[0], others[1:])


def moved(cluster: redis_services.Cluster, hot: RedisHotTier, case: Case) -> None:
    move = move_of(cluster, hot, case.ref)
    move.begin()
    move.rest()
    move.end()


@pytest.mark.parametrize("name", OPERATIONS)
async def test_every_operation_follows_its_slot_to_another_master(cluster, hot, name):
    still, gone = await whole(hot), await whole(hot)
    expected = await OPERATIONS[name](still)
    moved(cluster, hot, gone)
    found = await OPERATIONS[name](gone)
    assert type(found) is type(expected)
    if name not in {"info", "export"}:  # these name the thread and its revision
        assert found == expected


async def test_a_page_of_threads_of_which_one_has_moved_is_whole(cluster, hot):
    cases = [await whole(hot) for _ in range(5)]
    refs = [case.ref for case in cases]
    moved(cluster, hot, cases[0])
    assert await hot.which_hot(refs) == set(refs)


async def test_a_thread_whose_keys_are_over_already_is_asked_for_there(cluster, hot):
    ref = await make(hot, "a", "b", state="{}")
    before = await hot.read(ref)
    move = move_of(cluster, hot, ref)
    move.begin()
    move.keys(*thread_keys(ref)[:4])
    assert await hot.which_hot([ref]) == {ref}
    assert await hot.load(ref) == before.messages
    assert await hot.read(ref) == before
    move.rest()
    move.end()


@pytest.mark.parametrize("name", ["append", "load", "export", "fork from it", "evict"])
async def test_a_thread_half_of_whose_keys_are_over_is_waited_for(cluster, hot, name):
    """No operation sees a half: it is repeated until the slot has moved."""
    still, case = await whole(hot), await whole(hot)
    expected = await OPERATIONS[name](still)
    move = move_of(cluster, hot, case.ref)
    move.begin()
    move.keys(thread_keys(case.ref)[1])
    call = asyncio.create_task(OPERATIONS[name](case))
    await asyncio.sleep(0.2)
    assert not call.done()
    move.rest()
    move.end()
    found = await call
    if name != "export":
        assert found == expected
        return
    assert found.snapshot.messages == expected.snapshot.messages


async def test_a_move_that_does_not_end_is_unavailable_and_loses_nothing(cluster, hot):
    case = await whole(hot)
    move = move_of(cluster, hot, case.ref)
    move.begin()
    move.keys(thread_keys(case.ref)[0])
    hot._link._turnstile.patience = Patience(attempt=0.1, call=0.5)
    with pytest.raises(HotTierUnavailableError):
        await hot.load(case.ref)
    hot._link._turnstile.patience = Patience(attempt=5, call=20)
    move.rest()
    move.end()
    assert (await content(hot, case.ref)).messages == case.export.snapshot.messages
