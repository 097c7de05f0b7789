"""What a conversion must not do: lose, resurrect, mix up, or get stuck half way."""

import gzip
import json
import uuid
from contextlib import suppress
from dataclasses import replace

import pytest

from zeitlich_store import ThreadNotFoundError, ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.codecs.gzip import GzipCodec
from zeitlich_store.codecs.plain import JsonCodec
from zeitlich_store.codecs.zstd import ZstdCodec
from zeitlich_store.errors import ColdTierUnavailableError, PreconditionFailedError
from zeitlich_store.models import Snapshot, ThreadRef, Version
from zeitlich_store.testing.gated_tiers import GatedConditionalStore
from zeitlich_store.testing.gates import CrashedError, FaultAt, open_gate

REF = ThreadRef("messages", "t")
V1, V2 = "threads/messages/t.json.gz", "threads/v2/messages/t/head.zt2"
ONE, TWO = '{"id":"a"}', '{"id":"b"}'


def v1(messages, state=None, ids=()):
    fields = {"v": 1, "messages": messages, "state": state, "dedupIds": list(ids)}
    return json.dumps(fields).encode()


OLD = v1([ONE], {"n": 1}, ["a"])


@pytest.fixture
def objects():
    return MemoryObjectStore(uuid.uuid4().hex)


async def opened(objects, codec=None, *, gate=open_gate, hot=None, **options):
    store = GatedConditionalStore(objects, gate)
    archive = ObjectArchive(store, codec or GzipCodec(), **options)
    return await ThreadStore(hot or MemoryHotTier(), archive).open()


async def converted(store, *args, **kwargs):
    return [row async for row in store.convert(*args, **kwargs)]


async def statuses(store, *args, **kwargs):
    return [str(row.status) for row in await converted(store, *args, **kwargs)]


async def everything(objects):
    return {row.path: (await objects.get(row.path)).data for row in await objects.list("")}


async def in_v2(objects, *messages, state=None):
    """A v2 archive in gzip of these messages."""
    async with (await opened(objects)).session("t") as thread:
        await thread.append(*(json.loads(message) for message in messages))
        if state:
            thread.state.update(state)


async def content(objects):
    snapshot = (await ObjectArchive(objects, GzipCodec()).read(REF)).snapshot
    return snapshot.messages, snapshot.state, set(snapshot.dedup_ids)


async def test_a_deleted_thread_whose_flush_landed_late_is_not_brought_back(objects):
    hot = MemoryHotTier()
    store = await opened(objects, hot=hot)
    await store.thread("t").initialize()
    await store.thread("t").append({"id": "a"})
    stalled = await hot.export(REF)
    await store.delete("t")
    late = replace(stalled.snapshot, generation=1, write_id=stalled.write_id)
    await store.cold.write(REF, late, expected=Version.ABSENT)
    before = await everything(objects)
    for codec, target in ((ZstdCodec(), "v2"), (GzipCodec(), "v1")):
        assert await statuses(await opened(objects, codec, hot=hot), format=target) == []
    assert await everything(objects) == before
    with pytest.raises(ThreadNotFoundError):
        await store.read("t")


@pytest.mark.parametrize("codec", [GzipCodec(), ZstdCodec()], ids=lambda codec: codec.name)
@pytest.mark.parametrize(
    "other",
    [
        v1([TWO]),
        v1([ONE, TWO, TWO]),
        v1([ONE], {"n": 2}, ["a"]),
        v1([ONE], {"n": 1}, ["a", "another"]),
        v1([], {"n": 2}),
    ],
    ids=["other messages", "more messages", "another state", "more ids", "state alone"],
)
@pytest.mark.parametrize("target", ["v1", "v2"])
async def test_what_only_the_v1_object_holds_is_never_removed(objects, codec, other, target):
    await in_v2(objects, ONE, state={"n": 1})
    await objects.put(V1, gzip.compress(other))
    before = await everything(objects)
    (row,) = await converted(await opened(objects, codec), format=target)
    assert str(row.status) == "failed"
    assert V1 in row.problem
    assert V2 in row.problem
    assert await everything(objects) == before


async def test_a_leftover_the_head_goes_on_from_goes_in_one_run_with_the_codec(objects):
    await in_v2(objects, ONE, TWO, state={"n": 2})
    await objects.put(V1, gzip.compress(OLD))
    before = await content(objects)
    assert await statuses(await opened(objects, ZstdCodec()), format="v2") == ["converted"]
    assert list(await everything(objects)) == [V2]
    assert await content(objects) == before
    assert await statuses(await opened(objects, ZstdCodec()), format="v2") == ["already"]


async def test_a_thread_that_went_on_after_a_stopped_conversion_to_v1_is_finished(objects):
    await in_v2(objects, ONE, TWO, state={"n": 2})
    await objects.put(V1, gzip.compress(OLD))
    before = await content(objects)
    assert await statuses(await opened(objects), format="v1") == ["converted"]
    assert list(await everything(objects)) == [V1]
    assert await content(objects) == before


async def test_keep_v1_of_the_url_keeps_it(objects):
    await objects.put(V1, gzip.compress(OLD))
    assert await statuses(await opened(objects, keep_v1=True), format="v2") == ["converted"]
    assert list(await everything(objects)) == [V1, V2]
    assert await statuses(await opened(objects, keep_v1=True), format="v2") == ["already"]


async def test_what_is_done_is_not_fetched_whole(objects):
    await objects.put(V1, gzip.compress(OLD))
    for target in ("v1", "v2"):
        store = await opened(objects)
        await converted(store, format=target)
        gate = FaultAt(0, "fail")
        assert await statuses(await opened(objects, gate=gate), format=target) == ["already"]
        assert set(gate.seen) == {"store list", "store get_range"}


async def test_an_object_whose_thread_cannot_be_told_does_not_stop_the_others(objects):
    store = await opened(objects)
    for name in ("n" * 400, "t"):
        async with store.session(name) as thread:
            await thread.append({"id": "a"})
    hashed = next(path for path in await everything(objects) if "~~" in path)
    damaged = (await objects.get(hashed)).data[:-5]
    await objects.put(hashed, damaged)
    rows = await converted(store, format="v1")
    assert [(r.ref.id, str(r.status)) for r in rows if r.ref] == [("t", "converted")]
    (failed,) = [row for row in rows if row.ref is None]
    assert str(failed.status) == "failed"
    assert hashed in failed.problem
    assert (await objects.get(hashed)).data == damaged


async def test_an_object_at_a_path_of_no_thread_is_told(objects):
    await in_v2(objects, ONE)
    await objects.put("threads/v2/messages/UPPER/head.zt2", (await objects.get(V2)).data)
    rows = await converted(await opened(objects), format="v2")
    assert {row.ref: str(row.status) for row in rows} == {REF: "already", None: "failed"}


async def test_ids_are_placed_only_where_all_of_them_are_explained(objects):
    """A user's own `id_of` may give a message's id to another message's key."""
    await objects.put(V1, gzip.compress(v1([ONE, '{"uuid":"a"}'], None, ["u1", "a"])))
    await converted(await opened(objects), format="v2")
    assert (await ObjectArchive(objects, GzipCodec()).read(REF)).snapshot.ids == (
        ("a", -1),
        ("u1", -1),
    )
    await objects.delete(V2)
    await objects.put(V1, gzip.compress(v1([TWO, ONE], None, ["a", "b"])))
    await converted(await opened(objects), format="v2")
    found = (await ObjectArchive(objects, GzipCodec()).read(REF)).snapshot.ids
    assert found == (("b", 0), ("a", 1))


async def test_what_v1_cannot_hold_exactly_stays_in_v2(objects):
    archive = ObjectArchive(objects, GzipCodec())
    split = Snapshot(messages=('"\ud83d\ude00"',))
    await archive.write(REF, split, expected=Version.ABSENT)
    before = await everything(objects)
    (row,) = await converted(await opened(objects), format="v1")
    assert "surrogate" in row.problem
    assert await everything(objects) == before


async def test_a_thread_without_a_v1_name_stays_in_v2(objects):
    async with (await opened(objects)).session("a/b") as thread:
        await thread.append({"id": "a"})
    before = await everything(objects)
    (row,) = await converted(await opened(objects), format="v1")
    assert (row.ref.id, str(row.status)) == ("a/b", "failed")
    assert await everything(objects) == before


async def test_a_codec_of_ones_own_is_recognised(objects):
    class Own(GzipCodec):
        name, suffix = "own", ".own"

    await objects.put(V1, gzip.compress(OLD))
    assert await statuses(await opened(objects, Own()), format="v2") == ["converted"]
    assert await statuses(await opened(objects, Own()), format="v2") == ["already"]


async def test_a_codec_given_counts_instead_of_the_stores(objects):
    await objects.put(V1, gzip.compress(OLD))
    store = await opened(objects)
    assert await statuses(store, format="v2", codec=ZstdCodec(level=9)) == ["converted"]
    assert await statuses(store, format="v2", codec=ZstdCodec()) == ["already"]
    assert await statuses(store, format="v2") == ["converted"]


async def test_of_two_conversions_at_once_one_is_told_and_nothing_is_lost(objects, monkeypatch):
    await objects.put(V1, gzip.compress(OLD))
    before, store = await content(objects), await opened(objects)
    put = objects.put_if

    async def overtaken(path, data, *, expected, content_type=None):
        monkeypatch.setattr(objects, "put_if", put)
        assert await statuses(await opened(objects), format="v2") == ["converted"]
        return await put(path, data, expected=expected, content_type=content_type)

    monkeypatch.setattr(objects, "put_if", overtaken)
    (row,) = await converted(store, format="v2")
    assert (str(row.status), "convert it again" in row.problem) == ("failed", True)
    assert await content(objects) == before
    assert await statuses(store, format="v2") == ["already"]


async def test_its_own_write_is_recognised_where_the_reply_was_lost(objects, monkeypatch):
    """A client below sends a put again after it landed; the second one is refused."""
    await objects.put(V1, gzip.compress(OLD))
    put = objects.put_if

    async def twice(path, data, *, expected, content_type=None):
        await put(path, data, expected=expected, content_type=content_type)
        raise PreconditionFailedError("refused: it is there already")

    monkeypatch.setattr(objects, "put_if", twice)
    assert await statuses(await opened(objects), format="v2") == ["converted"]
    assert list(await everything(objects)) == [V2]


STARTS = {
    "v1 to another codec": ({V1: gzip.compress(OLD)}, JsonCodec(), "v1"),
    "two names to v1": ({V1: gzip.compress(OLD), V1[:-3]: OLD}, JsonCodec(), "v1"),
    "two names to v2": ({V1: gzip.compress(OLD), V1[:-3]: OLD}, GzipCodec(), "v2"),
    "v2 to another codec": ({}, ZstdCodec(), "v2"),
    "both to v2 and another codec": ({V1: gzip.compress(OLD)}, ZstdCodec(), "v2"),
    "both to v1": ({V1: gzip.compress(OLD)}, GzipCodec(), "v1"),
}


@pytest.mark.parametrize("kind", ["fail", "crash", "lose"])
@pytest.mark.parametrize("start", STARTS)
async def test_stopped_anywhere_the_thread_is_there_and_a_rerun_ends_it(objects, start, kind):
    blobs, codec, target = STARTS[start]
    wanted = f"{V1[:-3]}{codec.suffix}" if target == "v1" else V2
    seen = at = 0
    while seen >= at:  # until no request is left to spoil
        at += 1
        for path in await everything(objects):
            await objects.delete(path)
        if not start.startswith(("v1", "two")):
            await in_v2(objects, ONE, TWO, state={"n": 2})
        for path, data in blobs.items():
            await objects.put(path, data)
        before = await content(objects) if "two" not in start else ((ONE,), '{"n": 1}', {"a"})
        gate = FaultAt(at, kind)
        with suppress(CrashedError, ColdTierUnavailableError):
            await converted(await opened(objects, codec, gate=gate), format=target)
        seen = len(gate.seen)
        assert before in await held(objects), (at, gate.seen)
        await converted(await opened(objects, codec), format=target)
        assert list(await everything(objects)) == [wanted], (at, gate.seen)
        assert await content(objects) == before
        assert await statuses(await opened(objects, codec), format=target) == ["already"]
    assert at > 8


async def held(objects):
    """What each object holds by itself."""
    archive, found = ObjectArchive(objects, GzipCodec()), []
    for path, data in (await everything(objects)).items():
        newer = (await archive.v2.parsed(data, REF)).snapshot if path == V2 else None
        whole = newer or archive.v1.parse(data)
        found.append((whole.messages, whole.state, set(whole.dedup_ids)))
    return found
