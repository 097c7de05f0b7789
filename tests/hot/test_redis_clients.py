"""Clients and servers of the Redis hot tier: who closes what, and what a refusal means."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.errors import ConfigurationError, HotTierUnavailableError
from zeitlich_store.testing.hot_suite_tools import content, make

from .. import services
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
def guarded_server(tmp_path_factory) -> Iterator[services.RedisServer]:
    """A Redis of this file's own that asks for a password."""
    folder = tmp_path_factory.mktemp("guarded")
    with services.redis_server(folder, "--requirepass", "right") as server:
        yield server


@asynccontextmanager
async def opened(server: services.RedisServer, userinfo: str) -> AsyncIterator[RedisHotTier]:
    url = f"redis://{userinfo}{server.host}:{server.port}"
    tier = RedisHotTier.from_url(url, **NO_RETRY)
    try:
        await tier.open()
        yield tier
    finally:
        await tier.aclose()


@pytest.mark.parametrize("userinfo", ["", ":wrong-secret@", "nobody:wrong-secret@"])
async def test_a_wrong_password_is_a_configuration_error_that_hides_it(guarded_server, userinfo):
    with pytest.raises(ConfigurationError) as caught:
        async with opened(guarded_server, userinfo):
            pass
    assert "wrong-secret" not in str(caught.value)


async def test_the_right_password_opens(guarded_server):
    async with opened(guarded_server, ":right@") as tier:
        assert await content(tier, await make(tier)) == ((), None, frozenset())


async def test_a_user_who_may_not_run_scripts_is_a_configuration_error(guarded_server):
    rights = {"passwords": "+weak", "keys": "*", "categories": ["+@all", "-@scripting"]}
    async with opened(guarded_server, ":right@") as admin:
        await admin.client.acl_setuser("weak", enabled=True, **rights)
    with pytest.raises(ConfigurationError, match=r"permission.*docs/operations\.md"):
        async with opened(guarded_server, "weak:weak@"):
            pass
