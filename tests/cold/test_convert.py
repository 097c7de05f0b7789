"""Converting archives between formats and codecs: resumable, and never without an archive."""

import gzip
import json
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

from zeitlich_store import ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.codecs.gzip import GzipCodec
from zeitlich_store.codecs.zstd import ZstdCodec
from zeitlich_store.errors import ColdTierUnavailableError
from zeitlich_store.models import ThreadRef
from zeitlich_store.testing.gated_tiers import GatedConditionalStore
from zeitlich_store.testing.gates import CrashedError, FaultAt, open_gate

GOLDEN = sorted((Path(__file__).parents[1] / "data/v1").glob("*.expected.json"))
OLD = gzip.compress(
    b'{"v":1,"messages":["{\\"id\\":\\"a\\"}","b"],"state":{"n":1},"dedupIds":["a"]}'
)
REF = ThreadRef("messages", "t")
V1, V2 = "threads/messages/t.json.gz", "threads/v2/messages/t/head.zt2"


@pytest.fixture
def objects():
    return MemoryObjectStore(uuid.uuid4().hex)


async def opened(objects, codec=None, gate=open_gate):
    archive = ObjectArchive(GatedConditionalStore(objects, gate), codec or GzipCodec())
    return await ThreadStore(MemoryHotTier(), archive).open()


async def converted(store, *args, **kwargs):
    return [row async for row in store.convert(*args, **kwargs)]


async def paths(objects):
    return [row.path for row in await objects.list("")]


async def content(objects):
    archive = ObjectArchive(objects, GzipCodec())
    snapshot = (await archive.read(REF)).snapshot
    return snapshot.messages, snapshot.state, set(snapshot.dedup_ids)


async def test_v1_becomes_v2_and_v1_again(objects):
    await objects.put(V1, OLD)
    store, before = await opened(objects), await content(objects)
    (row,) = await converted(store, format="v2")
    assert (str(row.status), row.before) == ("converted", len(OLD))
    assert await paths(objects) == [V2]
    assert await content(objects) == before
    (row,) = await converted(store, format="v1")
    assert str(row.status) == "converted"
    assert await paths(objects) == [V1]
    assert await content(objects) == before


async def test_what_is_converted_is_passed_over_by_its_first_bytes(objects):
    await objects.put(V1, OLD)
    await converted(await opened(objects), format="v2")
    gate = FaultAt(0, "fail")
    (row,) = await converted(await opened(objects, gate=gate), format="v2")
    assert str(row.status) == "already"
    assert "store get_range" in gate.seen
    assert not [request for request in gate.seen if "put" in request or "delete" in request]


async def test_another_codec_is_another_version_of_the_same_thread(objects):
    await objects.put(V1, OLD)
    await converted(await opened(objects), format="v2")
    before = await content(objects)
    (row,) = await converted(await opened(objects, ZstdCodec()), format="v2")
    assert str(row.status) == "converted"
    archive = ObjectArchive(objects, GzipCodec())
    assert (await archive.read(REF)).snapshot.generation == 2
    assert await content(objects) == before
    (row,) = await converted(await opened(objects, ZstdCodec()), format="v2")
    assert str(row.status) == "already"


async def test_v1_in_another_codec_gets_another_name(objects):
    await objects.put(V1, OLD)
    before = await content(objects)
    (row,) = await converted(await opened(objects, ZstdCodec()), format="v1")
    assert str(row.status) == "converted"
    assert await paths(objects) == ["threads/messages/t.json.zst"]
    assert await content(objects) == before


async def test_keep_v1_leaves_the_old_object(objects):
    await objects.put(V1, OLD)
    await converted(await opened(objects), format="v2", keep_v1=True)
    assert await paths(objects) == [V1, V2]


async def test_a_hot_thread_is_left_alone(objects):
    await objects.put(V1, OLD)
    store = await opened(objects)
    await store.thread("t").hydrate()
    (row,) = await converted(store, format="v2")
    assert str(row.status) == "hot"
    assert (await objects.get(V1)).data == OLD


async def test_a_damaged_thread_is_told_and_the_others_go_on(objects):
    await objects.put("threads/messages/bad.json.gz", OLD[:-9])
    await objects.put(V1, OLD)
    rows = await converted(await opened(objects), format="v2")
    assert {row.ref.id: str(row.status) for row in rows} == {"bad": "failed", "t": "converted"}
    assert (await objects.get("threads/messages/bad.json.gz")).data == OLD[:-9]


async def test_a_v1_object_that_holds_more_than_the_head_is_kept_and_told(objects):
    await objects.put(V1, OLD)
    await converted(await opened(objects), format="v2")
    await objects.put(V1, gzip.compress(b'{"v":1,"messages":["x"],"state":null,"dedupIds":[]}'))
    (row,) = await converted(await opened(objects), format="v2")
    assert str(row.status) == "failed"
    assert V1 in row.problem
    assert V2 in row.problem
    assert await paths(objects) == [V1, V2]


async def test_one_thread_or_every_key(objects):
    for name in ("threads/messages/t.json.gz", "threads/messages/u.json.gz", "threads/k/v.json.gz"):
        await objects.put(name, OLD)
    store = await opened(objects)
    assert [row.ref.id for row in await converted(store, "u", format="v2")] == ["u"]
    rows = await converted(store, format="v2", key=None)
    assert {(row.ref.key, row.ref.id): str(row.status) for row in rows} == {
        ("messages", "t"): "converted",
        ("messages", "u"): "already",
        ("k", "v"): "converted",
    }


@pytest.mark.parametrize("kind", ["fail", "crash", "lose"])
@pytest.mark.parametrize("target", ["v1", "v2"])
async def test_stopped_at_any_request_it_loses_nothing_and_a_rerun_ends_it(objects, kind, target):
    requests = 12
    for at in range(1, requests):
        for row in await objects.list(""):
            await objects.delete(row.path)
        await objects.put(V1, OLD)
        if target == "v1":
            await converted(await opened(objects), format="v2")
        before, gate = await content(objects), FaultAt(at, kind)
        with suppress(CrashedError, ColdTierUnavailableError):
            await converted(await opened(objects, gate=gate), format=target)
        assert await content(objects) == before
        await converted(await opened(objects), format=target)
        assert await paths(objects) == [V1 if target == "v1" else V2], (at, gate.seen)
        assert await content(objects) == before


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name.partition(".")[0])
async def test_every_archive_of_the_original_survives_both_ways(objects, path):
    expected = json.loads(path.read_text("utf-8"))
    suffix = ".json.gz" if expected["object_key"].endswith(".gz") else ".json"
    golden = path.with_name(path.name.replace(".expected.json", suffix)).read_bytes()
    ref = ThreadRef(expected["thread_key"], expected["thread_id"])
    archive = ObjectArchive(objects, GzipCodec())
    await objects.put(archive.v1.base(ref) + suffix.removeprefix(".json"), golden)
    before = (await archive.read(ref)).snapshot
    for target in ("v2", "v1"):
        (row,) = await converted(await opened(objects), ref.id, key=ref.key, format=target)
        assert str(row.status) == "converted"
        found = (await archive.read(ref)).snapshot
        assert (found.messages, found.state) == (before.messages, before.state)
        assert set(found.dedup_ids) == set(before.dedup_ids)
