"""What several files of this folder use."""

import uuid

import pytest

from tests.file_servers import webdav_store_of


@pytest.fixture
def webdav_place(webdav_server):
    """A folder of the server, and the URL that names it."""
    name = uuid.uuid4().hex
    return webdav_server.folder / name, webdav_server.url(name)


@pytest.fixture
async def webdav_store(webdav_server, webdav_place):
    """An open store in that folder."""
    store = webdav_store_of(webdav_server, webdav_place[0].name)
    await store.open()
    yield store
    await store.aclose()
