"""Which codec stored bytes were written with. The bytes decide, never the object's name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..errors import CorruptSnapshotError
from ..protocols import Codec

V2_MAGIC: Final = bytes.fromhex("895a54320d0a1a0a")
"""First bytes of a snapshot in format v2."""


def sniff(data: bytes, codecs: Iterable[Codec]) -> Codec:
    """The first codec whose `matches` accepts `data`.

    Raises `CorruptSnapshotError` for format v2, which has names of its own, and for bytes that are
    empty or that no codec knows.
    """
    if not data:
        raise CorruptSnapshotError("the object is empty (0 bytes), which no archive ever is")
    if data.startswith(V2_MAGIC):
        raise CorruptSnapshotError(
            "the object is in snapshot format v2 under a name of v1: it was moved or renamed, a v2 "
            "archive is called head.zt2"
        )
    for codec in codecs:
        if codec.matches(data):
            return codec
    raise CorruptSnapshotError(
        f"the archive begins with bytes no codec knows: {data[:8].hex(' ')} at byte 0"
    )
