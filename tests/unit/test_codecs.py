"""Codecs: the conformance suite, and what the built-in ones write."""

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from zeitlich_store.codecs import GzipCodec, JsonCodec, ZstdCodec
from zeitlich_store.codecs.zstd import MAX_WINDOW_BYTES
from zeitlich_store.errors import ConfigurationError
from zeitlich_store.testing import CodecSuite

MIB = 1 << 20
ALL = (JsonCodec(), GzipCodec(), ZstdCodec())


class TestJsonCodec(CodecSuite):
    backend = "json"

    @pytest.fixture
    def codec(self):
        return JsonCodec()


class TestGzipCodec(CodecSuite):
    backend = "gzip"

    @pytest.fixture(params=[1, 6, 9])
    def codec(self, request):
        return GzipCodec(level=request.param)


class TestZstdCodec(CodecSuite):
    backend = "zstd"

    @pytest.fixture(params=[1, 3, 9, 19, 22])
    def codec(self, request):
        return ZstdCodec(level=request.param)


@pytest.mark.parametrize("level", [0, 10, -1, True, 6.0, "6", None])
def test_gzip_refuses_a_bad_level_and_names_the_range(level):
    with pytest.raises(ConfigurationError, match=r"gzip.*from 1 to 9"):
        GzipCodec(level=level)


@pytest.mark.parametrize("level", [0, 23, -5, True, 3.0, "3", None])
def test_zstd_refuses_a_bad_level_and_names_the_range(level):
    with pytest.raises(ConfigurationError, match=r"zstd.*from 1 to 22"):
        ZstdCodec(level=level)


def test_codecs_are_values():
    assert GzipCodec(level=6) == GzipCodec()
    assert ZstdCodec(level=4) != ZstdCodec()
    assert len({JsonCodec(), JsonCodec(), ZstdCodec(), ZstdCodec()}) == 2
    with pytest.raises(AttributeError):
        ZstdCodec().level = 9


def test_names_suffixes_and_content_types_are_those_of_v1_objects():
    assert [(c.name, c.suffix, c.content_type) for c in ALL] == [
        ("json", "", "application/json"),
        ("gzip", ".gz", "application/gzip"),
        ("zstd", ".zst", "application/zstd"),
    ]


def test_gzip_writes_modification_time_zero():
    assert GzipCodec().encode(b"x")[4:8] == bytes(4)


@pytest.mark.parametrize("level", range(1, 23))
def test_zstd_writes_size_and_checksum_and_a_window_its_own_reader_accepts(level):
    content = bytes(range(256)) * (9 * MIB // 256)
    stored = ZstdCodec(level).encode(content)
    frame = zstandard.get_frame_parameters(stored)
    assert frame.content_size == len(content)
    assert frame.has_checksum
    assert frame.window_size <= MAX_WINDOW_BYTES == 1 << 23
    assert ZstdCodec().decode(stored, max_bytes=len(content)) == content


def test_a_higher_level_writes_less():
    content = b"".join(b'{"id":"m%d","text":"hello %d"}' % (n, n * n) for n in range(5000))
    assert len(ZstdCodec(19).encode(content)) < len(ZstdCodec(1).encode(content))
    assert len(GzipCodec(9).encode(content)) < len(GzipCodec(1).encode(content))


@settings(deadline=None)
@given(st.binary(max_size=5000))
@pytest.mark.parametrize("codec", ALL)
def test_any_bytes_come_back(codec, data):
    assert codec.decode(codec.encode(data), max_bytes=len(data)) == data
