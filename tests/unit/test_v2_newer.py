"""Format v2 tells what a newer version wrote from what is damaged; all checksums here are right."""

import pytest

from zeitlich_store.errors import CorruptSnapshotError, UnsupportedFormatError
from zeitlich_store.models import ThreadRef
from zeitlich_store.snapshot import v2
from zeitlich_store.snapshot import v2_layout as layout

from .v2_objects import CODECS, REF, craft, fields, frame, one_frame, snapshot


def parse(data):
    return v2.parse(data, CODECS.values(), max_bytes=1 << 20)


def test_crafted_objects_are_read_when_they_are_honest():
    body = frame(b"a\nb", count=2)
    assert parse(one_frame(2, body)).snapshot == snapshot("a", "b")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"must_understand": 1}, "features 0x0001"),
        ({"must_understand": 0x8000}, "features 0x8000"),
        ({"kind": 2}, "object kind 2"),
        ({"kind": 0}, "object kind 0"),
        ({"first_seq": 1}, "first message number"),
        ({"aead": 2}, "encryption 2"),
        ({"aead": 255}, "encryption 255"),
        ({"digest": 2}, "digest 2"),
        ({"dictionary": 0xABC}, "dictionary 0x00000abc"),
        ({"codec": 3}, "codec 3"),
        ({"codec": 255}, "codec 255"),
    ],
)
def test_what_only_a_newer_version_reads_asks_for_an_upgrade(change, words):
    with pytest.raises(UnsupportedFormatError, match=f"{words}.*upgrade"):
        parse(one_frame(1, frame(b"a", count=1), **change))


@pytest.mark.parametrize("major", [0, 1, 3, 255])
def test_another_major_version_asks_for_an_upgrade_whatever_follows(major):
    for rest in (b"", bytes(200)):
        with pytest.raises(UnsupportedFormatError, match=f"snapshot version {major}, .*upgrade"):
            parse(layout.MAGIC + bytes([major]) + rest)


def test_another_minor_version_is_read():
    assert parse(one_frame(1, frame(b"a", count=1), minor=9)).snapshot == snapshot("a")


@pytest.mark.parametrize("number", [13, 15, 17, 1001])
def test_an_unknown_field_of_odd_number_asks_for_an_upgrade(number):
    with pytest.raises(UnsupportedFormatError, match=f"field {number}, .*upgrade"):
        parse(craft(b"", fields(**{f"f{number}": b""})))


@pytest.mark.parametrize("number", [0, 2, 12, 1000])
def test_an_unknown_field_of_even_number_is_passed_over(number):
    data = craft(b"", fields(**{f"f{number}": b"whatever"}))
    assert parse(data) == (REF, snapshot())


def test_an_object_must_name_its_own_thread():
    other = layout.thread_tag(ThreadRef("agents", "thread-2"))
    with pytest.raises(CorruptSnapshotError, match="manifest names another thread"):
        parse(craft(b"", fields(), tag=other))


@pytest.mark.parametrize("name", [b"", b"\xed\xa0\x80", b"a" * 1025])
@pytest.mark.parametrize("field", ["f1", "f3"])
def test_a_name_that_no_thread_can_have_is_damage(name, field):
    with pytest.raises(CorruptSnapshotError, match="names no thread"):
        parse(craft(b"", fields(**{field: name})))


@pytest.mark.parametrize("number", [1, 3, 5, 9])
def test_a_manifest_without_a_field_it_needs_is_damage(number):
    with pytest.raises(CorruptSnapshotError, match=rf"lacks the fields \[{number}\]"):
        parse(craft(b"", fields(**{f"f{number}": None})))


@pytest.mark.parametrize("extra", [fields(), b"\x01\x00", b"\x80", b"\x02\x05abc"])
def test_a_manifest_with_something_behind_its_fields_is_damage(extra):
    with pytest.raises(CorruptSnapshotError):
        parse(craft(b"", fields() + extra))
