"""Every object store in the tree runs the suite."""

import uuid

import pytest

from zeitlich_store.backends.fsspec_cold import FsspecObjectStore
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.s3_cold import S3ObjectStore
from zeitlich_store.testing import ConditionalStoreSuite, ObjectStoreSuite


@pytest.fixture
async def opened():
    """Opens stores, and closes them after the test."""
    stores = []

    async def open_one(store):
        await store.open()
        stores.append(store)
        return store

    yield open_one
    for store in stores:
        await store.aclose()


class TestLocal(ConditionalStoreSuite):
    backend = "folder"

    @pytest.fixture
    async def store(self, opened, tmp_path):
        return await opened(LocalObjectStore(tmp_path / "made" / "here"))


class TestMemory(ConditionalStoreSuite):
    backend = "memory"

    @pytest.fixture
    async def store(self, opened):
        return await opened(MemoryObjectStore(uuid.uuid4().hex))


class TestFsspecMemory(ObjectStoreSuite):
    backend = "fsspec memory"

    @pytest.fixture
    async def store(self, opened):
        return await opened(FsspecObjectStore("memory", f"/{uuid.uuid4().hex}"))


class TestFsspecLocal(ObjectStoreSuite):
    """As a caller hands in fsspec's local filesystem."""

    backend = "fsspec local"

    @pytest.fixture
    async def store(self, opened, tmp_path):
        return await opened(FsspecObjectStore("file", str(tmp_path)))


class TestS3(ConditionalStoreSuite):
    backend = "S3 (moto)"

    @pytest.fixture
    async def store(self, opened, s3_server):
        root = f"{s3_server.new_bucket()}/some/prefix"
        options = s3_server.storage_options
        return await opened(S3ObjectStore("s3", root, storage_options=options))


class TestS3OfTheCallers(ConditionalStoreSuite):
    """A blocking filesystem handed in by the caller."""

    backend = "S3 (moto), blocking s3fs handed in"

    @pytest.fixture
    async def store(self, opened, s3_server):
        import s3fs

        fs = s3fs.S3FileSystem(**s3_server.storage_options, skip_instance_cache=True)
        root = f"{s3_server.new_bucket()}/prefix"
        return await opened(S3ObjectStore("s3", root, filesystem=fs))
