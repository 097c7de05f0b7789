"""Bombs and damage: what codecs refuse, in which words and at which cost."""

import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from zeitlich_store.codecs import GzipCodec, ZstdCodec
from zeitlich_store.errors import CorruptSnapshotError, LimitExceededError, ZeitlichStoreError

MIB = 1 << 20


def peak_while(call):
    """Bytes of Python memory allocated at most while `call` runs."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def zstd_frame(content, *, size=True, checksum=True, window_log=20):
    """A frame as some other program may write it."""
    parameters = zstandard.ZstdCompressionParameters(
        window_log=window_log, write_content_size=size, write_checksum=checksum
    )
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    if size:
        return compressor.compress(content)
    stream = compressor.compressobj()
    return stream.compress(content) + stream.flush()


def zstd_declaring(size, content):
    """A frame that declares `size` bytes and holds `content`, whatever that is."""
    honest = zstd_frame(content, size=False)
    header_end = zstandard.frame_header_size(honest)
    descriptor = honest[4] | 0b1100_0000  # eight bytes of content size follow the window
    head = honest[:4] + bytes([descriptor]) + honest[5:header_end]
    return head + size.to_bytes(8, "little") + honest[header_end:]


def test_a_gzip_bomb_costs_its_limit_and_no_more():
    bomb = zlib.compress(bytes(64 * MIB), 9, wbits=31)

    def decode():
        with pytest.raises(LimitExceededError, match="limit is 100000 bytes"):
            GzipCodec().decode(bomb, max_bytes=100_000)

    assert peak_while(decode) < MIB


def test_a_zstd_frame_that_declares_too_much_is_refused_before_decoding():
    declared = zstd_declaring(MIB, b"")  # decoding it would be found to be damage

    def decode():
        with pytest.raises(LimitExceededError, match="1048576 bytes, the limit is 1048575 bytes"):
            ZstdCodec().decode(declared, max_bytes=MIB - 1)

    assert peak_while(decode) < MIB // 2
    with pytest.raises(CorruptSnapshotError):
        ZstdCodec().decode(declared, max_bytes=MIB)


def test_a_zstd_bomb_without_a_declared_size_costs_its_limit_and_no_more():
    bomb = zstd_frame(bytes(64 * MIB), size=False)

    def decode():
        with pytest.raises(LimitExceededError, match="limit is 100000 bytes"):
            ZstdCodec().decode(bomb, max_bytes=100_000)

    assert peak_while(decode) < MIB


def test_a_zstd_frame_that_holds_more_than_it_declares_costs_what_it_declares():
    liar = zstd_declaring(1000, bytes(64 * MIB))

    def decode():
        with pytest.raises(CorruptSnapshotError):
            ZstdCodec().decode(liar, max_bytes=128 * MIB)

    assert peak_while(decode) < MIB


@pytest.mark.parametrize("declared", [0, 1, 11, 13, 1000])
def test_a_zstd_frame_must_hold_exactly_what_it_declares(declared):
    with pytest.raises(CorruptSnapshotError):
        ZstdCodec().decode(zstd_declaring(declared, b"twelve bytes"), max_bytes=MIB)
    exact = zstd_declaring(12, b"twelve bytes")
    assert ZstdCodec().decode(exact, max_bytes=12) == b"twelve bytes"


@pytest.mark.parametrize("size", [True, False])
def test_a_zstd_window_above_8_mib_is_refused_as_a_limit(size):
    content = bytes(9 * MIB)
    with pytest.raises(LimitExceededError, match="window"):
        ZstdCodec().decode(zstd_frame(content, size=size, window_log=27), max_bytes=16 * MIB)
    accepted = zstd_frame(content, size=size, window_log=23)
    assert ZstdCodec().decode(accepted, max_bytes=16 * MIB) == content


@pytest.mark.parametrize("length", [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 7])
@pytest.mark.parametrize("checksum", [True, False])
def test_zstd_reads_frames_without_a_declared_size(length, checksum):
    content = (b"zeitlich" * (length // 8 + 1))[:length]
    stored = zstd_frame(content, size=False, checksum=checksum)
    assert ZstdCodec().decode(stored, max_bytes=length) == content
    if length:
        with pytest.raises(LimitExceededError):
            ZstdCodec().decode(stored, max_bytes=length - 1)


# --- damage

TEXT = b"".join(b'{"id":"m%d"}' % n for n in range(300))
STORED = {
    "gzip": (GzipCodec(), GzipCodec().encode(TEXT)),
    "zstd": (ZstdCodec(), ZstdCodec().encode(TEXT)),
    "zstd-no-size": (ZstdCodec(), zstd_frame(TEXT, size=False)),
    "zstd-no-checksum": (ZstdCodec(), zstd_frame(TEXT, checksum=False)),
    "zstd-empty": (ZstdCodec(), ZstdCodec().encode(b"")),
    "zstd-raw-blocks": (ZstdCodec(), zstd_frame(bytes(range(256)), size=False)),
    "zstd-rle": (ZstdCodec(), zstd_frame(bytes(300_000), size=False)),
}
compressed = pytest.mark.parametrize(("codec", "stored"), STORED.values(), ids=STORED)


@compressed
def test_every_truncation_is_named_with_its_offset(codec, stored):
    assert len(codec.decode(stored, max_bytes=MIB)) >= 0
    for size in range(len(stored)):
        with pytest.raises(CorruptSnapshotError) as caught:
            codec.decode(stored[:size], max_bytes=MIB)
        if size > 20:
            assert f"ends at byte {size}" in str(caught.value)


@compressed
@pytest.mark.parametrize("extra", [b"\0", b"x" * 10, b"\x28\xb5\x2f\xfd", b"\x1f\x8b"])
def test_trailing_bytes_are_named_with_their_offset(codec, stored, extra):
    wanted = f"ends at byte {len(stored)}, but {len(extra)} more bytes follow"
    with pytest.raises(CorruptSnapshotError, match=wanted):
        codec.decode(stored + extra, max_bytes=MIB)


@compressed
def test_a_second_frame_is_refused(codec, stored):
    for second in (stored, codec.encode(b""), b"\x50\x2a\x4d\x18\0\0\0\0"):  # the last: skippable
        with pytest.raises(CorruptSnapshotError, match="more bytes follow"):
            codec.decode(stored + second, max_bytes=MIB)


def test_a_skippable_frame_in_front_is_refused():
    with pytest.raises(CorruptSnapshotError, match="does not begin with a zstd frame"):
        ZstdCodec().decode(b"\x50\x2a\x4d\x18\0\0\0\0" + ZstdCodec().encode(b"x"), max_bytes=9)


@pytest.mark.parametrize("name", ["gzip", "zstd", "zstd-no-size"])
def test_a_wrong_checksum_is_damage(name):
    codec, stored = STORED[name]
    at = len(stored) - (8 if name == "gzip" else 4)
    for byte in range(at, at + 4):
        damaged = stored[:byte] + bytes([stored[byte] ^ 1]) + stored[byte + 1 :]
        with pytest.raises(CorruptSnapshotError, match="damaged"):
            codec.decode(damaged, max_bytes=MIB)


def test_a_wrong_gzip_length_is_damage():
    codec, stored = STORED["gzip"]
    with pytest.raises(CorruptSnapshotError, match="length check"):
        codec.decode(stored[:-1] + b"\1", max_bytes=MIB)


@pytest.mark.parametrize("name", ["gzip", "zstd", "zstd-no-size"])
def test_no_flipped_bit_changes_what_is_read(name):
    codec, stored = STORED[name]
    detected = 0
    for bit in range(len(stored) * 8):
        damaged = bytearray(stored)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            # Some bits mean nothing to the content: a time stamp, padding, a larger window.
            assert codec.decode(bytes(damaged), max_bytes=MIB) == TEXT
        except (CorruptSnapshotError, LimitExceededError):
            detected += 1
    assert detected > len(stored) * 7


def test_a_frame_made_with_a_dictionary_is_refused():
    dictionary = zstandard.ZstdCompressionDict(TEXT, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    trained = zstandard.train_dictionary(
        1024, [b'{"id":"m%d","n":%d}' % (n, n * n) for n in range(999)]
    )
    for dict_data in (dictionary, trained):
        stored = zstandard.ZstdCompressor(dict_data=dict_data).compress(TEXT)
        with pytest.raises(CorruptSnapshotError, match="damaged"):
            ZstdCodec().decode(stored, max_bytes=MIB)


@settings(deadline=None, max_examples=300)
@given(
    data=st.binary(max_size=200), magic=st.sampled_from([b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"])
)
@pytest.mark.parametrize("codec", [GzipCodec(), ZstdCodec()])
def test_random_bytes_raise_only_our_errors(codec, data, magic):
    try:
        assert len(codec.decode(magic + data, max_bytes=1000)) <= 1000
    except ZeitlichStoreError:
        return


@settings(deadline=None, max_examples=500)
@given(
    name=st.sampled_from([*STORED]),
    start=st.integers(0, 2000),
    length=st.integers(0, 20),
    patch=st.binary(max_size=20),
)
def test_mutated_archives_raise_only_our_errors(name, start, length, patch):
    codec, stored = STORED[name]
    start %= len(stored)
    mutated = stored[:start] + patch + stored[start + length :]
    try:
        assert len(codec.decode(mutated, max_bytes=400_000)) <= 400_000
    except ZeitlichStoreError:
        assert mutated != stored
