"""Installed packages add backends and codecs by entry points."""

import sys

import pytest

from zeitlich_store import ConfigurationError, open_store, registry

MODULE = """
import zlib

from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier


def box(url, *, storage_options):
    return MemoryObjectStore("plug-in " + url.location + url.rest.get("colour", ""))


box.parameters = ("colour",)


def own_hot(url, *, ttl_seconds, dirty_ttl_seconds):
    return MemoryHotTier(ttl_seconds=ttl_seconds)


def not_s3(url, *, storage_options):
    raise AssertionError("a plug-in must not replace what is registered")


class Deflate:
    name, suffix, content_type = "deflate", ".zz", "application/zlib"

    def matches(self, data):
        return data[:1] == b"x"

    def encode(self, data):
        return zlib.compress(data)

    def decode(self, data, *, max_bytes):
        return zlib.decompressobj().decompress(data, max_bytes)
"""
ENTRIES = """[zeitlich_store.hot]
ownhot = zs_plug_in:own_hot

[zeitlich_store.cold]
box = zs_plug_in:box
s3 = zs_plug_in:not_s3
broken = zs_plug_in_that_is_gone:box

[zeitlich_store.codecs]
deflate = zs_plug_in:Deflate
"""


@pytest.fixture
def _installed(tmp_path, monkeypatch):
    """A package as pip leaves it on the path."""
    (tmp_path / "zs_plug_in.py").write_text(MODULE)
    info = tmp_path / "zs_plug_in-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: zs-plug-in\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(tmp_path)
    registry._plug_ins.cache_clear()
    yield
    registry._plug_ins.cache_clear()
    sys.modules.pop("zs_plug_in", None)


@pytest.mark.usefixtures("_installed")
async def test_a_plug_ins_tiers_and_codec_work_by_url():
    for url in ("box://a?codec=deflate", "box://a?colour=red&codec=deflate"):
        async with open_store("ownhot://", url) as store:
            async with store.session("t") as thread:
                await thread.append({"id": "m", "text": "x" * 500})
            assert (await store.read("t")).messages[0]["text"] == "x" * 500
            assert [row.ok async for row in store.verify()] == [True]


@pytest.mark.usefixtures("_installed")
def test_plug_ins_are_listed_and_replace_nothing():
    cold = {entry.name: entry for entry in registry.backends("cold")}
    assert "plug-in" in cold["box"].description
    assert "plug-in" not in cold["s3"].description
    assert "deflate" in {entry.name for entry in registry.codecs()}
    assert "ownhot" in {entry.name for entry in registry.backends("hot")}
    with pytest.raises(ConfigurationError, match="did you mean 'colour'"):
        open_store("memory://", "box://a?color=red")


@pytest.mark.usefixtures("_installed")
def test_a_plug_in_that_cannot_be_imported_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="zs_plug_in_that_is_gone"):
        open_store("memory://", "broken://a")
