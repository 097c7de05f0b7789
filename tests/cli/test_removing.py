"""`rm` and `drop-hot`: they ask, and say of each thread what became of it."""

import io
import json
import sys

import pytest
import redis

from zeitlich_store import ThreadStore
from zeitlich_store.cli import main
from zeitlich_store.errors import ColdTierUnavailableError


@pytest.fixture
def hot(zs, redis_server, tmp_path):
    """The options of a Redis in which `t`, archived with one message, is hot with another."""
    options = ["--hot", redis_server.url, "--key", tmp_path.name]
    zs.json("append", "t", '{"id":"archived"}', *options)
    zs.json("flush", "t", "--keep", *options)
    zs.json("append", "t", '{"id":"hot"}', *options)
    return options


@pytest.fixture
def damaged(hot, redis_server, tmp_path):
    """The same, and the list of messages of the hot copy is gone."""
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.delete(f"zs:{{{tmp_path.name}:t}}:list") == 1
    return hot


def test_rm_asks_or_needs_yes(zs, chat):
    code, _, err = zs("rm", "chat")
    assert code == 2
    assert "--yes" in err
    assert zs.json("stat", "chat")["archived"]
    assert zs.json("rm", "chat", "--yes") == [{"thread": "chat", "status": "deleted"}]
    assert zs("stat", "chat")[0] == 1


class Terminal(io.StringIO):
    """Somebody who answers."""

    def isatty(self):
        return True


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("y\n", 0)])
@pytest.mark.parametrize("command", ["rm", "drop-hot"])
def test_on_a_terminal_they_ask_and_obey(zs, hot, command, answer, code, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert main([command, "t", *hot]) == code
    assert "for good" in capsys.readouterr().err
    left = zs("show", "t", "--json", *hot)[1].splitlines()
    assert len(left) == {1: 2, 0: 0 if command == "rm" else 1}[code]


def test_rm_of_nothing_fails_and_removes_nothing_else_and_says_so_of_each(zs, chat):
    zs.json("append", "other", "{}")
    code, out, err = zs("rm", "chat", "typo", "other", "--yes", "--json")
    status = {row["thread"]: row["status"] for row in json.loads(out)}
    assert (code, status) == (1, {"chat": "kept", "typo": "not-found", "other": "kept"})
    assert err == "error: thread 'messages/typo' is in neither tier\nnothing was deleted\n"
    assert zs.json("stat", "chat")["archived"]


def test_rm_that_fails_at_one_thread_goes_on_and_says_so(zs, chat, monkeypatch):
    zs.json("append", "other", "{}")
    delete = ThreadStore.delete

    async def failing(self, thread_id, *, key):
        if thread_id == "chat":
            raise ColdTierUnavailableError("no answer")
        await delete(self, thread_id, key=key)

    monkeypatch.setattr(ThreadStore, "delete", failing)
    code, out, err = zs("rm", "chat", "other", "--yes", "--json")
    status = {row["thread"]: row["status"] for row in json.loads(out)}
    assert (code, status) == (1, {"chat": "failed", "other": "deleted"})
    assert err == "error: chat: no answer\n"


def test_rm_removes_a_damaged_archive(zs, chat, tmp_path):
    (archive,) = (tmp_path / "cold").rglob("chat/head.zt2")
    archive.write_bytes(b"damage")
    assert zs("stat", "chat")[0] == 1
    assert zs("rm", "chat", "--yes")[0] == 0
    assert not archive.exists()


def test_drop_hot_gives_up_what_is_not_archived(zs, hot):
    assert zs.json("drop-hot", "t", "--yes", *hot) == [{"thread": "t", "status": "dropped"}]
    assert not zs.json("stat", "t", *hot)["hot"]
    assert zs("show", "t", "--json", *hot)[1] == '{"id":"archived"}\n'


def test_drop_hot_without_anybody_to_ask_needs_yes(zs, hot):
    code, _, err = zs("drop-hot", "t", *hot)
    assert (code, "--yes" in err) == (2, True)
    assert zs.json("stat", "t", *hot)["hot"]


def test_drop_hot_says_which_thread_had_no_hot_copy(zs, hot):
    rows = zs.json("drop-hot", "typo", "t", "t", "--yes", *hot, code=1)
    assert [(row["thread"], row["status"]) for row in rows] == [
        ("typo", "not-hot"),
        ("t", "dropped"),
    ]


def test_drop_hot_gives_a_damaged_copy_up_and_the_archive_is_back(zs, damaged):
    assert zs("show", "t", *damaged)[0] == 1
    assert zs.json("drop-hot", "t", "--yes", *damaged)[0]["status"] == "dropped"
    assert zs.json("hydrate", "t", *damaged)[0]["status"] == "restored"
    assert zs("show", "t", "--json", *damaged)[1] == '{"id":"archived"}\n'


def test_what_damage_says_names_the_command_and_no_method(zs, damaged, tmp_path):
    said = [zs(*command, "t", *damaged)[2] for command in (["show"], ["stat"], ["hydrate"])]
    said.append(zs("export", "--all", "-o", tmp_path / "out", *damaged)[2])
    said.append(zs.json("flush", "t", *damaged, code=1)[0]["detail"])
    for text in said:
        assert "zeitlich-store drop-hot THREAD" in text
        assert "drop_hot()" not in text
