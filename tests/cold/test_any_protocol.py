"""A filesystem of fsspec without a dialect of its own, of the kind that hands its options on."""

import sys
import uuid

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

from zeitlich_store import ConfigurationError, open_store
from zeitlich_store.backends.fsspec_cold import FsspecObjectStore
from zeitlich_store.testing import ObjectStoreSuite


class Client:
    """Takes one option, as clients do."""

    def __init__(self, *, login):
        self.login = login


class StrictFileSystem(MemoryFileSystem):
    """Hands all it is given on to its client, and remembers every listing."""

    protocol = "strict"
    store, pseudo_dirs = {}, [""]

    def __init__(self, **options):
        super().__init__()
        self.client = Client(**options)

    def ls(self, path, detail=True, **options):
        if path not in self.dircache:
            self.dircache[path] = super().ls(path, detail=True, **options)
        rows = self.dircache.get(path, None) or super().ls(path, detail=True, **options)
        return rows if detail else [row["name"] for row in rows]


@pytest.fixture
async def strict_store(monkeypatch):
    monkeypatch.setitem(_registry, "strict", StrictFileSystem)
    store = FsspecObjectStore("strict", f"/{uuid.uuid4().hex}", storage_options={"login": "me"})
    await store.open()
    yield store
    await store.aclose()


class TestAnyProtocol(ObjectStoreSuite):
    backend = "fsspec's protocols"

    @pytest.fixture
    def store(self, strict_store):
        return strict_store


async def test_a_listing_is_never_one_from_before(strict_store):
    await strict_store.put("a/1", b"x")
    fs = strict_store._fs.sync_fs
    assert [row.path for row in await strict_store.list("a/")] == ["a/1"]
    fs.pipe_file(f"{strict_store._root}/a/2", b"x")  # by somebody else
    assert [row.path for row in await strict_store.list("a/")] == ["a/1", "a/2"]
    assert len(fs.dircache) == 0


async def test_an_option_that_nobody_takes_is_a_configuration_error(monkeypatch):
    monkeypatch.setitem(_registry, "strict", StrictFileSystem)
    store = FsspecObjectStore("strict", "/x", storage_options={"login": "me", "colour": "red"})
    with pytest.raises(ConfigurationError, match="cannot be made: TypeError"):
        await store.open()


@pytest.mark.parametrize(
    ("url", "library", "module"),
    [
        ("sftp://host/folder", "paramiko", "fsspec.implementations.sftp"),
        ("ssh://host/folder", "paramiko", "fsspec.implementations.sftp"),
        ("webdav://x?endpoint_url=https://host", "webdav4", "webdav4.fsspec"),
    ],
)
def test_a_missing_library_names_the_pip_command(monkeypatch, url, library, module):
    scheme = url.partition(":")[0]
    monkeypatch.delitem(_registry, scheme, raising=False)
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    extra = "webdav" if scheme == "webdav" else "sftp"
    with pytest.raises(ConfigurationError, match=rf'pip install "zeitlich-store\[{extra}\]"'):
        open_store("memory://", url)
