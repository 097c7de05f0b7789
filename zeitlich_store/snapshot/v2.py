"""Snapshot format v2: one binary object a thread, every byte of it checked before it is believed.

::

    header | frames of messages | manifest | trailer

In an encrypted object a salt and a key check stand behind the header (`v2_sealing`). No I/O here,
and limits are checked before anything is allocated. docs/format.md describes every byte. Errors do
not know the archive's name; the caller adds it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, NamedTuple

from ..errors import CorruptSnapshotError, LimitExceededError, UnsupportedFormatError
from ..models import Snapshot, ThreadRef
from ..protocols import Codec
from . import v2_layout as layout
from .v2_frames import (
    FRAME_BYTES,
    FrameInfo,
    check_budget,
    decode_frame,
    pack_frame,
    packed,
    packed_frames,
    read_frame_info,
    unpacked,
)
from .v2_ids import Ids, pack_ids, read_ids
from .v2_manifest import Manifest, check_entries, most_entries, pack_manifest, read_manifest
from .v2_sealing import NO_KEYS, OVERHEAD, PLAIN, Keys, Parts, Sealer, begin, frames_at, opened
from .varints import Reader, prefixed, text_bytes

VERSION: Final = layout.MAJOR
CONTENT_TYPE: Final = "application/octet-stream"
_U64: Final = (1 << 64) - 1


class Parsed(NamedTuple):
    """A snapshot and the thread it says it belongs to."""

    ref: ThreadRef
    snapshot: Snapshot


def encode(
    ref: ThreadRef,
    snapshot: Snapshot,
    codec: Codec,
    *,
    frame_bytes: int = FRAME_BYTES,
    sealer: Sealer | None = None,
    max_bytes: int | None = None,
) -> bytes:
    """The archive's bytes, encrypted where there is a `sealer`.

    `ValueError` unless the snapshot's write id is 16 bytes in hexadecimal and its generation at
    least 1. `LimitExceededError` where `parse` with that `max_bytes` would refuse it.
    """
    _check_fields(snapshot)
    compressor = None if codec.name == "json" else codec
    over = OVERHEAD if sealer else 0
    frames = list(packed_frames(snapshot.messages, frame_bytes, compressor))
    table = [(frame.size(over), frame.messages) for frame in frames]
    manifest_fields = _manifest(ref, snapshot, table)
    raw = pack_manifest(manifest_fields)
    if max_bytes is not None:
        check_budget(frames, max_bytes - len(raw))
        check_entries(manifest_fields, most_entries(max_bytes))
    stored = packed(raw, compressor)
    name = prefixed(text_bytes(codec.name if _number(codec) == layout.NAMED_CODEC else ""))
    header = _header(ref, snapshot, codec, len(frames))
    header = replace(header, aead=layout.AES_256_GCM, key=sealer.key) if sealer else header
    offset = frames_at(header) + sum(size for size, _ in table)
    total = offset + len(name) + len(stored) + over + layout.TRAILER_BYTES
    front, parts = begin(replace(header, total=total), sealer)
    for number, frame in enumerate(frames):
        front += pack_frame(frame, number, parts)
    bound = name + layout.pack_lengths(offset, len(stored) + over, len(raw))
    manifest = name + parts.seal(layout.MANIFEST, stored, bound)
    end = layout.pack_trailer(front, manifest, len(stored) + over, len(raw))
    return bytes(front + manifest + end)


def _check_fields(snapshot: Snapshot) -> None:
    if len(bytes.fromhex(snapshot.write_id)) != 16:
        raise ValueError(f"a write id has 16 bytes in hexadecimal, {snapshot.write_id!r} has not")
    if not 0 < snapshot.generation <= _U64:
        raise ValueError(f"a generation is at least 1, not {snapshot.generation}")


def _number(codec: Codec) -> int:
    return layout.CODEC_NUMBERS.get(codec.name, layout.NAMED_CODEC)


def _manifest(ref: ThreadRef, snapshot: Snapshot, frames: list[tuple[int, int]]) -> Manifest:
    return Manifest(
        key=ref.key,
        thread_id=ref.id,
        frames=tuple(frames),
        state=snapshot.state,
        ids=pack_ids(snapshot.messages, snapshot.ids),
        ops=snapshot.ops,
    )


def _header(ref: ThreadRef, snapshot: Snapshot, codec: Codec, frames: int) -> layout.Header:
    return layout.Header(
        codec=_number(codec),
        generation=snapshot.generation,
        lineage=_lineage(snapshot.lineage),
        messages=len(snapshot.messages),
        write_id=bytes.fromhex(snapshot.write_id),
        tag=layout.thread_tag(ref),
        total=0,
        frames=frames,
    )


def _lineage(text: str) -> int:
    """The lineage as 64 bits; longer or other names are hashed down to that."""
    try:
        number = int(text or "0", 16)
    except ValueError:
        number = -1
    if 0 <= number <= _U64:
        return number
    return int.from_bytes(hashlib.sha256(text_bytes(text)).digest()[:8], "little")


def parse(
    data: bytes,
    codecs: Iterable[Codec],
    *,
    max_bytes: int,
    ref: ThreadRef | None = None,
    keys: Keys = NO_KEYS,
) -> Parsed:
    """The snapshot in an archive's bytes, everything checked first.

    Args:
        data: The whole object.
        codecs: What may be read.
        max_bytes: The most it may decode to, 64 bytes for each message included.
        ref: The thread it should belong to; None: whichever.
        keys: What it may be encrypted with.

    Raises:
        EncryptionError: Every byte is as it was written, but the key is missing or wrong, or the
            object is not encrypted and has to be.
        CorruptSnapshotError: A bit is wrong, a byte is missing, or it is another thread's object.
        UnsupportedFormatError: It was written by a newer version, or with an unknown codec.
        LimitExceededError: It would decode to more than `max_bytes`.
    """
    header = layout.read_header(data)
    layout.check_extent(data, header)
    trailer = layout.read_trailer(data)
    layout.check_digest(data, trailer)
    if ref is not None and header.tag != layout.thread_tag(ref):
        raise CorruptSnapshotError("the object belongs to another thread: it was moved or swapped")
    codec = codec_of(data, header, trailer, codecs)
    parts = opened(data, header, keys)
    manifest = manifest_of(data, trailer, codec, max_bytes=max_bytes, parts=parts)
    found = _thread(manifest)
    if header.tag != layout.thread_tag(found):
        raise CorruptSnapshotError("the manifest names another thread than the header")
    frames = _frames(data, header, trailer, manifest, parts)
    check_budget(frames, max_bytes - trailer.raw)
    messages = [message for frame in frames for message in decode_frame(data, frame, codec, parts)]
    ids = _ids(manifest, messages, most_entries(max_bytes))
    return Parsed(found, snapshot_of(header, manifest, messages, ids))


def _thread(manifest: Manifest) -> ThreadRef:
    try:
        return ThreadRef(manifest.key, manifest.thread_id)
    except ValueError as exc:
        raise CorruptSnapshotError(f"the manifest names no thread: {exc}") from exc


def codec_of(
    data: bytes, header: layout.Header, trailer: layout.Trailer, codecs: Iterable[Codec]
) -> Codec:
    """The codec of the object's frames."""
    names = {number: name for name, number in layout.CODEC_NUMBERS.items()}
    name = names.get(header.codec)
    if header.codec == layout.NAMED_CODEC:
        name = _named(data, trailer)[0]
    for codec in codecs:
        if codec.name == name:
            return codec
    raise UnsupportedFormatError(
        f"the archive was written with the codec {name or header.codec!r}, which is not known "
        "here: register it, or upgrade zeitlich-store"
    )


def _named(data: bytes, trailer: layout.Trailer) -> tuple[str, bytes]:
    """The codec's name ("" for ours) and the manifest's stored bytes, still sealed."""
    end = len(data) - layout.TRAILER_BYTES
    if not layout.HEADER_BYTES <= trailer.offset < end:
        raise CorruptSnapshotError(f"the manifest cannot lie at byte {trailer.offset}")
    reader = Reader(data[trailer.offset : end])
    name, stored = reader.text(), reader.take(trailer.stored)
    reader.end("the manifest")
    return name, stored


def manifest_of(
    data: bytes,
    trailer: layout.Trailer,
    codec: Codec,
    *,
    max_bytes: int,
    parts: Parts = PLAIN,
) -> Manifest:
    """The manifest, decoded."""
    name, stored = _named(data, trailer)
    if trailer.raw > max_bytes:
        raise LimitExceededError(
            f"the manifest decodes to {trailer.raw} bytes, the limit is {max_bytes} bytes"
        )
    if not parts.overhead <= trailer.stored <= trailer.raw + parts.overhead:
        raise CorruptSnapshotError("the lengths of the manifest are impossible")
    lengths = layout.pack_lengths(trailer.offset, trailer.stored, trailer.raw)
    stored = parts.open(layout.MANIFEST, stored, prefixed(text_bytes(name)) + lengths)
    return read_manifest(unpacked(stored, trailer.raw, codec), most=most_entries(max_bytes))


def _frames(
    data: bytes,
    header: layout.Header,
    trailer: layout.Trailer,
    manifest: Manifest,
    parts: Parts,
) -> list[FrameInfo]:
    """Every frame, where the table says it is, one right behind the other."""
    frames: list[FrameInfo] = []
    at = frames_at(header)
    for number, (size, count) in enumerate(manifest.frames):
        frame = read_frame_info(data, at, trailer.offset, number, overhead=parts.overhead)
        at += size
        if frame.end != at or frame.messages != count:
            raise CorruptSnapshotError(f"frame {number} is not what the table says of it")
        frames.append(frame)
    counts = (len(frames), sum(frame.messages for frame in frames))
    if at != trailer.offset or counts != (header.frames, header.messages):
        raise CorruptSnapshotError(
            f"{counts[0]} frames of {counts[1]} messages end at byte {at}; the header says "
            f"{header.frames} of {header.messages}, the trailer byte {trailer.offset}"
        )
    return frames


def _ids(manifest: Manifest, messages: list[str], most: int) -> Ids:
    reader = Reader(manifest.ids)
    ids = read_ids(reader, messages, most=most)
    reader.end("the table of ids")
    return ids


def snapshot_of(
    header: layout.Header, manifest: Manifest, messages: list[str], ids: Ids
) -> Snapshot:
    """The snapshot of a header, a manifest, the messages and their ids."""
    return Snapshot(
        messages=tuple(messages),
        state=manifest.state,
        ids=ids,
        lineage=f"{header.lineage:016x}",
        generation=header.generation,
        write_id=header.write_id.hex(),
        ops=manifest.ops,
    )
