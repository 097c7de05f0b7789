"""S3 and what speaks it: exact keys, one request each, conditional puts and deletes."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from fsspec.asyn import sync
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper

from ..errors import ConfigurationError, LimitExceededError, PreconditionFailedError
from ..models import Blob, ObjectInfo
from .fsspec_dialects import BucketDialect, Dialect, split
from .fsspec_errors import code_of

_ONE_REQUEST: Final = 5 << 30
_CONNECTIONS: Final = 32
"""At most, one for each thread that a store moves at a time; botocore's own are 10."""
_REFUSED: Final = {"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}


class S3Dialect(BucketDialect):
    """S3 and what speaks it: exact keys, one request each, ETags as tokens."""

    extra = "s3"

    def __init__(self) -> None:
        self._bare: bool | None = None
        """Whether If-Match wants ETags without quotes, as older radosgw does; None: not known."""

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        limits = {"connect_timeout": 5, "read_timeout": 30, "max_pool_connections": _CONNECTIONS}
        config = {**limits, "retries": {"max_attempts": 3}, **given.get("config_kwargs", {})}
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        found = {"endpoint_url": endpoint} if endpoint else {}
        return {**found, **given, "config_kwargs": config}

    def of(self, fs: Any) -> Dialect:
        if not hasattr(fs, "_call_s3"):
            return BucketDialect()  # not s3fs, but another library's filesystem
        return BlockingS3Dialect() if isinstance(fs, AsyncFileSystemWrapper) else self

    def prepare(self, fs: Any) -> None:
        # botocore retries already; s3fs would repeat its whole series five times.
        fs.retries = 1

    async def check(self, fs: Any, root: str) -> None:
        bucket = root.partition("/")[0]
        try:
            await _s3(fs, "head_bucket", Bucket=bucket)
        except FileNotFoundError as exc:
            raise ConfigurationError(f"there is no bucket {bucket!r}") from exc
        except PermissionError:
            return  # some policies forbid looking at the bucket itself

    async def close(self, fs: Any) -> None:
        # Without a client there is nothing to close, and one could perhaps not even be made.
        if fs._s3 is not None:  # noqa: SLF001  # s3fs has no public close
            await (await fs.set_session()).close()

    async def get(self, fs: Any, path: str) -> Blob:
        reply = await _s3(fs, "get_object", **_bucket_key(path))
        return Blob(await self.body(fs, reply), reply.get("ETag"))

    async def body(self, fs: Any, reply: Any) -> bytes:
        """The bytes of a reply."""
        del fs
        async with reply["Body"] as body:
            data: bytes = await body.read()
        return data

    async def get_range(self, fs: Any, path: str, start: int, end: int) -> bytes:
        span = f"bytes={start}-{max(start, end - 1)}"
        try:
            reply = await _s3(fs, "get_object", **_bucket_key(path), Range=span)
        except OSError as exc:
            if code_of(exc.__cause__) == "InvalidRange":
                return b""  # it starts at or behind the object's end
            raise
        return (await self.body(fs, reply))[: max(0, end - start)]

    async def put(self, fs: Any, path: str, data: bytes, content_type: str | None) -> str | None:
        return await self._put(fs, path, data, content_type)

    async def put_if(
        self, fs: Any, path: str, data: bytes, expected: str | None, content_type: str | None
    ) -> str:
        """`put` over the version with that ETag, or (None) where there is no object."""
        if expected is None:
            with _refusals(path):
                return await self._put(fs, path, data, content_type, IfNoneMatch="*")
        try:
            token = await self._replace(fs, path, data, expected, content_type)
        except PreconditionFailedError:
            if self._bare is not None or await self._etag(fs, path) != expected:
                raise
            token = await self._replace(fs, path, data, expected.strip('"'), content_type)
            self._bare = True
        self._bare = bool(self._bare)
        return token

    async def _replace(
        self, fs: Any, path: str, data: bytes, expected: str, content_type: str | None
    ) -> str:
        etag = expected.strip('"') if self._bare else expected
        with _refusals(path):
            return await self._put(fs, path, data, content_type, IfMatch=etag)

    async def _etag(self, fs: Any, path: str) -> str | None:
        try:
            return str((await _s3(fs, "head_object", **_bucket_key(path)))["ETag"])
        except OSError:
            return None

    async def delete_if(self, fs: Any, path: str, expected: str) -> bool:
        """`delete` the version with that ETag; False where there is no object."""
        etag = expected.strip('"') if self._bare else expected
        with _refusals(path):
            try:
                await _s3(fs, "delete_object", **_bucket_key(path), IfMatch=etag)
            except FileNotFoundError as exc:
                if code_of(exc.__cause__) != "NoSuchKey":
                    raise
                return False
        return True

    async def _put(
        self, fs: Any, path: str, data: bytes, content_type: str | None, **condition: str
    ) -> str:
        if len(data) > _ONE_REQUEST:
            raise LimitExceededError("S3 takes at most 5 GiB in one request")
        content = {"ContentType": content_type} if content_type else {}
        where = _bucket_key(path)
        reply = await _s3(fs, "put_object", **where, Body=data, **content, **condition)
        return str(reply["ETag"])

    async def delete(self, fs: Any, path: str) -> None:
        await _s3(fs, "delete_object", **_bucket_key(path))

    async def list(
        self, fs: Any, base: str, prefix: str, after: str, limit: int
    ) -> list[ObjectInfo]:
        bucket, _, root = base.partition("/")
        rows: list[ObjectInfo] = []
        while len(rows) < limit:
            page = await _s3(
                fs,
                "list_objects_v2",
                Bucket=bucket,
                Prefix=root + prefix,
                StartAfter=root + after,
                MaxKeys=min(1000, limit - len(rows)),
            )
            for item in page.get("Contents", ()):
                after = item["Key"].removeprefix(root)
                rows.append(ObjectInfo(after, item["Size"], item["LastModified"].timestamp()))
            if not page.get("IsTruncated"):
                break
        return rows


class BlockingS3Dialect(S3Dialect):
    """A caller's own s3fs in blocking mode: the same requests, in worker threads."""

    async def body(self, fs: Any, reply: Any) -> bytes:
        # The body belongs to the event loop on which s3fs made the request.
        read = super().body
        data: bytes = await asyncio.to_thread(sync, fs.sync_fs.loop, read, fs, reply)
        return data


@contextmanager
def _refusals(path: str) -> Iterator[None]:
    """Tells a condition that was not met, and one the service does not know, from other errors."""
    try:
        yield
    except OSError as exc:
        code = code_of(exc.__cause__)
        if code in _REFUSED:
            raise PreconditionFailedError(f"object {path} is another version") from exc
        if code == "NotImplemented":
            raise ConfigurationError("the service has no such condition") from exc
        raise


async def _s3(fs: Any, operation: str, **request: Any) -> Any:
    try:
        return await fs._call_s3(operation, **request)  # noqa: SLF001  # public calls cut keys at "?"
    except FileNotFoundError as exc:
        known = {"NoSuchKey", "NoSuchBucket"}
        if operation == "head_bucket" or code_of(exc.__cause__) in known:
            raise
        # A proxy's or a wrong endpoint's 404 does not say that the object is absent.
        raise OSError(errno.EIO, f"a 404 without S3's NoSuchKey: {exc}") from exc


def _bucket_key(path: str) -> dict[str, str]:
    bucket, key = split(path)
    return {"Bucket": bucket, "Key": key}
