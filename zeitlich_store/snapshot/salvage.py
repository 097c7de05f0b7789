"""What can still be read of a damaged object in format v2."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from ..errors import (
    CorruptSnapshotError,
    EncryptionError,
    LimitExceededError,
    UnsupportedFormatError,
)
from ..protocols import Codec
from . import v2_layout as layout
from .sniff import sniff
from .v2 import manifest_of
from .v2_frames import MESSAGE_COST, FrameInfo, check_budget, decode_frame, read_frame_info
from .v2_manifest import Manifest
from .v2_mending import mended
from .v2_sealing import NO_KEYS, PLAIN, Keys, Parts, frames_at, opened

T = TypeVar("T")
_UNREADABLE: Final = (
    CorruptSnapshotError,
    EncryptionError,
    LimitExceededError,
    UnsupportedFormatError,
)


@dataclass(frozen=True, slots=True)
class Salvaged:
    """The readable messages, each with its index, and one sentence for everything that is wrong.

    `expected` is the number of messages there should be, None where even that is not known;
    `state` is None also where it could not be read. Without `problems` the object is whole.
    """

    messages: tuple[tuple[int, str], ...]
    state: str | None
    expected: int | None
    problems: tuple[str, ...]


def salvage(
    data: bytes, codecs: Sequence[Codec], *, max_bytes: int, keys: Keys = NO_KEYS
) -> Salvaged:
    """Read what is whole of an object that may be damaged; never raises for damage.

    A damaged frame costs its own messages. Each frame carries a digest, so that what comes back is
    what was written. An index may be off by the messages of damaged frames in front of it where
    the manifest is lost as well. Of an encrypted object each frame that still authenticates comes
    back, as long as at most one byte is wrong in the header and one in the 48 bytes behind it.

    >>> salvage(b"", (), max_bytes=1 << 20).problems[0]
    'the object does not begin with the magic number of format v2'
    """
    whole = mended(data, keys)
    work = _Salvage(whole, _AnyCodec(codecs), max_bytes)
    header = work.attempt(lambda: layout.read_header(data))
    trailer = work.attempt(lambda: layout.read_trailer(data))
    if trailer is not None:
        work.attempt(lambda: layout.check_digest(data, trailer))
    if header is not None:
        work.attempt(lambda: layout.check_extent(data, header))
    found = layout.read_header(whole) if header is None and whole != data else header
    parts = work.attempt(lambda: _parts(whole, found, keys))
    manifest = work.read(trailer, parts) if parts else None
    return Salvaged(
        messages=tuple(work.messages),
        state=manifest.state if manifest else None,
        expected=found.messages if found else _count(manifest),
        problems=tuple(work.problems),
    )


def _parts(data: bytes, header: layout.Header | None, keys: Keys) -> _Place:
    """Where the frames begin and how they are read; an object without header passes for plain."""
    if header is None:
        keys.check_plain()
        return _Place(layout.HEADER_BYTES, PLAIN, None)
    return _Place(frames_at(header), opened(data, header, keys), header.frames)


def _count(manifest: Manifest | None) -> int | None:
    return None if manifest is None else sum(count for _, count in manifest.frames)


class _Place(NamedTuple):
    """Where the first frame begins, how the parts are read, how many frames the header promises."""

    start: int
    parts: Parts
    frames: int | None


class _AnyCodec:
    """Decodes by the first bytes, since the header may be what is damaged."""

    name = suffix = content_type = ""

    def __init__(self, codecs: Sequence[Codec]) -> None:
        self._codecs = codecs

    def matches(self, data: bytes) -> bool:
        return bool(data)

    def encode(self, data: bytes) -> bytes:
        return data

    def decode(self, data: bytes, *, max_bytes: int) -> bytes:
        return sniff(data, self._codecs).decode(data, max_bytes=max_bytes)


class _Step(NamedTuple):
    """A frame, or why there is none where one should be; its number of messages where known."""

    frame: FrameInfo | None
    at: int
    number: int | None
    error: Exception | None


def _walk(
    data: bytes, end: int, table: Sequence[tuple[int, int]] | None, place: _Place
) -> Iterator[_Step]:
    """The frames one behind the other; the table leads past a damaged one, where there is one."""
    at, number = place.start, 0
    over = place.parts.overhead
    most = place.frames if table is None else len(table)
    while at < end and (most is None or number < most):
        size, lost = table[number] if table else (end - at, None)
        try:
            frame = read_frame_info(data, at, min(end, at + size), number, overhead=over)
        except CorruptSnapshotError as exc:
            yield _Step(None, at, lost, exc)
            if table is None:
                return
        else:
            yield _Step(frame, at, frame.messages if lost is None else lost, None)
            size = size if table else frame.end - at
        at, number = at + size, number + 1


class _Salvage:
    """What was found so far."""

    def __init__(self, data: bytes, codec: Codec, max_bytes: int) -> None:
        self._data, self._most, self._left = data, max_bytes, max_bytes
        self._codec, self._parts = codec, PLAIN
        self.problems: list[str] = []
        self.messages: list[tuple[int, str]] = []

    def attempt(self, step: Callable[[], T]) -> T | None:
        """The step's result; None and a problem noted where it finds damage."""
        try:
            return step()
        except _UNREADABLE as exc:
            self.problems.append(str(exc))
            return None

    def read(self, trailer: layout.Trailer | None, place: _Place) -> Manifest | None:
        """Take the messages of every frame; the manifest, if it can be read."""
        data, codec, self._parts = self._data, self._codec, place.parts
        manifest = None
        if trailer is not None:
            manifest = self.attempt(
                lambda: manifest_of(data, trailer, codec, max_bytes=self._most, parts=place.parts)
            )
        end = trailer.offset if trailer else len(data)
        self._take(_walk(data, end, manifest.frames if manifest else None, place))
        return manifest

    def _take(self, steps: Iterator[_Step]) -> None:
        """Note the messages of whole frames and what is wrong with the others."""
        index = 0
        for step in steps:
            count = step.number or 0
            messages = None
            if step.frame is None:
                self.problems.append(str(step.error))
            else:
                messages = self.attempt(lambda frame=step.frame: self._decode(frame))  # type: ignore[misc]  # bound now
            if messages is None:
                span = f"{index} to {index + count - 1}" if count else f"from {index} on"
                self.problems.append(f"messages {span} are lost (byte {step.at})")
            self.messages += enumerate(messages or (), index)
            index += count

    def _decode(self, frame: FrameInfo) -> list[str]:
        check_budget([frame], self._left)
        self._left -= frame.raw + MESSAGE_COST * frame.messages
        return decode_frame(self._data, frame, self._codec, self._parts)
