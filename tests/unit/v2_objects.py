"""Objects in format v2 put together by hand, checksums right: what a hostile writer could send."""

import base64
import random
import zlib
from dataclasses import replace

import zstandard

from zeitlich_store.codecs import GzipCodec, JsonCodec, ZstdCodec
from zeitlich_store.errors import CorruptSnapshotError
from zeitlich_store.models import Snapshot, ThreadRef
from zeitlich_store.snapshot import v2_frames
from zeitlich_store.snapshot import v2_layout as layout
from zeitlich_store.snapshot.v2_ids import pack_ids
from zeitlich_store.snapshot.v2_sealing import OVERHEAD, SEAL_BYTES
from zeitlich_store.snapshot.varints import prefixed, text_bytes, varint

CODECS = {"json": JsonCodec(), "gzip": GzipCodec(), "zstd": ZstdCodec()}
REF = ThreadRef("agents", "thread-1")
WRITE_ID = "00112233445566778899aabbccddeeff"
LINEAGE = "0123456789abcdef"
MIB = 1 << 20
LENGTHS, LINES = 0, 1


def snapshot(*messages, **changes):
    """A snapshot with the fields that v2 wants."""
    fields = {"lineage": LINEAGE, "generation": 1, "write_id": WRITE_ID} | changes
    return Snapshot(messages=messages, **fields)


def prose(count, seed=1):
    """Messages of about 400 bytes each that compress little, and their ids."""
    chance = random.Random(seed)
    texts = [
        f'{{"id":"m{n}","content":"{base64.b64encode(chance.randbytes(280)).decode()}"}}'
        for n in range(count)
    ]
    return texts, tuple((f"m{n}", n) for n in range(count))


def frame(stored, *, count, number=0, kind=LINES, raw=None, claimed=None):
    """A frame that says of itself what it is told to say, its digest right."""
    raw = len(stored) if raw is None else raw
    size = len(stored) if claimed is None else claimed
    numbers = v2_frames._numbers(size, raw, count, kind)
    return numbers + v2_frames._digest(numbers, stored, number) + stored


def table(*rows):
    """The field of the manifest that tells of the frames."""
    return b"".join(varint(size) + varint(count) for size, count in rows)


def fields(frames=b"", messages=(), **changes):
    """The manifest's fields; `f7=b"{}"` sets field 7, None leaves one out."""
    ids = pack_ids(messages, ())
    found = {1: text_bytes(REF.key), 3: text_bytes(REF.id), 5: frames, 9: ids}
    found |= {int(name[1:]): value for name, value in changes.items()}
    return b"".join(varint(n) + prefixed(v) for n, v in found.items() if v is not None)


def craft(body, manifest, *, stored=None, raw=None, name="", **header):
    """An object of a body and a manifest, every checksum right; `header` overrides fields."""
    stored = manifest if stored is None else stored
    raw = len(manifest) if raw is None else raw
    part = prefixed(text_bytes(name)) + stored
    honest = layout.Header(
        codec=0,
        generation=1,
        lineage=int(LINEAGE, 16),
        messages=0,
        write_id=bytes.fromhex(WRITE_ID),
        tag=layout.thread_tag(REF),
        total=layout.HEADER_BYTES + len(body) + len(part) + layout.TRAILER_BYTES,
        frames=0,
    )
    front = layout.pack_header(replace(honest, **header)) + body
    return front + part + layout.pack_trailer(front, part, len(stored), raw)


def one_frame(messages, frame_bytes, **header):
    """An object of exactly one frame of so many messages without ids."""
    manifest = fields(table((len(frame_bytes), messages)), [""] * messages)
    return craft(frame_bytes, manifest, messages=messages, frames=1, **header)


def resealed(data, *, frames=True):
    """The bytes with every checksum computed anew, as far as they can be found."""
    if len(data) < layout.HEADER_BYTES + layout.TRAILER_BYTES:
        return bytes(data)
    data = bytearray(data)
    data[80:88] = len(data).to_bytes(8, "little")
    data[100:104] = zlib.crc32(data[:100]).to_bytes(4, "little")
    start = len(data) - layout.TRAILER_BYTES
    offset, stored, raw = layout._LENGTHS.unpack_from(data, start)
    if not layout.HEADER_BYTES <= offset < start:
        offset = layout.HEADER_BYTES
    if frames:
        _seal_frames(data, offset, encrypted=data[12] == layout.AES_256_GCM)
    part = bytes(data[offset:start])
    return bytes(data[:start]) + layout.pack_trailer(bytes(data[:offset]), part, stored, raw)


def _seal_frames(data, end, *, encrypted):
    at, number = layout.HEADER_BYTES + (SEAL_BYTES if encrypted else 0), 0
    over = OVERHEAD if encrypted else 0
    while at < end:
        try:
            info = v2_frames.read_frame_info(bytes(data), at, end, number, overhead=over)
        except CorruptSnapshotError:
            return
        stored = bytes(data[info.start : info.end])
        numbers = v2_frames._numbers(info.stored, info.raw, info.messages, info.kind)
        digest = v2_frames._digest(numbers, stored, number)
        data[info.start - len(digest) : info.start] = digest
        at, number = info.end, number + 1


def zstd_stream(content, *, window_log=20, size=False):
    """A zstd frame as some other program may write it."""
    parameters = zstandard.ZstdCompressionParameters(window_log=window_log, write_content_size=size)
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    if size:
        return compressor.compress(content)
    stream = compressor.compressobj()
    return stream.compress(content) + stream.flush()
