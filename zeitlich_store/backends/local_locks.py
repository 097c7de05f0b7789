"""Locks between processes that write below one local folder."""

from __future__ import annotations

import contextlib
import os
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # Windows: other processes are not kept out there, other threads are
    fcntl = None  # type: ignore[assignment]  # told apart where it is used

from .local_paths import FILE_MODE

_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
LOCK_FOLDER: Final = ".locks"
_STRIPES: Final = 64
_threads: Final = [threading.Lock() for _ in range(_STRIPES)]


def path_stripe(path: str) -> str:
    """The lock file an object's writers share: one of 64, so that few threads wait for others."""
    return f"{zlib.crc32(path.encode('utf-8', 'surrogatepass')) % _STRIPES:02x}"


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock file; a process that dies lets go of it."""
    with _threads[int(file.name, 16)]:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | _NO_LINK, FILE_MODE)
        try:
            if fcntl is not None:
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
