"""From the original's archives to format v2, in place: there is an archive at every moment."""

import gzip
import json
import uuid
from pathlib import Path

import pytest

from zeitlich_store import ConflictError, ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.codecs.zstd import ZstdCodec
from zeitlich_store.models import ThreadRef
from zeitlich_store.snapshot import v1

GOLDEN = sorted((Path(__file__).parents[1] / "data/v1").glob("*.expected.json"))
V1 = "threads/messages/t.json.gz"
V2 = "threads/v2/messages/t/head.zt2"
OLD = gzip.compress(b'{"v":1,"messages":["{\\"id\\":\\"a\\"}"],"state":{"n":1},"dedupIds":["a"]}')


@pytest.fixture
def objects():
    return MemoryObjectStore(uuid.uuid4().hex)


async def opened(objects, **options):
    return await ThreadStore(MemoryHotTier(), ObjectArchive(objects, ZstdCodec(), **options)).open()


async def paths(objects):
    return [row.path for row in await objects.list("")]


async def test_the_first_flush_of_a_v1_thread_writes_v2_and_removes_the_v1_object(objects):
    await objects.put(V1, OLD)
    store = await opened(objects)
    async with store.session("t") as thread:
        await thread.append({"id": "a"}, {"id": "b"})
    assert await paths(objects) == [V2]
    found = await store.read("t")
    assert [message["id"] for message in found.messages] == ["a", "b"]
    assert found.state == {"n": 1}


async def test_a_v1_thread_that_is_only_read_stays_as_it_is(objects):
    await objects.put(V1, OLD)
    store = await opened(objects)
    async with store.session("t") as thread:
        assert await thread.load() == [{"id": "a"}]
    assert (await objects.get(V1)).data == OLD
    assert await paths(objects) == [V1]


async def test_keep_v1_leaves_the_old_object_where_it_is(objects):
    await objects.put(V1, OLD)
    store = await opened(objects, keep_v1=True)
    for name in ("b", "c"):
        async with store.session("t") as thread:
            await thread.append({"id": name})
    assert (await objects.get(V1)).data == OLD
    assert await paths(objects) == [V1, V2]
    assert len((await store.read("t")).messages) == 3
    assert len((await store.list()).threads) == 1


async def test_a_v1_object_changed_by_the_original_meanwhile_is_a_conflict(objects):
    await objects.put(V1, OLD)
    store = await opened(objects)
    thread = store.thread("t")
    await thread.hydrate()
    await thread.append({"id": "b"})
    newer = gzip.compress(b'{"v":1,"messages":["x"],"state":null,"dedupIds":[]}')
    await objects.put(V1, newer)
    with pytest.raises(ConflictError):
        await thread.flush()
    assert (await objects.get(V1)).data == newer
    assert len(await thread.load()) == 2
    await thread.resolve("hot")
    assert await paths(objects) == [V2]


async def test_of_two_stores_that_continue_a_v1_thread_one_gets_a_conflict(objects):
    await objects.put(V1, OLD)
    one, other = await opened(objects), await opened(objects)
    for store, name in ((one, "b"), (other, "c")):
        await store.thread("t").hydrate()
        await store.thread("t").append({"id": name})
    await one.thread("t").flush()
    with pytest.raises(ConflictError) as caught:
        await other.thread("t").flush()
    assert caught.value.archive.snapshot.messages == ('{"id":"a"}', '{"id":"b"}')
    await other.thread("t").resolve("archive")
    assert [m["id"] for m in (await other.read("t")).messages] == ["a", "b"]


async def test_format_v1_leaves_a_v2_thread_alone_and_names_both_places(objects):
    store = await opened(objects)
    async with store.session("t") as thread:
        await thread.append({"id": "a"})
    head = (await objects.get(V2)).data
    old = await opened(objects, format="v1")
    with pytest.raises(ConflictError) as caught:
        await old.thread("t").hydrate()
    assert V2 in str(caught.value)
    assert "threads/messages/t.json" in str(caught.value)
    assert (await objects.get(V2)).data == head
    assert await paths(objects) == [V2]


async def test_legacy_off_does_not_look_for_v1(objects):
    await objects.put(V1, OLD)
    store = await opened(objects, legacy=False)
    assert not (await store.thread("t").hydrate()).found
    assert (await store.list()).threads == []


async def test_deleting_a_thread_removes_both_formats(objects):
    await objects.put(V1, OLD)
    store = await opened(objects, keep_v1=True)
    async with store.session("t") as thread:
        await thread.append({"id": "b"})
    await store.delete("t")
    assert await paths(objects) == []


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name.partition(".")[0])
async def test_every_archive_of_the_original_is_continued_with_its_very_strings(objects, path):
    expected = json.loads(path.read_text("utf-8"))
    suffix = ".json.gz" if expected["object_key"].endswith(".gz") else ".json"
    golden = path.with_name(path.name.replace(".expected.json", suffix)).read_bytes()
    ref = ThreadRef(expected["thread_key"], expected["thread_id"])
    archive = ObjectArchive(objects, ZstdCodec())
    await objects.put(archive.v1.base(ref) + suffix.removeprefix(".json"), golden)
    store = await ThreadStore(MemoryHotTier(), archive).open()
    thread = store.thread(ref.id, key=ref.key, serialize=str, deserialize=str, id_of=None)
    await thread.hydrate()
    await thread.append("one more")
    await thread.flush()
    found = (await archive.read(ref)).snapshot
    assert found.messages == (*expected["raw_messages"], "one more")
    assert set(found.dedup_ids) == set(expected["dedup_ids"])
    assert (
        found.state == v1.parse(gzip.decompress(golden) if suffix.endswith("gz") else golden).state
    )
    assert await archive.v1.objects(ref) == []
