"""Closing a store with a private hot tier: what is acknowledged is archived, or the caller told."""

import asyncio
import uuid

import pytest

from zeitlich_store import ColdTierUnavailableError, ConfigurationError, ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.codecs import JsonCodec


class Slow(MemoryObjectStore):
    """A store whose conditional puts wait for a signal, and may fail."""

    def __init__(self):
        super().__init__(uuid.uuid4().hex)
        self.asked, self.go, self.broken = asyncio.Event(), asyncio.Event(), False

    async def put_if(self, path, data, **options):
        self.asked.set()
        await self.go.wait()
        if self.broken:
            raise ColdTierUnavailableError("broken on purpose")
        return await super().put_if(path, data, **options)


async def opened(objects):
    return await ThreadStore(MemoryHotTier(), ObjectArchive(objects, JsonCodec())).open()


async def hot_thread(store):
    thread = store.thread("t")
    await thread.initialize()
    await thread.append({"id": "0"})
    return thread


async def archived(objects):
    objects.go.set()
    async with ThreadStore(MemoryHotTier(), ObjectArchive(objects, JsonCodec())) as store:
        return [message["id"] for message in (await store.read("t")).messages]


async def test_what_is_acknowledged_while_a_store_closes_is_archived():
    objects = Slow()
    store = await opened(objects)
    thread = await hot_thread(store)
    acknowledged, refused = ["0"], 0
    closing = asyncio.create_task(store.aclose())
    for number in range(1, 10):
        await objects.asked.wait()
        try:
            await thread.append({"id": str(number)})
            acknowledged.append(str(number))
        except ConfigurationError:
            refused += 1
    objects.go.set()
    await closing
    assert await archived(objects) == acknowledged
    assert refused == 9


async def test_a_close_that_was_cancelled_goes_on_when_it_is_called_again():
    objects = Slow()
    store = await opened(objects)
    await hot_thread(store)
    closing = asyncio.create_task(store.aclose())
    await objects.asked.wait()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    objects.go.set()
    await store.aclose()
    await store.aclose()
    assert await archived(objects) == ["0"]


async def test_a_close_that_cannot_archive_says_what_is_not_archived():
    objects = Slow()
    store = await opened(objects)
    await hot_thread(store)
    objects.broken = True
    objects.go.set()
    with pytest.raises(ColdTierUnavailableError) as failed:
        await store.aclose()
    assert failed.value.__notes__ == ["not archived: messages/t"]
    with pytest.raises(ConfigurationError, match="not open"):
        store.thread("t")


async def test_a_store_that_is_opened_again_takes_changes_again():
    objects = Slow()
    objects.go.set()
    store = await opened(objects)
    await hot_thread(store)
    await store.aclose()
    async with store, store.session("t") as thread:
        await thread.append({"id": "1"})
    assert await archived(objects) == ["0", "1"]
