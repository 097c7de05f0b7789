"""Objects in format v2 whose numbers do not fit each other, every checksum right: all refused."""

import pytest

from zeitlich_store.errors import CorruptSnapshotError, LimitExceededError, UnsupportedFormatError
from zeitlich_store.snapshot import v2
from zeitlich_store.snapshot import v2_layout as layout
from zeitlich_store.snapshot.salvage import salvage
from zeitlich_store.snapshot.varints import Reader, prefixed, varint

from .v2_objects import (
    CODECS,
    LENGTHS,
    REF,
    craft,
    fields,
    frame,
    one_frame,
    resealed,
    snapshot,
    table,
)

LIMIT = 8 << 20
U64 = (1 << 64) - 1
A, B, C = frame(b"a", count=1), frame(b"bb", count=1, number=1), frame(b"c\nc", count=2, number=2)
ROWS = ((len(A), 1), (len(B), 1), (len(C), 2))
WHOLE = {"messages": 4, "frames": 3}


def read(data):
    return v2.parse(data, CODECS.values(), max_bytes=LIMIT).snapshot


def three(body, rows, **header):
    """Three frames, of which something is not as it should be."""
    return craft(body, fields(table(*rows), [""] * 4), **WHOLE | header)


def ids(table_of_ids, *messages):
    """An object of these messages and a table of ids."""
    body = frame("\n".join(messages).encode(), count=len(messages))
    manifest = fields(table((len(body), len(messages))), f9=table_of_ids)
    return craft(body, manifest, messages=len(messages), frames=1)


def test_the_honest_ones_are_read():
    assert read(three(A + B + C, ROWS)) == snapshot("a", "bb", "c", "c")
    found = read(ids(b"\x01\x01\x02\x01\x00\x01x", '"id":"a"', '"id":"b"'))
    assert found.ids == (("x", -1), ("a", 0), ("b", 1))


BODIES = {
    "a gap before the manifest": (A + B + C + b"\0" * 20, ROWS),
    "a gap between frames": (A + bytes(20) + B + C, ((len(A) + 20, 1), *ROWS[1:])),
    "a frame the table leaves out": (A + B + C, ROWS[:2]),
    "no table": (A + B + C, ()),
    "a frame the body leaves out": (A + B, ROWS),
    "no frames": (b"", ROWS),
    "a row too many": (A + B + C, (*ROWS, (20, 1))),
    "an empty row": (A + B + C, ((0, 0), *ROWS)),
    "rows in another order": (A + B + C, ROWS[::-1]),
    "frames in another order": (B + A + C, (ROWS[1], ROWS[0], ROWS[2])),
    "one frame twice": (A + A + C, (ROWS[0], ROWS[0], ROWS[2])),
    "a row that ends in the next frame": (A + B + C, ((len(A) + 1, 1), (len(B) - 1, 1), ROWS[2])),
    "a row that ends in its own frame": (A + B + C, ((len(A) - 1, 1), (len(B) + 1, 1), ROWS[2])),
    "a row over two frames": (A + B + C, ((len(A + B), 1), ROWS[2])),
    "a row as long as can be": (A + B + C, ((U64, 1), *ROWS[1:])),
    "counts that are swapped": (A + B + C, ((len(A), 2), (len(B), 0), ROWS[2])),
    "counts as large as can be": (A + B + C, ((len(A), U64), *ROWS[1:])),
    "half a row": (A + B + C, (*ROWS, (5, 1 << 70))),
}


@pytest.mark.parametrize(("body", "rows"), BODIES.values(), ids=BODIES)
def test_a_table_that_does_not_fit_the_frames_is_refused(body, rows):
    data = three(body, rows)
    with pytest.raises(CorruptSnapshotError):
        read(data)
    assert {text for _, text in salvage(data, (), max_bytes=LIMIT).messages} <= {"a", "bb", "c"}


@pytest.mark.parametrize("name", ["messages", "frames"])
@pytest.mark.parametrize("step", [-2, -1, 1, (1 << 32) - 9])
def test_a_header_that_counts_otherwise_is_refused(name, step):
    with pytest.raises(CorruptSnapshotError, match="the header says"):
        read(three(A + B + C, ROWS, **{name: WHOLE[name] + step}))


@pytest.mark.parametrize("total", [0, 159, 160, 1 << 60, U64])
def test_a_header_that_gives_another_length_is_refused(total):
    with pytest.raises(CorruptSnapshotError, match=r"header says|cut off"):
        read(three(A + B + C, ROWS, total=total))


FRAMES = {
    "no message": frame(b"", count=0),
    "fewer messages than lines": frame(b"a\nb", count=1),
    "more messages than lines": frame(b"a\nb", count=3),
    "more messages than bytes": frame(b"a", count=3, kind=LENGTHS),
    "lengths over the end": frame(b"\x05ab", count=1, kind=LENGTHS),
    "lengths before the end": frame(b"\x01ab", count=1, kind=LENGTHS),
    "a length of 2^64": frame(b"\xff" * 9 + b"\x02a", count=1, kind=LENGTHS),
    "lengths as large as can be": frame(varint(U64) * 2 + b"ab", count=2, kind=LENGTHS),
    "lengths that never end": frame(b"\x80" * 50, count=3, kind=LENGTHS),
    "more stored than raw": frame(b"abc", count=1, raw=2),
    "less stored than raw": frame(b"abc", count=1, raw=4),
    "more claimed than there": frame(b"abc", count=1, claimed=1 << 60, raw=1 << 60),
    "as much claimed as can be": frame(b"abc", count=1, claimed=U64, raw=U64),
    "one byte claimed too many": frame(b"abc", count=1, claimed=4, raw=4),
    "a surrogate cut in two": frame(b"\xed\xa0", count=1),
    "no UTF-8": frame(b"\xff", count=1),
    "another frame's number": frame(b"a", count=1, number=1),
    "a length of eleven bytes": b"\x80" * 10 + b"\x00" + frame(b"a", count=1),
    "a length above 64 bits": b"\xff" * 9 + b"\x02" + frame(b"a", count=1),
    "nothing but a length": b"\x01",
}


@pytest.mark.parametrize("body", FRAMES.values(), ids=FRAMES)
def test_a_frame_that_does_not_fit_itself_is_refused(body):
    for count in (0, 1, 2, 3):
        with pytest.raises(CorruptSnapshotError):
            read(one_frame(count, body))


@pytest.mark.parametrize("raw", [LIMIT, 1 << 40, U64 >> 1, U64])
def test_a_frame_of_huge_length_is_refused_by_the_limit(raw):
    with pytest.raises(LimitExceededError, match="the limit is"):
        read(one_frame(1, frame(b"abc", count=1, raw=raw), codec=2))


@pytest.mark.parametrize("count", [1 << 17, 1 << 40, U64 >> 1])
def test_a_frame_of_huge_count_is_refused_by_the_limit(count):
    body = frame(b"abc", count=count, raw=U64)
    data = craft(body, fields(table((len(body), count))), messages=count, frames=1, codec=2)
    with pytest.raises(LimitExceededError, match="the limit is"):
        read(data)


IDS = {
    "too few messages": b"\x01\x01\x01\x00",
    "too many messages": b"\x01\x01\x03\x00",
    "no messages": b"\x00\x00",
    "an unknown rule": b"\x01\x03\x02\x00",
    "a rule that gives none": b"\x01\x02\x02\x00",
    "an index behind the last": b"\x01\x00\x02\x01\x03\x01x",
    "an id twice": b"\x01\x00\x02\x02\x01\x01x\x02\x01x",
    "an id that a rule gives already": b"\x01\x01\x02\x01\x00\x01a",
    "more pairs than there": b"\x01\x00\x02\x05\x00\x01x",
    "more runs than there": b"\x05\x00\x02",
    "as many runs as can be": varint(U64),
    "as many pairs as can be": b"\x01\x00\x02" + varint(U64),
    "an id over the end": b"\x01\x00\x02\x01\x00\x09x",
    "bytes too many": b"\x01\x00\x02\x00\x00",
    "nothing": b"",
}


@pytest.mark.parametrize("told", IDS.values(), ids=IDS)
def test_a_table_of_ids_that_does_not_fit_the_messages_is_refused(told):
    with pytest.raises(CorruptSnapshotError):
        read(ids(told, '"id":"a"', '"id":"b"'))


@pytest.mark.parametrize("ops", [b"\x01", b"\x05a", b"\x04a", b"\x05ab\x80", b"\x02\xff"])
def test_operations_that_do_not_fit_are_refused(ops):
    with pytest.raises(CorruptSnapshotError):
        read(craft(b"", fields(f11=ops)))


@pytest.mark.parametrize("number", [13, 15])
def test_the_fields_of_segments_are_not_passed_over(number):
    # A head with segments holds the last messages alone: read as a whole, the others were lost.
    with pytest.raises(UnsupportedFormatError, match=f"field {number}"):
        read(craft(A, fields(table(ROWS[0]), [""], **{f"f{number}": b""}), messages=1, frames=1))


# --- where the manifest lies


def test_a_manifest_of_huge_length_is_refused_by_the_limit():
    with pytest.raises(LimitExceededError, match="manifest decodes to 4294967295 bytes"):
        read(craft(b"", fields(), raw=(1 << 32) - 1, codec=2))


def test_a_manifest_that_compression_made_longer_is_refused():
    stored = CODECS["gzip"].encode(fields())
    assert len(stored) > len(fields())
    with pytest.raises(CorruptSnapshotError, match="lengths of the manifest are impossible"):
        read(craft(b"", fields(), stored=stored, codec=1))


@pytest.mark.parametrize(("stored", "raw"), [(5, 5), (1 << 31, 1 << 32), (0, 0)])
def test_a_manifest_whose_length_is_not_that_is_refused(stored, raw):
    data = bytearray(craft(b"", fields()))
    data[-48:-44] = min(stored, (1 << 32) - 1).to_bytes(4, "little")
    data[-44:-40] = min(raw, (1 << 32) - 1).to_bytes(4, "little")
    with pytest.raises(CorruptSnapshotError):
        read(resealed(bytes(data)))


@pytest.mark.parametrize("offset", [0, 8, 103, 105, 1 << 31, U64])
def test_a_manifest_that_lies_elsewhere_is_refused(offset):
    data = craft(b"", fields())
    start = len(data) - layout.TRAILER_BYTES
    lengths = layout._LENGTHS.unpack_from(data, start)[1:]
    front, part = data[: min(offset, start)], data[min(offset, start) : start]
    trailer = bytearray(layout.pack_trailer(front, part, *lengths))
    trailer[:8] = offset.to_bytes(8, "little")
    digest = layout.hashlib.sha256(data[:start] + trailer[:16]).digest()
    sealed = trailer[:16] + digest + trailer[48:52]
    crc = layout.zlib.crc32(part + trailer[:16]).to_bytes(4, "little")
    with pytest.raises(CorruptSnapshotError):
        read(data[:start] + bytes(sealed) + crc)


@pytest.mark.parametrize("value", [b"\x80" * 10 + b"\x00", b"\xff" * 9 + b"\x02", b"\x80", b""])
def test_a_number_of_more_than_64_bits_is_none(value):
    with pytest.raises(CorruptSnapshotError, match="no whole number"):
        Reader(value).number()
    assert Reader(varint(U64)).number() == U64


def test_a_reader_never_leaves_its_bytes():
    for size in (4, U64):
        with pytest.raises(CorruptSnapshotError, match=f"{size} bytes should follow, 3 do"):
            Reader(b"abc").take(size)
    assert Reader(b"abc").take(3) == b"abc"


def test_a_name_of_a_codec_that_is_longer_than_the_manifest_is_refused():
    data = craft(b"", fields(), codec=255, name="x" * 50)
    assert prefixed(b"x" * 50) in data
    lying = data.replace(prefixed(b"x" * 50), b"\xff" + b"x" * 50)
    with pytest.raises(CorruptSnapshotError):
        read(resealed(lying))
    assert layout.read_header(data).tag == layout.thread_tag(REF)
