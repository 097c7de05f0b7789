"""FTP: whole objects by rename, one connection, and a refusal told from an absent file."""

from __future__ import annotations

import asyncio
import ftplib
import io
import posixpath
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, TypeVar

from ..errors import ConfigurationError
from ..models import Blob, ObjectInfo
from .fsspec_dialects import TEMPORARY, Dialect

T = TypeVar("T")
_UNKNOWN_COMMAND: Final = {"500", "501", "502", "504"}
_BEYOND_END: Final = {"551", "554"}
_LOST: Final = (OSError, EOFError, ftplib.error_temp, ftplib.error_reply, ftplib.error_proto)
"""After these the connection is made anew; OSError is that of the socket."""


class FtpDialect(Dialect):
    """A server with MLSD and a rename that replaces, which nearly all have.

    A put goes to a temporary name and is renamed. FTP answers 550 for what is absent as for what is
    forbidden; the listing of the folder above tells which. All requests share one connection, one
    after the other; a connection the server gave up is made anew, once for each request.
    """

    connects: ClassVar[bool] = True

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def of(self, fs: Any) -> Dialect:
        del fs
        return type(self)()

    def root(self, fs: Any, root: str) -> str:
        del fs
        return f"/{root.strip('/')}" if root.strip("/") else ""

    async def check(self, fs: Any, root: str) -> None:
        await self._do(fs, lambda ftp: _check_folder(ftp, root or "/"))

    async def close(self, fs: Any) -> None:
        def quit_politely() -> None:
            with self._lock, suppress(*ftplib.all_errors):
                fs.sync_fs.ftp.quit()

        await asyncio.to_thread(quit_politely)

    async def get(self, fs: Any, path: str) -> Blob:
        return Blob(await self._do(fs, lambda ftp: _read(ftp, path)), None)

    async def get_range(self, fs: Any, path: str, start: int, end: int) -> bytes:
        return await self._do(fs, lambda ftp: _read_part(ftp, path, start, end))

    async def put(self, fs: Any, path: str, data: bytes, content_type: str | None) -> str | None:
        del content_type  # a file has none
        await self._do(fs, lambda ftp: _write(ftp, path, data))
        return None

    async def delete(self, fs: Any, path: str) -> None:
        await self._do(fs, lambda ftp: _told(ftp, path, lambda: ftp.delete(path)))

    async def list(
        self, fs: Any, base: str, prefix: str, after: str, limit: int
    ) -> list[ObjectInfo]:
        folder = (base + prefix).rpartition("/")[0] or "/"
        found = await self._do(fs, lambda ftp: list(_files(ftp, folder)))
        rows = [
            row._replace(path=row.path.lstrip("/").removeprefix(base.lstrip("/"))) for row in found
        ]
        return sorted(row for row in rows if row.path.startswith(prefix) and row.path > after)[
            :limit
        ]

    async def prune(self, fs: Any, folder: str) -> None:
        await self._do(fs, lambda ftp: _prune(ftp, folder))

    async def _do(self, fs: Any, work: Callable[[ftplib.FTP], T]) -> T:
        """Do the work in a thread; again on a new connection where the old one was lost.

        The lock is the thread's, since a step that was cancelled goes on to its end there.
        """

        def locked() -> T:
            with self._lock:
                try:
                    return work(fs.sync_fs.ftp)
                except (FileNotFoundError, PermissionError):
                    raise
                except _LOST:
                    _connect(fs.sync_fs)
                    return work(fs.sync_fs.ftp)

        return await asyncio.to_thread(locked)


def _connect(fs: Any) -> None:
    fs.ftp.close()
    fs._connect()  # noqa: SLF001  # fsspec has no public way to connect again
    if fs.tls is True:
        fs.ftp.prot_p()


def _read(ftp: ftplib.FTP, path: str) -> bytes:
    parts: list[bytes] = []
    _told(ftp, path, lambda: ftp.retrbinary(f"RETR {path}", parts.append))
    return b"".join(parts)


def _read_part(ftp: ftplib.FTP, path: str, start: int, end: int) -> bytes:
    """Bytes from an offset on; the rest of the file is not sent."""
    size = max(0, end - start)
    try:
        with _told(ftp, path, lambda: _retrieve(ftp, path, start)) as stream:
            data = bytes(stream.read(size))
    except _BeyondEndError:
        return b""
    # Some servers say that it was cut short, others have sent all of it.
    with suppress(ftplib.error_temp, ftplib.error_perm):
        ftp.voidresp()
    return data


def _retrieve(ftp: ftplib.FTP, path: str, start: int) -> Any:
    ftp.voidcmd("TYPE I")
    connection = ftp.transfercmd(f"RETR {path}", rest=start)
    with connection:
        return connection.makefile("rb")


def _write(ftp: ftplib.FTP, path: str, data: bytes) -> None:
    folder = posixpath.dirname(path)
    temporary = f"{folder}/{TEMPORARY}{secrets.token_hex(8)}"
    try:
        try:
            ftp.storbinary(f"STOR {temporary}", io.BytesIO(data))
        except ftplib.error_perm:
            _make_folder(ftp, folder)
            ftp.storbinary(f"STOR {temporary}", io.BytesIO(data))
        ftp.rename(temporary, path)
    except BaseException as exc:  # cleans up, raises again
        with suppress(*ftplib.all_errors):
            ftp.delete(temporary)
        if isinstance(exc, ftplib.error_perm):
            raise PermissionError(f"{path}: {exc}") from exc
        raise


def _make_folder(ftp: ftplib.FTP, folder: str) -> None:
    """Make a folder and those above it; another client may make it at the same time."""
    if folder in {"", "/"}:
        return
    _make_folder(ftp, posixpath.dirname(folder))
    with suppress(ftplib.error_perm):
        ftp.mkd(folder)


def _files(ftp: ftplib.FTP, folder: str) -> Iterator[ObjectInfo]:
    """Every file at and below a folder; none where there is no such folder."""
    try:
        rows = _entries(ftp, folder)
    except FileNotFoundError:
        return
    for name, facts in rows:
        path = posixpath.join(folder, name)
        if facts.get("type") == "dir":
            yield from _files(ftp, path)
        elif not name.startswith(TEMPORARY):
            yield ObjectInfo(path, int(facts.get("size", 0)), _modified(facts))


def _entries(ftp: ftplib.FTP, folder: str) -> list[tuple[str, dict[str, str]]]:
    """The names in a folder with their facts; FileNotFoundError where there is none."""
    found = _told(ftp, folder, lambda: list(ftp.mlsd(folder)))
    return [(name, facts) for name, facts in found if facts.get("type") not in {"cdir", "pdir"}]


def _check_folder(ftp: ftplib.FTP, folder: str) -> None:
    try:
        _entries(ftp, folder)
    except FileNotFoundError as exc:
        raise ConfigurationError(f"there is no folder {folder!r} on the server: make it") from exc


def _prune(ftp: ftplib.FTP, folder: str) -> None:
    with suppress(FileNotFoundError):
        for name, facts in _entries(ftp, folder):
            if facts.get("type") == "dir":
                _prune(ftp, posixpath.join(folder, name))
        with suppress(ftplib.error_perm):  # not empty
            ftp.rmd(folder)


class _BeyondEndError(Exception):
    """A read from behind the end of a file."""


def _told(ftp: ftplib.FTP, path: str, step: Callable[[], T]) -> T:
    """A step's result; FileNotFoundError only where the path certainly is not there."""
    try:
        return step()
    except ftplib.error_perm as exc:
        if _is_absent(ftp, path):
            raise FileNotFoundError(path) from exc
        if str(exc)[:3] in _BEYOND_END:
            raise _BeyondEndError from exc
        if str(exc)[:3] in _UNKNOWN_COMMAND:
            raise ConfigurationError(f"the FTP server lacks a command we need: {exc}") from exc
        raise PermissionError(f"{path}: {exc}") from exc


def _is_absent(ftp: ftplib.FTP, path: str) -> bool:
    """Whether the folder above does not name the path, or is absent itself."""
    folder, name = posixpath.split(path.rstrip("/"))
    if not name:
        return False
    try:
        return name not in [each for each, _ in ftp.mlsd(folder or "/")]
    except ftplib.error_perm:
        return _is_absent(ftp, folder)


def _modified(facts: dict[str, str]) -> float | None:
    """Seconds since 1970 of ``YYYYMMDDHHMMSS`` in UTC."""
    try:
        return (
            datetime.strptime(facts["modify"][:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
        )
    except (KeyError, ValueError):
        return None
