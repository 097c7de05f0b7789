"""The manifest of format v2: what an object says beside its messages.

::

    repeat: varint field | varint length | value

A reader must understand fields of odd number and passes over even ones it does not know. Frames
hold the messages; the table of frames lets the last of them be read without the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

from ..errors import CorruptSnapshotError, LimitExceededError, UnsupportedFormatError
from .v2_ids import check_listed, listed_ids
from .varints import Reader, bytes_text, prefixed, text_bytes, varint

KEY: Final = 1
THREAD_ID: Final = 3
FRAMES: Final = 5
STATE: Final = 7
IDS: Final = 9
OPS: Final = 11
EPOCH: Final = 13
"""How often a segmented thread was cut back; 0, that is absent, in version 2.0."""
SEGMENTS: Final = 15
"""The immutable objects that hold a long thread's older messages; absent in version 2.0."""
_ENTRY_COST: Final = 256
_FREE_ENTRIES: Final = 1024
_KNOWN: Final = frozenset([KEY, THREAD_ID, FRAMES, STATE, IDS, OPS])
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The fields, decoded as far as that needs no messages."""

    key: str
    thread_id: str
    frames: tuple[tuple[int, int], ...]
    """Length in bytes (frame header included) and number of messages of each frame."""
    state: str | None
    ids: bytes
    ops: tuple[str, ...]


def pack_manifest(manifest: Manifest) -> bytes:
    """The manifest's bytes."""
    frames = b"".join(varint(size) + varint(count) for size, count in manifest.frames)
    fields = {
        KEY: text_bytes(manifest.key),
        THREAD_ID: text_bytes(manifest.thread_id),
        FRAMES: frames,
        STATE: None if manifest.state is None else text_bytes(manifest.state),
        IDS: manifest.ids,
        OPS: _pack_ops(manifest.ops) if manifest.ops else None,
    }
    return b"".join(varint(n) + prefixed(v) for n, v in fields.items() if v is not None)


def most_entries(max_bytes: int) -> int:
    """How many entries a list in the manifest may have: one of two bytes costs 256 in memory."""
    return _FREE_ENTRIES + max_bytes // _ENTRY_COST


def check_entries(manifest: Manifest, most: int) -> None:
    """`LimitExceededError` where a reader would refuse a list as too long."""
    for entries in (manifest.frames, manifest.ops):
        _few(entries, most)
    check_listed(listed_ids(manifest.ids), most)


def read_manifest(data: bytes, *, most: int) -> Manifest:
    """The manifest in its bytes, with at most so many entries in each list.

    Raises `UnsupportedFormatError` for a field it must understand and does not, and
    `LimitExceededError` for more entries.
    """
    fields = _fields(data)
    missing = {KEY, THREAD_ID, FRAMES, IDS} - fields.keys()
    if missing:
        raise CorruptSnapshotError(f"the manifest lacks the fields {sorted(missing)}")
    return Manifest(
        key=bytes_text(fields[KEY]),
        thread_id=bytes_text(fields[THREAD_ID]),
        frames=_few(_read_frames(Reader(fields[FRAMES])), most),
        state=bytes_text(fields[STATE]) if STATE in fields else None,
        ids=fields[IDS],
        ops=_few(_read_ops(Reader(fields.get(OPS, b""))), most),
    )


def _fields(data: bytes) -> Mapping[int, bytes]:
    reader = Reader(data)
    fields: dict[int, bytes] = {}
    while reader.left:
        number, value = reader.number(), reader.piece()
        if number in fields:
            raise CorruptSnapshotError(f"field {number} of the manifest stands twice")
        if number % 2 and number not in _KNOWN:
            raise UnsupportedFormatError(
                f"the archive's manifest has field {number}, which this version does not know: "
                "upgrade zeitlich-store"
            )
        if number in _KNOWN:
            fields[number] = value
    return fields


def _few(entries: Iterable[T], most: int) -> tuple[T, ...]:
    found = tuple(islice(entries, most + 1))
    if len(found) > most:
        raise LimitExceededError(f"a list in the manifest has more than {most} entries, the limit")
    return found


def _read_frames(reader: Reader) -> Iterable[tuple[int, int]]:
    while reader.left:
        yield reader.number(), reader.number()


def _pack_ops(ops: Iterable[str]) -> bytes:
    """Operation ids and replies: those in hexadecimal, as ours are, at half their length."""
    return b"".join(_pack_op(entry) for entry in ops)


def _pack_op(entry: str) -> bytes:
    name, _, reply = entry.partition("=")
    try:
        data = bytes.fromhex(name)
        regular = entry == f"{data.hex()}={int(reply)}" and 0 <= int(reply) < 1 << 64
    except ValueError:
        regular = False
    if regular:
        return varint(len(data) << 1 | 1) + data + varint(int(reply))
    text = text_bytes(entry)
    return varint(len(text) << 1) + text


def _read_ops(reader: Reader) -> Iterable[str]:
    while reader.left:
        head = reader.number()
        data = reader.take(head >> 1)
        yield f"{data.hex()}={reader.number()}" if head & 1 else bytes_text(data)
