"""Encryption at rest through whole stores: nothing in the cold tier is to be read without a key."""

import random
import uuid
from pathlib import Path

import pytest

from zeitlich_store import Encryption, Keyring, MissingKeyError, ThreadStore, open_store
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.codecs.gzip import GzipCodec
from zeitlich_store.errors import (
    ConfigurationError,
    ConflictError,
    CorruptSnapshotError,
    PlaintextRefusedError,
    WrongKeyError,
)
from zeitlich_store.models import Snapshot, ThreadRef, Version
from zeitlich_store.snapshot.v2_layout import read_header
from zeitlich_store.testing.cold_tier_suite import ColdTierSuite

KEY_1, KEY_2 = bytes(range(32)), bytes(range(100, 132))
OLD, NEW = Keyring([(1, KEY_1)]), Keyring([(2, KEY_2), (1, KEY_1)])
CANARY = "canary-text-of-the-user"
V1 = b'{"v":1,"messages":["{\\"id\\":\\"a\\"}"],"state":null,"dedupIds":["a"]}'
REF = ThreadRef("messages", "t")
PATH, V1_PATH = "threads/v2/messages/t/head.zt2", "threads/messages/t.json"


@pytest.fixture
def objects():
    return MemoryObjectStore(uuid.uuid4().hex)


def archive(objects, keys=None, mode=None, **options):
    return ObjectArchive(objects, GzipCodec(), encryption=Encryption(keys, mode=mode), **options)


async def opened(objects, keys=None, mode=None):
    return await ThreadStore(MemoryHotTier(), archive(objects, keys, mode)).open()


async def chat(store, thread_id="t", text=CANARY):
    async with store.session(thread_id) as thread:
        await thread.append({"id": f"m-{CANARY}", "text": text})
        thread.state[CANARY] = CANARY


async def texts(store, thread_id="t"):
    return [message["text"] for message in (await store.read(thread_id)).messages]


async def everything(objects):
    return {row.path: (await objects.get(row.path)).data for row in await objects.list("")}


async def key_of(objects, path=PATH):
    header = read_header((await objects.get(path)).data)
    return header.key if header.aead else None


class TestAnEncryptedArchiveIsAColdTier(ColdTierSuite):
    """The suite every cold tier passes."""

    backend = "memory, encrypted"

    @pytest.fixture
    async def tier(self):
        tier = archive(MemoryObjectStore(uuid.uuid4().hex), NEW, "require")
        await tier.open()
        yield tier
        await tier.aclose()


# -- real tiers ------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "file", "s3"])
def cold(request, tmp_path):
    """Arguments for `open_store`, and a look at every byte that lies there."""
    if request.param == "s3":
        server = request.getfixturevalue("s3_server")
        client, bucket = server.client(), server.new_bucket()

        def look():
            rows = client.list_objects_v2(Bucket=bucket).get("Contents", [])
            keys = [row["Key"] for row in rows]
            return [client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]

        return f"s3://{bucket}/p", {"storage_options": server.storage_options}, look
    if request.param == "file":
        found = lambda: [p.read_bytes() for p in Path(tmp_path).rglob("*") if p.is_file()]  # noqa: E731  # one of three
        return f"file://{tmp_path}", {}, found
    name = uuid.uuid4().hex
    return (
        f"memory://{name}",
        {},
        lambda: [row[0] for row in MemoryObjectStore(name)._objects.values()],
    )


@pytest.mark.parametrize("hot", ["memory", "redis"])
@pytest.mark.parametrize("codec", ["json", "gzip", "zstd"])
async def test_a_thread_goes_through_both_tiers_and_leaves_nothing_readable(
    request, cold, hot, codec
):
    url, options, look = cold
    redis = hot == "redis" and request.getfixturevalue("redis_server")
    hot_url = redis.url if redis else "memory://"
    thread_id = uuid.uuid4().hex
    url = f"{url}?encryption=require&codec={codec}"
    async with open_store(hot_url, url, encryption=NEW, **options) as store:
        await chat(store, thread_id)
        await chat(store, thread_id, "the same id: stored once")
        assert await texts(store, thread_id) == [CANARY]
        async with store.session(thread_id) as thread:
            await thread.append({"id": "second", "text": CANARY})
            assert thread.state == {CANARY: CANARY}
        assert await texts(store, thread_id) == [CANARY, CANARY]
    stored = [data for data in look() if data]
    assert len(stored) == 1
    assert CANARY.encode() not in b"".join(stored)
    assert (read_header(stored[0]).aead, read_header(stored[0]).key) == (1, 2)
    async with open_store(hot_url, url, encryption=OLD, **options) as store:
        with pytest.raises(MissingKeyError, match=r"head\.zt2: .*key 2.*\(configured: 1\)"):
            await store.read(thread_id)


async def test_a_thread_of_several_frames_comes_back_and_its_end_alone(objects):
    store, chance = await opened(objects, NEW), random.Random(2)
    sent = [chance.randbytes(150_000).hex() for _ in range(4)]
    async with store.session("t") as thread:
        await thread.append(*({"id": str(n), "text": text} for n, text in enumerate(sent)))
    assert read_header((await objects.get(PATH)).data).frames == 4
    assert await texts(store) == sent
    assert [m["text"] for m in (await store.read("t", last=2)).messages] == sent[2:]


# -- keys ------------------------------------------------------------------------------------------


async def test_old_keys_read_and_the_first_writes(objects):
    await chat(await opened(objects, OLD))
    assert await key_of(objects) == 1
    rotated = await opened(objects, NEW)
    assert await texts(rotated) == [CANARY]
    assert await key_of(objects) == 1
    async with rotated.session("t") as thread:
        await thread.append({"id": "b", "text": "more"})
    assert await key_of(objects) == 2
    assert await texts(await opened(objects, NEW)) == [CANARY, "more"]


UNREADABLE = [
    pytest.param(None, MissingKeyError, "no keys are configured", id="none"),
    pytest.param(Keyring([(3, KEY_1)]), MissingKeyError, "key 1", id="missing"),
    pytest.param(Keyring([(1, KEY_2)]), WrongKeyError, "is not the key 1", id="wrong"),
]


@pytest.mark.parametrize(("keys", "error", "words"), UNREADABLE)
async def test_without_the_key_an_archive_is_never_absent_and_never_overwritten(
    objects, keys, error, words
):
    await chat(await opened(objects, OLD))
    before, store = await everything(objects), await opened(objects, keys)
    for attempt in (
        lambda: store.read("t"),
        lambda: store.stat("t"),
        lambda: chat(store),
        lambda: store.thread("t").hydrate(),
        lambda: store.session("t", mode="new").__aenter__(),
        lambda: store.cold.write(REF, Snapshot(messages=("x",)), expected=Version.ANY),
    ):
        with pytest.raises(error, match=words):
            await attempt()
    assert await everything(objects) == before
    assert [info.ref.id for info in (await store.list()).threads] == ["t"]


async def test_a_flush_that_meets_an_archive_it_cannot_read_leaves_both_versions(objects):
    mine, theirs = await opened(objects), await opened(objects, OLD)
    thread = mine.thread("t")
    await thread.initialize()
    await thread.append({"id": "hot"})
    await chat(theirs)
    with pytest.raises(MissingKeyError):
        await thread.flush()
    assert await thread.load() == [{"id": "hot"}]
    assert await texts(theirs) == [CANARY]
    with pytest.raises(ConflictError):
        keyed = ThreadStore(mine.hot, archive(objects, OLD))
        keyed._open = True
        await keyed.thread("t").flush()


async def test_what_cannot_be_read_can_be_deleted(objects):
    await chat(await opened(objects, OLD))
    await (await opened(objects)).delete("t")
    assert await everything(objects) == {}


async def test_a_damaged_archive_is_damage_whatever_the_keys(objects):
    await chat(await opened(objects, OLD))
    data = bytearray((await objects.get(PATH)).data)
    data[130] ^= 1
    await objects.put(PATH, bytes(data))
    for keys in (None, OLD, NEW, Keyring([(1, KEY_2)])):
        with pytest.raises(CorruptSnapshotError, match=r"head\.zt2: .*SHA-256"):
            await (await opened(objects, keys)).read("t")


async def test_listing_a_name_that_is_stored_as_a_hash_needs_the_key(objects):
    await chat(await opened(objects, OLD), "n" * 400)
    assert (await (await opened(objects, NEW)).list()).threads[0].ref.id == "n" * 400
    with pytest.raises(MissingKeyError, match=r"~~.*head\.zt2"):
        await (await opened(objects)).list()


# -- plaintext -------------------------------------------------------------------------------------


async def test_plain_archives_are_read_until_encryption_is_required(objects):
    await chat(await opened(objects))
    await objects.put("threads/messages/v1.json", V1)
    on = await opened(objects, OLD, "on")
    assert await texts(on) == [CANARY]
    assert (await on.read("v1")).messages == [{"id": "a"}]
    required, before = await opened(objects, OLD, "require"), await everything(objects)
    for name, path in [("t", "head.zt2"), ("v1", "v1.json")]:
        for attempt in (required.read(name), chat(required, name)):
            with pytest.raises(PlaintextRefusedError, match=f"{path}: .*convert --format v2"):
                await attempt
        with pytest.raises(PlaintextRefusedError):
            write = required.cold.write
            await write(ThreadRef("messages", name), Snapshot(("x",)), expected=Version.ANY)
    assert await everything(objects) == before


async def test_the_next_flush_of_a_plain_thread_encrypts_it(objects):
    await chat(await opened(objects), "old")
    await objects.put(V1_PATH, V1)
    store = await opened(objects, OLD)
    for name in ("old", "t"):
        async with store.session(name) as thread:
            await thread.append({"id": "new", "text": CANARY})
    left = await everything(objects)
    assert set(left) == {PATH, "threads/v2/messages/old/head.zt2"}
    assert CANARY.encode() not in b"".join(left.values())
    assert await (await opened(objects, OLD, "require")).read("old")


def test_format_v1_has_no_encryption(objects):
    for mode in ("on", "require"):
        with pytest.raises(ConfigurationError, match="format=v1 cannot be encrypted"):
            archive(objects, OLD, mode, format="v1")
    assert archive(objects, OLD, "off", format="v1").format == "v1"


async def test_salvage_gives_what_is_readable_with_the_key_alone(objects):
    await chat(await opened(objects, OLD))
    data = (await objects.get(PATH)).data
    await objects.put(PATH, data[:-10])
    found = await (await opened(objects, NEW)).salvage("t")
    assert len(found.messages) == 1
    assert CANARY in found.messages[0][1]
    found = await (await opened(objects)).salvage("t")
    assert found.messages == ()
    assert any("key 1" in problem for problem in found.problems)
