"""No compression: the archive is readable JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from ._checks import too_large

_OBJECT: Final = re.compile(rb"[ \t\n\r]*\{")


@dataclass(frozen=True, slots=True)
class JsonCodec:
    """Stores v1's JSON text as it is. Damage is left to the parser to find: there is no checksum.

    >>> JsonCodec().decode(b"{}", max_bytes=2)
    b'{}'
    """

    name: ClassVar[str] = "json"
    suffix: ClassVar[str] = ""
    content_type: ClassVar[str] = "application/json"

    def matches(self, data: bytes) -> bool:
        """Whether the bytes begin like a JSON object."""
        return _OBJECT.match(data) is not None

    def encode(self, data: bytes) -> bytes:
        """The same bytes."""
        return data

    def decode(self, data: bytes, *, max_bytes: int) -> bytes:
        """The same bytes; `LimitExceededError` for more than `max_bytes`."""
        if len(data) > max_bytes:
            raise too_large(self.name, max_bytes, len(data))
        return data
