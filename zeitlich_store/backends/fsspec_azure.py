"""Azure Blob Storage: exact keys, ETags as tokens, on the event loop of adlfs' own client.

adlfs in asyncio mode leaks at exit, so its client lives on fsspec's loop, in another thread.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from ..errors import ConfigurationError, PreconditionFailedError
from ..models import Blob, ObjectInfo
from .fsspec_dialects import BucketDialect, Dialect, split

T = TypeVar("T")
_BACKOFFS: Final = (0.25, 1.0)
"""Seconds before each resend; the client's own are 15 and more."""
_REFUSED: Final = {"ConditionNotMet", "TargetConditionNotMet", "BlobAlreadyExists"}
_ABSENT: Final = {"BlobNotFound", "ContainerNotFound"}
_FORBIDDEN: Final = {"AuthorizationPermissionMismatch", "AuthorizationResourceTypeMismatch"}
_BUSY: Final = 500


class AzureDialect(BucketDialect):
    """Azure Blob Storage through adlfs' client, with ETags as conditions."""

    extra = "azure"
    native = False

    def __init__(self) -> None:
        self._next_page: tuple[str, str, str] | None = None

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"connection_timeout": 5, "read_timeout": 30, **given}

    def of(self, fs: Any) -> Dialect:
        return self if hasattr(_inside(fs), "service_client") else BucketDialect()  # not adlfs

    async def close(self, fs: Any) -> None:
        await _run(fs, _inside(fs).service_client.close)  # adlfs has no public close

    async def check(self, fs: Any, root: str) -> None:
        container, _ = split(root)
        client = _inside(fs).service_client.get_container_client(container)

        async def look() -> None:
            async for _ in client.list_blobs(results_per_page=1, retry_total=0).by_page():
                return

        try:
            await _patiently(fs, look)
        except FileNotFoundError as exc:
            raise ConfigurationError(f"there is no container {container!r}") from exc
        except Exception as exc:  # the client's library is imported late; raised again
            if _code(exc) not in _FORBIDDEN:  # some policies forbid listing
                raise

    async def get(self, fs: Any, path: str) -> Blob:
        return await self._download(fs, path)

    async def _download(self, fs: Any, path: str, **span: int) -> Blob:
        async def read() -> Blob:
            # Parts of a large object are all of one version: the client asks for its ETag.
            stream = await _client(fs, path).download_blob(retry_total=0, **span)
            return Blob(bytes(await stream.readall()), str(stream.properties.etag))

        return await _patiently(fs, read)

    async def get_range(self, fs: Any, path: str, start: int, end: int) -> bytes:
        size = max(1, end - start)
        try:
            found = await self._download(fs, path, offset=start, length=size)
        except OSError as exc:
            if _code(exc.__cause__) == "InvalidRange":
                return b""  # it starts at or behind the object's end
            raise
        return found.data[: max(0, end - start)]

    async def put(self, fs: Any, path: str, data: bytes, content_type: str | None) -> str | None:
        return await self._upload(fs, path, data, content_type, overwrite=True)

    async def put_if(
        self, fs: Any, path: str, data: bytes, expected: str | None, content_type: str | None
    ) -> str:
        """`put` over the version with that ETag, or (None) where there is no object."""
        condition = _unmodified(expected) if expected else {"overwrite": False}
        try:
            return await self._upload(fs, path, data, content_type, **condition)
        except FileNotFoundError as exc:
            if _code(exc.__cause__) != "BlobNotFound":
                raise
            raise _refused(path) from exc

    async def _upload(
        self, fs: Any, path: str, data: bytes, content_type: str | None, **condition: Any
    ) -> str:
        from azure.storage.blob import ContentSettings

        kind = ContentSettings(content_type=content_type) if content_type else None

        async def send() -> str:
            # A large object's condition is that of the request which commits its blocks.
            reply = await _client(fs, path).upload_blob(
                data, length=len(data), content_settings=kind, retry_total=0, **condition
            )
            return str(reply["etag"])

        return await _patiently(fs, send)

    async def delete(self, fs: Any, path: str) -> None:
        await _patiently(fs, lambda: _client(fs, path).delete_blob(retry_total=0))

    async def delete_if(self, fs: Any, path: str, expected: str) -> bool:
        """`delete` the version with that ETag; False where there is no object."""
        condition = _unmodified(expected)
        condition.pop("overwrite")
        try:
            await _patiently(fs, lambda: _client(fs, path).delete_blob(retry_total=0, **condition))
        except PreconditionFailedError:
            if await _patiently(fs, lambda: _client(fs, path).exists(retry_total=0)):
                raise
            return False
        except FileNotFoundError as exc:
            if _code(exc.__cause__) != "BlobNotFound":
                raise
            return False
        return True

    async def list(
        self, fs: Any, base: str, prefix: str, after: str, limit: int
    ) -> list[ObjectInfo]:
        container, root = split(base)
        client = _inside(fs).service_client.get_container_client(container)
        wanted = root + prefix
        # A listing has no start but its own mark: the one of the page before is remembered.
        known, self._next_page = self._next_page, None
        mark = known[2] if known and known[:2] == (wanted, root + after) else None

        async def read() -> tuple[list[ObjectInfo], str | None]:
            return await _page(client, wanted, root, after, limit, mark)

        rows, following = await _patiently(fs, read)
        if following and rows:
            self._next_page = (wanted, root + rows[-1].path, following)
        return rows


async def _page(
    client: Any, wanted: str, root: str, after: str, limit: int, mark: str | None
) -> tuple[list[ObjectInfo], str | None]:
    """Rows behind `after`, and the mark of what follows them."""
    rows: list[ObjectInfo] = []
    blobs = client.list_blobs(name_starts_with=wanted, results_per_page=limit, retry_total=0)
    pages = blobs.by_page(continuation_token=mark)
    async for page in pages:
        async for blob in page:
            name = blob.name.removeprefix(root)
            if name > after:
                rows.append(ObjectInfo(name, blob.size, blob.last_modified.timestamp()))
        if len(rows) >= limit:
            break
    whole = len(rows) <= limit
    return rows[:limit], (pages.continuation_token or None) if whole else None


def _inside(fs: Any) -> Any:
    """The adlfs object itself, where a wrapper makes a blocking one awaitable."""
    return getattr(fs, "sync_fs", fs)


def _client(fs: Any, path: str) -> Any:
    container, key = split(path)
    return _inside(fs).service_client.get_blob_client(container=container, blob=key)


def _unmodified(etag: str) -> dict[str, Any]:
    from azure.core import MatchConditions

    return {"etag": etag, "match_condition": MatchConditions.IfNotModified, "overwrite": True}


async def _run(fs: Any, step: Callable[[], Awaitable[T]]) -> T:
    """Run on the loop the client belongs to."""
    own = _inside(fs)
    if own.asynchronous:
        return await step()

    async def there() -> T:
        return await step()

    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(there(), own.loop))


async def _patiently(fs: Any, step: Callable[[], Awaitable[T]]) -> T:
    """Run, and again after errors of the connection or of a busy service; translated errors."""
    with _errors():
        for seconds in _BACKOFFS:
            try:
                return await _run(fs, step)
            except Exception as exc:  # the client's library is imported late
                if not _passing(exc):
                    raise
            await asyncio.sleep(seconds)
        return await _run(fs, step)


def _passing(exc: Exception) -> bool:
    from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

    if isinstance(exc, HttpResponseError):
        return exc.status_code in {408, 429} or (exc.status_code or 0) >= _BUSY
    return isinstance(exc, ServiceRequestError | ServiceResponseError)


@contextmanager
def _errors() -> Iterator[None]:
    """Azure's errors: a refused condition, a missing object, and a 404 that says neither."""
    from azure.core.exceptions import HttpResponseError

    try:
        yield
    except HttpResponseError as exc:
        if _code(exc) in _REFUSED:
            raise PreconditionFailedError("the object is another version") from exc
        if _code(exc) in _ABSENT:
            raise FileNotFoundError(errno.ENOENT, _code(exc)) from exc
        if _code(exc) == "InvalidRange" or exc.status_code == 404:
            raise OSError(errno.EIO, str(exc.reason)) from exc
        raise


def _code(exc: BaseException | None) -> str:
    found = getattr(exc, "error_code", None) or ""
    return str(getattr(found, "value", found))


def _refused(path: str) -> PreconditionFailedError:
    return PreconditionFailedError(f"object {path} is another version")
