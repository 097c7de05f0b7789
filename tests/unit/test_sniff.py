"""Sniffing: the stored bytes alone say how they are to be read."""

import pytest
import zstandard

from zeitlich_store.codecs import GzipCodec, JsonCodec, ZstdCodec
from zeitlich_store.errors import CorruptSnapshotError
from zeitlich_store.snapshot.sniff import V2_MAGIC, sniff

ALL = (JsonCodec(), GzipCodec(), ZstdCodec())


@pytest.mark.parametrize("codec", [*ALL, GzipCodec(1), GzipCodec(9), ZstdCodec(22)])
@pytest.mark.parametrize("order", [ALL, ALL[::-1]])
def test_every_codecs_bytes_are_recognised_in_any_order(codec, order):
    assert sniff(codec.encode(b'{"v":1}'), order).name == codec.name


def test_the_bytes_of_other_writers_are_recognised():
    stream = zstandard.ZstdCompressor().compressobj()  # declares no size
    assert sniff(stream.compress(b"{}") + stream.flush(), ALL).name == "zstd"
    assert sniff(b' \n{"v":1}', ALL).name == "json"
    with_file_name = b"\x1f\x8b\x08\x08" + bytes(6) + b"thread.json\0"
    assert sniff(with_file_name, ALL).name == "gzip"


def test_codecs_may_come_from_an_iterator():
    assert sniff(ZstdCodec().encode(b"{}"), iter(ALL)).name == "zstd"


def test_format_v2_under_a_name_of_v1_was_moved():
    assert V2_MAGIC == b"\x89ZT2\r\n\x1a\n"
    with pytest.raises(CorruptSnapshotError, match=r"v2 under a name of v1: it was moved"):
        sniff(V2_MAGIC + b"\2\0", ALL)


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"[]", b"null", b"\xef\xbb\xbf{}", V2_MAGIC[:7], b"\x1f"]
)
def test_unknown_or_no_bytes_are_damage_never_an_empty_thread(data):
    with pytest.raises(CorruptSnapshotError, match="empty" if not data else data[:8].hex(" ")):
        sniff(data, ALL)
