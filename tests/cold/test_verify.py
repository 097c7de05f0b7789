"""Verify reads every byte, names what is damaged, and changes nothing."""

import gzip
import uuid

import pytest

from zeitlich_store import ColdTierUnavailableError, ConfigurationError, ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.codecs.zstd import ZstdCodec
from zeitlich_store.testing.dict_cold import DictColdTier

V1 = gzip.compress(b'{"v":1,"messages":["a"],"state":null,"dedupIds":[]}')
LONG = "n" * 400


@pytest.fixture
def objects():
    return MemoryObjectStore(uuid.uuid4().hex)


@pytest.fixture
async def store(objects):
    """Three threads in v2, one in v1, one of another key, and an object that is no archive."""
    store = await ThreadStore(MemoryHotTier(), ObjectArchive(objects, ZstdCodec())).open()
    for name in ("a", "b", LONG):
        async with store.session(name) as thread:
            await thread.append({"id": "m", "text": name * 40})
    async with store.session("x", key="other") as thread:
        await thread.append({"id": "m"})
    await objects.put("threads/messages/old.json.gz", V1)
    await objects.put("threads/notes.txt", b"no archive")
    return store


async def everything(objects):
    return {row.path: (await objects.get(row.path)).data for row in await objects.list("")}


async def verified(store, *args, **kwargs):
    return [row async for row in store.verify(*args, **kwargs)]


def path(name):
    return f"threads/v2/messages/{name}/head.zt2"


async def test_whole_archives_are_counted_and_none_is_damaged(store, objects):
    before = await everything(objects)
    rows = await verified(store)
    assert sorted(row.ref.id for row in rows) == sorted(["a", "b", LONG, "old"])
    assert all(row.ok and row.messages == 1 for row in rows)
    assert {row.format for row in rows} == {"v1", "v2"}
    assert await everything(objects) == before


async def test_every_key_below_the_prefix(store):
    rows = await verified(store, key=None)
    assert sorted(row.ref.key for row in rows) == ["messages"] * 4 + ["other"]


async def test_one_thread_under_each_of_its_names(store, objects):
    await objects.put("threads/messages/a.json", b'{"v":1}')
    assert [(row.path, row.ok) for row in await verified(store, "a")] == [
        (path("a"), True),
        ("threads/messages/a.json", False),
    ]
    assert await verified(store, "nobody") == []


@pytest.mark.parametrize("at", [0, 9, 60, 110, -60, -20, -1])
async def test_a_flipped_byte_is_found(store, objects, at):
    data = bytearray((await objects.get(path("a"))).data)
    data[at] ^= 1
    await objects.put(path("a"), bytes(data))
    before = await everything(objects)
    (damaged,) = [row for row in await verified(store) if not row.ok]
    assert damaged.path == path("a")
    assert damaged.ref.id == "a"
    assert await everything(objects) == before


async def test_a_truncated_object_is_found(store, objects):
    data = (await objects.get(path("a"))).data
    await objects.put(path("a"), data[:-30])
    assert [row.path for row in await verified(store) if not row.ok] == [path("a")]


async def test_swapped_objects_are_found_both(store, objects):
    one, other = [(await objects.get(path(name))).data for name in "ab"]
    await objects.put(path("a"), other)
    await objects.put(path("b"), one)
    damaged = [row for row in await verified(store) if not row.ok]
    assert [row.path for row in damaged] == [path("a"), path("b")]
    assert all("another thread" in row.problem for row in damaged)


async def test_an_object_moved_to_a_hashed_name_is_found(store, objects):
    hashed = next(p for p in await everything(objects) if "~~" in p)
    await objects.put(hashed, (await objects.get(path("a"))).data)
    (damaged,) = [row for row in await verified(store) if not row.ok]
    assert damaged.path == hashed
    assert "moved or swapped" in damaged.problem


async def test_a_thread_in_both_formats_is_told_with_both_paths(store, objects):
    await objects.put("threads/messages/a.json.gz", V1)
    (told,) = [row for row in await verified(store) if not row.ok]
    assert told.path == "threads/messages/a.json.gz"
    assert path("a") in told.problem


async def test_two_v1_names_of_one_thread_are_told(store, objects):
    await objects.put("threads/messages/old.json", gzip.decompress(V1))
    told = [row for row in await verified(store) if not row.ok]
    assert sorted(row.path for row in told) == [
        "threads/messages/old.json",
        "threads/messages/old.json.gz",
    ]


async def test_an_object_deleted_meanwhile_is_left_out(store, objects, monkeypatch):
    get = objects.get

    async def gone(name):
        return None if name == path("a") else await get(name)

    monkeypatch.setattr(objects, "get", gone)
    assert len(await verified(store)) == 3


async def test_a_store_that_does_not_answer_is_no_damage(store, objects, monkeypatch):
    async def down(_):
        raise ColdTierUnavailableError("down")

    monkeypatch.setattr(objects, "get", down)
    with pytest.raises(ColdTierUnavailableError):
        await verified(store)


async def test_a_cold_tier_that_cannot_verify_says_so():
    store = await ThreadStore(MemoryHotTier(), DictColdTier()).open()
    with pytest.raises(ConfigurationError, match="cannot verify"):
        await verified(store)
