"""Whatever bytes come, both parsers give a valid snapshot or one of our errors.

ZS_FUZZ_EXAMPLES sets the number of examples of each test; a soak takes 100,000.
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zeitlich_store.errors import CorruptSnapshotError, LimitExceededError, UnsupportedFormatError
from zeitlich_store.models import UNPLACED
from zeitlich_store.snapshot import v1, v2
from zeitlich_store.snapshot import v2_layout as layout
from zeitlich_store.snapshot.salvage import salvage
from zeitlich_store.snapshot.sniff import sniff
from zeitlich_store.snapshot.varints import prefixed, text_bytes, varint

from .v2_objects import CODECS, REF, craft, frame, prose, resealed, snapshot

LIMIT = 1 << 16
TYPED = (CorruptSnapshotError, UnsupportedFormatError, LimitExceededError)
fuzz = settings(
    max_examples=int(os.environ.get("ZS_FUZZ_EXAMPLES", "300")),
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)


def check_v2(data):
    """What comes out is a whole snapshot that can be written and read again, or a typed error."""
    try:
        ref, found = v2.parse(data, CODECS.values(), max_bytes=LIMIT)
    except TYPED as exc:
        return type(exc)
    assert sum(len(text_bytes(text)) for text in found.messages) <= LIMIT
    assert all(UNPLACED <= index < len(found.messages) for _, index in found.ids)
    if found.generation:
        again = v2.encode(ref, found, CODECS["zstd"])
        assert v2.parse(again, CODECS.values(), max_bytes=8 * LIMIT) == (ref, found)
    return found


def check_salvage(data):
    """It never raises, keeps to the limit and agrees with the parser where nothing is wrong."""
    found = salvage(data, [*CODECS.values()], max_bytes=LIMIT)
    assert sum(len(text_bytes(text)) for _, text in found.messages) <= LIMIT
    assert all(index >= 0 for index, _ in found.messages)
    return found


def check_v1(data):
    """As `check_v2`, for both the codec and the document in it."""
    try:
        found = v1.parse(sniff(data, CODECS.values()).decode(data, max_bytes=LIMIT))
    except TYPED as exc:
        return type(exc)
    assert v1.parse(v1.encode(found)) == found
    return found


def objects_v2():
    """Valid ones: several frames and one, every codec, odd texts, no messages."""
    texts, ids = prose(12)
    threads = [
        snapshot(*texts, ids=ids, state='{"a":[1,2]}', ops=("ab=1", "odd", "ff=300")),
        snapshot("\ud800", "a\nb", "", '{"id": "x"}', ids=(("gone", UNPLACED), ("x", 3))),
        snapshot("a" * 3000, "b" * 3000, "c"),
        snapshot(state="{}"),
    ]
    return [
        v2.encode(REF, thread, codec, frame_bytes=size)
        for thread in threads
        for codec in CODECS.values()
        for size in (1000, 1 << 18)
    ]


WHOLE_V2 = objects_v2()
DOCUMENTS = [
    b'{"v":1,"messages":["a","\\ud800","{\\"id\\":\\"m\\"}"],"state":{"n":1e+21},"dedupIds":["m"]}',
    b'{"v":1,"messages":[],"state":null,"dedupIds":[]}',
    b' { "v" : 1.0 , "messages":["\xc3\xa9"],"state":{"a":{"b":[[],{}]}},"dedupIds":[],"x":[1]}',
]
WHOLE_V1 = [codec.encode(document) for document in DOCUMENTS for codec in CODECS.values()]
INTERESTING = [b"\xff" * 8, b"\0" * 8, b"\x80" * 11, b"\n" * 40, layout.MAGIC, b"NaN", b"[[", b'"']

pieces = st.binary(max_size=12) | st.sampled_from(INTERESTING)
edits = st.lists(
    st.tuples(
        st.sampled_from(["flip", "put", "cut", "insert", "copy", "end"]),
        st.integers(0, 1 << 16),
        st.integers(0, 40),
        pieces,
    ),
    min_size=1,
    max_size=6,
)


def flipped(byte, bit):
    return bytes(value ^ 1 << bit for value in byte)


def edited(data, changes):
    """The bytes after some edits."""
    for kind, place, size, piece in changes:
        at = place % (len(data) + 1)
        replaced = {
            "flip": data[:at]
            + bytes(b ^ 1 << size % 8 for b in data[at : at + 1])
            + data[at + 1 :],
            "put": data[:at] + piece + data[at + len(piece) :],
            "cut": data[:at] + data[at + size :],
            "insert": data[:at] + piece + data[at:],
            "copy": data[:at] + data[at // 2 : at // 2 + size] + data[at:],
            "end": data[: len(data) - size] + piece + data[len(data) - size :],
        }
        data = replaced[kind]
    return data


def spliced(whole, changes, other, at):
    """The edited bytes of one object, with the end of another behind them in some examples."""
    data = edited(whole, changes)
    return data if at is None else data[: at % (len(data) + 1)] + other[at % (len(other) + 1) :]


def mutated(objects):
    cut = st.none() | st.integers(0, 1 << 16)
    parts = st.tuples(st.sampled_from(objects), edits, st.sampled_from(objects), cut)
    return parts.map(lambda part: spliced(*part))


@fuzz
@given(st.binary(max_size=400), st.sampled_from([b"", layout.MAGIC, layout.MAGIC + b"\2"]))
def test_random_bytes_are_no_object(data, start):
    assert check_v2(start + data) in TYPED
    assert check_salvage(start + data).problems


@fuzz
@given(st.binary(max_size=400), st.sampled_from([b"", b'{"v":1,', b"\x1f\x8b\x08", b"(\xb5/\xfd"]))
def test_random_bytes_are_no_document(data, start):
    assert check_v1(start + data) in TYPED


@fuzz
@given(st.sampled_from(WHOLE_V2), mutated(WHOLE_V2))
def test_a_changed_object_is_always_found_out(whole, data):
    found = check_v2(data)
    assert (found in TYPED) or data in WHOLE_V2
    assert bool(check_salvage(data).problems) == (data not in WHOLE_V2)
    assert check_v2(whole) not in TYPED


@fuzz
@given(mutated(WHOLE_V2), st.booleans())
def test_a_changed_object_with_its_checksums_repaired_gives_a_snapshot_or_our_error(data, frames):
    data = resealed(data, frames=frames)
    found = check_v2(data)
    rescued = check_salvage(data)
    if found not in TYPED:
        assert tuple(text for _, text in rescued.messages) == found.messages
        assert rescued.state == found.state


@fuzz
@given(mutated(WHOLE_V1))
def test_a_changed_archive_in_v1_gives_a_snapshot_or_our_error(data):
    check_v1(data)


@fuzz
@given(mutated(DOCUMENTS), st.sampled_from([*CODECS.values()]))
def test_a_changed_document_behind_its_compression_gives_a_snapshot_or_our_error(data, codec):
    check_v1(codec.encode(data))


numbers = st.integers(0, 12) | st.sampled_from([127, 128, 1 << 14, 1 << 32, (1 << 64) - 1])
varints = st.lists(numbers, max_size=8).map(lambda found: b"".join(map(varint, found)))
values = varints | st.binary(max_size=30) | st.tuples(varints, st.binary(max_size=9)).map(b"".join)
manifests = st.dictionaries(
    st.sampled_from([0, 1, 2, 3, 5, 7, 7, 9, 9, 9, 11, 11, 13, 40]), values, max_size=4
).flatmap(lambda found: st.tuples(st.permutations([*found]), st.just(found)))


@st.composite
def frames(draw):
    """Frames of any bytes, the table that tells of them, nearly right, and their messages."""
    bodies, rows, total = [], b"", 0
    for number in range(draw(st.integers(0, 3))):
        raw = draw(values)
        stored = draw(st.sampled_from([raw, *(codec.encode(raw) for codec in CODECS.values())]))
        count = draw(st.sampled_from([raw.count(b"\n") + 1] * 3 + [1, 2]) | numbers)
        size = draw(st.sampled_from([len(raw)] * 5 + [len(stored), 1 << 20]) | numbers)
        kind = draw(st.integers(0, 1))
        bodies.append(frame(stored, count=count, raw=size, number=number, kind=kind))
        rows += varint(len(bodies[-1])) + varint(count)
        total += count
    return bodies, rows, total


def some_fields(draw, rows):
    """The manifest's fields: mostly those there must be, beside others, in some order."""
    order, found = draw(manifests)
    honest = {1: text_bytes(REF.key), 3: text_bytes(REF.id), 5: rows, 9: b"\0\0"}
    keep = st.sampled_from([True] * 11 + [False])
    found |= {n: value for n, value in honest.items() if draw(keep) and (n < 9 or n not in found)}
    return [(n, found[n]) for n in dict.fromkeys([*order, *found])]


@fuzz
@given(st.data())
def test_an_object_put_together_at_random_gives_a_snapshot_or_our_error(data):
    bodies, rows, total = data.draw(frames())
    told = some_fields(data.draw, rows)
    messages = data.draw(st.sampled_from([total] * 5 + [0])) % (1 << 64)
    built = craft(
        b"".join(bodies),
        b"".join(varint(n) + prefixed(value) for n, value in told),
        codec=data.draw(st.sampled_from([0, 1, 2, 255])),
        messages=messages,
        frames=len(bodies),
        name=data.draw(st.sampled_from(["json", "zstd", ""])),
    )
    check_v2(built)
    check_salvage(built)


@pytest.mark.parametrize("data", [*WHOLE_V2, *WHOLE_V1])
def test_what_the_fuzzer_starts_from_is_whole(data):
    if data.startswith(layout.MAGIC):
        assert check_v2(data) not in TYPED
        assert resealed(data) == data
    else:
        assert check_v1(data) not in TYPED
