"""A server that forgets its scripts, dies or comes back in the middle of work."""

import asyncio
import os
import signal

import pytest

from zeitlich_store import HotTierUnavailableError, ThreadNotFoundError, open_store
from zeitlich_store.results import FlushStatus

from .. import redis_services, services

AOF = ("--appendonly", "yes", "--appendfsync", "always")
M1 = {"id": "m1"}


async def killed(server: services.RedisServer) -> None:
    """Until the server is dead; nobody asked it first."""
    with redis_services.Server(server.port).admin() as admin:
        pid = admin.info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)

    async with asyncio.timeout(30):
        while redis_services.alive(server.port):  # noqa: ASYNC110  # the kernel gives no sign
            await asyncio.sleep(0.01)


async def test_scripts_forgotten_again_and_again_go_unnoticed(redis_server):
    async with open_store(redis_server.url, "memory://flushed-scripts") as store:
        thread = store.thread("flushed-scripts")
        await thread.initialize()

        async def write(writer: int) -> None:
            for at in range(25):
                await thread.append({"id": f"{writer}:{at}"})

        async def forget() -> None:
            for _ in range(25):
                await store.hot.client.script_flush()

        await asyncio.gather(forget(), *(write(writer) for writer in range(4)))
        assert await thread.length() == 100
        assert (await thread.flush()).messages == 100
        await thread.delete()


async def test_a_restart_without_persistence_loses_threads_but_shows_no_empty_one(tmp_path):
    port = services.free_port()
    with services.redis_server(tmp_path, port=port) as server:
        async with open_store(server.url, "memory://restart-empty") as store:
            lost, archived = store.thread("lost"), store.thread("archived")
            for thread in (lost, archived):
                await thread.initialize()
                await thread.append(M1)
            await archived.flush(delete_hot=False)
            await killed(server)
            with services.redis_server(tmp_path, port=port):
                for call in (lost.load, lost.length):
                    with pytest.raises(ThreadNotFoundError):
                        await call()
                with pytest.raises(ThreadNotFoundError):
                    await lost.append({"id": "m2"})
                assert (await lost.flush()).status is FlushStatus.NOTHING
                assert not (await lost.hydrate()).found
                assert (await archived.hydrate()).found
                assert await archived.load() == [M1]


async def test_with_an_append_only_file_everything_is_there_after_a_crash(tmp_path):
    port = services.free_port()
    with services.redis_server(tmp_path, *AOF, port=port) as server:
        async with open_store(server.url, "memory://restart-aof") as store:
            thread = store.thread("kept")
            await thread.initialize()
            await thread.save_state({"n": 1})

            async def write(writer: int) -> None:
                for at in range(40):
                    message = {"id": f"{writer}:{at}"}
                    while not await stored(thread, message):
                        pass

            writers = [asyncio.create_task(write(writer)) for writer in range(4)]
            while await thread.length() < 40:
                pass
            await killed(server)
            with services.redis_server(tmp_path, *AOF, port=port):
                await asyncio.gather(*writers)
                found = [message["id"] for message in await thread.load()]
                for writer in range(4):
                    own = [name for name in found if name.startswith(f"{writer}:")]
                    assert own == [f"{writer}:{at}" for at in range(40)]
                assert len(found) == 160
                assert await thread.load_state() == {"n": 1}
                assert (await thread.flush()).messages == 160


async def stored(thread, message: dict[str, str]) -> bool:
    """Append; whether the store did not give up while the server was away."""
    try:
        await thread.append(message)
    except HotTierUnavailableError:
        return False
    return True


async def test_a_call_begun_while_the_server_is_away_ends_when_it_is_back(tmp_path):
    port = services.free_port()
    with services.redis_server(tmp_path, *AOF, port=port) as server:
        async with open_store(server.url, "memory://restart-away") as store:
            thread = store.thread("away")
            await thread.initialize()
            await killed(server)
            call = asyncio.create_task(thread.append(M1))
            await asyncio.sleep(0.3)
            assert not call.done()
            with services.redis_server(tmp_path, *AOF, port=port):
                assert await call == 1
                assert await thread.load() == [M1]
