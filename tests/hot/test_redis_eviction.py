"""A server that is full and evicts: doctor warns, and no half thread is taken for a whole one."""

import io
import json
import sys

import pytest

from zeitlich_store import HotTierCorruptError, open_store
from zeitlich_store.cli import main

from .. import redis_services, services

FULL = ("--maxmemory", "6mb", "--maxmemory-policy", "allkeys-lru", "--maxmemory-samples", "10")
TEXT = "x" * 3000


@pytest.fixture
def server(tmp_path):
    with services.redis_server(tmp_path, *FULL) as server:
        yield redis_services.Server(server.port)


async def parts(client, name: str) -> int:
    """How many keys of a thread with a state are there."""
    tag = f"zs:{{messages:{name}}}"
    return await client.exists(*(f"{tag}:{part}" for part in ("meta", "list", "state", "ids")))


async def test_threads_that_were_half_evicted_are_refused_and_their_archives_kept(server):
    async with open_store(f"redis://{server.where}", "memory://half-evicted") as store:
        client = store.hot.client
        names = [f"t{at}" for at in range(60)]
        for name in names:
            thread = store.thread(name)
            await thread.initialize()
            await thread.append({"id": "m1", "text": TEXT})
            await thread.save_state({"text": TEXT})
            await thread.flush(delete_hot=False)
            await thread.append({"id": "m2", "text": TEXT})
        for at in range(4000):  # until something has to go
            await client.set(f"other:{at}", TEXT)
            if at % 50 == 0 and sum([0 < await parts(client, n) < 4 for n in names]) >= 5:
                break
        half = [name for name in names if 0 < await parts(client, name) < 4]
        assert len(half) >= 5
        for name in half:
            thread = store.thread(name)
            for call in (thread.load, thread.flush, thread.length, thread.hydrate):
                with pytest.raises(HotTierCorruptError, match=name):
                    await call()
            with pytest.raises(HotTierCorruptError, match=name):
                await thread.append({"id": "m3"})
            archived = await store.cold.read(thread.ref)
            assert len(archived.snapshot.messages) == 1
            assert await thread.drop_hot()
            assert (await store.read(name)).messages == [{"id": "m1", "text": TEXT}]


# -- doctor ----------------------------------------------------------------------------------------


def doctor(capsys, monkeypatch, url: str) -> dict[str, str]:
    """What doctor says of the hot tier, check by check."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    code = main(["--json", "doctor", "--hot", url, "--cold", "none"])
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert code == 0, rows
    return {row["check"]: row["result"] for row in rows if row["tier"] == "hot"}


@pytest.mark.parametrize("rights", ["+info", "+config|get"])
def test_doctor_warns_of_a_server_that_evicts(server, rights, capsys, monkeypatch):
    url = user(server, "+@all", "-@dangerous", rights)
    found = doctor(capsys, monkeypatch, url)
    assert found["eviction"] == "warning"
    assert found["durability"] == ("warning" if rights == "+info" else "unknown")


def test_doctor_says_where_it_cannot_tell(server, capsys, monkeypatch):
    found = doctor(capsys, monkeypatch, user(server, "+@all", "-@dangerous", "-info"))
    assert found["eviction"] == found["server"] == "unknown"
    assert found["delete"] == "ok"


def user(server: redis_services.Server, *rights: str) -> str:
    with server.admin() as admin:
        admin.execute_command("ACL SETUSER", "looker", "reset", "on", ">p", "~*", *rights)
    return f"redis://looker:p@{server.where}/0"
