"""The example plug-in works by URL once it is installed, keeps every contract, and is safe."""

import hashlib
import json
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing

import pytest

from .conftest import EXAMPLE

SESSION = """
import asyncio, sys
from zeitlich_store import open_store

async def main():
    async with open_store("memory://", sys.argv[1]) as store:
        async with store.session("t") as thread:
            await thread.append({"id": "a", "text": "hi"})
            thread.state["n"] = 1
        async with store.session("t") as thread:
            await thread.append({"id": "b"})
        found = await store.read("t")
        print(found.tier, [m["id"] for m in found.messages], found.state)
        print([row.ok async for row in store.verify()], (await store.stat("t")).archived_generation)

asyncio.run(main())
"""
MISTAKE = """
import asyncio, sys
from zeitlich_store import ConfigurationError, open_store

try:
    asyncio.run(open_store("memory://", sys.argv[1]).open())
except ConfigurationError as exc:
    sys.exit(sys.argv[2] not in str(exc) and str(exc))
sys.exit("no error")
"""
WRITER = """
import asyncio, sys
from zeitlich_store import PreconditionFailedError
from zeitlich_store_sqlite import SqliteStore

async def main(file, name):
    store = SqliteStore(__import__("pathlib").Path(file), 30)
    await store.open()
    for line in sys.stdin:
        generation, token = line.split()
        try:
            await store.put_if("one", f"{generation} {name}".encode(),
                               expected=None if token == "-" else token)
            print("won", flush=True)
        except PreconditionFailedError:
            print("lost", flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


def test_the_example_has_less_than_a_hundred_lines():
    text = (EXAMPLE / "zeitlich_store_sqlite.py").read_text()
    assert len(text.splitlines()) < 100


def test_a_session_goes_into_the_file_and_comes_back(in_process, tmp_path):
    out = in_process("-c", SESSION, f"sqlite:///{tmp_path}/threads.db?codec=gzip&timeout=5")
    assert out == "cold ['a', 'b'] {'n': 1}\n[True] 2\n"
    assert (tmp_path / "threads.db").stat().st_size > 0


def test_it_keeps_every_contract(in_process, tmp_path):
    url = f"sqlite://{tmp_path}/threads.db"
    run = ("-m", "zeitlich_store", "--cold", url, "--json")
    found = json.loads(in_process(*run, "conformance"))
    assert (found["ok"], found["failures"]) == (True, [])
    kept = {row["suite"]: row["passed"] for row in found["rows"]}
    assert set(kept) == {"ObjectStoreSuite", "ConditionalStoreSuite", "ColdTierSuite"}
    assert min(kept.values()) > 5
    assert not any(row["failed"] or row["skipped"] for row in found["rows"])
    with closing(sqlite3.connect(tmp_path / "threads.db")) as db:
        assert db.execute("SELECT path FROM objects").fetchall() == []
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_command_line_lists_it(in_process):
    rows = json.loads(in_process("-m", "zeitlich_store", "--json", "backends"))
    assert any((row["tier"], row["scheme"]) == ("cold", "sqlite://") for row in rows)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///x.db?timeout=soon", "whole number of seconds"),
        ("sqlite:///x.db?timeuot=1", "did you mean 'timeout'"),
        ("sqlite://", "names a folder"),
        ("sqlite:///none/here/x.db", "cannot be used"),
    ],
)
def test_a_mistake_in_the_url_is_told(in_process, url, message):
    in_process("-c", MISTAKE, url, message)


@pytest.fixture
def writers(plug_in, tmp_path):
    """Four processes that write the same object when they are told to."""
    with ExitStack() as stack:
        yield [stack.enter_context(_writer(plug_in, tmp_path / "one.db", n)) for n in range(4)]


def _writer(plug_in, file, name):
    command = [sys.executable, "-c", WRITER, str(file), str(name)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, **pipes, text=True, bufsize=1, env=plug_in)


def test_of_four_processes_one_wins_each_generation(writers):
    token = "-"
    for generation in range(40):
        for writer in writers:
            writer.stdin.write(f"{generation} {token}\n")
        answers = [writer.stdout.readline().strip() for writer in writers]
        assert sorted(answers) == ["lost", "lost", "lost", "won"], generation
        written = f"{generation} {answers.index('won')}"
        token = hashlib.sha256(written.encode()).hexdigest()
