"""An encrypted archive does not become a plain one unless that is asked for."""

import uuid

import pytest

from zeitlich_store import MissingKeyError, ThreadStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier

from .test_encryption import CANARY, NEW, OLD, REF, archive, chat, key_of, opened, texts


@pytest.fixture
def objects():
    return MemoryObjectStore(uuid.uuid4().hex)


async def test_a_store_without_keys_puts_no_plain_version_over_an_encrypted_one(objects):
    """A worker that lost its configuration flushes a copy that another made hot."""
    hot = MemoryHotTier()
    sealing = await ThreadStore(hot, archive(objects, OLD)).open()
    await chat(sealing)
    thread = sealing.thread("t")
    await thread.hydrate()
    await thread.append({"id": "more", "text": "more"})
    plain = await ThreadStore(hot, archive(objects)).open()
    with pytest.raises(MissingKeyError, match="encryption=off if that is meant"):
        await plain.thread("t").flush()
    assert await key_of(objects) == 1
    assert (await thread.flush()).messages == 2
    assert await key_of(objects) == 1


async def test_plain_over_encrypted_is_written_where_it_is_asked_for(objects):
    sealing = await opened(objects, OLD)
    await chat(sealing)
    asked = await opened(objects, OLD, "off")
    async with asked.session("t") as thread:
        await thread.append({"id": "more", "text": "more"})
    assert await key_of(objects) is None
    assert await texts(await opened(objects, NEW)) == [CANARY, "more"]


async def test_an_encrypted_version_is_deleted_by_its_token_also_without_keys(objects):
    sealing = await opened(objects, OLD)
    await chat(sealing)
    without = archive(objects)
    (removed,) = await without.delete(REF)
    assert removed.token.startswith("v2:sealed:")
    assert await objects.list("") == []
