"""Salvage of encrypted objects: every frame that still authenticates comes back, nothing else."""

import random

import pytest

from zeitlich_store.archive.salvaging import salvage_of
from zeitlich_store.models import ThreadRef
from zeitlich_store.snapshot import v2
from zeitlich_store.snapshot import v2_layout as layout
from zeitlich_store.snapshot.salvage import salvage
from zeitlich_store.snapshot.v2_sealing import NO_KEYS

from .test_v2_encryption import FRAMES_AT, frames_of
from .v2_keys import KEY_1, KEY_2, KEYS, SEALER, TestKeys
from .v2_objects import CODECS, MIB, REF, prose, resealed, snapshot

codecs = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
TEXTS, IDS = prose(36)
OTHER = ThreadRef("agents", "thread-2")


def written(codec=CODECS["json"], sealer=SEALER):
    thread = snapshot(*TEXTS, ids=IDS, state="{}", ops=("ab=1",))
    return v2.encode(REF, thread, codec, frame_bytes=1500, sealer=sealer)


def rescued(data, keys=KEYS):
    return salvage(data, [*CODECS.values()], max_bytes=MIB, keys=keys)


@codecs
def test_a_damaged_frame_costs_its_own_messages(codec):
    data = written(codec)
    sizes = [len(frame) for frame in frames_of(data)]
    assert len(sizes) > 5
    lost = FRAMES_AT + sum(sizes[:2]) + sizes[2] // 2
    found = rescued(data[:lost] + bytes([data[lost] ^ 1]) + data[lost + 1 :])
    assert all(TEXTS[index] == text for index, text in found.messages)
    assert 0 < found.expected - len(found.messages) < 8
    assert (found.state, found.expected) == ("{}", 36)
    assert any("frame 2" in problem for problem in found.problems)


@codecs
def test_without_its_end_the_frames_in_front_come_back(codec):
    data = written(codec)
    found = rescued(data[: len(data) // 2])
    assert 10 < len(found.messages) < 30
    assert [text for _, text in found.messages] == TEXTS[: len(found.messages)]
    assert found.state is None


def test_a_frame_that_was_forged_does_not_come_back():
    data = bytearray(written())
    frames = frames_of(bytes(data))
    first = FRAMES_AT + len(frames[0]) - 5
    data[first] ^= 1
    found = rescued(resealed(data))
    assert found.messages[0][0] > 0
    assert all(TEXTS[index] == text for index, text in found.messages)
    assert any("frame 0 does not authenticate" in problem for problem in found.problems)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (NO_KEYS, "no keys"),
        (TestKeys({2: KEY_2}), "no key 1"),
        (TestKeys({1: KEY_2}), "is not the key 1 that"),
    ],
)
def test_without_the_right_key_nothing_comes_back_and_the_reason_is_told(keys, words):
    found = rescued(written(), keys)
    assert (found.messages, found.state, found.expected) == ((), None, 36)
    assert len(found.problems) == 1
    assert words in found.problems[0]


def test_plaintext_is_not_salvaged_where_it_is_refused():
    plain = written(sealer=None)
    assert len(rescued(plain).messages) == 36
    for data in (plain, b"\0" + plain[1:]):
        found = rescued(data, TestKeys({1: KEY_1}, requires=True))
        assert found.messages == ()
        assert "not encrypted" in found.problems[-1]


def test_whatever_is_damaged_salvage_neither_raises_nor_invents():
    data, chance = written(CODECS["zstd"]), random.Random(11)
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(chance.choice([1, 1, 3, 40])):
            damaged[chance.randrange(len(data))] = chance.randrange(256)
        cut = chance.choice([len(data), len(data), chance.randrange(len(data))])
        found = rescued(bytes(damaged[:cut]))
        assert all(TEXTS[index] == text for index, text in found.messages)
        assert found.problems or bytes(damaged) == data


@pytest.mark.parametrize("bits", [1, 0xFF])
def test_one_wrong_byte_in_front_of_the_frames_is_put_right(bits):
    data = written()
    for at in [*range(layout.HEADER_BYTES), 104, 135, *range(136, FRAMES_AT)]:
        damaged = bytearray(data)
        damaged[at] ^= bits
        found = rescued(bytes(damaged))
        assert [text for _, text in found.messages] == TEXTS, at
        assert found.problems  # it is told all the same


def test_one_wrong_byte_of_the_header_and_one_of_the_salt_are_put_right():
    data = bytearray(written())
    data[70], data[110] = data[70] ^ 8, data[110] ^ 16
    assert len(rescued(bytes(data)).messages) == 36


@pytest.mark.parametrize("places", [(20, 30), (70, 97), (110, 120), (104, 150)])
def test_more_damage_in_front_of_the_frames_costs_everything_and_says_so(places):
    data = bytearray(written())
    for at in places:
        data[at] ^= 4
    found = rescued(bytes(data))
    assert found.messages == ()
    assert found.problems


def test_a_mended_object_is_still_only_its_own_threads():
    theirs = bytearray(v2.encode(OTHER, snapshot("theirs"), CODECS["json"], sealer=SEALER))
    theirs[70] ^= 1
    assert len(rescued(bytes(theirs)).messages) == 1  # a copy, whoever's it is
    codecs = [*CODECS.values()]
    found = salvage_of(REF, bytes(theirs), codecs, max_bytes=MIB, keys=KEYS)
    assert found.messages == ()
    assert "another thread" in found.problems[0]
