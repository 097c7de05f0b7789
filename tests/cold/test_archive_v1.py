"""The built-in cold tier with `format=v1`: names, content types, damage, requests."""

import gzip
import json
import uuid
from functools import partial
from pathlib import Path

import pytest

from zeitlich_store import (
    ConflictError,
    CorruptSnapshotError,
    LimitExceededError,
    PreconditionFailedError,
    UnsupportedFormatError,
    archive,
)
from zeitlich_store.backends.bucket_cold import BucketObjectStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.codecs.gzip import GzipCodec
from zeitlich_store.codecs.plain import JsonCodec
from zeitlich_store.codecs.zstd import ZstdCodec
from zeitlich_store.models import Snapshot, ThreadRef, Version
from zeitlich_store.snapshot import v1

ObjectArchive = partial(archive.ObjectArchive, format="v1")
REF = ThreadRef("messages", "t")
SNAPSHOT = Snapshot(messages=("one",), ids=(("one", -1),))
GOLDEN = sorted((Path(__file__).parents[1] / "data/v1").glob("*.expected.json"))


class Recording(MemoryObjectStore):
    """Notes each request."""

    def __init__(self):
        super().__init__(uuid.uuid4().hex)
        self.seen = []

    async def get(self, path):
        self.seen.append(f"get {path}")
        return await super().get(path)

    async def put(self, path, data, *, content_type=None):
        self.seen.append(f"put {path} {content_type}")
        return await super().put(path, data, content_type=content_type)

    async def put_if(self, path, data, *, expected, content_type=None):
        self.seen.append(f"put {path} {content_type}")
        return await super().put_if(path, data, expected=expected, content_type=content_type)

    async def delete(self, path):
        self.seen.append(f"delete {path}")
        return await super().delete(path)


HEAD = "get threads/v2/messages/t/head.zt2"
NAMES = [HEAD, *(f"get threads/messages/t.json{suffix}" for suffix in (".zst", "", ".gz"))]


@pytest.fixture
def store():
    return Recording()


async def test_a_read_asks_once_for_each_name_the_codecs_use_and_for_a_newer_format(store):
    assert await ObjectArchive(store, ZstdCodec()).read(REF) is None
    assert sorted(store.seen) == sorted(NAMES)


async def test_a_first_write_asks_for_each_name_and_puts_once(store):
    await ObjectArchive(store, ZstdCodec()).write(REF, SNAPSHOT, expected=Version.ABSENT)
    assert sorted(store.seen[:4]) == sorted(NAMES)
    assert store.seen[4:] == ["put threads/messages/t.json.zst application/zstd"]


async def test_equal_content_is_recognised_and_not_put_again(store):
    tier = ObjectArchive(store, ZstdCodec())
    token = (await tier.write(REF, SNAPSHOT, expected=Version.ABSENT)).token
    store.seen.clear()
    assert (await tier.write(REF, SNAPSHOT, expected=token)).token == token
    assert not [request for request in store.seen if request.startswith("put")]


async def test_an_existing_archive_keeps_its_name_and_codec(store):
    first = await ObjectArchive(store, GzipCodec()).write(REF, SNAPSHOT, expected=Version.ABSENT)
    tier = ObjectArchive(store, ZstdCodec())
    assert (await tier.read(REF)).token == first.token
    await tier.write(REF, Snapshot(messages=("two",)), expected=first.token)
    data = (await store.get("threads/messages/t.json.gz")).data
    assert json.loads(gzip.decompress(data))["messages"] == ["two"]
    assert [row.path for row in await store.list("")] == ["threads/messages/t.json.gz"]


async def test_a_codec_is_told_by_the_bytes_whatever_the_object_is_called(store):
    data = GzipCodec().encode(v1.encode(SNAPSHOT))
    await store.put("threads/messages/t.json", data)
    found = await ObjectArchive(store, ZstdCodec()).read(REF)
    assert found.snapshot.messages == ("one",)


async def test_two_names_of_one_thread_are_an_error_that_names_both(store):
    await ObjectArchive(store, GzipCodec(), codecs=[GzipCodec()]).write(
        REF, SNAPSHOT, expected=Version.ABSENT
    )
    await ObjectArchive(store, JsonCodec(), codecs=[JsonCodec()]).write(
        REF, SNAPSHOT, expected=Version.ABSENT
    )
    tier = ObjectArchive(store, ZstdCodec())
    for step in (tier.read(REF), tier.write(REF, SNAPSHOT, expected=Version.ANY)):
        with pytest.raises(ConflictError) as caught:
            await step
        assert "threads/messages/t.json " in f"{caught.value} ".replace(",", " ").replace(";", " ")
        assert "threads/messages/t.json.gz" in str(caught.value)
    assert len(await tier.list(key="messages")) == 1
    assert len(await tier.delete(REF)) == 2
    assert await tier.read(REF) is None


DAMAGED = {
    "truncated gzip": (GzipCodec().encode(v1.encode(SNAPSHOT))[:-5], CorruptSnapshotError),
    "not a snapshot": (b'{"v":1}', CorruptSnapshotError),
    "no codec": (b"\x00\x01\x02", CorruptSnapshotError),
    "empty": (b"", CorruptSnapshotError),
    "newer version": (b'{"v":9,"messages":[],"state":null,"dedupIds":[]}', UnsupportedFormatError),
    "format v2": (bytes.fromhex("895a54320d0a1a0a") + bytes(100), CorruptSnapshotError),
    "bomb": (GzipCodec(9).encode(b" " * 2_000_000), LimitExceededError),
}


@pytest.mark.parametrize("what", DAMAGED)
async def test_an_unreadable_archive_is_named_and_never_absent_or_overwritten(store, what):
    data, error = DAMAGED[what]
    path = "threads/messages/t.json.gz"
    await store.put(path, data)
    tier = ObjectArchive(store, GzipCodec(), max_decoded_bytes=1_000_000)
    with pytest.raises(error, match=r"threads/messages/t\.json\.gz"):
        await tier.read(REF)
    with pytest.raises(error):
        await tier.write(REF, SNAPSHOT, expected=Version.ANY)
    with pytest.raises(PreconditionFailedError):
        await tier.write(REF, SNAPSHOT, expected=Version.ABSENT)
    assert (await store.get(path)).data == data


async def test_an_unreadable_archive_can_be_deleted(store):
    await store.put("threads/messages/t.json.gz", b"\x00")
    tier = ObjectArchive(store, GzipCodec())
    assert len(await tier.delete(REF)) == 1
    assert await tier.read(REF) is None


async def test_deleting_one_version_spares_another(store):
    tier = ObjectArchive(store, GzipCodec())
    token = (await tier.write(REF, SNAPSHOT, expected=Version.ABSENT)).token
    await tier.write(REF, Snapshot(messages=("newer",)), expected=token)
    with pytest.raises(PreconditionFailedError):
        await tier.delete(REF, expected=token)
    assert (await tier.read(REF)).snapshot.messages == ("newer",)
    assert await ObjectArchive(Recording(), GzipCodec()).delete(REF, expected=token) == []


@pytest.mark.parametrize("name", [".hidden", "a/b", "a\\b", "a\nb", "x" * 201, "a::b"])
async def test_a_name_without_a_v1_path_is_refused_before_any_request(store, name):
    tier, ref = ObjectArchive(store, GzipCodec()), ThreadRef("messages", name)
    with pytest.raises(ValueError, match="format v1"):
        tier.check(ref)
    assert store.seen == []


async def test_a_listing_leaves_out_what_is_no_archive(store):
    tier = ObjectArchive(store, GzipCodec())
    await tier.write(REF, SNAPSHOT, expected=Version.ABSENT)
    for path in ("notes.txt", "sub/x.json", ".hidden.json", "u.json.bak"):
        await store.put(f"threads/messages/{path}", b"x")
    assert [row.ref for row in await tier.list(key="messages", limit=2)] == [REF]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name.partition(".")[0])
async def test_what_we_write_is_what_the_original_wrote(s3_server, path):
    """Same path, same content type, same JSON value, dedup ids included."""
    expected = json.loads(path.read_text("utf-8"))
    gzipped = expected["object_key"].endswith(".gz")
    golden = path.with_name(
        path.name.replace(".expected.json", ".json.gz" if gzipped else ".json")
    ).read_bytes()
    bucket, client = s3_server.new_bucket(), s3_server.client()
    folder = expected["object_key"].partition("threads/")[0]
    store = BucketObjectStore(
        "s3", f"{bucket}/{folder}".rstrip("/"), storage_options=s3_server.storage_options
    )
    tier = ObjectArchive(store, GzipCodec() if gzipped else JsonCodec())
    await tier.open()
    ref = ThreadRef(expected["thread_key"], expected["thread_id"])
    state = v1.parse(gzip.decompress(golden) if gzipped else golden).state
    ids = tuple((name, at) for at, name in enumerate(expected["dedup_ids"]))
    ours = Snapshot(messages=tuple(expected["raw_messages"]), state=state, ids=ids)
    await tier.write(ref, ours, expected=Version.ABSENT)
    await tier.aclose()
    reply = client.get_object(Bucket=bucket, Key=expected["object_key"])
    assert reply["ContentType"] == expected["content_type"]
    body = reply["Body"].read()
    wrote = gzip.decompress(body) if gzipped else body
    assert json.loads(wrote) == json.loads(gzip.decompress(golden) if gzipped else golden)


class Overtaken(Recording):
    """Lets another writer in between the look and the write."""

    async def put_if(self, path, data, *, expected, content_type=None):
        await MemoryObjectStore.put(self, path, b"another writer's")
        return await super().put_if(path, data, expected=expected, content_type=content_type)


@pytest.mark.parametrize("existing", [False, True])
async def test_a_writer_overtaken_between_its_look_and_its_put_overwrites_nothing(existing):
    store = Overtaken()
    tier, expected = ObjectArchive(store, GzipCodec()), Version.ABSENT
    path = "threads/messages/t.json.gz"
    if existing:
        first = GzipCodec().encode(v1.encode(SNAPSHOT))
        await MemoryObjectStore.put(store, path, first)
        expected = (await tier.read(REF)).token
    with pytest.raises(PreconditionFailedError):
        await tier.write(REF, Snapshot(messages=("mine",)), expected=expected)
    assert (await store.get(path)).data == b"another writer's"
