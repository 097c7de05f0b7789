"""What can be read of a thread's damaged archive, and never of another thread's."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from ..models import ThreadRef
from ..protocols import Codec
from ..snapshot.salvage import Salvaged, salvage
from ..snapshot.v2 import manifest_of
from ..snapshot.v2_layout import read_header, read_trailer, thread_tag
from ..snapshot.v2_mending import mended
from ..snapshot.v2_sealing import Keys
from .v1_objects import UNREADABLE

_ANOTHERS: Final = Salvaged(
    (), None, None, ("the object belongs to another thread: it was moved or swapped",)
)


def salvage_of(
    ref: ThreadRef, data: bytes, codecs: Sequence[Codec], *, max_bytes: int, keys: Keys
) -> Salvaged:
    """`salvage`, but nothing of an object that says it is another thread's."""
    tag = _tag(mended(data, keys), codecs, max_bytes)
    if tag is not None and tag != thread_tag(ref):
        return _ANOTHERS
    return salvage(data, codecs, max_bytes=max_bytes, keys=keys)


def _tag(data: bytes, codecs: Sequence[Codec], max_bytes: int) -> bytes | None:
    """Whose object it is, by its header or else its manifest; None where neither can be read."""
    with suppress(*UNREADABLE):
        return read_header(data).tag
    for codec in codecs:  # the header would say which
        with suppress(*UNREADABLE, ValueError):
            manifest = manifest_of(data, read_trailer(data), codec, max_bytes=max_bytes)
            return thread_tag(ThreadRef(manifest.key, manifest.thread_id))
    return None
