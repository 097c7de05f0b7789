"""What people pipe into the command line, and what it prints of hostile threads."""

import asyncio
import io
import json
import sys

import pytest

from zeitlich_store import ThreadRef, open_store
from zeitlich_store.cli import main
from zeitlich_store.keys import v2_path

from .catalogue import NAMES, shown


@pytest.fixture
def zs(capfdbinary, monkeypatch, tmp_path):
    """Runs a command: exit code, stdout and stderr, as bytes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZEITLICH_HOT_URL", "memory://")
    monkeypatch.setenv("ZEITLICH_COLD_URL", f"file://{tmp_path}/cold")

    def run(*args, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main(list(args))
        out = capfdbinary.readouterr()
        return code, out.out, out.err

    return run


GARBAGE = {
    "binary": bytes(range(256)),
    "a byte order mark": b'\xef\xbb\xbf{"id":"m"}\n',
    "UTF-16": '{"id":"m"}\n'.encode("utf-16"),
    "Latin-1": '{"id":"é"}\n'.encode("latin-1"),
    "half a line": b'{"id":"m"}\n{"id":',
    "two values in a line": b'{"id":"m"} {"id":"n"}\n',
    "NaN": b'{"n":NaN}\n',
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "a NUL": b'{"id":"m"}\0\n',
    "a raw control character": b'{"id":"\x1b[31m"}\n',
    "an encoded surrogate": b'{"id":"\xed\xa0\x80"}\n',
    "commas": b"a,b,c\n1,2,3\n",
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_refused_with_its_line_and_nothing_is_stored(zs, tmp_path, what):
    (tmp_path / "good.jsonl").write_bytes(b'{"id":"m"}\n')
    (tmp_path / "bad.jsonl").write_bytes(b'{"id":"first"}\n\n' + GARBAGE[what])
    code, out, err = zs("import", "good.jsonl", "bad.jsonl")
    assert (code, out) == (2, b"")
    assert b"bad.jsonl, line " in err
    assert err.count(b"\n") == 1
    assert zs("append", "t", stdin=GARBAGE[what])[0] == 2
    assert json.loads(zs("--json", "ls")[1])["rows"] == []


def test_crlf_and_empty_lines_are_fine(zs, tmp_path):
    (tmp_path / "t.jsonl").write_bytes(b'\r\n{"id":"a"}\r\n\n   \n{"id":"b"}')
    assert zs("import", "t.jsonl")[0] == 0
    assert zs("show", "t", "--json")[1] == b'{"id":"a"}\r\n{"id":"b"}\n'


def test_a_line_of_100_megabytes_is_a_message(zs, tmp_path):
    line = b'{"id":"m","t":"' + b"x" * (100 << 20) + b'"}\n'
    (tmp_path / "t.jsonl").write_bytes(line)
    assert zs("import", "t.jsonl")[0] == 0
    assert zs("export", "t", "-o", "out.jsonl")[0] == 0
    assert (tmp_path / "out.jsonl").read_bytes() == line


PRINTABLE = [name for name in NAMES if "\0" not in name]


def no_control(data):
    text = data.decode()
    return [char for char in text if not char.isprintable() and char != "\n"]


@pytest.mark.parametrize("how", [(), ("--json",)], ids=["table", "json"])
def test_no_command_sends_a_control_character_of_a_name_to_the_terminal(zs, tmp_path, how):
    async def fill():
        async with open_store() as store:
            for name in NAMES:
                async with store.session(name, key="\x1b]0;k\x07") as thread:
                    await thread.append({"id": name, "role": name, "content": name})

    asyncio.run(fill())
    bad = ThreadRef("\x1b]0;k\x07", "\x1b[31mred")
    (tmp_path / "cold" / v2_path("threads", bad)).write_bytes(b"no archive")
    printed = 0
    key = ("--key", "\x1b]0;k\x07")
    for command in (
        *(["ls"], ["ls", "--limit", "3"], ["verify"], ["verify", "--all"], ["flush", "--all"]),
        *(["convert", "--format", "v2", "--codec", "gzip"], ["export", "--all", "-o", "out"]),
        *([name, bad.id] for name in ("show", "stat", "hydrate", "salvage", "flush")),
        *(
            ["show", "\n"],
            ["stat", "\x9b31m"],
            ["rm", "\u202egnp.exe", "--yes"],
            ["drop-hot", "\x1b[31m", "--yes"],
            ["show", "\x07"],
        ),
        *(["resolve", "\x08", "--keep", "hot", "--yes"], ["\x1b[2J"], ["ls", "--cursor", "\x1b"]),
    ):
        _, out, err = zs(*how, *key, *command)
        printed += len(out + err)
        assert (command, no_control(out), no_control(err)) == (command, [], [])
        if how:
            for line in out.splitlines():
                json.loads(line)
    assert printed > 10_000


@pytest.mark.parametrize("name", [n for n in PRINTABLE if not n.startswith("-")], ids=shown)
def test_any_name_can_be_given_on_the_command_line(zs, name):
    assert zs("append", "--", name, '{"id":"m"}')[0] == 0
    assert [row["thread"] for row in json.loads(zs("--json", "ls")[1])["rows"]] == [name]
    assert zs("export", "--all", "-o", "out")[0] in ({0} if len(name.encode()) < 200 else {0, 1})
    assert zs("rm", "--yes", "--", name)[0] == 0


def test_json_of_messages_that_are_none_is_refused(zs, tmp_path):
    async def fill():
        opened = open_store()
        async with opened as store, store.session("t", id_of=None, serialize=str) as thread:
            await thread.append('{"id":"m"}', "\x1b[31mnot JSON")

    asyncio.run(fill())
    code, out, err = zs("--json", "show", "t")
    assert (code, out) == (2, b"")
    assert b"message 1 is not JSON" in err
    assert no_control(zs("show", "t")[1]) == []
    assert zs("export", "t")[1] == b'{"id":"m"}\n\x1b[31mnot JSON\n'
