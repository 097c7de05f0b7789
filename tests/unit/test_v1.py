"""Snapshot format v1: exact content in and out, and only typed errors."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeitlich_store.codecs import GzipCodec, JsonCodec, ZstdCodec
from zeitlich_store.errors import CorruptSnapshotError, UnsupportedFormatError, ZeitlichStoreError
from zeitlich_store.models import UNPLACED, Snapshot
from zeitlich_store.snapshot.ids import place_ids
from zeitlich_store.snapshot.sniff import sniff
from zeitlich_store.snapshot.v1 import encode, parse

GOLDEN = Path(__file__).parents[1] / "data" / "v1"
NAMES = [entry["name"] for entry in json.loads((GOLDEN / "manifest.json").read_text("utf-8"))]
CODECS = (JsonCodec(), GzipCodec(), ZstdCodec())
LIMIT = 1 << 24

any_text = st.text(st.characters(exclude_categories=()))
objects = st.dictionaries(
    any_text, st.none() | st.integers() | st.lists(any_text, max_size=3), max_size=4
).map(json.dumps)


def document(**changes):
    """A v1 document as text, with fields changed (text) or left out (None)."""
    fields = {"v": "1", "messages": '["a","b"]', "state": "null", "dedupIds": '["i"]'} | changes
    return "{" + ",".join(f'"{k}":{v}' for k, v in fields.items() if v is not None) + "}"


def as_utf16(text):
    """`text` with surrogate pairs joined, which JSON cannot keep apart."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def unplaced(*ids):
    return tuple((message_id, UNPLACED) for message_id in ids)


def golden(name):
    """What the original stored, and what it says it stored."""
    expected = json.loads((GOLDEN / f"{name}.expected.json").read_text("utf-8"))
    file = "json" if expected["object_key"].endswith(".json") else "json.gz"
    return (GOLDEN / f"{name}.{file}").read_bytes(), expected


def decoded(stored):
    return sniff(stored, CODECS).decode(stored, max_bytes=LIMIT)


def id_field(raw):
    return json.loads(raw).get("id")


def test_there_are_golden_files():
    assert len(NAMES) == len(list(GOLDEN.glob("*.expected.json"))) >= 16


@pytest.mark.parametrize("name", NAMES)
def test_an_archive_of_the_original_is_read_exactly(name):
    stored, expected = golden(name)
    codec = sniff(stored, CODECS)
    assert codec.content_type == expected["content_type"]
    snapshot = parse(codec.decode(stored, max_bytes=LIMIT))
    assert list(snapshot.messages) == expected["raw_messages"]
    assert list(snapshot.dedup_ids) == expected["dedup_ids"]
    state = None if snapshot.state is None else json.loads(snapshot.state)
    assert state == expected["state"]
    assert set(dict(snapshot.ids).values()) <= {UNPLACED}


@pytest.mark.parametrize("name", NAMES)
def test_an_archive_of_the_original_is_rewritten_byte_for_byte(name):
    content = decoded(golden(name)[0])
    assert encode(parse(content)) == content


@pytest.mark.parametrize("codec", [JsonCodec(), GzipCodec()])
@pytest.mark.parametrize("name", NAMES)
def test_the_same_thread_is_written_as_the_original_writes_it(name, codec):
    stored, expected = golden(name)
    content = json.loads(decoded(stored))
    state = expected["state"]
    ours = Snapshot(
        messages=tuple(expected["raw_messages"]),
        state=None if state is None else json.dumps(state),
        ids=unplaced(*expected["dedup_ids"]),
    )
    written = codec.decode(codec.encode(encode(ours)), max_bytes=LIMIT)
    assert json.loads(written) == content
    assert list(json.loads(written)) == ["v", "messages", "state", "dedupIds"]


@pytest.mark.parametrize("name", NAMES)
def test_every_id_of_the_original_finds_its_message_and_keeps_its_order(name):
    snapshot = parse(decoded(golden(name)[0]))
    placed = place_ids(snapshot, id_field)
    assert placed.dedup_ids == snapshot.dedup_ids
    assert all(id_field(placed.messages[index]) == message_id for message_id, index in placed.ids)


def test_numbers_and_key_order_of_a_state_survive():
    state = '{ "z": 1e+21, "a": 123456789012345678901234567890, "z2": 1.0, "dup": 1, "dup": -0}'
    archive = document(state=state).encode()
    assert parse(archive).state == state
    assert encode(parse(archive)) == archive


def test_lone_surrogates_are_written_as_json_stringify_does():
    written = encode(Snapshot(messages=("\ud800 \udfff é 😀\u2028",), ids=unplaced("\udc00")))
    assert '["\\ud800 \\udfff é 😀\u2028"]' in written.decode()
    assert '["\\udc00"]' in written.decode()
    assert parse(written).messages == ("\ud800 \udfff é 😀\u2028",)
    assert parse(written).dedup_ids == ("\udc00",)


def test_surrogates_in_a_state_are_escaped_too():
    snapshot = parse(encode(Snapshot(state='{"a":"\ud800"}')))
    assert snapshot.state == '{"a":"\\ud800"}'


@pytest.mark.parametrize(
    "state",
    [
        *(
            "",
            " ",
            "null",
            "[]",
            '"a"',
            "1",
            "{",
            "{}{}",
            "{} x",
            "x{}",
            '{"a":NaN}',
            '{"a":-Infinity}',
        ),
        *(
            "{'a':1}",
            '{"a":1,}',
            '{"a":01}',
            "{}\0",
            '{"a":"\n"}',
            "\ufeff{}",
            '{},"v":2',
            '{"a":\ud800}',
        ),
        *('{"a":' * 100_000 + "1" + "}" * 100_000, '{"a":%s}' % ("9" * 5000)),
    ],
    ids=lambda state: state[:12].encode("unicode_escape").decode(),
)
def test_a_state_that_is_not_one_json_object_is_refused(state):
    with pytest.raises(ValueError, match=r".") as caught:
        encode(Snapshot(state=state))
    assert not isinstance(caught.value, UnicodeError | ZeitlichStoreError)


def test_a_message_that_is_no_string_is_refused():
    with pytest.raises(TypeError):
        encode(Snapshot(messages=(1,)))


@settings(deadline=None)
@given(
    messages=st.lists(any_text).map(tuple),
    state=st.none() | objects,
    ids=st.lists(any_text, unique=True),
)
@pytest.mark.parametrize("codec", CODECS)
def test_any_thread_comes_back(codec, messages, state, ids):
    stored = codec.encode(encode(Snapshot(messages=messages, state=state, ids=unplaced(*ids))))
    back = parse(decoded(stored))
    assert back == Snapshot(
        messages=tuple(map(as_utf16, messages)), state=state, ids=unplaced(*map(as_utf16, ids))
    )


@given(st.lists(st.text()).map(tuple))
def test_messages_without_surrogates_come_back_untouched(messages):
    assert parse(encode(Snapshot(messages=messages))).messages == messages


@pytest.mark.parametrize("space", ["", " ", "\n\t\r "])
def test_white_space_between_the_parts_means_nothing(space):
    parts = ["", "{", '"v"', ":", "1", ",", '"messages"', ":", '["a"]', ",", '"state"', ":", "{}"]
    parts += [",", '"dedupIds"', ":", "[]", "}", ""]
    assert parse(space.join(parts).encode()) == Snapshot(messages=("a",), state="{}")


def test_the_order_of_fields_means_nothing():
    archive = b'{"dedupIds":["i"],"state":{"a":1},"messages":["m"],"v":1.0}'
    assert parse(archive) == Snapshot(messages=("m",), state='{"a":1}', ids=unplaced("i"))


def test_a_field_v1_does_not_have_is_passed_over():
    assert parse(document(later='{"v":7}').encode()) == parse(document().encode())


@pytest.mark.parametrize("version", ["2", "0", "-1", "1.5", "1e400", "9" * 400])
def test_another_version_says_upgrade(version):
    with pytest.raises(UnsupportedFormatError, match=r"version.*upgrade"):
        parse(document(v=version, messages="17", state=None).encode())


@pytest.mark.parametrize("field", ["v", "messages", "state", "dedupIds"])
def test_a_missing_field_is_damage(field):
    with pytest.raises(CorruptSnapshotError, match=f"'{field}' is missing"):
        parse(document(**{field: None}).encode())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("v", value) for value in ("true", "null", '"1"', "[1]")),
        *(("messages", value) for value in ("null", '"a"', "{}", "[1]", '["a",null]', '[["a"]]')),
        *(("state", value) for value in ("[]", '"{}"', "0", "false")),
        *(("dedupIds", value) for value in ("null", "{}", "[1]", '"i"')),
    ],
)
def test_a_field_of_another_type_is_damage_at_its_byte(field, value):
    archive = document(**{field: value})
    offset = archive.index(f'"{field}":') + len(f'"{field}":')
    with pytest.raises(CorruptSnapshotError, match=f"'{field}' at byte {offset} is not"):
        parse(archive.encode())


@pytest.mark.parametrize("field", ["v", "messages", "state", "dedupIds"])
def test_a_field_that_stands_twice_is_damage(field):
    archive = document()[:-1] + f',"{field}":null}}'
    with pytest.raises(CorruptSnapshotError, match=rf"'{field}' stands twice at byte"):
        parse(archive.encode())


@pytest.mark.parametrize(
    ("archive", "offset"),
    [
        (b"", 0),
        (b"null", 0),
        (b"[]", 0),
        (b"\xef\xbb\xbf" + document().encode(), 0),
        (document().encode() + b"x", len(document())),
        (document().encode() + b" {}", len(document()) + 1),
        (b'{"v" 1}', 5),
        (b'{"v":1 "messages":[]}', 7),
        (b'{"v":1,}', 7),
        (b"{1:1}", 1),
        (b'{"v":}', 5),
        ('{"é":1,"v":?}'.encode(), 12),
        (b'{"v":NaN}', 5),
        (document(state='{"a":[Infinity]}').encode(), document().index("null")),
        (document(messages='["\xff"]').encode("latin-1"), document().index("[") + 2),
        (document(messages='["a\n"]').encode(), document().index("[") + 3),
        (document(state='{"a":%s}' % ("9" * 5000)).encode(), document().index("null")),
        (document(state="[" * 100_000).encode(), document().index("null")),
        (document(v="9" * 5000).encode(), 5),
    ],
    ids=range(19),
)
def test_what_is_no_v1_document_is_damage_at_its_byte(archive, offset):
    with pytest.raises(CorruptSnapshotError, match=rf"at byte {offset}($|:)"):
        parse(archive)


def test_surrogates_in_utf8_are_damage():
    with pytest.raises(CorruptSnapshotError, match="UTF-8 at byte 20"):
        parse(document(messages='["\ud800"]').encode("utf-8", "surrogatepass"))


@settings(deadline=None, max_examples=500)
@given(st.binary(max_size=200) | any_text.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_random_bytes_are_damage(data):
    with pytest.raises(CorruptSnapshotError):
        parse(data)


@settings(deadline=None, max_examples=1000)
@given(
    start=st.integers(0, 200),
    length=st.integers(0, 10),
    patch=st.binary(max_size=5) | st.sampled_from([b"NaN", b"1e999", b"[[", b'"', b"\\u", b"2"]),
)
def test_mutated_archives_raise_only_our_errors(start, length, patch):
    archive = document(state='{"a":[1,{"b":"é"}]}', messages='["\\ud800","é"]').encode()
    start %= len(archive)
    try:
        snapshot = parse(archive[:start] + patch + archive[start + length :])
        assert parse(encode(snapshot)) == snapshot
    except ZeitlichStoreError:
        assert patch != archive[start : start + length]
