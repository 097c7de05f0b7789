"""The smaller stores: what is unreadable is never absent, and what a class keeps is its own."""

import functools
import json
import os
import threading
from asyncio import run

import pytest

from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.simple_cold import SimpleColdTier, is_simple_cold_tier
from zeitlich_store.errors import ColdTierAccessError, ColdTierUnavailableError
from zeitlich_store.models import Snapshot, ThreadRef, Version

REF = ThreadRef("messages", "t")


async def test_a_local_folder_that_is_gone_is_no_absent_object_and_not_made_anew(tmp_path):
    store = LocalObjectStore(tmp_path / "mount")
    await store.open()
    await store.put("t", b"x")
    (tmp_path / "mount").rename(tmp_path / "unmounted")
    for step in (store.get("t"), store.put("t", b"y"), store.delete("t"), store.list("")):
        with pytest.raises(ColdTierUnavailableError, match="not there any more"):
            await step
    assert not (tmp_path / "mount").exists()


async def test_a_local_folder_that_cannot_be_read_is_no_empty_listing(tmp_path, monkeypatch):
    store = LocalObjectStore(tmp_path)
    await store.open()
    await store.put("threads/t", b"x")

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ColdTierAccessError):
        await store.list("threads/")


async def test_a_name_of_a_temporary_file_is_no_object_path(tmp_path):
    store = LocalObjectStore(tmp_path)
    await store.open()
    with pytest.raises(ValueError, match="temporary"):
        await store.put("a/.tmp-x", b"")


def test_a_memory_listing_stands_deletes_from_another_thread():
    store, stop = MemoryObjectStore("listed-while-deleted"), threading.Event()

    async def churn():
        while not stop.is_set():
            for n in range(50):
                await store.put(f"a/{n}", b"x")
            for n in range(50):
                await store.delete(f"a/{n}")

    async def look():
        for _ in range(5_000):
            await store.list("a/")

    thread = threading.Thread(target=lambda: run(churn()))
    thread.start()
    try:
        run(look())
    finally:
        stop.set()
        thread.join()


class Dicts:
    """Keeps v1 dicts, as a port of the original's class does."""

    def __init__(self, **found):
        self.rows = found

    async def read(self, thread_key, thread_id):
        return self.rows.get(thread_id)

    async def write(self, thread_key, thread_id, snapshot):
        state = None if snapshot.state is None else json.loads(snapshot.state)
        messages, ids = list(snapshot.messages), list(snapshot.dedup_ids)
        self.rows[thread_id] = {"v": 1, "messages": messages, "state": state, "dedupIds": ids}

    async def delete(self, thread_key, thread_id):
        self.rows.pop(thread_id, None)


@pytest.mark.parametrize("state", ['{"n": 1}', '{"n":0.000001}', '{"t":"\\u00e9"}', None])
async def test_a_class_that_keeps_the_state_as_a_dict_is_no_other_writer(state):
    tier = SimpleColdTier(Dicts())
    first = await tier.write(REF, Snapshot(("a",), state), expected=Version.ABSENT)
    assert (await tier.read(REF)).token == first.token
    await tier.write(REF, Snapshot(("a", "b"), state), expected=first.token)


async def test_a_delete_removes_what_is_too_new_to_be_read():
    tier = SimpleColdTier(Dicts(t={"v": 9, "messages": [], "state": None, "dedupIds": []}))
    assert await tier.delete(REF) == []
    assert await tier.read(REF) is None


def test_a_decorated_async_method_counts_as_async():
    @functools.wraps(Dicts.read)
    def traced(*args):
        return Dicts.read(*args)

    assert is_simple_cold_tier(type("Traced", (Dicts,), {"read": traced})())
