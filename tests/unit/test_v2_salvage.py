"""Salvage: what is not damaged comes back, right, whatever else is; it never raises."""

import random

import pytest

from zeitlich_store.snapshot import v2
from zeitlich_store.snapshot import v2_layout as layout
from zeitlich_store.snapshot.salvage import salvage
from zeitlich_store.snapshot.v2_frames import MESSAGE_COST, read_frame_info

from .v2_objects import (
    CODECS,
    MIB,
    REF,
    craft,
    fields,
    frame,
    prose,
    snapshot,
    table,
)

STATE = '{"tasks":[]}'
codecs = pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)


def written(codec, count=36, frame_bytes=1500):
    """The messages, the object, and its frames."""
    texts, ids = prose(count)
    thread = snapshot(*texts, ids=ids, state=STATE, ops=("ab=1",))
    data = v2.encode(REF, thread, codec, frame_bytes=frame_bytes)
    return texts, data, frames_of(data)


def frames_of(data):
    found, at = [], layout.HEADER_BYTES
    end = layout.read_trailer(data).offset
    while at < end:
        found.append((at, read_frame_info(data, at, end, len(found))))
        at = found[-1][1].end
    return found


def rescued(data):
    return salvage(data, [*CODECS.values()], max_bytes=MIB)


def messages_lost(texts, found):
    """The indexes that are missing; every message that is there must be right."""
    assert all(texts[index] == text for index, text in found.messages)
    assert [index for index, _ in found.messages] == sorted(dict(found.messages))
    return set(range(len(texts))) - set(dict(found.messages))


def belonging(frames, byte):
    """The indexes of the messages of the frame that holds this byte."""
    first = 0
    for start, info in frames:
        if start <= byte < info.end:
            return set(range(first, first + info.messages))
        first += info.messages
    return set()


@codecs
@pytest.mark.parametrize("change", ["one bit", "all bits"])
def test_a_damaged_byte_costs_its_frame_and_nothing_else(codec, change):
    texts, data, frames = written(codec)
    assert len(frames) > 5
    chance = random.Random(6)
    for byte, value in enumerate(data):
        mask = 255 if change == "all bits" else 1 << chance.randrange(8)
        found = rescued(data[:byte] + bytes([value ^ mask]) + data[byte + 1 :])
        assert messages_lost(texts, found) == belonging(frames, byte), byte
        assert found.problems, byte
        assert found.expected == len(texts), byte
        assert found.state in {STATE, None}, byte


@codecs
def test_a_cut_costs_what_lies_behind_it(codec):
    texts, data, frames = written(codec)
    for size in range(len(data)):
        found = rescued(data[:size])
        whole = sum(info.messages for _, info in frames if info.end <= size)
        assert [text for _, text in found.messages] == texts[:whole], size
        assert messages_lost(texts, found) == set(range(whole, len(texts))), size
        assert found.problems, size


@codecs
def test_several_damaged_frames_cost_only_themselves(codec):
    texts, data, frames = written(codec)
    damaged, lost = bytearray(data), set()
    for start, _ in frames[::2]:
        damaged[start + 30] ^= 4
        lost |= belonging(frames, start)
    found = rescued(bytes(damaged))
    assert messages_lost(texts, found) == lost
    assert found.state == STATE
    named = [problem for problem in found.problems if "are lost" in problem]
    assert len(named) == len(frames[::2])
    assert named[0] == f"messages 0 to {frames[0][1].messages - 1} are lost (byte 104)"


def test_every_pair_of_damaged_bytes_gives_only_messages_that_were_written():
    texts, data, _ = written(CODECS["zstd"], count=12)
    chance = random.Random(7)
    for _ in range(3000):
        damaged = bytearray(data)
        for byte in chance.sample(range(len(data)), 2):
            damaged[byte] ^= chance.randrange(1, 256)
        found = rescued(bytes(damaged))
        assert {text for _, text in found.messages} <= set(texts)
        assert found.problems


def test_an_object_without_its_ends_keeps_its_frames():
    texts, data, frames = written(CODECS["gzip"])
    middle = frames[-1][1].end
    damaged = bytes(104) + data[104:middle] + bytes(len(data) - middle)
    found = rescued(damaged)
    assert [text for _, text in found.messages] == texts
    assert (found.state, found.expected) == (None, None)


def test_an_empty_thread_without_its_header_is_known_to_be_empty():
    data = v2.encode(REF, snapshot(state=STATE), CODECS["json"])
    found = rescued(bytes(104) + data[104:])
    assert (found.messages, found.state, found.expected) == ((), STATE, 0)


@pytest.mark.parametrize("data", [b"", b"x", b'{"v":1}', layout.MAGIC, layout.MAGIC + b"\x03" * 99])
def test_what_is_no_object_gives_a_problem_and_no_message(data):
    found = rescued(data)
    assert (found.messages, found.state, found.expected) == ((), None, None)
    assert found.problems


def test_salvage_keeps_to_the_limit_over_all_frames_together():
    body = b"".join(frame(b"\n" * 999, count=1000, number=n) for n in range(50))
    manifest = fields(table(*[(len(body) // 50, 1000)] * 50), [""] * 50_000)
    data = craft(body, manifest, messages=50_000, frames=50)
    cost = 999 + 1000 * MESSAGE_COST
    found = salvage(data, [], max_bytes=10 * cost + 500)
    assert len(found.messages) == 10_000
    assert any("limit" in problem for problem in found.problems)


def test_frames_that_overlap_give_each_message_once():
    body = frame(b"a\nb", count=2, number=5)
    rows = table(*[(0, 2)] * 5, (len(body), 2))
    found = rescued(craft(body, fields(rows, [""] * 12), messages=12, frames=6))
    assert [text for _, text in found.messages] == ["a", "b"]
    assert len(found.problems) == 10  # no frame, and two messages lost, five times


def test_an_unknown_codec_gives_problems_and_no_exception():
    texts, data, _ = written(CODECS["zstd"])
    found = salvage(data, [CODECS["json"]], max_bytes=MIB)
    assert messages_lost(texts, found) == set(range(len(texts)))
    assert any("no codec knows" in problem for problem in found.problems)
