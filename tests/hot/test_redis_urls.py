"""Redis as a URL names it: a socket, a password, a database, a lifetime."""

import pytest

from zeitlich_store import ConfigurationError, HotTierUnavailableError, open_store

from .. import services

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
