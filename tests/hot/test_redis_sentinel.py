"""The hot tier on the master that a real Sentinel names, before and after a failover."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator

import pytest

from zeitlich_store import ConfigurationError, HotTierUnavailableError, open_store
from zeitlich_store.protocols import HotTier
from zeitlich_store.testing.hot_suite_tools import new_op
from zeitlich_store.testing.hot_tier_suite import HotTierSuite

from .. import redis_services, services

M1 = {"id": "m1"}


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> Iterator[redis_services.Watched]:
    with redis_services.sentinel(tmp_path_factory.mktemp("sentinel")) as watched:
        yield watched


class TestSentinelHotTier(HotTierSuite):
    backend = "Redis behind Sentinel"

    @pytest.fixture
    async def hot(self, watched) -> AsyncIterator[HotTier]:
        tier = open_store(watched.url, "memory://sentinel").hot
        await tier.open()
        yield tier
        await tier.aclose()


async def test_the_database_of_the_url_is_used(watched):
    async with open_store(f"{watched.url}/3", "memory://sentinel-db") as store:
        await store.thread("t").initialize()
        with watched.master.admin(db=3) as admin:
            assert admin.exists("zs:{messages:t}:meta")
        await store.delete("t")


async def test_a_sentinel_that_is_gone_is_passed_over(watched):
    gone = f"127.0.0.1:{services.free_port()}"
    url = f"redis+sentinel://{gone},{watched.sentinel.where}/{watched.service}"
    async with open_store(url, "memory://sentinel-gone") as store, store.session() as thread:
        await thread.append(M1)


async def test_an_unknown_service_is_named(watched):
    url = f"redis+sentinel://{watched.sentinel.where}/other"
    with pytest.raises(HotTierUnavailableError, match="No master found for 'other'"):
        await open_store(url, "none").open()


def connections(watched: redis_services.Watched, name: str) -> int:
    with watched.master.admin() as admin:
        return sum(row["name"] == name for row in admin.client_list())


def asking(watched: redis_services.Watched) -> int:
    with watched.sentinel.admin() as admin:
        return sum(row["cmd"].startswith("sentinel") for row in admin.client_list())


async def test_many_calls_share_a_bounded_number_of_connections_and_all_are_closed(watched):
    name, before = f"zs-{secrets.token_hex(4)}", asking(watched)
    url = f"{watched.url}?client_name={name}&max_connections=5"
    async with open_store(url, "memory://sentinel-many") as store:
        thread = store.thread(new_op())
        await thread.initialize()
        await asyncio.gather(*(thread.append({"id": f"m{at}"}) for at in range(200)))
        assert await thread.length() == 200
        assert 0 < connections(watched, name) <= 5
        await thread.delete()
    redis_services.until(lambda: connections(watched, name) == 0, "the end of connections")
    redis_services.until(lambda: asking(watched) <= before, "the end of Sentinel's connections")


# -- passwords -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(tmp_path_factory) -> Iterator[redis_services.Watched]:
    """A Sentinel that asks for a password; its master asks for none."""
    folder = tmp_path_factory.mktemp("guarded")
    with redis_services.sentinel(folder, "requirepass canary-sentinel") as watched:
        yield watched


async def test_sentinels_password_is_a_parameter_of_its_own(guarded):
    url = f"{guarded.url}?sentinel_password=canary-sentinel"
    async with open_store(url, "memory://sentinel-password") as store:
        assert "canary" not in repr(store)
        await store.thread("t").initialize()


@pytest.mark.parametrize("parameters", ["", "?sentinel_password=canary-wrong"])
async def test_a_wrong_password_for_sentinel_is_a_configuration_error_that_hides_it(
    guarded, parameters
):
    with pytest.raises(ConfigurationError, match=r"sentinel_password=") as caught:
        await open_store(f"{guarded.url}{parameters}", "none").open()
    assert "canary" not in str(caught.value)


# -- failover --------------------------------------------------------------------------------------


async def test_what_was_acknowledged_and_replicated_survives_a_failover(tmp_path):
    with redis_services.sentinel(tmp_path) as watched:
        url = f"{watched.url}?max_connections=1"  # WAIT counts for the connection that wrote
        async with open_store(url, "memory://failover") as store:
            thread = store.thread("t")
            await thread.initialize()
            await thread.save_state({"n": 1})
            for at in range(20):
                await thread.append({"id": f"m{at}"})
            assert await store.hot.client.execute_command("WAIT", 1, 5000) == 1
            with watched.master.admin() as admin:
                admin.shutdown(nosave=True)
            for at in range(20, 40):
                await appended(thread, {"id": f"m{at}"})
            assert [message["id"] for message in await thread.load()] == [
                f"m{at}" for at in range(40)
            ]
            assert await thread.load_state() == {"n": 1}
            with watched.replica.admin() as admin:
                assert admin.role()[0] == b"master"
            await thread.flush()
            assert len((await store.read("t")).messages) == 40


async def appended(thread, message: dict[str, str]) -> None:
    """Append as an agent would: again by the same id, where the store gave up in the meantime."""
    for _ in range(10):
        try:
            await thread.append(message)
        except HotTierUnavailableError:
            continue
        return
    raise AssertionError("the failover took too long")


async def test_a_master_made_a_replica_in_mid_work_is_left_at_once(tmp_path):
    """A planned failover: the old master stays up and refuses writes, also from inside scripts."""
    with redis_services.sentinel(tmp_path) as watched:
        async with open_store(watched.url, "memory://failover-planned") as store:
            thread = store.thread("t")
            await thread.initialize()
            await asyncio.gather(*(thread.append({"id": f"a{at}"}) for at in range(20)))
            with watched.master.admin() as admin:
                admin.set("behind all of them", 1)  # WAIT is about its own connection's writes
                assert admin.execute_command("WAIT", 1, 10_000) == 1
            with watched.sentinel.admin() as admin:
                admin.execute_command("SENTINEL FAILOVER", watched.service)

            def over() -> bool:
                with watched.replica.admin() as new:
                    return new.role()[0] == b"master"

            redis_services.until(over, "the failover")
            with watched.master.admin() as old:  # Sentinel does this, and in its own time
                old.replicaof("127.0.0.1", watched.replica.port)
            await asyncio.gather(*(thread.append({"id": f"b{at}"}) for at in range(20)))
            assert await thread.length() == 40
            assert (await thread.flush()).messages == 40
