"""A folder others can reach: nothing is followed out of it, nothing hangs, nothing is lost."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from zeitlich_store import (
    ColdTierUnavailableError,
    ConfigurationError,
    CorruptSnapshotError,
    LimitExceededError,
    ThreadRef,
    open_store,
)
from zeitlich_store.backends import local_cold
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.cli import main

from .rights import let_others_in

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")
HEAD = "threads/v2/messages/t/head.zt2"


@pytest.fixture
async def store(tmp_path):
    async with open_store("memory://", f"file://{tmp_path}/root") as store:
        for name in ("t", "u"):
            async with store.session(name) as thread:
                await thread.append({"id": "m", "of": name})
        yield store


@pytest.fixture
def head(tmp_path, store):
    return tmp_path / "root" / HEAD


async def refused(store, head):
    """Every operation on the thread says what lies there, soon, and leaves it alone."""
    thread = store.thread("t")
    async with asyncio.timeout(10):
        for step in (thread.hydrate, thread.initialize, lambda: store.read("t")):
            with pytest.raises(CorruptSnapshotError, match=r"neither read nor replaced"):
                await step()
        with pytest.raises(CorruptSnapshotError):
            await store.cold.store.put(HEAD, b"x")
    assert [info.ref.id for info in (await store.list(limit=1)).threads] in (["t"], ["u"])


OTHERS = {
    "a FIFO": os.mkfifo,
    "a socket": lambda file: socket.socket(socket.AF_UNIX).bind(str(file)),
    "a folder": lambda file: file.mkdir(),
    "a link to another thread": lambda file: file.symlink_to(file.parents[1] / "u" / "head.zt2"),
    "a link out": lambda file: file.symlink_to("/etc/passwd"),
    "a link to nothing": lambda file: file.symlink_to("nowhere"),
    "a link to itself": lambda file: file.symlink_to(file),
    "a link to a device": lambda file: file.symlink_to("/dev/zero"),
}


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("what", OTHERS)
async def test_what_is_no_file_is_neither_read_nor_replaced(store, head, monkeypatch, what):
    monkeypatch.chdir(head.parent)  # a socket's path has to be short
    head.unlink()
    OTHERS[what](Path("head.zt2") if what == "a socket" else head)
    before = head.lstat()
    await refused(store, head)
    assert (head.lstat().st_ino, head.lstat().st_mode) == (before.st_ino, before.st_mode)
    if what != "a folder":  # which is walked into
        told = [row for row in [row async for row in store.verify()] if not row.ok]
        assert [row.path for row in told] == [HEAD]
        assert "remove it" in told[0].problem


@pytest.mark.parametrize("depth", range(4))
@pytest.mark.parametrize("where", ["outside", "inside"])
async def test_no_folder_below_the_root_may_be_a_link(store, head, tmp_path, depth, where):
    folder = head.parents[depth]
    target = tmp_path / "outside" if where == "outside" else tmp_path / "root" / "aside"
    folder.rename(target)
    folder.symlink_to(target)
    before = sorted(target.rglob("*"))
    with pytest.raises(CorruptSnapshotError, match="symbolic link"):
        await store.read("t")
    with pytest.raises(CorruptSnapshotError, match="symbolic link"):
        await store.thread("t").initialize()
    with pytest.raises(CorruptSnapshotError, match="symbolic link"):
        await store.list()
    with pytest.raises(CorruptSnapshotError, match="symbolic link"):
        await store.cold.store.put(HEAD, b"x")
    assert sorted(target.rglob("*")) == before


async def test_the_locks_are_not_made_elsewhere(store, tmp_path):
    locks, outside = tmp_path / "root" / ".locks", tmp_path / "outside"
    outside.mkdir()
    for file in locks.iterdir():
        file.unlink()
    locks.rmdir()
    locks.symlink_to(outside)
    thread = store.thread("new")
    await thread.initialize()
    with pytest.raises(CorruptSnapshotError, match="symbolic link"):
        await thread.flush()
    await thread.drop_hot()
    assert list(outside.iterdir()) == []


async def test_the_root_itself_may_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "disk")
    opened = open_store("memory://", f"file://{tmp_path}/root")
    async with opened as store, store.session("t") as thread:
        await thread.append({"id": "m"})
    assert (tmp_path / "disk" / HEAD).is_file()


async def test_a_hard_link_elsewhere_is_not_written_through(store, head, tmp_path):
    twin = tmp_path / "twin"
    twin.hardlink_to(head)
    before = twin.read_bytes()
    async with store.session("t") as thread:
        await thread.append({"id": "m2"})
    assert twin.read_bytes() == before != head.read_bytes()


async def test_a_huge_file_is_refused_before_it_is_read(store, head):
    head.unlink()
    with head.open("wb") as stream:
        stream.truncate(5 << 30)  # sparse
    with pytest.raises(LimitExceededError, match="5368709120 bytes"):
        await store.read("t")
    told = [row for row in [row async for row in store.verify()] if not row.ok]
    assert [row.path for row in told] == [HEAD]


async def test_a_root_that_is_gone_is_no_empty_one_and_is_not_made_again(store, tmp_path):
    await store.thread("t").hydrate()
    await store.thread("t").append({"id": "later"})
    (tmp_path / "root").rename(tmp_path / "away")
    for step in (lambda: store.read("u"), store.list, lambda: store.thread("t").flush()):
        with pytest.raises(ColdTierUnavailableError, match="not there any more"):
            await step()
    assert not (tmp_path / "root").exists()
    (tmp_path / "away").rename(tmp_path / "root")
    assert (await store.thread("t").flush()).status == "archived"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
async def test_a_root_that_is_made_is_its_users_alone(tmp_path, umask):
    before = os.umask(umask)
    try:
        store = LocalObjectStore(tmp_path / "made" / "root")
        await store.open()
        await store.put_if("a/t", b"x", expected=None)
    finally:
        os.umask(before)
    root = tmp_path / "made" / "root"
    assert root.stat().st_mode & 0o777 == 0o700
    files = [root / "a" / "t", *(root / ".locks").iterdir()]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o664 & ~umask}
    assert (root / "a").stat().st_mode & 0o777 == 0o775 & ~umask


async def test_a_root_everybody_may_write_to_is_told_at_open_and_by_the_doctor(
    tmp_path, caplog, capsys
):
    root = tmp_path / "root"
    root.mkdir()
    root.chmod(0o777)
    with caplog.at_level(logging.WARNING, "zeitlich_store"):
        async with open_store("memory://", f"file://{root}"):
            pass
    assert [f"chmod o-w {root}" in record.getMessage() for record in caplog.records] == [True]
    await asyncio.to_thread(main, ["--hot", "memory://", "--cold", f"file://{root}", "doctor"])
    assert "every user of this machine may write" in capsys.readouterr().out


async def test_on_windows_what_parts_a_path_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(local_cold, "_SEPARATORS", frozenset("\\:"))
    store = LocalObjectStore(tmp_path)
    await store.open()
    for path in ("C:x", "a/b:stream", "a\\..\\..\\b"):
        with pytest.raises(ValueError, match="no object path"):
            await store.put(path, b"x")


def child(code, folder):
    """Run code in a process of its own, with `store` a folder's object store that is open."""
    text = f"""
    import asyncio, os, resource, sys
    from zeitlich_store import *
    from zeitlich_store.backends.local_cold import LocalObjectStore
    store = LocalObjectStore({str(folder)!r})
    def run(step):
        try:
            print(asyncio.run(step))
        except ZeitlichStoreError as exc:
            print(type(exc).__name__, exc)
    """
    whole = textwrap.dedent(text) + textwrap.dedent(code)
    command = [sys.executable, "-c", whole]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_disk_that_is_full_leaves_the_old_object_and_no_rest(tmp_path):
    out = child(
        """
        run(store.open())
        run(store.put("t", b"old"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        run(store.put("t", bytes(5000)))
        run(store.get("t"))
        """,
        tmp_path,
    )
    assert "ColdTierUnavailableError writing" in out
    assert "data=b'old'" in out
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_what_another_user_may_not_read_or_write_is_an_access_error(tmp_path):
    let_others_in(tmp_path)
    root = tmp_path / "root"
    (root / "shut").mkdir(parents=True)
    (root / "t").write_bytes(b"mine")
    for name in ("t", "shut"):
        (root / name).chmod(0)  # a user who is not root is shut out of their own as well
    root.chmod(0o777)
    out = child(
        """
        run(store.open())
        if os.getuid() == 0:
            os.setgid(65534), os.setuid(65534)
        for step in (store.get("t"), store.get("shut/x"), store.put("shut/x", b""), store.list("")):
            run(step)
        os.chdir("/")
        run(LocalObjectStore(store._root / "shut").open())
        """,
        root,
    )
    lines = out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == [
        *["ColdTierAccessError"] * 4,
        "ConfigurationError",
    ]
    for name in ("t", "shut"):
        (root / name).chmod(0o700)
    assert (root / "t").read_bytes() == b"mine"


async def test_a_root_that_is_no_folder_is_refused_at_open(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "below", Path("/dev/null")):
        with pytest.raises(ConfigurationError, match="cannot be used"):
            await LocalObjectStore(path).open()


async def test_a_root_that_cannot_be_made_fails_the_first_write(tmp_path):
    store = LocalObjectStore(Path("/proc/nothing"))
    if os.getuid() != 0:  # whom opening already tells
        with pytest.raises(ConfigurationError, match="no permission"):
            await store.open()
        return
    await store.open()
    assert await store.get("x") is None
    with pytest.raises(ColdTierUnavailableError, match="/proc/nothing"):
        await store.put("x", b"x")


async def test_what_a_crash_left_is_neither_listed_nor_read(store, head):
    (head.parent / ".tmp-0123456789abcdef").write_bytes(b"half")
    (head.parents[1] / ".tmp-fedcba9876543210").write_bytes(b"")
    assert sorted(info.ref.id for info in (await store.list()).threads) == ["t", "u"]
    assert [row.problem async for row in store.verify(key=None)] == ["", ""]
    assert await store.cold.read(ThreadRef("messages", ".tmp-0")) is None
