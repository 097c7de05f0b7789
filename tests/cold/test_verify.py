"""Verify reads every byte, names what is damaged, and changes nothing."""

import asyncio
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


@pytest.mark.parametrize("foreign", ["threads/.trash/x.json", "threads/a\\b/x.json"])
async def test_an_object_no_thread_could_have_written_is_passed_over(store, objects, foreign):
    await objects.put(foreign, b"whatever")
    assert len(await verified(store, key=None)) == 5


async def test_an_object_at_a_path_of_no_thread_is_found(store, objects):
    await objects.put("threads/v2/messages/UPPER/head.zt2", (await objects.get(path("a"))).data)
    (damaged,) = [row for row in await verified(store, key=None) if not row.ok]
    assert damaged.path == "threads/v2/messages/UPPER/head.zt2"
    assert "moved" in damaged.problem


async def test_a_damaged_v1_object_beside_a_head_is_told_with_both_problems(store, objects):
    await objects.put("threads/messages/a.json.gz", V1[:-6])
    (told,) = [row for row in await verified(store) if not row.ok]
    assert "; the thread has" in told.problem
    assert path("a") in told.problem


async def test_a_thread_that_is_migrated_while_it_is_looked_at_is_no_damage(
    store, objects, monkeypatch
):
    get = objects.get

    async def migrated(name):
        blob = await get(name)
        if name == "threads/messages/old.json.gz":
            monkeypatch.setattr(objects, "get", get)
            async with store.session("old") as thread:
                await thread.append({"id": "new"})
        return blob

    monkeypatch.setattr(objects, "get", migrated)
    rows = [row async for row in store.cold.verify(key="messages")]
    assert [row.problem for row in rows] == [""] * len(rows)
    assert [row.path for row in await objects.list("threads/messages/")] == []


async def test_without_legacy_only_v2_is_looked_at(objects, store):
    await objects.put("threads/messages/a.json.gz", V1)
    archive = ObjectArchive(objects, ZstdCodec(), legacy=False)
    only_v2 = await ThreadStore(MemoryHotTier(), archive).open()
    for rows in (await verified(only_v2), await verified(only_v2, "a")):
        assert {(row.format, row.ok) for row in rows} == {("v2", True)}
    assert len(await verified(only_v2, key=None)) == 4


async def test_at_most_eight_objects_are_read_at_once(objects):
    store = await ThreadStore(MemoryHotTier(), ObjectArchive(objects, ZstdCodec())).open()
    for number in range(20):
        async with store.session(f"{number:02}") as thread:
            await thread.append({"id": "m"})
    reading, most, get = 0, 0, objects.get

    async def slow(name):
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        await asyncio.sleep(0)
        reading -= 1
        return await get(name)

    objects.get = slow
    rows = await verified(store)
    assert [row.ref.id for row in rows] == [f"{number:02}" for number in range(20)]
    assert most == 8


async def test_after_an_error_nothing_is_read_any_more(store, objects, monkeypatch):
    late = asyncio.Event()
    finished = []

    async def down(name):
        if name == path("a"):
            raise ColdTierUnavailableError("down")
        await late.wait()
        finished.append(name)

    monkeypatch.setattr(objects, "get", down)
    with pytest.raises(ColdTierUnavailableError):
        await verified(store)
    late.set()
    await asyncio.sleep(0)
    assert finished == []


async def test_salvage_gives_nothing_of_another_threads_object(store, objects):
    await objects.put(path("a"), (await objects.get(path("b"))).data)
    for spoiled in (None, 20):  # the second one in its header, so that the manifest has to tell
        data = bytearray((await objects.get(path("a"))).data)
        if spoiled:
            data[spoiled] ^= 1
        await objects.put(path("a"), bytes(data))
        found = await store.salvage("a")
        assert (found.messages, found.state, len(found.problems)) == ((), None, 1)
        assert "another thread" in found.problems[0]


@pytest.mark.parametrize("at", [20, -20])
async def test_salvage_reads_ones_own_damaged_object(store, objects, at):
    data = bytearray((await objects.get(path("a"))).data)
    data[at] ^= 1
    await objects.put(path("a"), bytes(data))
    found = await store.salvage("a")
    assert [index for index, _ in found.messages] == [0]
    assert found.problems
