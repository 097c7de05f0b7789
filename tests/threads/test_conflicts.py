"""Two hot tiers that know nothing of each other work on one archive: one is told."""

import uuid

import pytest

from zeitlich_store import ConflictError, ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.codecs.zstd import ZstdCodec
from zeitlich_store.results import FlushStatus

from ..awaited import AwaitedStore


@pytest.fixture(params=["memory", "blocking memory"])
async def stores(request):
    objects = MemoryObjectStore(uuid.uuid4().hex)
    stores = [ThreadStore(MemoryHotTier(), ObjectArchive(objects, ZstdCodec())) for _ in range(2)]
    if "blocking" in request.param:
        stores = list(map(AwaitedStore.of, stores))
    for store in stores:
        await store.open()
    return stores


async def diverge(stores):
    """Both continue the thread; the first archives its version."""
    async with stores[0].session("t") as thread:
        await thread.append({"id": "a"})
    for store, name in zip(stores, "bc", strict=True):
        await store.thread("t").hydrate()
        await store.thread("t").append({"id": name})
    await stores[0].thread("t").flush()
    return stores[1].thread("t")


async def ids(store):
    return [message["id"] for message in (await store.read("t")).messages]


async def test_the_second_flush_is_a_conflict_and_both_versions_stay(stores):
    thread = await diverge(stores)
    with pytest.raises(ConflictError, match="resolve") as caught:
        await thread.flush()
    assert caught.value.archive.snapshot.generation == 2
    assert [message["id"] for message in await thread.load()] == ["a", "c"]
    assert await ids(stores[0]) == ["a", "b"]


async def test_resolve_for_hot_puts_it_over_the_version_found(stores):
    thread = await diverge(stores)
    result = await thread.resolve("hot")
    assert (result.status, result.generation, result.hot) == (FlushStatus.ARCHIVED, 3, False)
    assert await ids(stores[0]) == await ids(stores[1]) == ["a", "c"]


async def test_resolve_for_the_archive_gives_the_hot_copy_up(stores):
    thread = await diverge(stores)
    assert (await thread.resolve("archive")).status is FlushStatus.DROPPED
    assert await ids(stores[1]) == ["a", "b"]
    assert not await thread.exists()


async def test_resolve_without_a_conflict_is_a_flush(stores):
    async with stores[0].session("t") as thread:
        await thread.append({"id": "a"})
    await stores[0].thread("t").hydrate()
    assert (await stores[0].thread("t").resolve("archive")).status is FlushStatus.CLEAN
    assert await ids(stores[0]) == ["a"]


async def test_resolve_wants_to_know_which(stores):
    with pytest.raises(ValueError, match="hot"):
        await stores[0].thread("t").resolve("mine")


async def test_a_version_newer_than_the_one_found_is_another_conflict(stores, monkeypatch):
    """Between the look and the put of a resolve, somebody else archives again."""
    thread = await diverge(stores)
    archive, write = stores[1].cold, stores[1].cold.write

    async def overtaken(ref, snapshot, *, expected):
        if snapshot.generation > 2:
            monkeypatch.setattr(archive, "write", write)
            async with stores[0].session("t") as other:
                await other.append({"id": "d"})
        return await write(ref, snapshot, expected=expected)

    monkeypatch.setattr(archive, "write", overtaken)
    with pytest.raises(ConflictError):
        await thread.resolve("hot")
    assert await ids(stores[0]) == ["a", "b", "d"]
    assert [message["id"] for message in await thread.load()] == ["a", "c"]


async def test_a_session_ends_in_the_conflict_and_keeps_its_messages_hot(stores):
    async with stores[0].session("t") as thread:
        await thread.append({"id": "a"})
    with pytest.raises(ConflictError):
        async with stores[1].session("t") as mine:
            await mine.append({"id": "mine"})
            async with stores[0].session("t") as other:
                await other.append({"id": "other"})
    assert await ids(stores[0]) == ["a", "other"]
    assert await ids(stores[1]) == ["a", "mine"]


async def test_a_deleted_archive_is_a_conflict_for_a_hot_tier_that_was_not_told(stores):
    thread = await diverge(stores)
    await stores[0].delete("t")
    with pytest.raises(ConflictError, match="gone") as caught:
        await thread.flush()
    assert caught.value.archive is None
    await thread.resolve("hot")
    assert await ids(stores[0]) == ["a", "c"]


async def test_mode_new_replaces_the_version_at_entry_and_nothing_newer(stores):
    async with stores[0].session("t") as thread:
        await thread.append({"id": "a"})
    with pytest.raises(ConflictError):
        async with stores[1].session("t", mode="new") as mine:
            await mine.append({"id": "mine"})
            async with stores[0].session("t") as other:
                await other.append({"id": "b"})
    assert await ids(stores[0]) == ["a", "b"]


async def test_equal_content_from_elsewhere_is_no_conflict(stores):
    """Two tiers that did the same: neither has anything to lose."""
    async with stores[0].session("t") as thread:
        await thread.append({"id": "a"})
    for store in stores:
        await store.thread("t").hydrate()
        await store.thread("t").append({"id": "same"})
    await stores[0].thread("t").flush()
    result = await stores[1].thread("t").flush()
    assert result.status is FlushStatus.ARCHIVED
    assert await ids(stores[0]) == ["a", "same"]
