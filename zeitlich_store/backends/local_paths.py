"""What may lie where a local store has its objects: plain files in real folders, nothing else.

A link below the root could lead anywhere, another thread's archive included, and a FIFO or device
would be read for ever. Neither is ever followed, opened or replaced. The root itself may be a
link: where it leads is its owner's choice.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ..errors import CorruptSnapshotError, LimitExceededError

FILE_MODE: Final = 0o664
"""What the umask leaves of it; nothing of ours is ever writable for everybody."""
FOLDER_MODE: Final = 0o775
ROOT_MODE: Final = 0o700
"""Of a root that the store makes: conversations are nobody else's business."""
_KINDS: Final = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# Opening a FIFO must not wait for a writer, and a link put there meanwhile is not followed.
_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


def check_folders(root: Path, folder: Path) -> None:
    """`CorruptSnapshotError` where a folder below the root is a link."""
    for part in (folder, *folder.parents):
        if part == root:
            return
        if part.is_symlink():
            raise _misplaced(part, stat.S_IFLNK, "a folder")


def check_file(file: Path) -> None:
    """`CorruptSnapshotError` where something else than a plain file has an object's name."""
    try:
        mode = file.lstat().st_mode
    except FileNotFoundError:
        return
    _check_mode(file, mode)


def open_file(file: Path, limit: int | None) -> BinaryIO:
    """An object's file; `FileNotFoundError` where there is none.

    Raises:
        CorruptSnapshotError: It is no plain file.
        LimitExceededError: It has more than `limit` bytes; nothing was read.
    """
    check_file(file)
    stream = os.fdopen(os.open(file, _FLAGS), "rb")
    try:
        found = os.fstat(stream.fileno())
        _check_mode(file, found.st_mode)
        _check_size(file, found.st_size, limit)
    except BaseException:
        stream.close()
        raise
    return stream


def create_file(file: Path) -> BinaryIO:
    """A new file for writing; nothing that is there is opened."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.fdopen(os.open(file, flags, FILE_MODE), "wb")


def walk(start: Path, skipped: str) -> Iterator[tuple[Path, list[str]]]:
    """Every folder below `start` but those named `skipped`, with the names of its files.

    `CorruptSnapshotError` for a link to a folder: passing it over would hide threads.
    """
    for current, folders, files in os.walk(start, onerror=_raise_unless_gone):
        folders[:] = [name for name in folders if name != skipped]
        folder = Path(current)
        for name in folders:
            if (folder / name).is_symlink():
                raise _misplaced(folder / name, stat.S_IFLNK, "a folder")
        yield folder, files


def open_to_all(root: Path) -> str:
    """What is wrong with a root that everybody may write to; "" for nothing."""
    if os.name == "nt" or not root.stat().st_mode & stat.S_IWOTH:
        return ""
    return (
        f"every user of this machine may write to {root} and so replace archives by others: "
        f"chmod o-w {root}"
    )


def _check_mode(file: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise _misplaced(file, stat.S_IFMT(mode), "an object")


def _check_size(file: Path, size: int, limit: int | None) -> None:
    if limit is not None and size > limit:
        raise LimitExceededError(
            f"{file} has {size} bytes, more than any archive within max_decoded_bytes"
        )


def _misplaced(path: Path, kind: int, wanted: str) -> CorruptSnapshotError:
    return CorruptSnapshotError(
        f"{path} is {_KINDS.get(kind, 'no plain file')} where {wanted} should be; it is neither "
        "read nor replaced: look who put it there, and remove it"
    )


def _raise_unless_gone(exc: OSError) -> None:
    """`os.walk` leaves out what it cannot read; only what was removed meanwhile may be left out."""
    if not isinstance(exc, FileNotFoundError):
        raise exc
