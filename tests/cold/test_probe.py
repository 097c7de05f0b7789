"""Whether a service keeps conditions is found out by trying, not by its name."""

import uuid

import pytest

from zeitlich_store import ConfigurationError, open_store
from zeitlich_store.archive import ObjectArchive, probe
from zeitlich_store.archive.commits import ALL_CONDITIONS, NO_CONDITIONS, CommitStore
from zeitlich_store.backends.bucket_cold import BucketObjectStore
from zeitlich_store.backends.fsspec_cold import FsspecObjectStore
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.codecs.gzip import GzipCodec
from zeitlich_store.models import Snapshot, ThreadRef, Version

from ..lying_proxy import LyingProxy

HEADERS = {"create": b"if-none-match", "replace": b"if-match", "both": b"if-"}


def s3_through(endpoint, server):
    options = {**server.storage_options, "endpoint_url": endpoint}
    return BucketObjectStore("s3", server.new_bucket(), storage_options=options)


@pytest.mark.parametrize("lie", HEADERS)
async def test_a_service_that_ignores_conditions_is_found_out(lie, s3_server):
    async with LyingProxy(s3_server, HEADERS[lie]) as endpoint:
        store = s3_through(endpoint, s3_server)
        await store.open()
        found = await probe(store, "threads")
        assert found.create is (lie == "replace")
        assert found.replace is (lie == "create")
        assert not found.writes
        assert await store.list("threads/") == []
        await store.aclose()


@pytest.mark.parametrize("lie", HEADERS)
async def test_require_refuses_to_open_such_a_service(lie, s3_server):
    async with LyingProxy(s3_server, HEADERS[lie]) as endpoint:
        cold = f"s3://{s3_server.new_bucket()}?conditional=require"
        options = {**s3_server.storage_options, "endpoint_url": endpoint}
        store = open_store("memory://", cold, storage_options=options)
        with pytest.raises(ConfigurationError, match="does not keep the conditions for"):
            await store.open()


async def test_auto_goes_on_there_by_looking_first_and_says_so(s3_server, caplog):
    async with LyingProxy(s3_server, HEADERS["both"]) as endpoint:
        archive = ObjectArchive(s3_through(endpoint, s3_server), GzipCodec())
        await archive.open()
        ref = ThreadRef("messages", "t")
        first = await archive.write(ref, Snapshot(), expected=Version.ABSENT)
        await archive.write(ref, Snapshot(messages=("a",)), expected=first.token)
        assert (await archive.read(ref)).snapshot.messages == ("a",)
        await archive.aclose()
    assert caplog.text.count("the last writer wins") == 1


@pytest.fixture(params=["local", "memory", "s3"])
async def honest(request, tmp_path):
    store = MemoryObjectStore(uuid.uuid4().hex)
    if request.param == "local":
        store = LocalObjectStore(tmp_path)
    if request.param == "s3":
        server = request.getfixturevalue("s3_server")
        store = BucketObjectStore("s3", server.new_bucket(), storage_options=server.storage_options)
    yield store
    await store.aclose()


async def test_require_opens_where_conditions_are_kept(honest):
    archive = ObjectArchive(honest, GzipCodec(), conditional="require")
    await archive.open()
    assert await archive.conditions() == ALL_CONDITIONS


async def test_off_never_uses_them(honest):
    archive = ObjectArchive(honest, GzipCodec(), conditional="off")
    await archive.open()
    assert await archive.conditions() == NO_CONDITIONS


async def test_a_filesystem_without_conditions_cannot_be_required():
    archive = ObjectArchive(
        FsspecObjectStore("memory", f"/{uuid.uuid4().hex}"), GzipCodec(), conditional="require"
    )
    with pytest.raises(ConfigurationError, match="conditional=require"):
        await archive.open()


async def test_a_store_without_conditions_says_so_once_at_open(caplog):
    store = FsspecObjectStore("memory", f"/{uuid.uuid4().hex}")
    archive = ObjectArchive(store, GzipCodec())
    await archive.open()
    await archive.write(ThreadRef("messages", "t"), Snapshot(), expected=Version.ABSENT)
    assert caplog.text.count("the last writer wins") == 1


async def test_a_service_is_probed_once_and_not_for_reading(s3_server):
    server = s3_server
    requests = []

    class Counting(BucketObjectStore):
        async def put_if(self, path, data, **kwargs):
            requests.append(path)
            return await super().put_if(path, data, **kwargs)

    store = CommitStore(Counting("s3", server.new_bucket(), storage_options=server.storage_options))
    await store.open()
    assert await store.get("a") is None
    assert requests == []
    token = await store.put("a", b"1", expected=None)
    probing = len(requests)
    await store.put("a", b"2", expected=token)
    assert len(requests) == probing + 1
    await store.aclose()
