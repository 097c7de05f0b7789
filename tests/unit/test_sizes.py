"""What the packaged transcripts take: format v2 beside the original's gzip, as the README says."""

import gzip

import pytest

from benchmarks.sizes import LENGTHS, SHORT, size_v1, size_v2, threads
from zeitlich_store import open_store
from zeitlich_store.codecs import ZstdCodec
from zeitlich_store.snapshot import v1


@pytest.fixture(scope="module")
def found():
    return threads()


@pytest.fixture(scope="module", params=[6, 9])
def theirs(request, found):
    """Python's own gzip at the original's level, which is zlib's, and at its best."""
    return sum(len(gzip.compress(v1.encode(s), request.param)) for _, s in found)


def test_the_benchmark_compares_with_what_gzip_makes_of_v1(found):
    assert len(found) == 11
    assert size_v1(found) == sum(len(gzip.compress(v1.encode(s), 6)) for _, s in found)


def test_archives_of_the_default_codec_are_no_larger_than_gzip_of_v1(found, theirs):
    default = open_store("memory://", "memory://sizes").cold.codec
    assert size_v2(found, default) <= 1.00 * theirs


def test_archives_of_zstd_3_are_at_most_five_percent_larger_than_gzip_of_v1(found, theirs):
    assert size_v2(found, ZstdCodec(3)) <= 1.05 * theirs


def test_the_table_of_short_threads_shows_the_default_codec():
    assert LENGTHS == (1, 5, 20)
    assert ZstdCodec() in [codec for _, codec in SHORT]
