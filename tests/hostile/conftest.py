"""Opened stores and tiers of every backend."""

import uuid
from functools import cache
from typing import NamedTuple

import pytest

from zeitlich_store import ThreadStore
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.codecs import ZstdCodec

from .backends import COLD, HOT, opened


@pytest.fixture(scope="session")
def bucket_of():
    """The one bucket of this process on a server."""
    return cache(lambda server: server.new_bucket())


class Place(NamedTuple):
    """A store, and one a level above it, which sees what the first does outside its root."""

    store: object
    above: object

    async def objects(self):
        """Path and bytes of everything, outside of the root as well."""
        rows = [("inside/" + row.path, self.store) for row in await self.store.list("")]
        seen = {name: (await store.get(name[7:])).data for name, store in rows}
        outside = {row.path for row in await self.above.list("")}
        assert outside <= {name for name, _ in rows}, "something lies outside the root"
        return {name[7:]: data for name, data in seen.items()}


@pytest.fixture(params=COLD)
async def place(request):
    area = uuid.uuid4().hex
    made = [COLD[request.param](request, where) for where in (f"{area}/inside", area)]
    for store in made:
        await store.open()
    yield Place(*made)
    for store in made:
        await store.aclose()


@pytest.fixture(params=["v1", "v2"])
def format_name(request):
    return request.param


@pytest.fixture
def archive(place, format_name):
    return ObjectArchive(place.store, ZstdCodec(), format=format_name)


class OpenStore(ThreadStore):
    """A store on tiers that are open already."""

    def __init__(self, hot, cold):
        super().__init__(hot, cold)
        self._open = True


@pytest.fixture
def store(place):
    """A store of v2 archives on every cold backend, hot in memory."""
    return OpenStore(MemoryHotTier(), ObjectArchive(place.store, ZstdCodec()))


@pytest.fixture(params=HOT)
async def hot(request):
    async with opened(HOT[request.param](request)) as tier:
        yield tier
