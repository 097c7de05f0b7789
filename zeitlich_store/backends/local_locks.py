"""Locks between processes that write below one local folder."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # Windows: other processes are not kept out there, other threads are
    fcntl = None  # type: ignore[assignment]  # told apart where it is used

from ..errors import ColdTierUnavailableError
from .local_paths import FILE_MODE

_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
LOCK_FOLDER: Final = ".locks"
_STRIPES: Final = 64
DEADLINE: Final = 30.0  # seconds; who holds a lock needs moments, unless it was stopped
_PAUSE: Final = 0.02
_threads: Final = [threading.Lock() for _ in range(_STRIPES)]


def _after_fork() -> None:
    """In a child: the threads that held locks are gone."""
    _threads[:] = [threading.Lock() for _ in range(_STRIPES)]


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


def path_stripe(path: str) -> str:
    """The lock file an object's writers share: one of 64, so that few threads wait for others."""
    return f"{zlib.crc32(path.encode('utf-8', 'surrogatepass')) % _STRIPES:02x}"


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock file; a process that dies lets go of it.

    Raises:
        ColdTierUnavailableError: It was not to be had until the deadline.
    """
    end = time.monotonic() + DEADLINE
    mutex = _threads[int(file.name, 16)]
    if not mutex.acquire(timeout=DEADLINE):
        raise _held(file)
    try:
        with _flocked(file, end):
            yield
    finally:
        mutex.release()


@contextlib.contextmanager
def _flocked(file: Path, end: float) -> Iterator[None]:
    handle = os.open(file, os.O_RDWR | os.O_CREAT | _NO_LINK, FILE_MODE)
    try:
        if fcntl is not None:
            _wait(handle, file, end)
        yield
    finally:
        if fcntl is not None:
            # Closing alone would leave it to a child forked meanwhile.
            with contextlib.suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)


def _wait(handle: int, file: Path, end: float) -> None:
    """Take the lock; asked for again and again, as waiting for it has no time limit."""
    pause = _PAUSE / 16
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise _held(file) from None
        time.sleep(pause)
        pause = min(2 * pause, _PAUSE)


def _held(file: Path) -> ColdTierUnavailableError:
    return ColdTierUnavailableError(
        f"another process (or thread) holds the lock {file}, waited {DEADLINE:g} s for it; "
        "nothing was written, a retry is safe"
    )
