"""Zstandard, the default: gzip's size at a fraction of its time.

python-zstandard contexts must not be shared between threads, so each call makes its own. Its
`max_output_size` is ignored where a frame states its size, and it passes over trailing bytes,
second frames and truncation in silence: all of that is checked here, before decoding starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import zstandard

from ..errors import CorruptSnapshotError, LimitExceededError
from ._checks import check_level, too_large, trailing, truncated

MAX_WINDOW_BYTES: Final = 8 << 20
"""Largest window written and accepted: what a decoder must keep in memory."""

_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_BLOCK_HEADER_BYTES: Final = 3
_CHECKSUM_BYTES: Final = 4
_RLE_BLOCK: Final = 1
_STEP_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ZstdCodec:
    """One zstd frame with content size and checksum and a window of at most 8 MiB.

    `level` is 1 (fast) to 22 (small); `ConfigurationError` for any other. The default, 6, is the
    first that keeps real threads smaller than the original's gzip does.

    >>> codec = ZstdCodec(level=9)
    >>> codec.decode(codec.encode(b"thread"), max_bytes=6)
    b'thread'
    """

    name: ClassVar[str] = "zstd"
    suffix: ClassVar[str] = ".zst"
    content_type: ClassVar[str] = "application/zstd"

    level: int = 6

    def __post_init__(self) -> None:
        check_level(self.name, self.level, 1, 22)

    def matches(self, data: bytes) -> bool:
        """Whether the bytes begin with a zstd frame's magic number."""
        return data.startswith(_MAGIC)

    def encode(self, data: bytes) -> bytes:
        """One zstd frame that holds `data`."""
        # Tuned for a source of at most 8 MiB, no level chooses a window above that.
        parameters = zstandard.ZstdCompressionParameters.from_level(
            self.level,
            source_size=min(len(data), MAX_WINDOW_BYTES),
            write_content_size=True,
            write_checksum=True,
        )
        return zstandard.ZstdCompressor(compression_params=parameters).compress(data)

    def decode(self, data: bytes, *, max_bytes: int) -> bytes:
        """The content of exactly one zstd frame, with or without a declared size."""
        if not self.matches(data):
            raise CorruptSnapshotError("zstd data does not begin with a zstd frame")
        try:
            declared = _check_frame(data, max_bytes)
            return _decompress(data, declared, max_bytes)
        except zstandard.ZstdError as exc:
            raise CorruptSnapshotError(f"zstd data is damaged: {exc}") from exc


def _check_frame(data: bytes, max_bytes: int) -> int | None:
    """Check limits and extent of the one frame; the content size it declares in bytes, or None."""
    frame = zstandard.get_frame_parameters(data)
    declared = frame.content_size
    known = declared != zstandard.CONTENTSIZE_UNKNOWN
    if known and declared > max_bytes:
        raise too_large(ZstdCodec.name, max_bytes, declared)
    if frame.window_size > MAX_WINDOW_BYTES:
        raise LimitExceededError(
            f"zstd data needs a window of {frame.window_size} bytes to decode, "
            f"the limit is {MAX_WINDOW_BYTES} bytes"
        )
    end = _frame_end(data, has_checksum=frame.has_checksum)
    if end < len(data):
        raise trailing(ZstdCodec.name, end, len(data))
    return declared if known else None


def _frame_end(data: bytes, *, has_checksum: bool) -> int:
    """Where the frame ends, in bytes, found by stepping over its blocks (RFC 8878, 3.1.1.2)."""
    position, last = zstandard.frame_header_size(data), 0
    while not last and position + _BLOCK_HEADER_BYTES <= len(data):
        header = int.from_bytes(data[position : position + _BLOCK_HEADER_BYTES], "little")
        last, kind, size = header & 1, header >> 1 & 3, header >> 3
        position += _BLOCK_HEADER_BYTES + (1 if kind == _RLE_BLOCK else size)
    end = position + (_CHECKSUM_BYTES if has_checksum else 0)
    if not last or end > len(data):
        raise truncated(ZstdCodec.name, len(data))
    return end


def _decompress(data: bytes, declared: int | None, max_bytes: int) -> bytes:
    """The frame's content, never asking for more than one byte above what is allowed.

    zstd itself refuses a block that goes beyond the declared size, and the checksum's mismatch.
    """
    limit, step = (max_bytes, _STEP_BYTES) if declared is None else (declared, declared + 1)
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES).stream_reader(data)
    pieces, total = [], 0
    while piece := reader.read(min(limit + 1, step)):
        pieces.append(piece)
        total += len(piece)
        if total > limit:
            raise too_large(ZstdCodec.name, limit)
    return b"".join(pieces)
