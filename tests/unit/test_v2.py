"""Snapshot format v2: exact content in and out."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeitlich_store.codecs import GzipCodec, JsonCodec, ZstdCodec
from zeitlich_store.errors import CorruptSnapshotError, LimitExceededError, UnsupportedFormatError
from zeitlich_store.models import UNPLACED, Snapshot, ThreadRef
from zeitlich_store.snapshot import v2
from zeitlich_store.snapshot import v2_layout as layout
from zeitlich_store.snapshot.salvage import salvage

from .v2_objects import (
    CODECS,
    REF,
    WRITE_ID,
    prose,
    snapshot,
)

LIMIT = 1 << 26

any_text = st.text(st.characters(exclude_categories=()), max_size=40)
own_id = st.text(st.characters(exclude_categories=(), exclude_characters='"'), min_size=1)
messages = st.one_of(
    any_text,
    st.sampled_from(
        ["", "\n", "a\nb", "\0", "\ud800", "\udfff\ud800", "\ud83d\ude00", "é😀\u2028"]
    ),
    own_id.map('{{"id":"{}"}}'.format),
    own_id.map('{{"role":"user","id": "{}"}}'.format),
    st.sampled_from(['{"id":""}', '{"id":"open', '{"id":"a","id": "b"}', '{"id": 1}']),
)
ops = st.one_of(
    any_text,
    st.tuples(st.binary(max_size=9), st.integers(0, 1 << 70)).map(lambda p: f"{p[0].hex()}={p[1]}"),
    st.sampled_from(["", "=", "=1", "ab=", "AB=1", "ab=01", "ab=-1", "a b=1", "ab=1=2"]),
    st.sampled_from(["ab=\u0661", "ab=18446744073709551615", "ab=18446744073709551616"]),
)
names = st.text(min_size=1, max_size=40)
codec_names = st.sampled_from([*CODECS])


class Backwards:
    """A plug-in's codec, one that format v2 has no number for."""

    name, suffix, content_type = "backwards \ud800", ".bw", "application/x-backwards"

    def matches(self, data):
        return data.endswith(b"<")

    def encode(self, data):
        return GzipCodec().encode(data)[::-1]

    def decode(self, data, *, max_bytes):
        return GzipCodec().decode(data[::-1], max_bytes=max_bytes)


@st.composite
def snapshots(draw):
    """Threads of every sort; ids are distinct, as the hot tier keeps them."""
    texts = draw(st.lists(messages, max_size=12))
    pairs = {}
    for index, text in enumerate(texts):
        start = text.find('"id":"') + 6
        if start > 5 and draw(st.booleans()):
            pairs.setdefault(text[start:].split('"')[0], index)
    for name in draw(st.lists(any_text, max_size=4)):
        pairs.setdefault(name, draw(st.integers(UNPLACED, len(texts) - 1)))
    return Snapshot(
        messages=tuple(texts),
        state=draw(st.none() | any_text),
        ids=in_order(pairs.items()),
        lineage=f"{draw(st.integers(0, (1 << 64) - 1)):016x}",
        generation=draw(st.integers(1, (1 << 64) - 1)),
        write_id=draw(st.binary(min_size=16, max_size=16)).hex(),
        ops=tuple(draw(st.lists(ops, max_size=4))),
    )


def in_order(pairs):
    return tuple(sorted(pairs, key=lambda pair: (pair[1], pair[0])))


def parse(data, *codecs, **options):
    return v2.parse(data, codecs or CODECS.values(), max_bytes=LIMIT, **options)


def there_and_back(thread, codec=CODECS["json"], **options):
    return parse(v2.encode(REF, thread, codec, **options), codec, ref=REF).snapshot


@settings(deadline=None, max_examples=400)
@given(thread=snapshots(), name=codec_names, frame_bytes=st.sampled_from([1, 30, 1 << 18]))
def test_every_thread_comes_back_exactly(thread, name, frame_bytes):
    data = v2.encode(REF, thread, CODECS[name], frame_bytes=frame_bytes)
    assert parse(data, ref=REF) == (REF, thread)
    assert v2.encode(REF, thread, CODECS[name], frame_bytes=frame_bytes) == data


@settings(deadline=None, max_examples=100)
@given(thread=snapshots(), name=codec_names, frame_bytes=st.sampled_from([1, 30, 1 << 18]))
def test_salvage_of_a_whole_object_gives_everything_and_no_problem(thread, name, frame_bytes):
    data = v2.encode(REF, thread, CODECS[name], frame_bytes=frame_bytes)
    found = salvage(data, [CODECS[name]], max_bytes=LIMIT)
    assert found.messages == tuple(enumerate(thread.messages))
    assert (found.state, found.expected, found.problems) == (
        thread.state,
        len(thread.messages),
        (),
    )


@settings(deadline=None)
@given(key=names, thread_id=names)
def test_any_name_is_a_thread_of_its_own(key, thread_id):
    ref = ThreadRef(key, thread_id)
    data = v2.encode(ref, snapshot("a"), CODECS["json"])
    assert parse(data).ref == ref == parse(data, ref=ref).ref
    for other in (ThreadRef(key + "x", thread_id), ThreadRef(thread_id, key + "x")):
        with pytest.raises(CorruptSnapshotError, match="another thread"):
            parse(data, ref=other)


@pytest.mark.parametrize("codec", [*CODECS.values(), Backwards()], ids=lambda codec: codec.name[:9])
def test_large_messages_come_back_in_every_codec(codec):
    texts = ("x" * 3_000_000, "é" * 700_000, "", "\ud800\n" * 50_000, *prose(700)[0])
    thread = snapshot(*texts, state="{" + " " * 500_000 + "}", ops=("aa=1",))
    assert there_and_back(thread, codec) == thread
    assert parse(v2.encode(REF, thread, codec), codec).snapshot.messages == texts


def test_a_plug_in_codec_is_known_by_its_name():
    thread, codec = snapshot("message " * 50), Backwards()
    data = v2.encode(REF, thread, codec)
    assert layout.read_header(data).codec == layout.NAMED_CODEC
    assert there_and_back(thread, codec) == thread
    with pytest.raises(UnsupportedFormatError, match="codec 'backwards"):
        parse(data)


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("count", [0, 1, 2, 7, 50])
def test_frames_are_closed_at_their_size(name, count):
    texts, ids = prose(count)
    data = v2.encode(REF, snapshot(*texts, ids=ids), CODECS[name], frame_bytes=900)
    assert layout.read_header(data).frames == -(-count // 3)  # each has about 400 bytes
    assert parse(data).snapshot.messages == tuple(texts)


def test_messages_lie_in_the_object_byte_for_byte():
    texts = ('{"id":"a", "n": 1e+21}', "\ud800 é", "\0\x01", "")
    data = v2.encode(REF, snapshot(*texts), JsonCodec())
    assert b"\n".join(text.encode("utf-8", "surrogatepass") for text in texts) in data
    with_feeds = v2.encode(REF, snapshot("a\nb", "", "é"), JsonCodec())
    assert b"\x03\x00\x02a\nb\xc3\xa9" in with_feeds


def test_what_compression_does_not_shorten_is_stored_as_it_is():
    short = snapshot("a", "b")
    sizes = {len(v2.encode(REF, short, codec)) for codec in CODECS.values()}
    assert len(sizes) == 1
    assert b"a\nb" in v2.encode(REF, short, ZstdCodec())
    long = snapshot("a" * 1000)
    assert b"a" * 1000 not in v2.encode(REF, long, ZstdCodec())
    assert b"a" * 1000 in v2.encode(REF, long, JsonCodec())


def test_the_header_says_what_the_object_holds():
    thread = snapshot("a", "b", "c", generation=7, lineage="ff")
    data = v2.encode(REF, thread, ZstdCodec(), frame_bytes=3)
    assert layout.read_header(data) == layout.Header(
        codec=2,
        generation=7,
        lineage=255,
        messages=3,
        write_id=bytes.fromhex(WRITE_ID),
        tag=layout.thread_tag(REF),
        total=len(data),
        frames=2,
    )


@pytest.mark.parametrize(
    ("codec", "number"), [*zip(CODECS.values(), (0, 1, 2), strict=True), (Backwards(), 255)]
)
def test_each_codec_has_its_number(codec, number):
    assert v2.encode(REF, snapshot("a"), codec)[11] == number


def test_an_empty_thread_has_no_frames_and_keeps_its_ids():
    thread = snapshot(state="{}", ids=(("gone", UNPLACED),), ops=("ab=0",))
    data = v2.encode(REF, thread, ZstdCodec())
    assert (layout.read_header(data).frames, layout.read_header(data).messages) == (0, 0)
    assert parse(data) == (REF, thread)


def test_ids_that_messages_carry_cost_nothing():
    texts, ids = prose(100)
    without = v2.encode(REF, snapshot(*texts), JsonCodec())
    assert len(v2.encode(REF, snapshot(*texts, ids=ids), JsonCodec())) <= len(without)
    explicit = tuple((f"other-{n}", n) for n in range(100))
    assert len(v2.encode(REF, snapshot(*texts, ids=explicit), JsonCodec())) > len(without) + 800


def test_two_ids_of_one_message_come_back_both():
    thread = snapshot('{"id":"b"}', ids=(("z", UNPLACED), ("a", 0), ("b", 0)))
    assert there_and_back(thread) == thread


@pytest.mark.parametrize(
    ("given", "read"),
    [("", 0), ("ff", 255), ("f" * 16, (1 << 64) - 1)],
)
def test_a_lineage_is_64_bits(given, read):
    assert there_and_back(snapshot(lineage=given)).lineage == f"{read:016x}"


def test_longer_or_other_lineages_are_told_apart():
    names = ["f" * 17, "1" + "0" * 16, "feature/x", "-1", "\ud800"]
    found = {there_and_back(snapshot(lineage=name)).lineage for name in names}
    assert len(found) == len(names)
    assert all(len(name) == 16 for name in found)


@pytest.mark.parametrize("changes", [{"generation": 0}, {"generation": 1 << 64}, {"write_id": ""}])
def test_what_v2_cannot_say_is_refused_at_writing(changes):
    with pytest.raises(ValueError, match=r"a generation is|a write id has"):
        v2.encode(REF, snapshot("a", **changes), JsonCodec())


def test_a_decoded_size_above_the_limit_is_refused_and_the_limit_itself_is_not():
    thread = snapshot("a" * 1000, "b" * 1000)
    data = v2.encode(REF, thread, ZstdCodec())
    limit = next(size for size in range(2000, 3000) if _fits(data, size))
    assert v2.parse(data, CODECS.values(), max_bytes=limit).snapshot == thread
    with pytest.raises(LimitExceededError, match=r"limit is \d+ bytes"):
        v2.parse(data, CODECS.values(), max_bytes=limit - 1)


def _fits(data, size):
    try:
        v2.parse(data, CODECS.values(), max_bytes=size)
    except LimitExceededError:
        return False
    return True


def test_replacing_one_field_changes_the_object():
    base = snapshot("a", state="{}", ops=("ab=1",))
    changes = [{"generation": 2}, {"state": None}, {"ops": ()}, {"lineage": "1"}]
    found = {v2.encode(REF, replace(base, **change), JsonCodec()) for change in [{}, *changes]}
    assert len(found) == len(changes) + 1
