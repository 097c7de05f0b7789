"""WebDAV: whole objects on servers that delete before they rename, and a 404 told from the rest."""

from __future__ import annotations

import asyncio
import posixpath
import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ..errors import ConfigurationError
from ..models import Blob, ObjectInfo
from .fsspec_dialects import TEMPORARY, Dialect

if TYPE_CHECKING:
    from .webdav_client import Answer

_SUCCESSOR: Final = f"{TEMPORARY}next-"
_DONE: Final = (200, 201, 204)
_NO_FOLDER: Final = (404, 409)
_IS_THERE: Final = (301, 405)
_NO_WEBDAV: Final = (200, 400, 405, 501)
_CUT: Final = frozenset("?#;")
"""Where wsgidav, which unquotes first, ends the name that a file is moved to."""


class WebdavDialect(Dialect):
    """A server with ``MOVE`` and listings (``PROPFIND``), of any make.

    A put goes to a temporary name and is moved. RFC 4918 has servers replace by deleting the
    target first, so for a moment, and after a crash for good, there would be nothing. So what
    replaces an object waits, whole, beside it under a name that follows from the object's: readers
    that find no object look there before they take it for absent.
    """

    extra: ClassVar[str] = "webdav"
    login: ClassVar[str] = "check endpoint_url (base_url), username, password in storage_options"

    def make(self, protocol: str, options: dict[str, Any]) -> Any:
        del protocol
        from .webdav_filesystem import WebdavServer

        return WebdavServer(skip_instance_cache=True, **options)

    def root(self, fs: Any, root: str) -> str:
        del fs
        return root.strip("/")

    async def check(self, fs: Any, root: str) -> None:
        await asyncio.to_thread(_check_folder, fs.sync_fs.client, root)

    async def close(self, fs: Any) -> None:
        await asyncio.to_thread(fs.sync_fs.client.http.close)

    async def get(self, fs: Any, path: str) -> Blob:
        answer = await asyncio.to_thread(_read, fs.sync_fs.client, path, (200, 404), {})
        return Blob(answer.body, None)

    async def get_range(self, fs: Any, path: str, start: int, end: int) -> bytes:
        return await asyncio.to_thread(_read_part, fs.sync_fs.client, path, start, end)

    async def put(self, fs: Any, path: str, data: bytes, content_type: str | None) -> str | None:
        await asyncio.to_thread(_write, fs.sync_fs.client, path, data, content_type)
        return None

    async def delete(self, fs: Any, path: str) -> None:
        await asyncio.to_thread(_delete, fs.sync_fs.client, path)

    async def list(
        self, fs: Any, base: str, prefix: str, after: str, limit: int
    ) -> list[ObjectInfo]:
        folder = (base + prefix).rpartition("/")[0]
        found = await asyncio.to_thread(lambda: list(_files(fs.sync_fs.client, folder)))
        rows = [row._replace(path=row.path.removeprefix(base)) for row in found]
        wanted = sorted(row for row in rows if row.path.startswith(prefix) and row.path > after)
        return wanted[:limit]

    async def prune(self, fs: Any, folder: str) -> None:
        await asyncio.to_thread(_prune, fs.sync_fs.client, folder)


def _successor(path: str) -> str:
    """Where what replaces an object waits: consulted only while there is no object."""
    folder, name = posixpath.split(path)
    return posixpath.join(folder, f"{_SUCCESSOR}{name}")


def _check_folder(client: Any, root: str) -> None:
    from .webdav_client import UnexpectedStatusError, look

    try:
        found = look(client, f"{root}/")
    except UnexpectedStatusError as exc:
        if exc.status_code in _NO_WEBDAV:
            raise ConfigurationError(f"this is no WebDAV server: {exc}") from exc
        raise
    if not found:
        raise ConfigurationError(f"there is no folder {root!r} on the server: make it")


def _read(client: Any, path: str, expected: tuple[int, ...], headers: dict[str, str]) -> Answer:
    """The object or its successor; once more the object, where that went into place meanwhile."""
    from .webdav_client import send

    for name in (path, _successor(path), path):
        answer = send(client, "GET", name, expected, headers)
        if answer.status != 404:
            return answer
    raise FileNotFoundError(path)


def _read_part(client: Any, path: str, start: int, end: int) -> bytes:
    """A slice, from servers too that send the whole object."""
    size = max(0, end - start)
    headers = {"Range": f"bytes={start}-{start + max(size, 1) - 1}"}
    answer = _read(client, path, (200, 206, 404, 416), headers)
    if answer.status == 416:  # from behind its end
        return b""
    if answer.status == 200:
        return answer.body[start : start + size]
    if not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise OSError(f"the server sent another part of {path} than {headers['Range']}")
    return answer.body[:size]


def _write(client: Any, path: str, data: bytes, content_type: str | None) -> None:
    if _CUT & set(path):  # of format v1 alone
        _is_file(client, path)
        _upload(client, path, data, content_type)
    else:
        _write_whole(client, path, data, content_type)


def _write_whole(client: Any, path: str, data: bytes, content_type: str | None) -> None:
    from .webdav_client import send

    temporary = posixpath.join(posixpath.dirname(path), f"{TEMPORARY}{secrets.token_hex(8)}")
    try:
        _upload(client, temporary, data, content_type)
        _into_place(client, temporary, path)
    except BaseException:  # cleans up, raises again
        with suppress(Exception):
            send(client, "DELETE", temporary, (*_DONE, 404))
        raise


def _upload(client: Any, path: str, data: bytes, content_type: str | None) -> None:
    from .webdav_client import send

    headers = {"Content-Type": content_type or "application/octet-stream"}
    answer = send(client, "PUT", path, (*_DONE, *_NO_FOLDER), headers, data)
    if answer.status in _NO_FOLDER:
        _make_folder(client, posixpath.dirname(path))
        send(client, "PUT", path, _DONE, headers, data)


def _make_folder(client: Any, folder: str) -> None:
    """Make a folder and those above it; another client may make it at the same time."""
    from .webdav_client import UnexpectedStatusError, look, send

    if not folder:
        return
    made = (*_DONE, *_IS_THERE)
    try:
        if send(client, "MKCOL", f"{folder}/", (*made, *_NO_FOLDER)).status in _NO_FOLDER:
            _make_folder(client, posixpath.dirname(folder))
            send(client, "MKCOL", f"{folder}/", made)
    except UnexpectedStatusError:
        # wsgidav answers 500 where another client was faster by a moment.
        if not look(client, f"{folder}/"):
            raise


def _into_place(client: Any, temporary: str, path: str) -> None:
    """Move a whole upload to where it belongs, in such steps that there always is an object."""
    from .webdav_client import move, send

    if not _is_file(client, path):
        created = move(client, temporary, path, overwrite=False, expected=(*_DONE, 412))
        if created.status != 412:  # else another writer was first
            # Left by a crash, it would come back when the object is deleted.
            send(client, "DELETE", _successor(path), (*_DONE, 404))
            return
    move(client, temporary, _successor(path), overwrite=True, expected=_DONE)
    # 404: another writer of the same object moved ours, or put its own over it.
    move(client, _successor(path), path, overwrite=True, expected=(*_DONE, 404))


def _is_file(client: Any, path: str) -> bool:
    """Whether there is an object; a folder, which would be replaced with all in it, is an error."""
    from .webdav_client import look

    found = look(client, path)
    if found:
        raise PermissionError(f"{path} is a folder")
    return found is not None


def _delete(client: Any, path: str) -> None:
    """The successor goes first, so that nothing comes back if this is stopped."""
    from .webdav_client import send

    is_file = _is_file(client, path)
    names = [_successor(path), *([path] if is_file else [])]
    found = [send(client, "DELETE", name, (*_DONE, 404)).status != 404 for name in names]
    if not any(found):
        raise FileNotFoundError(path)


def _files(client: Any, folder: str) -> Iterator[ObjectInfo]:
    """Every file at and below a folder; none where there is no such folder."""
    from .webdav_client import entries

    rows = entries(client, folder) or []
    names = {row.info.path for row in rows}
    for row in rows:
        name = row.info.path.removeprefix(_SUCCESSOR)
        path = posixpath.join(folder, name)
        if row.is_folder:
            yield from _files(client, path)
        elif not name.startswith(TEMPORARY) and (name == row.info.path or name not in names):
            yield row.info._replace(path=path)


def _prune(client: Any, folder: str) -> bool:
    """Whether the folder is gone; a request deletes what is in it too, so it is looked at first."""
    from .webdav_client import entries, send

    rows = entries(client, folder)
    if rows is None:
        return True
    kept = [
        row
        for row in rows
        if not (row.is_folder and _prune(client, posixpath.join(folder, row.info.path)))
    ]
    if not kept:
        send(client, "DELETE", f"{folder}/", (*_DONE, 404))
    return not kept
