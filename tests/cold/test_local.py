"""The local store: atomic, durable, inside its folder."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from zeitlich_store import ColdTierAccessError, ColdTierUnavailableError, ConfigurationError
from zeitlich_store.backends.local_cold import LocalObjectStore


@pytest.fixture
async def store(tmp_path):
    (tmp_path / "root").mkdir()
    store = LocalObjectStore(tmp_path / "root")
    await store.open()
    return store


@pytest.fixture
def events(monkeypatch, tmp_path):
    """The order of syncs and renames; each is really done."""
    seen = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(handle):
        seen.append(("sync", Path(f"/proc/self/fd/{handle}").readlink().name))
        fsync(handle)

    def record_replace(source, target):
        seen.append(("rename", Path(target).name))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    return seen


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="names of handles need /proc")
async def test_a_put_syncs_the_file_then_renames_it_then_syncs_the_folder(store, events):
    await store.put("messages/t.json", b"1")
    events.clear()
    await store.put("messages/t.json", b"2")
    assert [kind for kind, _ in events] == ["sync", "rename", "sync"]
    assert events[0][1].startswith(".tmp-")
    assert events[1:] == [("rename", "t.json"), ("sync", "messages")]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="names of handles need /proc")
async def test_new_folders_are_made_durable_from_the_top(store, events):
    await store.put("a/b/t.json", b"1")
    assert events[:2] == [("sync", "root"), ("sync", "a")]


async def test_the_folder_is_made_by_the_first_put_and_by_no_reader(tmp_path):
    root = tmp_path / "not" / "there"
    store = LocalObjectStore(root)
    await store.open()
    assert await store.get("a/t.json") is None
    assert await store.get_range("a/t.json", 0, 4) is None
    assert await store.list("") == []
    assert not await store.delete("a/t.json")
    assert list(tmp_path.iterdir()) == []
    await store.put_if("a/t.json", b"1", expected=None)
    assert (await store.get("a/t.json")).data == b"1"


async def test_a_folder_that_was_there_and_is_gone_is_no_absent_object(tmp_path):
    store = LocalObjectStore(tmp_path / "root")
    await store.open()
    await store.put("t.json", b"1")
    shutil.rmtree(tmp_path / "root")
    for step in (store.get("t.json"), store.list(""), store.delete("t.json"), store.put("u", b"")):
        with pytest.raises(ColdTierUnavailableError, match="not there any more"):
            await step


async def test_pruning_removes_empty_folders_and_nothing_else(store):
    await store.put("a/b/c/t.json", b"1")
    await store.put("a/keep/t.json", b"2")
    await store.delete("a/b/c/t.json")
    await store.prune("a")
    assert [path.name for path in (store._root / "a").iterdir()] == ["keep"]
    assert (await store.get("a/keep/t.json")).data == b"2"
    with pytest.raises(ValueError, match="object path"):
        await store.prune("../root")


@pytest.mark.parametrize("step", ["fsync", "replace"])
async def test_a_put_that_fails_leaves_the_old_object_and_no_temporary_file(
    store, monkeypatch, step
):
    await store.put("t.json", b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(ColdTierUnavailableError, match=r"t\.json.*No space left"):
        await store.put("t.json", b"new")
    monkeypatch.undo()
    assert (await store.get("t.json")).data == b"old"
    assert [row.path for row in await store.list("")] == ["t.json"]
    assert [path.name for path in (store._root).iterdir()] == ["t.json"]


async def test_a_temporary_file_of_a_crashed_put_is_never_listed(store):
    await store.put("t.json", b"x")
    (store._root / ".tmp-0123456789abcdef").write_bytes(b"half")
    assert [row.path for row in await store.list("")] == ["t.json"]


async def test_a_file_where_a_folder_should_be_is_an_error_not_an_absent_object(store):
    (store._root / "messages").write_bytes(b"")
    with pytest.raises(ColdTierUnavailableError, match="messages"):
        await store.get("messages/t.json")
    with pytest.raises(ColdTierUnavailableError, match="messages"):
        await store.put("messages/t.json", b"x")


async def test_what_the_system_refuses_is_an_access_error(store, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    await store.put("t.json", b"x")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ColdTierAccessError, match=r"t\.json"):
        await store.get("t.json")


async def test_a_file_system_that_is_mounted_to_be_read_is_an_access_error(store, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ColdTierAccessError, match=r"t\.json.*Read-only"):
        await store.put("t.json", b"x")


async def test_a_root_that_cannot_be_made_is_a_configuration_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        await LocalObjectStore(tmp_path / "file" / "root").open()
    with pytest.raises(ConfigurationError, match="cannot be used"):
        await LocalObjectStore(tmp_path / "file").open()


async def test_a_tilde_is_the_users_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    store = LocalObjectStore("~/threads")
    await store.open()
    await store.put("t.json", b"x")
    assert (tmp_path / "threads" / "t.json").read_bytes() == b"x"
