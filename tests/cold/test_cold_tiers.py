"""Every cold tier in the tree runs the suite."""

import uuid

import pytest

from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.local_cold import LocalObjectStore
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.simple_cold import SimpleColdTier
from zeitlich_store.builders import r2_store
from zeitlich_store.codecs.gzip import GzipCodec
from zeitlich_store.codecs.plain import JsonCodec
from zeitlich_store.codecs.zstd import ZstdCodec
from zeitlich_store.snapshot import v1
from zeitlich_store.testing import ColdTierSuite
from zeitlich_store.testing.dict_cold import DictColdTier
from zeitlich_store.urls import parse_cold_url

from ..backends import conditional_store

CODECS = [JsonCodec(), GzipCodec(), ZstdCodec()]


@pytest.fixture(params=CODECS, ids=lambda codec: codec.name)
def codec(request):
    return request.param


@pytest.fixture(params=["v1", "v2"])
def format_name(request):
    return request.param


class TestArchiveInMemory(ColdTierSuite):
    backend = "memory"

    @pytest.fixture
    async def tier(self, codec, format_name):
        return ObjectArchive(MemoryObjectStore(uuid.uuid4().hex), codec, format=format_name)


class TestArchiveWithoutConditions(ColdTierSuite):
    """As on a service that has none: it looks before it writes."""

    backend = "memory, conditional=off"

    @pytest.fixture
    async def tier(self, codec, format_name):
        store = MemoryObjectStore(uuid.uuid4().hex)
        return ObjectArchive(store, codec, format=format_name, conditional="off")


class TestArchiveOnDisk(ColdTierSuite):
    backend = "folder"

    @pytest.fixture
    async def tier(self, codec, format_name, tmp_path):
        tier = ObjectArchive(LocalObjectStore(tmp_path), codec, format=format_name)
        await tier.open()
        return tier


class OnServer(ColdTierSuite):
    """On a bucket of a server; `protocol` is one of `tests.backends.SERVERS`."""

    protocol = ""

    @pytest.fixture
    def store(self, request, tmp_path):
        return conditional_store(self.protocol, request, tmp_path)

    @pytest.fixture
    async def tier(self, codec, format_name, store):
        tier = ObjectArchive(store, codec, format=format_name)
        await tier.open()
        yield tier
        await tier.aclose()


class TestArchiveOnS3(OnServer):
    backend = "S3 (moto)"
    protocol = "s3"


class TestArchiveOnR2(OnServer):
    backend = "R2 (moto)"

    @pytest.fixture
    def store(self, s3_server):
        url = parse_cold_url(f"r2://account/{s3_server.new_bucket()}/prefix")
        return r2_store(url, storage_options=s3_server.storage_options)


class TestArchiveOnAzure(OnServer):
    backend = "Azure (Azurite)"
    protocol = "az"


class TestArchiveOnGcs(OnServer):
    backend = "GCS (our server)"
    protocol = "gs"


class DictStore:
    """Somebody's own class with the original's three methods."""

    def __init__(self, *, as_dict):
        self.kept = {}
        self.as_dict = as_dict

    async def read(self, thread_key, thread_id):
        return self.kept.get((thread_key, thread_id))

    async def write(self, thread_key, thread_id, snapshot):
        kept = snapshot
        if self.as_dict:
            import json

            kept = json.loads(v1.encode(snapshot))
        self.kept[thread_key, thread_id] = kept

    async def delete(self, thread_key, thread_id):
        self.kept.pop((thread_key, thread_id), None)


class TestSimpleTierOfSnapshots(ColdTierSuite):
    backend = "three plain methods"

    @pytest.fixture
    async def tier(self):
        return SimpleColdTier(DictStore(as_dict=False))


class TestSimpleTierOfDicts(ColdTierSuite):
    backend = "three plain methods, v1 dicts"

    @pytest.fixture
    async def tier(self):
        return SimpleColdTier(DictStore(as_dict=True))


class TestDictColdTier(ColdTierSuite):
    """The suite is of use only if the tier that our own tests trust passes it."""

    backend = "DictColdTier"

    @pytest.fixture
    async def tier(self):
        return DictColdTier(conditional=True)
