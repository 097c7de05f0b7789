"""What can still be read of a damaged object in format v2."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from ..errors import CorruptSnapshotError, LimitExceededError, UnsupportedFormatError
from ..protocols import Codec
from . import v2_layout as layout
from .sniff import sniff
from .v2 import manifest_of
from .v2_frames import MESSAGE_COST, FrameInfo, check_budget, decode_frame, read_frame_info

T = TypeVar("T")
_UNREADABLE: Final = (CorruptSnapshotError, LimitExceededError, UnsupportedFormatError)


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


def salvage(data: bytes, codecs: Sequence[Codec], *, max_bytes: int) -> Salvaged:
    """Read what is whole of an object that may be damaged; never raises for damage.

    A damaged frame costs its own messages. Each frame carries a digest, so that what comes back is
    what was written. An index may be off by the messages of damaged frames in front of it where
    the manifest is lost as well.

    >>> salvage(b"", (), max_bytes=1 << 20).problems[0]
    'the object does not begin with the magic number of format v2'
    """
    work = _Salvage(data, _AnyCodec(codecs), max_bytes)
    header = work.attempt(lambda: layout.read_header(data))
    trailer = work.attempt(lambda: layout.read_trailer(data))
    manifest = None
    if trailer is not None:
        manifest = work.attempt(lambda: manifest_of(data, trailer, work.codec, max_bytes=max_bytes))
        work.attempt(lambda: layout.check_digest(data, trailer))
    if header is not None:
        work.attempt(lambda: layout.check_extent(data, header))
    frames = manifest.frames if manifest else None
    end = trailer.offset if trailer else len(data)
    work.take(_walk(data, end, frames, header.frames if header else None))
    total = None if frames is None else sum(count for _, count in frames)
    return Salvaged(
        messages=tuple(work.messages),
        state=manifest.state if manifest else None,
        expected=header.messages if header else total,
        problems=tuple(work.problems),
    )


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
    data: bytes, end: int, table: Sequence[tuple[int, int]] | None, frames: int | None
) -> Iterator[_Step]:
    """The frames one behind the other; the table leads past a damaged one, where there is one."""
    at, number = layout.HEADER_BYTES, 0
    most = frames if table is None else len(table)
    while at < end and (most is None or number < most):
        size, lost = table[number] if table else (end - at, None)
        try:
            frame = read_frame_info(data, at, min(end, at + size), number)
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
        self._data, self._left = data, max_bytes
        self.codec = codec
        self.problems: list[str] = []
        self.messages: list[tuple[int, str]] = []

    def attempt(self, step: Callable[[], T]) -> T | None:
        """The step's result; None and a problem noted where it finds damage."""
        try:
            return step()
        except _UNREADABLE as exc:
            self.problems.append(str(exc))
            return None

    def take(self, steps: Iterator[_Step]) -> None:
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
        return decode_frame(self._data, frame, self.codec)
