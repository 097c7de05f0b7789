"""Every object store in the tree runs the suite."""

import uuid

import pytest

from zeitlich_store.backends.bucket_cold import BucketObjectStore
from zeitlich_store.backends.fsspec_cold import FsspecObjectStore
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.builders import r2_store
from zeitlich_store.testing import ConditionalStoreSuite, ObjectStoreSuite
from zeitlich_store.testing.object_store_suite import ODD_NAMES
from zeitlich_store.urls import parse_cold_url


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
        return await opened(BucketObjectStore("s3", root, storage_options=options))


class TestS3OfTheCallers(ConditionalStoreSuite):
    """A blocking filesystem handed in by the caller."""

    backend = "S3 (moto), blocking s3fs handed in"

    @pytest.fixture
    async def store(self, opened, s3_server):
        import s3fs

        fs = s3fs.S3FileSystem(**s3_server.storage_options, skip_instance_cache=True)
        root = f"{s3_server.new_bucket()}/prefix"
        return await opened(BucketObjectStore("s3", root, filesystem=fs))


class TestR2(ConditionalStoreSuite):
    """R2 speaks S3: its own URL, on moto."""

    backend = "R2 (moto)"

    @pytest.fixture
    async def store(self, opened, s3_server):
        url = f"r2://account/{s3_server.new_bucket()}/prefix"
        options = s3_server.storage_options
        return await opened(r2_store(parse_cold_url(url), storage_options=options))


class TestAzure(ConditionalStoreSuite):
    backend = "Azure (Azurite)"

    @pytest.fixture
    async def store(self, opened, azure_server):
        root = f"{azure_server.new_bucket()}/some/prefix"
        options = azure_server.storage_options
        return await opened(BucketObjectStore("az", root, storage_options=options))


class TestAzureOfTheCallers(ConditionalStoreSuite):
    """A blocking filesystem handed in by the caller."""

    backend = "Azure (Azurite), blocking adlfs handed in"

    @pytest.fixture
    async def store(self, opened, azure_server):
        import adlfs

        fs = adlfs.AzureBlobFileSystem(**azure_server.storage_options, skip_instance_cache=True)
        root = f"{azure_server.new_bucket()}/prefix"
        return await opened(BucketObjectStore("abfs", root, filesystem=fs))


class TestGcs(ConditionalStoreSuite):
    """On our own server: the emulators to be had ignore preconditions."""

    backend = "GCS (our server)"

    @pytest.fixture
    async def store(self, opened, gcs_server):
        root = f"{gcs_server.new_bucket()}/some/prefix"
        options = gcs_server.storage_options
        return await opened(BucketObjectStore("gs", root, storage_options=options))


class TestGcsOfTheCallers(ConditionalStoreSuite):
    """A blocking filesystem handed in by the caller."""

    backend = "GCS (our server), blocking gcsfs handed in"

    @pytest.fixture
    async def store(self, opened, gcs_server):
        import gcsfs

        fs = gcsfs.GCSFileSystem(**gcs_server.storage_options, skip_instance_cache=True)
        root = f"{gcs_server.new_bucket()}/prefix"
        return await opened(BucketObjectStore("gs", root, filesystem=fs))


class TestGcsEmulator(ObjectStoreSuite):
    """The emulator from PyPI: plain operations."""

    backend = "GCS (gcp-storage-emulator)"

    @pytest.fixture
    async def store(self, opened, gcs_emulator):
        root = f"{gcs_emulator.new_bucket()}/some/prefix"
        options = gcs_emulator.storage_options
        return await opened(BucketObjectStore("gs", root, storage_options=options))

    @pytest.mark.parametrize("name", [name for name in ODD_NAMES if ";" not in name])
    async def test_an_odd_name_addresses_exactly_its_object(self, store, folder, name):
        # The emulator cuts a path at ";".
        await super().test_an_odd_name_addresses_exactly_its_object(store, folder, name)
