"""What both parsers are fuzzed with: whole objects, edited ones, and ones put together at random.

ZS_FUZZ_EXAMPLES sets the number of examples of each test; a soak takes 100,000.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from zeitlich_store.models import UNPLACED
from zeitlich_store.snapshot import v2
from zeitlich_store.snapshot import v2_layout as layout
from zeitlich_store.snapshot.varints import prefixed, text_bytes, varint

from .v2_objects import CODECS, REF, craft, frame, prose, snapshot

EXAMPLES = int(os.environ.get("ZS_FUZZ_EXAMPLES", "300"))
fuzz = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)


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


@st.composite
def put_together(draw):
    """Objects of such frames and fields, every checksum right."""
    bodies, rows, total = draw(frames())
    told = some_fields(draw, rows)
    messages = draw(st.sampled_from([total] * 5 + [0])) % (1 << 64)
    return craft(
        b"".join(bodies),
        b"".join(varint(n) + prefixed(value) for n, value in told),
        codec=draw(st.sampled_from([0, 1, 2, 255])),
        messages=messages,
        frames=len(bodies),
        name=draw(st.sampled_from(["json", "zstd", ""])),
    )
