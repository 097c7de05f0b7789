"""Damage to format v2: every flipped bit and every cut is found; v1's figures stand beside."""

import random

import pytest

from zeitlich_store.errors import CorruptSnapshotError, LimitExceededError, UnsupportedFormatError
from zeitlich_store.snapshot import v1, v2

from .v2_objects import CODECS, REF, prose, snapshot

LIMIT = 1 << 26
TYPED = (CorruptSnapshotError, UnsupportedFormatError, LimitExceededError)
KIB_16 = 16 << 10
codecs = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


def thread(count):
    texts, ids = prose(count)
    return snapshot(*texts, ids=ids, state='{"tasks":[]}', ops=("ab=1", "odd"))


def written(codec, size, *, frame_bytes=4000):
    """A thread, several frames, and its object of at least `size` bytes."""
    count, data = 1, b""
    while len(data) < size:
        count += max(1, (size - len(data)) // 420)
        data = v2.encode(REF, thread(count), codec, frame_bytes=frame_bytes)
    return thread(count), data


def flipped(data, bits):
    """The bytes with each of the bits flipped, one at a time."""
    damaged = bytearray(data)
    for bit in bits:
        damaged[bit // 8] ^= 1 << bit % 8
        yield bit, bytes(damaged)
        damaged[bit // 8] ^= 1 << bit % 8


def undetected(read, variants):
    """Where nothing was raised, and what was read there."""
    found = {}
    for at, damaged in variants:
        try:
            found[at] = read(damaged)
        except TYPED:
            continue
    return found


def read_v2(data):
    return v2.parse(data, CODECS.values(), max_bytes=LIMIT).snapshot


def read_v1(codec):
    return lambda data: v1.parse(codec.decode(data, max_bytes=LIMIT))


@pytest.fixture
def note(record_testsuite_property, request):
    """Write figures down: beside a report of JUnit's kind, and on the screen with ``-s``."""

    def note(**figures):
        record_testsuite_property(request.node.name, str(figures))
        print(f"\n{request.node.name}: {figures}")

    return note


def v1_figures(name, bits=None):
    """Bits tried on a v1 archive of about 16 KiB, those not found, those that changed what is read.

    ``python -c "from tests.unit.test_v2_damage import v1_figures; print(v1_figures('json'))"``
    """
    codec = CODECS[name]
    whole = v1.encode(written(codec, KIB_16)[0])
    data = codec.encode(whole)
    tried = range(len(data) * 8) if bits is None else bits
    missed = undetected(read_v1(codec), flipped(data, tried))
    wrong = sum(content != v1.parse(whole) for content in missed.values())
    return len(tried), len(missed), wrong


@codecs
def test_a_flipped_bit_is_always_found(codec, note):
    saved, data = written(codec, KIB_16)
    assert KIB_16 <= len(data) < KIB_16 + 1000
    assert read_v2(data) == saved
    assert undetected(read_v2, flipped(data, range(len(data) * 8))) == {}
    note(bits=len(data) * 8, undetected=0)


@codecs
def test_a_cut_is_always_found(codec):
    data = written(codec, KIB_16)[1]
    assert undetected(read_v2, ((size, data[:size]) for size in range(len(data)))) == {}


@codecs
def test_a_cut_that_a_hole_hides_is_found(codec):
    data = written(codec, KIB_16)[1]
    holes = ((size, data[:size] + bytes(len(data) - size)) for size in range(len(data)))
    assert undetected(read_v2, holes) == {}


@codecs
def test_bytes_left_out_in_the_middle_are_found(codec):
    data = written(codec, KIB_16)[1]
    chance = random.Random(4)
    spans = [sorted(chance.sample(range(len(data) + 1), 2)) for _ in range(2000)]
    shorter = ((at, data[: at[0]] + data[at[1] :]) for at in map(tuple, spans))
    assert undetected(read_v2, shorter) == {}


@codecs
def test_a_sample_of_bits_and_cuts_of_a_mebibyte_is_found(codec):
    saved, data = written(codec, 1 << 20, frame_bytes=256 << 10)
    assert read_v2(data) == saved
    chance = random.Random(5)
    bits = [chance.randrange(len(data) * 8) for _ in range(700)]
    sizes = [chance.randrange(len(data)) for _ in range(700)]
    assert undetected(read_v2, flipped(data, bits)) == {}
    assert undetected(read_v2, ((size, data[:size]) for size in sizes)) == {}


@codecs
@pytest.mark.parametrize("extra", [b"\0", b"\n", b"x" * 104, "again"])
def test_bytes_behind_the_object_are_found(codec, extra):
    data = written(codec, 2000)[1]
    with pytest.raises(CorruptSnapshotError, match=f"has .* bytes, its header says {len(data)}"):
        read_v2(data + (data if extra == "again" else extra))


def test_damage_is_named_with_its_place():
    data = written(CODECS["zstd"], KIB_16)[1]
    for damaged, words in [
        (data[:50], "cut off at byte 50, in its header"),
        (data[:5000], f"cut off at byte 5000 of {len(data)}"),
        (data[:20] + b"\xff" + data[21:], "header, bytes 0 to 103, does not match its checksum"),
        (data[:5000] + b"\xff\xff\xff" + data[5003:], "SHA-256"),
        (data[:-60] + b"\xff\xff\xff" + data[-57:], "manifest, from byte .* does not match"),
        (b"", "does not begin with the magic number"),
    ]:
        with pytest.raises(CorruptSnapshotError, match=words):
            read_v2(damaged)


def test_v1_without_compression_takes_changed_text_for_the_thread(note):
    every_third = range(0, 17_000 * 8, 3)  # all eight places of a bit; all bits take too long
    tried, missed, wrong = v1_figures("json", every_third)
    note(bits=tried, undetected=missed, read_wrongly=wrong)
    assert missed >= wrong > tried // 2


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_v1_finds_only_what_its_compression_checks(name, note):
    tried, missed, wrong = v1_figures(name)
    note(bits=tried, undetected=missed, read_wrongly=wrong)
    assert missed > 0  # a time stamp, an unused flag: harmless, but not found
    assert wrong == 0
