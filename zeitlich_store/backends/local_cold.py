"""Objects in a local folder, written atomically and durably."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import hashlib
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from .._home import expanded
from ..errors import (
    ColdTierAccessError,
    ColdTierUnavailableError,
    ConfigurationError,
    PreconditionFailedError,
    ZeitlichStoreError,
    map_errors,
)
from ..keys import check_object_path
from ..models import Blob, ObjectInfo
from . import local_paths as paths
from .local_locks import LOCK_FOLDER, locked, path_stripe

_TEMPORARY: Final = ".tmp-"
_ERRORS: Final[dict[type[Exception], type[ZeitlichStoreError]]] = {
    PermissionError: ColdTierAccessError,
    OSError: ColdTierUnavailableError,
}
# On Windows these part a path, too, or name a drive or a stream of a file.
_SEPARATORS: Final = frozenset("\\:" if os.name == "nt" else "")
log = logging.getLogger("zeitlich_store")


class LocalObjectStore:
    """Files below `root` (``~`` is expanded; the folder is made at the first put).

    A put writes a temporary file in the same folder, syncs it to disk, renames it over the old one
    and syncs the folder: a reader or a crash sees the old object or the new one, whole.
    A token is the object's size and SHA-256. Below the root no link is followed, and what is no
    plain file is `CorruptSnapshotError`. A root that the store makes is its user's alone (0700).
    """

    proven = True
    max_object_bytes: int | None = None
    """Larger files are `LimitExceededError`, before anything of them is read; None: no limit."""

    def __init__(self, root: str | Path) -> None:
        self._root = expanded(Path(root))
        self._seen = False

    async def open(self) -> None:
        await asyncio.to_thread(self._look_at_root)

    def _look_at_root(self) -> None:
        with map_errors({OSError: ConfigurationError}, f"folder {self._root} cannot be used"):
            self._root = self._root.resolve()
            self._seen = self._root.is_dir()
            there = next(path for path in (self._root, *self._root.parents) if path.exists())
            if not there.is_dir():
                raise NotADirectoryError(f"{there} is no folder")
            # Looking at archives takes no right to write; a folder that is to be made does.
            needed, what = (os.R_OK, "read") if self._seen else (os.R_OK | os.W_OK, "write to")
            if not os.access(there, needed | os.X_OK):
                raise PermissionError(f"no permission to {what} {there}")
            if danger := self.danger():
                log.warning("%s", danger)

    def danger(self) -> str:
        """What another user of this machine could do to the archives, "" for nothing; `doctor`."""
        return paths.open_to_all(self._root) if self._root.is_dir() else ""

    async def aclose(self) -> None:
        """Nothing stays open."""

    async def get(self, path: str) -> Blob | None:
        data = await asyncio.to_thread(self._read, path, 0, -1)
        return None if data is None else Blob(data, _token(data))

    async def get_range(self, path: str, start: int, end: int) -> bytes | None:
        return await asyncio.to_thread(self._read, path, start, max(0, end - start))

    async def put(self, path: str, data: bytes, *, content_type: str | None = None) -> str | None:
        del content_type  # a file has none
        await asyncio.to_thread(self._write, path, data, contextlib.nullcontext)
        return _token(data)

    async def put_if(
        self, path: str, data: bytes, *, expected: str | None, content_type: str | None = None
    ) -> str:
        del content_type  # a file has none
        unchanged = functools.partial(self._unchanged, path, expected)
        await asyncio.to_thread(self._write, path, data, unchanged)
        return _token(data)

    async def delete(self, path: str) -> bool:
        return await asyncio.to_thread(self._delete, path)

    async def delete_if(self, path: str, *, expected: str) -> bool:
        return await asyncio.to_thread(self._delete_if, path, expected)

    async def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        return list(await asyncio.to_thread(self._list, prefix, after, limit))

    async def prune(self, folder: str) -> None:
        """Remove the empty folders at and below `folder`, which nobody writes to meanwhile."""
        await asyncio.to_thread(self._prune, folder)

    # -- in a worker thread ------------------------------------------------------------------

    def _file(self, path: str) -> Path:
        """The file of an object; `ValueError` for a path that is none; no I/O."""
        parts = check_object_path(path).split("/")
        if parts[-1].startswith(_TEMPORARY):
            raise ValueError(f"{path!r} is no object path: files of that name are temporary")
        if _SEPARATORS & set(path):
            raise ValueError(f"{path!r} is no object path here: it leads out of its folder")
        return self._root.joinpath(*parts)

    def _real(self, path: str) -> Path:
        """The file of an object, no folder above it being a link."""
        file = self._file(path)
        paths.check_folders(self._root, file.parent)
        return file

    def _check_root(self) -> None:
        """A root that is gone (a volume not mounted) is no absent object, and is not made anew.

        One that never was there holds nothing yet.
        """
        if self._root.is_dir():
            self._seen = True
        elif self._seen:
            raise ColdTierUnavailableError(f"the folder {self._root} is not there any more")

    def _read(self, path: str, start: int, size: int) -> bytes | None:
        file = self._file(path)
        with _errors(f"reading {file} failed"):
            try:
                with paths.open_file(self._real(path), self.max_object_bytes) as stream:
                    stream.seek(start)
                    return stream.read(size)
            except FileNotFoundError:
                self._check_root()
                return None

    @contextlib.contextmanager
    def _locked(self, path: str) -> Iterator[None]:
        """Keeps other writers of the object out."""
        folder = self._root / LOCK_FOLDER
        paths.check_folders(self._root, folder)
        _make_folder(folder)
        with locked(folder / path_stripe(path)):
            yield

    @contextlib.contextmanager
    def _unchanged(self, path: str, expected: str | None) -> Iterator[None]:
        """Keeps other writers out while the object is the version expected; else raises."""
        with self._locked(path):
            data = self._read(path, 0, -1)
            if (None if data is None else _token(data)) != expected:
                raise PreconditionFailedError(f"object {path} is another version than expected")
            yield

    def _write(
        self, path: str, data: bytes, unchanged: Callable[[], AbstractContextManager[None]]
    ) -> None:
        file = self._file(path)
        with _errors(f"writing {file} failed"):
            self._check_root()
            _make_folder(self._root, paths.ROOT_MODE)
            _make_folder(self._real(path).parent)
            paths.check_file(file)
            self._seen = True
            temporary = file.parent / f"{_TEMPORARY}{secrets.token_hex(8)}"
            try:
                _write_synced(temporary, data)
                with unchanged():
                    os.replace(temporary, file)  # noqa: PTH105  # the name its docs on atomicity use
            except BaseException:
                with contextlib.suppress(OSError):
                    temporary.unlink()
                raise
            _sync_folder(file.parent)

    def _delete(self, path: str) -> bool:
        file = self._file(path)
        with _errors(f"deleting {file} failed"):
            try:
                self._real(path).unlink()
            except FileNotFoundError:
                self._check_root()
                return False
            _sync_folder(file.parent)
            return True

    def _delete_if(self, path: str, expected: str) -> bool:
        with _errors(f"deleting {self._file(path)} failed"):
            if self._read(path, 0, 0) is None:
                return False
            with self._unchanged(path, expected):
                return self._delete(path)

    def _list(self, prefix: str, after: str, limit: int) -> Sequence[ObjectInfo]:
        folder = prefix.rpartition("/")[0]
        with _errors(f"listing {self._root / folder} failed"):
            self._check_root()
            paths.check_folders(self._root, self._root / folder)
            names = sorted(
                name for name in self._names(folder) if name.startswith(prefix) and name > after
            )
            return [info for name in names[:limit] if (info := self._info(name))]

    def _names(self, folder: str) -> Iterator[str]:
        start = self._root / folder
        if not start.resolve().is_relative_to(self._root) or not start.is_dir():
            return
        for current, files in paths.walk(start, LOCK_FOLDER):
            base = current.relative_to(self._root).as_posix()
            prefix = "" if base == "." else f"{base}/"
            yield from (f"{prefix}{file}" for file in files if not file.startswith(_TEMPORARY))

    def _prune(self, folder: str) -> None:
        for current, _, _ in os.walk(self._file(folder), topdown=False):
            with contextlib.suppress(OSError):  # not empty, or gone
                Path(current).rmdir()

    def _info(self, name: str) -> ObjectInfo | None:
        try:
            stat = (self._root / name).lstat()
        except FileNotFoundError:
            return None
        return ObjectInfo(name, stat.st_size, stat.st_mtime)


@contextlib.contextmanager
def _errors(message: str) -> Iterator[None]:
    with map_errors(_ERRORS, message):
        try:
            yield
        except OSError as exc:
            if exc.errno == errno.EROFS:  # no better on another attempt, but no class of its own
                raise PermissionError(*exc.args) from exc
            raise


def _token(data: bytes) -> str:
    return f"{len(data)}-{hashlib.sha256(data).hexdigest()}"


def _make_folder(folder: Path, mode: int = paths.FOLDER_MODE) -> None:
    """Make a folder, and with the usual mode those above it, each one durable."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode, exist_ok=True)
    _sync_folder(folder.parent)


def _write_synced(file: Path, data: bytes) -> None:
    with paths.create_file(file) as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; Windows cannot open a folder and needs none of it."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
