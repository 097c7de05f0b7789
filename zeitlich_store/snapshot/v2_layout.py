"""The fixed parts of format v2: the header at the front, the trailer at the end.

Little-endian throughout; docs/format.md describes every byte.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import Final

from ..errors import CorruptSnapshotError, UnsupportedFormatError
from ..models import ThreadRef
from .varints import text_bytes

MAGIC: Final = bytes.fromhex("895a54320d0a1a0a")
MAJOR: Final = 2
HEAD: Final = 1
"""Kind of object: the head of a thread (2, a segment, is for later minor versions)."""
SHA256: Final = 1
AES_256_GCM: Final = 1
NAMED_CODEC: Final = 255
MANIFEST: Final = (1 << 32) - 1
"""The manifest's number among the parts that are encrypted; frames are numbered from 0."""
CODEC_NUMBERS: Final = {"json": 0, "gzip": 1, "zstd": 2}

_HEADER: Final = struct.Struct("<8s6BHQQQQ16s16sQIIII")
_TRAILER: Final = struct.Struct("<QII32s4sI")
_LENGTHS: Final = struct.Struct("<QII")
_END: Final = b"2TZ\n"
HEADER_BYTES: Final = _HEADER.size
TRAILER_BYTES: Final = _TRAILER.size
_AEAD_AT: Final = 12
_CRC_AT: Final = HEADER_BYTES - 4
_FROM_DIGEST: Final = 40


@dataclass(frozen=True, slots=True)
class Header:
    """What the first 104 bytes say."""

    codec: int
    generation: int
    lineage: int
    messages: int
    write_id: bytes
    tag: bytes
    total: int
    frames: int
    kind: int = HEAD
    minor: int = 0
    aead: int = 0
    digest: int = SHA256
    must_understand: int = 0
    first_seq: int = 0
    dictionary: int = 0
    key: int = 0


@dataclass(frozen=True, slots=True)
class Trailer:
    """What the last 56 bytes say: where the manifest lies, and what everything must hash to."""

    offset: int
    stored: int
    raw: int
    digest: bytes


def thread_tag(ref: ThreadRef) -> bytes:
    """The 16 bytes that bind an object to its thread.

    >>> thread_tag(ThreadRef("a", "b")) == thread_tag(ThreadRef("ab", "c"))
    False
    """
    digest = hashlib.sha256()
    for part in (ref.key, ref.id):
        data = text_bytes(part)
        digest.update(len(data).to_bytes(4, "little") + data)
    return digest.digest()[:16]


def pack_header(header: Header) -> bytes:
    """The 104 bytes, with their checksum."""
    h = header
    whole = _HEADER.pack(
        *(MAGIC, MAJOR, h.minor, h.kind, h.codec, h.aead, h.digest, h.must_understand),
        *(h.generation, h.lineage, h.first_seq, h.messages, h.write_id, h.tag),
        *(h.total, h.frames, h.dictionary, h.key, 0),
    )
    return whole[:_CRC_AT] + zlib.crc32(whole[:_CRC_AT]).to_bytes(4, "little")


def pack_lengths(offset: int, stored: int, raw: int) -> bytes:
    """The trailer's first 16 bytes, which a sealed manifest is bound to."""
    return _LENGTHS.pack(offset, stored, raw)


def pack_trailer(front: bytes | bytearray, manifest: bytes, stored: int, raw: int) -> bytes:
    """The 56 bytes behind header and frames (`front`) and the manifest's bytes."""
    lengths = pack_lengths(len(front), stored, raw)
    digest = hashlib.sha256(front)
    digest.update(manifest + lengths)
    return lengths + digest.digest() + _END + zlib.crc32(manifest + lengths).to_bytes(4, "little")


def read_header(data: bytes) -> Header:
    """The header, its checksum and version checked; nothing else is looked at.

    Raises:
        UnsupportedFormatError: Another major version, or something a reader must understand.
        CorruptSnapshotError: The bytes are no header.
    """
    if data[:8] != MAGIC:
        raise CorruptSnapshotError("the object does not begin with the magic number of format v2")
    if len(data) > 8 and data[8] != MAJOR:
        raise _newer(f"snapshot version {data[8]}")
    if len(data) < HEADER_BYTES:
        raise CorruptSnapshotError(f"the object is cut off at byte {len(data)}, in its header")
    if zlib.crc32(data[:_CRC_AT]) != int.from_bytes(data[_CRC_AT:HEADER_BYTES], "little"):
        raise CorruptSnapshotError("the header, bytes 0 to 103, does not match its checksum")
    return _understood(_unpack(data))


def is_sealed(data: bytes) -> bool:
    """Whether an object says that it is encrypted; nothing is checked."""
    return data[:8] == MAGIC and data[_AEAD_AT : _AEAD_AT + 1] not in {b"", b"\0"}


def _unpack(data: bytes) -> Header:
    values = _HEADER.unpack_from(data)
    (_, _, minor, kind, codec, aead, digest, must, generation, lineage, first_seq) = values[:11]
    (messages, write_id, tag, total, frames, dictionary, key, _) = values[11:]
    return Header(
        codec=codec,
        generation=generation,
        lineage=lineage,
        messages=messages,
        write_id=write_id,
        tag=tag,
        total=total,
        frames=frames,
        kind=kind,
        minor=minor,
        aead=aead,
        digest=digest,
        must_understand=must,
        first_seq=first_seq,
        dictionary=dictionary,
        key=key,
    )


def _understood(header: Header) -> Header:
    if header.must_understand:
        raise _newer(f"features {header.must_understand:#06x} that a reader must understand")
    if header.kind != HEAD:
        raise _newer(f"object kind {header.kind}")
    if header.first_seq:
        raise _newer(f"a first message number {header.first_seq}, of a thread in segments")
    if header.digest != SHA256:
        raise _newer(f"digest {header.digest}")
    if header.aead not in {0, AES_256_GCM}:
        raise _newer(f"encryption {header.aead}")
    if header.dictionary:
        raise _newer(f"the compression dictionary {header.dictionary:#010x}")
    return header


def _newer(what: str) -> UnsupportedFormatError:
    return UnsupportedFormatError(
        f"the archive needs {what}, which this version does not know: upgrade zeitlich-store"
    )


def read_trailer(data: bytes) -> Trailer:
    """The trailer; it and the manifest match their checksum, the digest is not compared yet."""
    start = len(data) - TRAILER_BYTES
    if start < HEADER_BYTES:
        raise CorruptSnapshotError(f"the object is cut off at byte {len(data)}")
    offset, stored, raw, digest, end, crc = _TRAILER.unpack_from(data, start)
    if end != _END:
        raise CorruptSnapshotError(f"the object does not end, at byte {len(data)}, like a v2 one")
    part = data[offset : start + _LENGTHS.size] if HEADER_BYTES <= offset < start else b""
    if zlib.crc32(part) != crc or not part:
        raise CorruptSnapshotError(f"the manifest, from byte {offset}, does not match its checksum")
    return Trailer(offset, stored, raw, digest)


def check_extent(data: bytes, header: Header) -> None:
    """`CorruptSnapshotError` unless the object is as long as its header says."""
    if len(data) < header.total:
        raise CorruptSnapshotError(
            f"the object is cut off at byte {len(data)} of {header.total}: salvage can read a part"
        )
    if len(data) > header.total or header.total < HEADER_BYTES + TRAILER_BYTES:
        raise CorruptSnapshotError(
            f"the object has {len(data)} bytes, its header says {header.total}"
        )


def check_digest(data: bytes, trailer: Trailer) -> None:
    """`CorruptSnapshotError` unless all bytes are as they were written."""
    if hashlib.sha256(memoryview(data)[:-_FROM_DIGEST]).digest() != trailer.digest:
        raise CorruptSnapshotError("the object does not match its SHA-256 digest: it is damaged")
