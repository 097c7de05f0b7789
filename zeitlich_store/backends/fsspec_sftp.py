"""SFTP: whole objects by rename, on one connection, since paramiko's is not for many threads."""

from __future__ import annotations

import asyncio
import io
import posixpath
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from stat import S_ISDIR
from typing import Any, ClassVar, Final, TypeVar

from ..errors import ConfigurationError
from ..models import Blob, ObjectInfo
from .fsspec_dialects import TEMPORARY, Dialect

T = TypeVar("T")
_DEFINITE: Final = (FileNotFoundError, PermissionError, ConfigurationError)
"""What the server, or we, have said for good."""


class SftpDialect(Dialect):
    """A server with ``posix-rename@openssh.com``, as OpenSSH and most others have it.

    A put goes to a temporary name and is renamed. All requests share one connection, one after the
    other; a connection that was lost is made anew, once for each request.
    """

    extra: ClassVar[str] = "sftp"
    login: ClassVar[str] = "check username, password, key_filename in storage_options"
    connects: ClassVar[bool] = True

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def make(self, protocol: str, options: dict[str, Any]) -> Any:
        del protocol  # ssh:// is another name of it
        from .sftp_filesystem import CheckedSftp

        return CheckedSftp(skip_instance_cache=True, **options)

    def of(self, fs: Any) -> Dialect:
        del fs
        return type(self)()

    def root(self, fs: Any, root: str) -> str:
        del fs
        return f"/{root.strip('/')}" if root.strip("/") else ""

    async def check(self, fs: Any, root: str) -> None:
        await self._do(fs, lambda ftp: _check_folder(ftp, root or "/"))

    async def close(self, fs: Any) -> None:
        def closed() -> None:
            with self._lock:
                fs.sync_fs.client.close()

        await asyncio.to_thread(closed)

    async def get(self, fs: Any, path: str) -> Blob:
        return Blob(
            await self._do(fs, lambda ftp: _told(ftp, path, lambda: _read(ftp, path))), None
        )

    async def get_range(self, fs: Any, path: str, start: int, end: int) -> bytes:
        size = max(0, end - start)
        return await self._do(
            fs, lambda ftp: _told(ftp, path, lambda: _read_part(ftp, path, start, size))
        )

    async def put(self, fs: Any, path: str, data: bytes, content_type: str | None) -> str | None:
        del content_type  # a file has none
        await self._do(fs, lambda ftp: _told(ftp, path, lambda: _write(ftp, path, data)))
        return None

    async def delete(self, fs: Any, path: str) -> None:
        await self._do(fs, lambda ftp: _told(ftp, path, lambda: ftp.remove(path)))

    async def list(
        self, fs: Any, base: str, prefix: str, after: str, limit: int
    ) -> list[ObjectInfo]:
        folder = (base + prefix).rpartition("/")[0] or "/"
        found = await self._do(fs, lambda ftp: list(_files(ftp, folder)))
        rows = [row._replace(path=row.path.removeprefix(base)) for row in found]
        wanted = sorted(row for row in rows if row.path.startswith(prefix) and row.path > after)
        return wanted[:limit]

    async def prune(self, fs: Any, folder: str) -> None:
        await self._do(fs, lambda ftp: _prune(ftp, folder))

    async def _do(self, fs: Any, work: Callable[[Any], T]) -> T:
        """Do the work in a thread; again on a new connection where the old one was lost.

        The lock is the thread's, since a step that was cancelled goes on to its end there.
        """

        def locked() -> T:
            with self._lock:
                try:
                    return work(fs.sync_fs.ftp)
                except _DEFINITE:
                    raise
                except Exception as exc:  # paramiko raises many kinds; others go on
                    if not _is_lost(fs.sync_fs, exc):
                        raise
                fs.sync_fs.client.close()
                fs.sync_fs._connect()  # noqa: SLF001  # fsspec has no public way to connect again
                return work(fs.sync_fs.ftp)

        return await asyncio.to_thread(locked)


def _is_lost(fs: Any, exc: Exception) -> bool:
    """Whether the connection is of no use any more, and the request may be sent on a new one."""
    if isinstance(exc, TimeoutError):
        fs.client.close()  # a late answer would be taken for that to the next request
        return False
    transport = fs.client.get_transport()
    alive = transport is not None and transport.is_active() and not fs.ftp.get_channel().closed
    return isinstance(exc, EOFError) or not alive


def _told(ftp: Any, path: str, step: Callable[[], T]) -> T:
    """A step's result; SFTP says no more than "failure" where the path is a folder."""
    try:
        return step()
    except _DEFINITE:
        raise
    except OSError as exc:
        if _is_folder(ftp, path):
            raise PermissionError(f"{path} is a folder") from exc
        raise


def _is_folder(ftp: Any, path: str) -> bool:
    try:
        return S_ISDIR(ftp.stat(path).st_mode or 0)
    except (OSError, EOFError):
        return False


def _read(ftp: Any, path: str) -> bytes:
    with ftp.open(path, "rb") as file:
        size = file.stat().st_size
        file.prefetch(size)
        data = bytes(file.read(size))
    if len(data) != size:
        raise OSError(f"{path} ended after {len(data)} of {size} bytes")
    return data


def _read_part(ftp: Any, path: str, start: int, size: int) -> bytes:
    with ftp.open(path, "rb") as file:
        file.seek(start)
        return bytes(file.read(size))


def _write(ftp: Any, path: str, data: bytes) -> None:
    folder = posixpath.dirname(path)
    temporary = f"{folder}/{TEMPORARY}{secrets.token_hex(8)}"
    try:
        try:
            ftp.putfo(io.BytesIO(data), temporary)  # compares the size at its end
        except FileNotFoundError:
            _make_folder(ftp, folder)
            ftp.putfo(io.BytesIO(data), temporary)
        ftp.posix_rename(temporary, path)
    except BaseException:  # cleans up, raises again
        with suppress(Exception):
            ftp.remove(temporary)
        raise


def _make_folder(ftp: Any, folder: str) -> None:
    """Make a folder and those above it; another client may make it at the same time."""
    if folder in {"", "/"} or _is_folder(ftp, folder):
        return
    _make_folder(ftp, posixpath.dirname(folder))
    try:
        ftp.mkdir(folder)
    except OSError:
        if not _is_folder(ftp, folder):
            raise


def _files(ftp: Any, folder: str) -> Iterator[ObjectInfo]:
    """Every file at and below a folder; none where there is no such folder."""
    try:
        rows = ftp.listdir_attr(folder)
    except FileNotFoundError:
        return
    for row in rows:
        path = posixpath.join(folder, row.filename)
        if S_ISDIR(row.st_mode or 0):
            yield from _files(ftp, path)
        elif not row.filename.startswith(TEMPORARY):
            yield ObjectInfo(path, int(row.st_size or 0), float(row.st_mtime or 0) or None)


def _check_folder(ftp: Any, folder: str) -> None:
    try:
        found = S_ISDIR(ftp.stat(folder).st_mode or 0)
    except FileNotFoundError:
        found = False
    if not found:
        raise ConfigurationError(f"there is no folder {folder!r} on the server: make it")


def _prune(ftp: Any, folder: str) -> None:
    with suppress(FileNotFoundError):
        for row in ftp.listdir_attr(folder):
            if S_ISDIR(row.st_mode or 0):
                _prune(ftp, posixpath.join(folder, row.filename))
        with suppress(OSError):  # not empty
            ftp.rmdir(folder)
