"""Redis as a URL names it: a socket, a password, a database, a lifetime."""

import pytest
from redis.exceptions import ResponseError

from zeitlich_store import ConfigurationError, HotTierUnavailableError, open_store
from zeitlich_store.backends.redis_errors import redis_errors

from .. import redis_services, services

M1 = {"id": "m1"}


async def use(url):
    """One session through a hot tier; what the store then reads."""
    async with open_store(url, "memory://redis-urls") as store:
        async with store.session() as thread:
            await thread.append(M1)
        return (await store.read(thread.id)).messages


async def test_a_unix_socket_is_a_url(tmp_path):
    socket = tmp_path / "redis.sock"
    with services.redis_server(tmp_path, "--unixsocket", str(socket)):
        assert await use(f"unix://{socket}?db=1") == [M1]


async def test_a_password_in_the_url_is_used_and_a_wrong_one_is_a_configuration_error(tmp_path):
    with services.redis_server(tmp_path, "--requirepass", "canary-password") as server:
        where = f"{server.host}:{server.port}/0"
        assert await use(f"redis://:canary-password@{where}") == [M1]
        with pytest.raises(ConfigurationError) as caught:
            await use(f"redis://:canary-wrong@{where}")
        assert "canary" not in str(caught.value)


async def test_a_server_that_is_not_there_is_unavailable_at_open():
    store = open_store(f"redis://127.0.0.1:{services.free_port()}/0", "none")
    with pytest.raises(HotTierUnavailableError):
        await store.open()


@pytest.fixture(params=["6.2", "7"])
def server(request, tmp_path):
    executable = redis_services.of_version(request.param)
    with services.redis_server(tmp_path, executable=executable) as found:
        yield redis_services.Server(found.port)


async def test_a_database_the_server_does_not_have_is_a_configuration_error(server):
    for database in (16, 999_999_999):
        url = f"redis://{server.where}/{database}"
        with pytest.raises(ConfigurationError, match="in the URL"):
            await open_store(url, "none").open()


async def test_a_sentinel_url_of_a_plain_server_says_what_to_write(server):
    url = f"redis+sentinel://{server.where}/mymaster"
    with pytest.raises(ConfigurationError, match=r"write redis:// instead of redis\+sentinel://"):
        await open_store(url, "none").open()


@pytest.mark.parametrize("quoted", ["`SENTINEL`", "'SENTINEL'", "'sentinel'"])
def test_a_plain_server_is_told_by_the_words_of_every_version(quoted):
    reply = ResponseError(f"unknown command {quoted}, with args beginning with: ")
    with pytest.raises(ConfigurationError, match="write redis://"), redis_errors("opening"):
        raise reply


async def test_the_ttl_of_the_url_is_a_clean_threads_lifetime(redis_server):
    async with open_store(f"{redis_server.url}?ttl=77", "memory://redis-urls") as store:
        async with store.session() as thread:
            await thread.append(M1)
        await store.thread(thread.id).hydrate()
        assert 0 < (await store.stat(thread.id)).hot.expires_in <= 77
        await store.delete(thread.id)


async def test_in_hot_only_mode_the_ttl_counts_for_every_thread(redis_server):
    async with open_store(f"{redis_server.url}?ttl=77", "none") as store:
        async with store.session() as thread:
            await thread.append(M1)
        assert 0 < (await store.stat(thread.id)).hot.expires_in <= 77
        await store.delete(thread.id)
