"""A lock of a local archive that somebody else does not let go of."""

import os
import signal
import subprocess
import sys

import pytest

from zeitlich_store import ColdTierUnavailableError
from zeitlich_store.backends import local_locks
from zeitlich_store.backends.local_cold import LocalObjectStore

fcntl = pytest.importorskip("fcntl")
PATH = "t/head"
HOLDER = """
import sys
from pathlib import Path
from zeitlich_store.backends.local_locks import locked

with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
FORKED = """
import os, sys
from pathlib import Path
from zeitlich_store.backends import local_locks

file = Path(sys.argv[1])
out, into = os.pipe()
with local_locks.locked(file):
    child = os.fork()
    if not child:
        os.close(into)
        os.read(out, 1)
        os._exit(0)
local_locks.DEADLINE = 0
with local_locks.locked(file):
    os.close(into)
os.waitpid(child, 0)
"""


@pytest.fixture
async def store(tmp_path):
    store = LocalObjectStore(tmp_path)
    await store.open()
    await store.put_if(PATH, b"old", expected=None)
    return store


@pytest.fixture
def lock(store, tmp_path):
    return tmp_path / local_locks.LOCK_FOLDER / local_locks.path_stripe(PATH)


@pytest.fixture
def stopped(lock):
    """A process that holds the lock and was stopped, as ^Z does."""
    command = [sys.executable, "-c", HOLDER, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGSTOP)
        try:
            yield holder
        finally:
            holder.kill()


async def test_a_stopped_process_does_not_block_others_for_ever(store, lock, stopped, monkeypatch):
    monkeypatch.setattr(local_locks, "DEADLINE", 0.1)
    token = (await store.get(PATH)).token
    for change in (
        store.put_if(PATH, b"new", expected=token),
        store.delete_if(PATH, expected=token),
    ):
        with pytest.raises(ColdTierUnavailableError, match="another process") as caught:
            await change
        assert str(lock) in str(caught.value)
    assert (await store.get(PATH)).data == b"old"
    assert [row.path for row in await store.list("")] == [PATH]
    stopped.kill()
    stopped.wait()
    await store.put_if(PATH, b"new", expected=token)


def test_a_thread_does_not_wait_for_another_for_ever(lock, monkeypatch):
    monkeypatch.setattr(local_locks, "DEADLINE", 0.1)
    with (
        local_locks.locked(lock),
        pytest.raises(ColdTierUnavailableError, match="a retry is safe"),
        local_locks.locked(lock),
    ):
        raise AssertionError("two hold it")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_forked_while_a_lock_is_held_does_not_keep_it(lock):
    command = [sys.executable, "-c", FORKED, str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
