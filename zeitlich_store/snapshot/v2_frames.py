"""Frames of format v2: messages that are compressed together, each frame with a digest.

::

    varint stored length | varint raw length | varint 2 * messages + kind | digest[16] | stored

The stored bytes are the raw ones where compression does not make them shorter. The raw bytes are
of one of two kinds: *lines*, the messages with a line feed between each two, or, where a message
holds a line feed itself, *lengths*, the length of every message and then the messages. In an
encrypted object the stored bytes are sealed, which makes them 16 longer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ..errors import CorruptSnapshotError, LimitExceededError
from ..protocols import Codec
from .v2_sealing import PLAIN, Parts
from .varints import Reader, bytes_text, read_varint, text_bytes, varint

FRAME_BYTES: Final = 256 << 10
"""A frame is closed once it holds this many bytes of messages."""
MESSAGE_COST: Final = 64
"""What a message costs in memory beside its text, in bytes; counts against the limit."""
DIGEST_BYTES: Final = 16
_LARGEST_HEADER: Final = 30 + DIGEST_BYTES
_LENGTHS: Final = 0
_LINES: Final = 1
_LINE_FEED: Final = b"\n"


class FrameInfo(NamedTuple):
    """Where a frame's stored bytes lie, what they decode to, and what they have to hash to."""

    number: int
    start: int
    stored: int
    raw: int
    messages: int
    kind: int
    digest: bytes

    @property
    def end(self) -> int:
        """Where the next part of the object begins."""
        return self.start + self.stored


class RawFrame(NamedTuple):
    """Messages put together, not compressed yet."""

    data: bytes
    messages: int
    kind: int


def raw_frames(messages: Sequence[str], size: int) -> Iterator[RawFrame]:
    """The messages in frames of at least `size` bytes, the last one apart."""
    pieces: list[bytes] = []
    held = 0
    for message in messages:
        data = text_bytes(message)
        pieces.append(data)
        held += len(data) + 1
        if held >= size:
            yield _joined(pieces)
            pieces, held = [], 0
    if pieces:
        yield _joined(pieces)


def _joined(pieces: list[bytes]) -> RawFrame:
    lines = _LINE_FEED.join(pieces)
    if lines.count(_LINE_FEED) == len(pieces) - 1:
        return RawFrame(lines, len(pieces), _LINES)
    lengths = b"".join(varint(len(piece)) for piece in pieces)
    return RawFrame(lengths + b"".join(pieces), len(pieces), _LENGTHS)


class PackedFrame(NamedTuple):
    """Messages put together and compressed, not sealed yet; `raw` is the length before."""

    data: bytes
    raw: int
    messages: int
    kind: int

    def numbers(self, overhead: int) -> bytes:
        """What stands in front of the frame's digest."""
        return _numbers(len(self.data) + overhead, self.raw, self.messages, self.kind)

    def size(self, overhead: int) -> int:
        """How many bytes the frame takes in the object."""
        return len(self.numbers(overhead)) + DIGEST_BYTES + len(self.data) + overhead


def packed_frames(messages: Sequence[str], size: int, codec: Codec | None) -> Iterator[PackedFrame]:
    """`raw_frames`, compressed where that makes them shorter."""
    for raw in raw_frames(messages, size):
        yield PackedFrame(packed(raw.data, codec), len(raw.data), raw.messages, raw.kind)


def pack_frame(frame: PackedFrame, number: int, parts: Parts = PLAIN) -> bytes:
    """A frame as it lies in the object."""
    numbers = frame.numbers(parts.overhead)
    stored = parts.seal(number, frame.data, numbers)
    return numbers + _digest(numbers, stored, number) + stored


def _numbers(stored: int, raw: int, count: int, kind: int) -> bytes:
    return varint(stored) + varint(raw) + varint(2 * count + kind)


def read_frame_info(data: bytes, at: int, end: int, number: int, *, overhead: int = 0) -> FrameInfo:
    """The frame that begins at `at` and must end before `end`."""
    reader = Reader(data[at : min(end, at + _LARGEST_HEADER)])
    stored, raw, count = reader.number(), reader.number(), reader.number()
    digest = reader.take(DIGEST_BYTES)
    frame = FrameInfo(number, at + reader.at, stored, raw, count >> 1, count & 1, digest)
    fits = frame.end <= end and overhead <= stored <= raw + overhead
    if not fits or not 0 < frame.messages <= raw + 1:
        raise CorruptSnapshotError(f"the lengths of frame {number}, at byte {at}, are impossible")
    return frame


def check_budget(frames: Sequence[FrameInfo | PackedFrame], max_bytes: int) -> None:
    """`LimitExceededError` before anything is decoded that would not fit."""
    needed = sum(frame.raw + MESSAGE_COST * frame.messages for frame in frames)
    if needed > max_bytes:
        raise LimitExceededError(
            f"the archive decodes to {needed} bytes ({MESSAGE_COST} a message included), "
            f"the limit is {max_bytes} bytes"
        )


def decode_frame(data: bytes, frame: FrameInfo, codec: Codec, parts: Parts = PLAIN) -> list[str]:
    """The messages of one frame, digest, seal and lengths checked."""
    stored = data[frame.start : frame.end]
    numbers = _numbers(frame.stored, frame.raw, frame.messages, frame.kind)
    if _digest(numbers, stored, frame.number) != frame.digest:
        raise CorruptSnapshotError(
            f"frame {frame.number}, bytes {frame.start} to {frame.end}, is damaged"
        )
    opened = parts.open(frame.number, stored, numbers)
    return _split(unpacked(opened, frame.raw, codec), frame)


def packed(raw: bytes, codec: Codec | None) -> bytes:
    """Stored bytes: compressed where that makes them shorter."""
    stored = raw if codec is None else codec.encode(raw)
    return stored if len(stored) < len(raw) else raw


def unpacked(stored: bytes, raw: int, codec: Codec) -> bytes:
    """The `raw` bytes that were stored."""
    if len(stored) == raw:
        return stored
    data = codec.decode(stored, max_bytes=raw)
    if len(data) != raw:
        raise CorruptSnapshotError(f"{raw} bytes should come out of the codec, {len(data)} do")
    return data


def _digest(numbers: bytes, stored: bytes, number: int) -> bytes:
    digest = hashlib.sha256(number.to_bytes(4, "little") + numbers)
    digest.update(stored)
    return digest.digest()[:DIGEST_BYTES]


def _split(raw: bytes, frame: FrameInfo) -> list[str]:
    """The messages of a frame's raw bytes."""
    if frame.kind == _LINES:
        # Counted before they are made: a million line feeds must not become a million messages.
        if raw.count(_LINE_FEED) != frame.messages - 1:
            raise _miscounted(frame)
        return bytes_text(raw).split("\n")
    lengths, at = _lengths(raw, frame)
    messages = []
    for length in lengths:
        messages.append(bytes_text(raw[at : at + length]))
        at += length
    return messages


def _lengths(raw: bytes, frame: FrameInfo) -> tuple[list[int], int]:
    """The length of each message, and where the first begins."""
    lengths, at = [], 0
    for _ in range(frame.messages):
        length, at = read_varint(raw, at)
        lengths.append(length)
    if at + sum(lengths) != len(raw):
        raise _miscounted(frame)
    return lengths, at


def _miscounted(frame: FrameInfo) -> CorruptSnapshotError:
    return CorruptSnapshotError(f"frame {frame.number} does not hold its {frame.messages} messages")
