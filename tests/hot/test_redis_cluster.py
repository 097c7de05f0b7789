"""The hot tier on a real Redis Cluster of three masters."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from zeitlich_store import ConfigurationError, HotTierUnavailableError, open_store
from zeitlich_store.backends.redis_cluster import ClusterLink
from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.backends.redis_patience import Patience, Turnstile
from zeitlich_store.backends.redis_wire import thread_keys
from zeitlich_store.models import Outcome, ThreadRef
from zeitlich_store.protocols import HotTier
from zeitlich_store.testing.hot_suite_tools import append, content, make, named, new_op, new_ref
from zeitlich_store.testing.hot_tier_suite import HotTierSuite

from .. import redis_services
from ..wire import RedisProxy
from .operations import OPERATIONS, whole
from .test_redis import LARGE

M1 = {"id": "m1"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[redis_services.Cluster]:
    with redis_services.redis_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
async def hot(cluster) -> AsyncIterator[RedisHotTier]:
    tier = open_store(cluster.url, "memory://cluster").hot
    await tier.open()
    yield tier
    await tier.aclose()


class TestClusterHotTier(HotTierSuite):
    backend = "Redis Cluster"

    @pytest.fixture
    async def hot(self, cluster) -> AsyncIterator[HotTier]:
        tier = open_store(cluster.url, "memory://cluster").hot
        await tier.open()
        yield tier
        await tier.aclose()


def apart(hot: RedisHotTier, ref: ThreadRef) -> ThreadRef:
    """A thread of another slot, on another master."""
    home = hot.client.get_node_from_key(thread_keys(ref)[0])
    while True:
        other = new_ref()
        if hot.client.get_node_from_key(thread_keys(other)[0]) != home:
            return other


async def of_each_master(hot: RedisHotTier) -> list[ThreadRef]:
    """A hot thread on each master."""
    found = {}
    while len(found) < 3:
        ref = await make(hot, "a")
        found[hot.client.get_node_from_key(thread_keys(ref)[0]).name] = ref
    return list(found.values())


# -- sessions, clients, mistakes -------------------------------------------------------------------


@pytest.mark.parametrize("parameters", ["", "?protocol=2", "?protocol=3&client_name=me"])
async def test_a_session_works_on_a_cluster(cluster, parameters):
    async with open_store(f"{cluster.url}{parameters}", "memory://cluster-session") as store:
        async with store.session() as thread:
            await thread.append(M1)
            fork = await thread.fork()
        assert (await store.read(thread.id)).messages == [M1]
        assert await fork.load() == [M1]


async def test_one_host_of_a_cluster_is_enough(cluster):
    tier = open_store(f"redis+cluster://{cluster.servers[1].where}/0", "none").hot
    await tier.open()
    assert len(await of_each_master(tier)) == 3
    await tier.aclose()


async def test_a_callers_own_cluster_client_is_used_and_stays_open(cluster):
    server = cluster.servers[0]
    async with redis.asyncio.RedisCluster(host="127.0.0.1", port=server.port) as client:
        async with open_store(client, "memory://cluster-own") as store:
            async with store.session() as thread:
                await thread.append(M1)
            assert (await store.read(thread.id)).messages == [M1]
        assert await client.ping(target_nodes=client.get_primaries())


async def test_a_plain_url_for_a_cluster_and_a_cluster_url_for_a_server_say_what_to_write(
    cluster, redis_server
):
    with pytest.raises(ConfigurationError, match=r"write redis\+cluster://"):
        for _ in range(40):  # of all slots the server has a third
            async with open_store(f"redis://{cluster.servers[0].where}", "none") as store:
                await store.thread(new_op()).initialize()
    with pytest.raises(ConfigurationError, match=r"write redis\+cluster://"):
        await open_store(f"redis://{cluster.servers[0].where}/3", "none").open()
    with pytest.raises(ConfigurationError, match="write redis://"):
        await open_store(f"redis+cluster://{redis_server.host}:{redis_server.port}", "none").open()


async def test_scripts_that_every_master_forgot_are_sent_again(cluster, hot):
    refs = await of_each_master(hot)
    for client in cluster.clients():
        client.script_flush()
    for ref in refs:
        assert await append(hot, ref, "b") == 1
        assert len((await hot.export(ref)).snapshot.messages) == 2


async def test_which_hot_and_dead_writes_ask_every_master(hot):
    refs = await of_each_master(hot)
    dead = {ref: frozenset({(await hot.export(ref)).write_id}) for ref in refs}
    assert await hot.which_hot([*refs, new_ref()]) == set(refs)
    for ref in refs:
        await hot.delete(ref, op=new_op())
    assert await hot.which_hot(refs) == set()
    assert await hot.dead_writes(refs) == dead


async def test_each_masters_information_is_told(cluster, hot):
    found = await hot.server_info()
    assert set(found) == {server.where for server in cluster.servers}
    assert all("maxmemory_policy" in info for info in found.values())


# -- forks between slots ---------------------------------------------------------------------------


async def test_a_fork_to_another_master_copies_everything_once(hot):
    ref = await make(hot, "a", state='{"n":1}')
    await hot.append(ref, LARGE, op=new_op())  # is staged
    target, op = apart(hot, ref), new_op()
    assert await hot.fork(ref, target, op=op, gate="") is Outcome.OK
    assert await content(hot, target) == await content(hot, ref)
    await append(hot, target, "b")
    assert await hot.fork(ref, target, op=op, gate="") is Outcome.OK
    assert len(await hot.load(target)) == len(LARGE) + 2


async def test_a_fork_to_another_master_leaves_no_key_but_the_targets(cluster, hot):
    ref = await make(hot, "a")
    target = apart(hot, ref)
    before = {key for client in cluster.clients() for key in client.scan_iter()}
    await hot.fork(ref, target, op=new_op())
    after = {key for client in cluster.clients() for key in client.scan_iter()}
    meta, messages, _, ids, _ = (key.encode() for key in thread_keys(target))
    assert after - before == {meta, messages, ids}


# -- round trips and lost replies ------------------------------------------------------------------


class Proxies:
    """A proxy in front of every master; round trips of all together."""

    def __init__(self, proxies: dict[int, RedisProxy]) -> None:
        self.by_port = proxies

    @property
    def round_trips(self) -> int:
        return sum(proxy.round_trips for proxy in self.by_port.values())

    def remap(self, address: tuple[str, int]) -> tuple[str, int]:
        port = int(address[1])
        return (address[0], self.by_port[port].port if port in self.by_port else port)

    async def count(self, call) -> int:
        before = self.round_trips
        await call
        return self.round_trips - before


@pytest.fixture
async def proxied(cluster) -> AsyncIterator[tuple[Proxies, RedisHotTier]]:
    """A tier whose connections all go through proxies, open already."""
    async with AsyncExitStack() as stack:
        proxies = Proxies(
            {
                server.port: await stack.enter_async_context(RedisProxy("127.0.0.1", server.port))
                for server in cluster.servers
            }
        )
        client = redis.asyncio.RedisCluster(
            host="127.0.0.1",
            port=cluster.servers[0].port,
            address_remap=proxies.remap,
            retry=Retry(NoBackoff(), 0),
        )
        link = ClusterLink(client, Turnstile(64, Patience(attempt=5)))
        tier = RedisHotTier(link, owns_client=True)
        await tier.open()
        await of_each_master(tier)  # connects to each
        yield proxies, tier
        await tier.aclose()


@pytest.mark.parametrize("name", [name for name in OPERATIONS if not name.startswith("fork")])
async def test_every_operation_takes_one_round_trip(proxied, name):
    proxies, hot = proxied
    case = await whole(hot)
    assert await proxies.count(OPERATIONS[name](case)) == 1


async def test_a_fork_takes_two_round_trips_and_one_within_a_slot(proxied):
    proxies, hot = proxied
    ref = await make(hot, "a")
    assert await proxies.count(hot.fork(ref, apart(hot, ref), op=new_op())) == 2
    near = new_ref()
    while not hot._link.together(thread_keys(ref)[0], thread_keys(near)[0]):
        near = new_ref()
    assert await proxies.count(hot.fork(ref, near, op=new_op())) == 1


async def test_which_hot_takes_one_round_trip_to_each_master(proxied):
    proxies, hot = proxied
    refs = [*await of_each_master(hot), *await of_each_master(hot)]
    before = {port: proxy.round_trips for port, proxy in proxies.by_port.items()}
    await hot.which_hot(refs)
    after = {port: proxy.round_trips for port, proxy in proxies.by_port.items()}
    assert {port: after[port] - before[port] for port in after} == dict.fromkeys(after, 1)


@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_fork_between_masters_survives_a_lost_reply(proxied, side):
    proxies, hot = proxied
    ref = await make(hot, "a", state="{}")
    target = apart(hot, ref)
    node = hot.client.get_node_from_key(thread_keys(ref if side == "source" else target)[0])
    proxy = next(proxy for proxy in proxies.by_port.values() if proxy.port == node.port)
    proxy.lose_reply()
    assert await hot.fork(ref, target, op=new_op(), gate="") is Outcome.OK
    assert proxy.lost
    assert await content(hot, target) == await content(hot, ref)


# -- connections -----------------------------------------------------------------------------------


def connections(cluster, name: str) -> list[int]:
    return [
        sum(row["name"] == name for row in client.client_list()) for client in cluster.clients()
    ]


async def test_many_calls_share_a_bounded_number_of_connections_and_all_are_closed(cluster):
    name = f"zs-{secrets.token_hex(4)}"
    tier = open_store(f"{cluster.url}?client_name={name}&max_connections=5", "none").hot
    await tier.open()
    refs = await of_each_master(tier)
    stored = await asyncio.gather(
        *(tier.append(ref, named(f"x{at}"), op=new_op()) for at in range(70) for ref in refs)
    )
    assert sum(stored) == 210
    assert all(0 < found <= 5 for found in connections(cluster, name))
    await tier.aclose()
    redis_services.until(lambda: connections(cluster, name) == [0, 0, 0], "the end of connections")


# -- listing ---------------------------------------------------------------------------------------


async def test_a_cursor_says_which_master_is_next_and_a_master_that_is_gone_is_an_error(hot):
    key = new_op()
    for at in range(12):
        await hot.initialize(ThreadRef(key, str(at)), op=new_op(), gate="")
    masters, cursor = set(), ""
    while True:
        _, cursor = await hot.scan(key=key, cursor=cursor, limit=2)
        if not cursor:
            break
        masters.add(cursor.partition("@")[2])
    assert len(masters) >= 2
    with pytest.raises(HotTierUnavailableError, match="list them again"):
        await hot.scan(key=key, cursor="7@127.0.0.1:1")
