"""A folder of another user's that may only be read: everything in it is, and nothing is written."""

import os
import subprocess
import sys

import pytest

from zeitlich_store import open_store

from .rights import let_others_in

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")

CHILD = """
import asyncio, contextlib, io, os, sys
from zeitlich_store import ZeitlichStoreError, open_store
from zeitlich_store.cli import main

url = sys.argv[1]
HEAD = "threads/v2/messages/t/head.zt2"

async def look():
    async with open_store("memory://", url) as store:
        thread = store.thread("t")
        await thread.hydrate()
        listed = [info.ref.id for info in (await store.list()).threads]
        whole = [row.ok async for row in store.verify()]
        print((await store.read("u")).messages, await thread.load(), sorted(listed), whole)
        await thread.drop_hot()

async def write():
    async with open_store("memory://", url) as store:
        thread, cold = store.thread("new"), store.cold.store
        await thread.initialize()
        token = (await cold.get(HEAD)).token
        await tried(thread.flush())
        await tried(cold.put(HEAD, b""))
        await tried(cold.delete(HEAD))
        await tried(cold.delete_if(HEAD, expected=token))
        await thread.drop_hot()

async def tried(step):
    try:
        print("written:", await step)
    except ZeitlichStoreError as exc:
        print(type(exc).__name__)

def commands():
    for words in ("ls", "show t", "verify", "export t"):
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
            yield main(["--hot", "memory://", "--cold", url, *words.split()])

list(commands())  # imports what another user might not be able to
os.chdir("/")
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
asyncio.run(look())
asyncio.run(write())
print(*commands())
"""


@pytest.fixture
async def root(tmp_path):
    """A folder with two threads that may only be read, by its own user too."""
    root = tmp_path / "root"
    async with open_store("memory://", f"file://{root}") as store:
        for name in ("t", "u"):
            async with store.session(name) as thread:
                await thread.append({"id": name})
    let_others_in(tmp_path)
    _chmod(root, 0o555)
    yield root
    _chmod(root, 0o755)


def _chmod(root, mode):
    for folder in (root, *root.rglob("*/")):
        folder.chmod(mode)


def test_what_may_only_be_read_is_looked_at_and_every_write_is_refused(root):
    before = {path: path.lstat().st_mtime_ns for path in (root, *root.rglob("*"))}
    command = [sys.executable, "-c", CHILD, f"file://{root}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.splitlines() == [
        "[{'id': 'u'}] [{'id': 't'}] ['t', 'u'] [True, True]",
        *["ColdTierAccessError"] * 4,
        "0 0 0 0",
    ]
    assert {path: path.lstat().st_mtime_ns for path in (root, *root.rglob("*"))} == before
