"""gzip, the original's default compression."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import ClassVar, Final

from ..errors import CorruptSnapshotError
from ._checks import check_level, too_large, trailing, truncated

_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = zlib.MAX_WBITS | 16  # zlib's way to say: with gzip's header and trailer


@dataclass(frozen=True, slots=True)
class GzipCodec:
    """One gzip member, modification time 0, so that equal content gives equal bytes.

    `level` is 1 (fast) to 9 (small); `ConfigurationError` for any other.

    >>> codec = GzipCodec(level=9)
    >>> codec.decode(codec.encode(b"thread"), max_bytes=6)
    b'thread'
    """

    name: ClassVar[str] = "gzip"
    suffix: ClassVar[str] = ".gz"
    content_type: ClassVar[str] = "application/gzip"

    level: int = 6

    def __post_init__(self) -> None:
        check_level(self.name, self.level, 1, 9)

    def matches(self, data: bytes) -> bool:
        """Whether the bytes begin with gzip's magic number."""
        return data.startswith(_MAGIC)

    def encode(self, data: bytes) -> bytes:
        """One gzip member that holds `data`."""
        return zlib.compress(data, self.level, wbits=_GZIP_WINDOW)

    def decode(self, data: bytes, *, max_bytes: int) -> bytes:
        """The content of exactly one gzip member."""
        decoder = zlib.decompressobj(wbits=_GZIP_WINDOW)
        try:
            # One byte over the limit tells "full" from "more", and 0 would mean unlimited.
            content = decoder.decompress(data, max_bytes + 1)
        except zlib.error as exc:
            raise CorruptSnapshotError(f"gzip data is damaged: {exc}") from exc
        if len(content) > max_bytes:
            raise too_large(self.name, max_bytes)
        if not decoder.eof:
            raise truncated(self.name, len(data))
        if decoder.unused_data:
            raise trailing(self.name, len(data) - len(decoder.unused_data), len(data))
        return content
