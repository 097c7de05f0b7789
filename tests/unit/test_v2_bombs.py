"""Hostile objects in format v2, every checksum right: refused before they cost anything.

Where a check can be taken away, a test takes it away and shows what it held off.
"""

import tracemalloc
import zlib
from functools import partial

import pytest
import zstandard

from zeitlich_store.codecs import GzipCodec, ZstdCodec
from zeitlich_store.errors import CorruptSnapshotError, LimitExceededError
from zeitlich_store.snapshot import v2, v2_frames, v2_manifest
from zeitlich_store.snapshot.varints import varint

from .v2_objects import (
    CODECS,
    LENGTHS,
    MIB,
    craft,
    fields,
    frame,
    one_frame,
    snapshot,
    table,
    zstd_stream,
)

LIMIT = 8 * MIB
ZEROS = 64 * MIB
OF = {"gzip": 1, "zstd": 2}


class Trusting:
    """A codec of the same name without any of ours' checks."""

    suffix = content_type = ""

    def __init__(self, name):
        self.name = name

    def decode(self, data, *, max_bytes):
        if self.name == "gzip":
            return zlib.decompressobj(wbits=31).decompress(data)
        return zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj().decompress(data)


def read(data, codecs=None, limit=LIMIT):
    return v2.parse(data, codecs or CODECS.values(), max_bytes=limit).snapshot


def peak_while(call):
    """Bytes of Python memory allocated at most while `call` runs, and its error or result."""
    tracemalloc.start()
    try:
        outcome = call()
    except (CorruptSnapshotError, LimitExceededError) as exc:
        outcome = exc
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak, outcome


BOMBS = {
    "gzip": ("gzip", zlib.compress(bytes(ZEROS), 9, wbits=31)),
    "zstd, size declared": ("zstd", zstandard.ZstdCompressor().compress(bytes(ZEROS))),
    "zstd, no size": ("zstd", zstd_stream(bytes(ZEROS))),
}
bombs = pytest.mark.parametrize(("name", "bomb"), BOMBS.values(), ids=BOMBS)


@bombs
@pytest.mark.parametrize("place", ["frame", "manifest"])
def test_a_bomb_costs_what_it_says_it_decodes_to(name, bomb, place):
    if place == "frame":
        said = len(bomb) + 1000
        data = one_frame(1, frame(bomb, count=1, raw=said), codec=OF[name])
    else:
        data = craft(b"", b"", stored=bomb, raw=len(bomb) + 1000, codec=OF[name])
    peak, outcome = peak_while(partial(read, data))
    assert isinstance(outcome, LimitExceededError)
    assert peak < 2 * MIB
    assert peak_while(partial(read, data, [Trusting(name)]))[0] > ZEROS


@bombs
def test_a_bomb_that_says_what_it_is_is_not_decoded_at_all(name, bomb, monkeypatch):
    data = one_frame(1, frame(bomb, count=1, raw=ZEROS), codec=OF[name])
    peak, outcome = peak_while(partial(read, data))
    assert isinstance(outcome, LimitExceededError)
    assert peak < MIB
    monkeypatch.setattr(v2, "check_budget", lambda frames, max_bytes: None)
    peak, outcome = peak_while(partial(read, data))
    assert len(outcome.messages[0]) == ZEROS
    assert peak > ZEROS


def test_many_frames_are_refused_for_what_they_decode_to_together(monkeypatch):
    stored = GzipCodec().encode(bytes(MIB))
    frames = [frame(stored, count=1, raw=MIB, number=n) for n in range(9)]
    manifest = fields(table(*((len(data), 1) for data in frames)), [""] * 9)
    data = craft(b"".join(frames), manifest, messages=9, frames=9, codec=1)
    with pytest.raises(LimitExceededError, match="decodes to 9437760 bytes"):
        read(data)
    monkeypatch.setattr(v2, "check_budget", lambda frames, max_bytes: None)
    assert len(read(data).messages) == 9


def test_a_manifest_counts_against_the_same_limit_as_the_messages():
    state = b"{" + b" " * (5 * MIB) + b"}"
    body = frame(b"a" * 4 * MIB, count=1)
    manifest = fields(table((len(body), 1)), [""], f7=state)
    data = craft(body, manifest, messages=1, frames=1)
    with pytest.raises(LimitExceededError, match="decodes to 4194368 bytes"):
        read(data)
    assert read(data, limit=10 * MIB).state == state.decode()


@pytest.mark.parametrize("size", [True, False])
def test_a_zstd_window_of_128_mib_is_refused(size):
    content = b"a" * (9 * MIB if size else 1000)
    stored = zstd_stream(content, window_log=27, size=size)
    data = one_frame(1, frame(stored, count=1, raw=len(content)), codec=2)
    with pytest.raises(LimitExceededError, match="window of"):
        read(data, limit=16 * MIB)
    trusted = read(data, [Trusting("zstd")], limit=16 * MIB)
    assert trusted == snapshot(content.decode())


@pytest.mark.parametrize("codec", [GzipCodec(), ZstdCodec()], ids=lambda codec: codec.name)
def test_a_second_frame_of_the_codec_is_refused(codec):
    first = codec.encode(b"a" * 1000)
    stored = first + codec.encode(b"hidden" * 1000)
    data = one_frame(1, frame(stored, count=1, raw=1000), codec=OF[codec.name])
    with pytest.raises(CorruptSnapshotError, match=f"ends at byte {len(first)}, but"):
        read(data)
    assert read(data, [Trusting(codec.name)]) == snapshot("a" * 1000)


@pytest.mark.parametrize("codec", [GzipCodec(), ZstdCodec()], ids=lambda codec: codec.name)
def test_a_bomb_in_a_bomb_is_unpacked_once_only(codec):
    inner = codec.encode(bytes(ZEROS)) + bytes(100_000)
    stored = codec.encode(inner)
    data = one_frame(1, frame(stored, count=1, raw=len(inner)), codec=OF[codec.name])
    peak, outcome = peak_while(partial(read, data))
    # Unpacked again, it would take 64 MiB; as it is, the inner bytes are no message.
    assert isinstance(outcome, CorruptSnapshotError)
    assert peak < MIB


# --- many small things


@pytest.mark.parametrize("kind", ["lines", "lengths"])
def test_a_million_empty_messages_are_refused_for_their_number(kind, monkeypatch):
    count = MIB
    lines = frame(b"\n" * (count - 1), count=count)
    body = lines if kind == "lines" else frame(bytes(count), count=count, kind=LENGTHS)
    data = one_frame(count, body)
    peak, outcome = peak_while(partial(read, data))
    assert isinstance(outcome, LimitExceededError)
    assert "64 a message included" in str(outcome)
    assert peak < 4 * MIB
    monkeypatch.setattr(v2_frames, "MESSAGE_COST", 0)
    assert len(read(data).messages) == count


def test_a_million_line_feeds_in_one_message_are_counted_before_they_are_split():
    data = one_frame(1, frame(b"\n" * MIB, count=1))
    peak, outcome = peak_while(partial(read, data))
    # Were they split first, the list alone would have 8 MiB.
    assert "does not hold its 1 messages" in str(outcome)
    assert peak < 4 * MIB


MANY = 100_000
ENTRIES = {
    "frames": {"frames": b"\x01\x01" * MANY},
    "operations": {"f11": b"\x01\x05" * MANY},
    "empty operations": {"f11": bytes(5 * MANY)},
    "message ids": {"f9": b"\x00" + varint(MANY) + b"\x00\x00" * MANY},
}


@pytest.mark.parametrize("changes", ENTRIES.values(), ids=ENTRIES)
def test_many_entries_in_a_list_of_the_manifest_are_refused(changes, monkeypatch):
    attempt = partial(read, craft(b"", fields(**changes)), limit=MIB)
    peak, outcome = peak_while(attempt)
    assert isinstance(outcome, LimitExceededError)
    assert peak < 3 * MIB
    for module in (v2, v2_manifest):
        monkeypatch.setattr(module, "most_entries", lambda max_bytes: 1 << 40)
    peak, outcome = peak_while(attempt)
    assert not isinstance(outcome, LimitExceededError)
    assert peak > 5 * MIB


def test_fields_to_be_passed_over_are_not_kept():
    manifest = fields() + b"".join(varint(2 * n) + b"\x00" for n in range(100, MANY))
    peak, outcome = peak_while(partial(read, craft(b"", manifest), limit=MIB))
    assert outcome == snapshot()
    assert peak < 3 * MIB  # kept, they would take 10
