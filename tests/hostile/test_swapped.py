"""Objects that are not what their place says: an error that names them, and never overwritten."""

import gzip
from dataclasses import replace

import pytest
import zstandard

from zeitlich_store import ConflictError, CorruptSnapshotError, UnsupportedFormatError
from zeitlich_store.snapshot import v2_layout as layout

from ..unit.v2_objects import REF, craft, fields, resealed
from .backends import tried

OTHER = "threads/v2/messages/other/head.zt2"
MINE = "threads/v2/messages/mine/head.zt2"
OLDER = "threads/messages/mine.json.gz"
V1 = b'{"v":1,"messages":["a"],"state":null,"dedupIds":[]}'


def lying(data, **changes):
    """A header that says something else, its checksum right."""
    header = replace(layout.read_header(data), **changes)
    return layout.pack_header(header) + data[layout.HEADER_BYTES :]


def major(data, number):
    return data[:8] + bytes([number]) + data[9:]


def field(number):
    """This thread's object with a field of the manifest that nobody knows."""
    return craft(b"", fields(**{f"f{number}": b"x"}), tag=layout.thread_tag(REF))


DAMAGED = {
    "another thread's": lambda mine, other: other,
    "two in one": lambda mine, other: mine + mine,
    "another's behind it": lambda mine, other: mine + other,
    "another's second half": lambda mine, other: mine[: len(mine) // 2] + other[len(other) // 2 :],
    "another's first half": lambda mine, other: other[: len(other) // 2] + mine[len(mine) // 2 :],
    "its first half": lambda mine, other: mine[: len(mine) // 2],
    "another's header": lambda mine, other: other[:104] + mine[104:],
    "another's trailer": lambda mine, other: mine[:-56] + other[-56:],
    "nothing": lambda mine, other: b"",
    "zeros": lambda mine, other: bytes(len(mine)),
    "v1": lambda mine, other: V1,
    "v1 gzip": lambda mine, other: gzip.compress(V1),
    "v1 zstd": lambda mine, other: zstandard.compress(V1),
    "packed again": lambda mine, other: gzip.compress(mine),
    "a byte in front": lambda mine, other: b" " + mine,
    "a byte behind": lambda mine, other: mine + b"\n",
    "a web page": lambda mine, other: b"<!doctype html><title>502 Bad Gateway</title>",
    "an error of S3": lambda mine, other: b"<Error><Code>NoSuchKey</Code></Error>",
    "5 GB claimed": lambda mine, other: lying(mine, total=5 << 30),
    "2^64 messages claimed": lambda mine, other: lying(mine, messages=(1 << 64) - 1),
    "2^32 frames claimed": lambda mine, other: lying(mine, frames=(1 << 32) - 1),
    "an id of its thread alone": lambda mine, other: lying(other, tag=layout.read_header(mine).tag),
}
NEWER = {
    "major 3": lambda mine, other: major(mine, 3),
    "major 255": lambda mine, other: major(mine, 255),
    "major 1": lambda mine, other: major(mine, 1),
    **{
        f"feature {bit}": lambda mine, other, bit=bit: lying(mine, must_understand=1 << bit)
        for bit in range(16)
    },
    "a segment": lambda mine, other: lying(mine, kind=2),
    "codec 77": lambda mine, other: resealed(lying(mine, codec=77)),
    "encryption": lambda mine, other: lying(mine, aead=9),
    "digest 2": lambda mine, other: lying(mine, digest=2),
    "a dictionary": lambda mine, other: lying(mine, dictionary=7),
    "older messages elsewhere": lambda mine, other: lying(mine, first_seq=10),
}
SPOILED = {
    **{name: (make, CorruptSnapshotError) for name, make in DAMAGED.items()},
    **{name: (make, UnsupportedFormatError) for name, make in NEWER.items()},
}
FEW = ("another thread's", "nothing", "a web page", "5 GB claimed", "major 3", "feature 15")


async def archived(store, name, *texts):
    async with store.session(name) as thread:
        for text in texts:
            await thread.append({"id": text, "text": text * 30})


async def refused(store, place, path, error, advice):
    """Everything that works with the thread says so, and the object stays what it is."""
    before = await place.objects()
    for step in (
        lambda: store.read("mine"),
        lambda: store.stat("mine"),
        lambda: store.thread("mine").hydrate(),
        lambda: store.session("mine").__aenter__(),
        lambda: store.session("mine", mode="new").__aenter__(),
        lambda: store.thread("hot").fork("mine"),
    ):
        with pytest.raises(error, match=advice or None) as caught:
            await step()
        assert path in str(caught.value)
    (told,) = [row for row in [row async for row in store.verify(key=None)] if not row.ok]
    assert told.path == path
    (row,) = [row async for row in store.convert("mine", format="v1")]
    assert row.problem or row.status == "already"
    assert await place.objects() == before


@pytest.mark.parametrize(("place", "how"), tried(SPOILED, FEW), indirect=["place"])
async def test_a_head_that_is_none_is_named_and_never_overwritten(store, place, how):
    make, error = SPOILED[how]
    await archived(store, "mine", "one", "two")
    await archived(store, "other", "three")
    await store.thread("hot").initialize()
    objects = await place.objects()
    spoiled = make(objects[MINE], objects[OTHER])
    assert spoiled != objects[MINE]
    hot = store.thread("mine")
    await hot.hydrate()
    await hot.append({"id": "later"})
    await place.store.put(MINE, spoiled)
    with pytest.raises(error):
        await hot.flush()
    assert await hot.length() == 3
    assert (await place.objects())[MINE] == spoiled
    await hot.drop_hot()
    advice = "upgrade" if error is UnsupportedFormatError else ""
    await refused(store, place, MINE, error, advice)


@pytest.mark.parametrize(("place", "number"), tried([13, 15, 17, 999], [17]), indirect=["place"])
async def test_a_field_that_must_be_understood_is_told_from_damage(store, place, number):
    path = "threads/v2/agents/thread-1/head.zt2"
    await place.store.put(path, field(number))
    with pytest.raises(UnsupportedFormatError, match="upgrade"):
        await store.thread(REF.id, key=REF.key).hydrate()
    thread = store.thread(REF.id, key=REF.key)
    with pytest.raises(UnsupportedFormatError, match="upgrade"):
        await thread.initialize()
    (row,) = [row async for row in store.verify(key="agents")]
    assert "upgrade" in row.problem
    assert (await place.objects())[path] == field(number)


async def test_a_newer_minor_version_is_read_and_replaced_as_any_other(store, place):
    await archived(store, "mine", "one")
    await place.store.put(MINE, resealed(lying((await place.objects())[MINE], minor=9)))
    async with store.session("mine") as thread:
        await thread.append({"id": "two"})
    assert len((await store.read("mine")).messages) == 2


async def test_an_older_version_put_back_is_a_conflict_for_who_knows_the_newer(store, place):
    await archived(store, "mine", "one")
    first = (await place.objects())[MINE]
    await archived(store, "mine", "two")
    thread = store.thread("mine")
    await thread.hydrate()
    await thread.append({"id": "three"})
    await place.store.put(MINE, first)
    with pytest.raises(ConflictError, match="nothing was overwritten"):
        await thread.flush()
    assert (await place.objects())[MINE] == first
    assert await thread.length() == 3
    await thread.resolve("hot")
    assert [m["id"] for m in (await store.read("mine")).messages] == ["one", "two", "three"]


OLD = {
    "v2": lambda mine: mine,
    "nothing": lambda mine: b"",
    "zeros": lambda mine: bytes(50),
    "half of it": lambda mine: gzip.compress(V1)[:20],
    "two of it": lambda mine: gzip.compress(V1) * 2,
    "two texts": lambda mine: V1 + V1,
    "a web page": lambda mine: b"<html>",
    "a list": lambda mine: b"[]",
    "null": lambda mine: gzip.compress(b"null"),
    "version 2": lambda mine: gzip.compress(V1.replace(b'"v":1', b'"v":2')),
    "version 1.5": lambda mine: V1.replace(b'"v":1', b'"v":1.5'),
    "no version": lambda mine: V1.replace(b'"v":1,', b""),
    "version true": lambda mine: V1.replace(b'"v":1', b'"v":true'),
    "messages that are objects": lambda mine: V1.replace(b'"a"', b'{"a":1}'),
    "a deep state": lambda mine: V1.replace(b"null", b'{"a":' * 99_999 + b"1" + b"}" * 99_999),
    "a number of 5,000 digits": lambda mine: V1.replace(b"null", b'{"a":' + b"9" * 5000 + b"}"),
    "NaN": lambda mine: V1.replace(b"null", b'{"a":NaN}'),
    "a byte order mark": lambda mine: b"\xef\xbb\xbf" + V1,
    "UTF-16": lambda mine: V1.decode().encode("utf-16"),
}


FEW_OLD = ("v2", "nothing", "half of it", "version 2")


@pytest.mark.parametrize(("place", "how"), tried(OLD, FEW_OLD), indirect=["place"])
async def test_a_v1_archive_that_is_none_is_named_and_never_overwritten(store, place, how):
    await archived(store, "other", "one")
    await store.thread("hot").initialize()
    await place.store.put(OLDER, OLD[how]((await place.objects())[OTHER]))
    newer = (CorruptSnapshotError, UnsupportedFormatError)
    await refused(store, place, OLDER, newer, "")


async def test_a_v1_archive_in_another_codec_than_its_name_is_read(store, place):
    for suffix in ("", ".gz", ".zst"):
        for pack in (bytes, gzip.compress, zstandard.compress):
            path = f"threads/messages/mine.json{suffix}"
            await place.store.put(path, pack(V1))
            assert (await store.read("mine", deserialize=str)).messages == ["a"]
            await place.store.delete(path)


async def test_objects_beside_the_heads_are_no_threads(store, place):
    await archived(store, "mine", "one")
    for path in ("threads/v2/messages/mine/old/head.zt2", "threads/v2/head.zt2", "threads/x/y/z"):
        await place.store.put(path, b"whatever")
    assert [info.ref.id for info in (await store.list()).threads] == ["mine"]
    assert [row.problem async for row in store.verify(key=None)] == [""]
