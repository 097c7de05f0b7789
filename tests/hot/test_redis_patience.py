"""How long a call may take: retries and waiting are bounded, and fit a caller with ten seconds."""

import asyncio
import itertools
import secrets
from contextlib import asynccontextmanager

import pytest
from redis import exceptions
from redis.asyncio.sentinel import MasterNotFoundError

from zeitlich_store import ConfigurationError, HotTierUnavailableError, open_store
from zeitlich_store.backends import redis_scripts as scripts
from zeitlich_store.backends.redis_cluster import ClusterLink
from zeitlich_store.backends.redis_connect import DEFAULTS
from zeitlich_store.backends.redis_link import ServerLink
from zeitlich_store.backends.redis_patience import Patience, Turnstile
from zeitlich_store.testing.hot_suite_tools import make, named, new_op, new_ref

from .. import redis_services, services

USUAL = Patience(DEFAULTS["socket_connect_timeout"] + DEFAULTS["socket_timeout"])


def worst(patience: Patience, costs: itertools.cycle, *, timeout: bool) -> tuple[int, float]:
    """Attempts and seconds of a call whose attempts fail after these many seconds each."""
    elapsed, attempts = 0.0, 0
    while True:
        attempts += 1
        elapsed += next(costs)
        pause = patience.pause(attempts, attempts if timeout else 0, elapsed)
        if pause is None:
            return attempts, elapsed
        elapsed += pause


def test_the_usual_settings_end_a_call_on_a_hanging_server_in_under_ten_seconds():
    attempts, seconds = worst(USUAL, itertools.cycle([USUAL.attempt]), timeout=True)
    assert (attempts, seconds) == (1, 5.25)
    attempts, seconds = worst(USUAL, itertools.cycle([DEFAULTS["socket_timeout"]]), timeout=True)
    assert attempts == 2
    assert seconds < 10


@pytest.mark.parametrize("cost", [0.0, 0.01, 0.3, 1.0, 1.25, 4.0, 5.25])
@pytest.mark.parametrize("last", [0.0, 5.25])
def test_no_mixture_of_failures_makes_a_call_last_ten_seconds(cost, last):
    attempts, seconds = worst(USUAL, itertools.cycle([cost]), timeout=False)
    assert seconds - cost + max(cost, last) <= USUAL.longest < 10
    assert attempts <= 12


def test_a_longer_timeout_in_the_url_gives_one_attempt_of_that_length():
    patience = Patience(1.25 + 60)
    assert worst(patience, itertools.cycle([60.0]), timeout=True) == (1, 60.0)
    assert patience.longest == 61.25


@asynccontextmanager
async def hanging():
    """A server that accepts and never answers; how often it was connected to."""
    seen = []

    async def accept(reader, writer):
        seen.append(writer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], seen
    finally:
        server.close()
        for writer in seen:
            writer.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://127.0.0.1:{}/0", 2),
        ("redis+cluster://127.0.0.1:{}", 2),
        ("redis+sentinel://127.0.0.1:{}/threads", 2),
    ],
)
async def test_a_hanging_server_is_connected_to_twice_and_then_unavailable(url, expected):
    async with hanging() as (port, seen):
        text = f"{url.format(port)}?socket_timeout=0.2&socket_connect_timeout=0.2"
        with pytest.raises(HotTierUnavailableError):
            await open_store(text, "none").hot.status(new_ref())
        assert len(seen) == expected


async def test_a_server_that_is_not_there_is_tried_for_half_a_second_at_open():
    link = open_store(f"redis://127.0.0.1:{services.free_port()}/0", "none").hot
    attempts = 0
    made = link.client.pipeline

    def counted(*args, **kwargs):
        nonlocal attempts
        attempts += 1
        return made(*args, **kwargs)

    link.client.pipeline = counted
    with pytest.raises(HotTierUnavailableError):
        await link.open()
    assert 2 <= attempts <= 6  # 0, 0.05, 0.15, 0.35 and 0.75 seconds after the first


def slow(result=None):
    """What answers in time by itself, but not twice within one call's time."""

    async def answer(*_, **__):
        await asyncio.sleep(0.3)
        return result

    return answer


@pytest.mark.parametrize("kind", [ServerLink, ClusterLink])
async def test_all_of_opening_ends_within_the_time_of_one_call(kind, monkeypatch):
    monkeypatch.setattr(scripts, "load_all", slow())
    monkeypatch.setattr(ClusterLink, "_masters", slow([]))
    monkeypatch.setattr(kind, "_probed", slow([[]]))
    with pytest.raises(TimeoutError):
        await kind(None, Turnstile(1, Patience(attempt=0.4, call=0.5))).open()


async def test_all_sentinels_are_asked_at_once_why_there_is_no_master(monkeypatch):
    together = asyncio.Barrier(5)

    class Dead:
        async def ping(self):
            await together.wait()
            raise exceptions.ConnectionError("refused")

    async def no_master(_):
        raise MasterNotFoundError("no master")

    monkeypatch.setattr(scripts, "load_all", no_master)
    sentinels = [Dead() for _ in range(together.parties)]
    link = ServerLink(None, Turnstile(1, Patience(attempt=1)), sentinels)
    with pytest.raises(exceptions.ConnectionError, match="refused"):
        await link.open()


async def test_a_wrong_password_is_not_tried_again():
    assert await failures_of(exceptions.AuthenticationError()) == 1
    assert await failures_of(exceptions.ResponseError("ERR no")) == 1
    assert await failures_of(exceptions.ConnectionError()) > 2


async def failures_of(exc: Exception) -> int:
    """How often an attempt that always fails is made."""
    made = 0

    async def attempt():
        nonlocal made
        made += 1
        raise exc

    async def recover(_):
        pass

    with pytest.raises(type(exc)):
        await Turnstile(1, Patience(attempt=0.1, call=0.5)).run(attempt, recover)
    return made


# -- connections -----------------------------------------------------------------------------------


async def test_many_calls_share_a_bounded_number_of_connections_and_all_are_closed(redis_server):
    name = f"zs-{secrets.token_hex(4)}"
    tier = open_store(f"{redis_server.url}?client_name={name}&max_connections=5", "none").hot
    await tier.open()
    ref = await make(tier)
    await asyncio.gather(*(tier.append(ref, named(f"m{at}"), op=new_op()) for at in range(200)))
    assert await tier.length(ref) == 200
    server = redis_services.Server(redis_server.port)
    with server.admin() as admin:

        def connected() -> int:
            return sum(row["name"] == name for row in admin.client_list())

        assert 0 < connected() <= 5
        await tier.aclose()
        redis_services.until(lambda: connected() == 0, "the end of connections")


async def test_a_call_that_finds_no_free_connection_in_time_says_so():
    async with hanging() as (port, seen):
        url = f"redis://127.0.0.1:{port}/0?max_connections=2&socket_timeout=1&timeout=0.1"
        tier = open_store(url, "none").hot
        calls = [tier.status(new_ref()) for _ in range(6)]
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(exc) for exc in found} == {HotTierUnavailableError}
        assert sum("max_connections" in str(exc) for exc in found) == 4
        assert len(seen) == 4  # two calls, two attempts each
        await tier.aclose()


async def test_connections_are_given_back_by_calls_that_are_cancelled(redis_server):
    tier = open_store(f"{redis_server.url}?max_connections=1", "none").hot
    await tier.open()
    ref = await make(tier)
    with redis_services.Server(redis_server.port).admin() as admin:
        admin.execute_command("CLIENT PAUSE", 300, "WRITE")
        call = asyncio.create_task(tier.append(ref, named("a"), op=new_op()))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert await tier.append(ref, named("a", "b"), op=new_op()) in {1, 2}
    assert await tier.length(ref) == 2
    await tier.aclose()


async def test_an_open_that_fails_leaves_no_connection(redis_server):
    name = f"zs-{secrets.token_hex(4)}"
    with redis_services.Server(redis_server.port).admin() as admin:
        admin.acl_setuser(
            "opener", enabled=True, nopass=True, keys="*", commands=["+client", "+hello"]
        )
        url = f"redis://opener:x@{redis_server.host}:{redis_server.port}/0?client_name={name}"
        with pytest.raises(ConfigurationError):
            await open_store(url, "none").open()
        redis_services.until(
            lambda: all(row["name"] != name for row in admin.client_list()), "the end"
        )
        admin.acl_deluser("opener")
