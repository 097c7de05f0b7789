"""Threads between the tiers and out of both."""

import pytest


@pytest.fixture
def shared(redis_server, tmp_path):
    """The options of a hot tier that outlives a command, under a key of the test's own."""
    return ["--hot", redis_server.url, "--key", tmp_path.name]


def test_hydrate_says_what_it_did(zs, shared):
    zs.json("append", "chat", "{}", "--key", shared[-1])
    rows = zs.json("hydrate", "chat", "none-such", *shared, code=1)
    assert [row["status"] for row in rows] == ["restored", "not-found"]


def test_hydrate_into_a_hot_tier_that_ends_with_the_command_is_bad_input(zs, chat):
    code, out, err = zs("hydrate", "chat")
    assert (code, out) == (2, "")
    assert "ends with this command: give --hot" in err


def test_flush_of_what_is_archived_and_not_hot_does_nothing(zs, chat):
    assert zs.json("flush", "chat")[0]["status"] == "nothing"
    assert zs("flush")[0] == 2


def test_flush_of_a_thread_in_neither_tier_fails_and_does_the_others(zs, shared):
    zs.json("append", "t", "{}", *shared)
    rows = zs.json("flush", "typo", "t", *shared, code=1)
    assert [row["status"] for row in rows] == ["not-found", "archived"]
    assert rows[0]["detail"] == "is in neither tier"
    assert rows[0].keys() == rows[1].keys()


def test_flush_of_a_damaged_archive_that_is_not_hot_does_nothing(zs, chat, tmp_path):
    (archive,) = (tmp_path / "cold").rglob("chat/head.zt2")
    archive.write_bytes(b"damage")
    assert zs.json("flush", "chat")[0]["status"] == "nothing"


def test_flush_all_says_how_many_there_were(zs, shared):
    assert zs("flush", "--all", *shared) == (0, "0 threads\n", "")
    assert zs.json("flush", "--all", *shared) == []
    zs.json("append", "t", "{}", *shared)
    assert zs("flush", "--all", *shared)[1].endswith("\n1 thread\n")


def test_with_redis_a_thread_stays_hot_until_it_is_flushed(zs, redis_server, monkeypatch, tmp_path):
    monkeypatch.setenv("ZEITLICH_HOT_URL", redis_server.url)
    key = ["--key", tmp_path.name]
    assert zs.json("append", "t", '{"id":"a"}', *key)["tier"] == "hot"
    assert zs.json("ls", *key)["rows"][0] | {"hot": True, "archived": False}
    assert zs.json("stat", "t", *key)["hot_messages"] == 1
    rows = zs.json("flush", "--all", *key)
    assert [(row["thread"], row["status"]) for row in rows] == [("t", "archived")]
    assert zs.json("hydrate", "t", *key)[0]["status"] == "restored"
    assert zs.json("hydrate", "t", *key)[0]["status"] == "already-hot"
    assert zs.json("flush", "t", "--keep", *key)[0]["status"] == "clean"
    assert zs("show", "t", "--json", *key)[1] == '{"id":"a"}\n'
    assert zs.json("rm", "t", "--yes", *key)


def test_doctor_looks_at_redis(zs, redis_server):
    found = zs.json("doctor", "--hot", redis_server.url)
    assert found["ok"]
    checks = {(row["tier"], row["check"]): row["result"] for row in found["rows"]}
    assert checks["hot", "server"] == "ok"
    assert checks["hot", "eviction"] == "ok"
    assert checks["cold", "delete"] == "ok"


def test_doctor_warns_of_eviction():
    from zeitlich_store.cli.probes import _durability, _eviction

    info = {"maxmemory_policy": "allkeys-lru", "maxmemory": 10}
    assert _eviction(info)[0] == "warning"
    assert _eviction({**info, "maxmemory": 0})[0] == "ok"
    assert _eviction({})[0] == "unknown"
    assert _durability({})[0] == "unknown"
    assert _durability({"aof_enabled": 1})[0] == "ok"
