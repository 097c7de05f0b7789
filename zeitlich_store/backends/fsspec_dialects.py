"""What differs between fsspec's filesystems: options, requests, closing. One class a family."""

from __future__ import annotations

import asyncio
import errno
import os
from typing import Any, ClassVar, Final

from fsspec.asyn import sync
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper

from ..errors import ConfigurationError, LimitExceededError
from ..models import Blob, ObjectInfo
from .fsspec_errors import code_of, is_refusal

_ONE_REQUEST: Final = 5 << 30


class Dialect:
    """Any filesystem: fsspec's own calls on single paths, no tokens."""

    extra: ClassVar[str] = ""
    native: ClassVar[bool] = True
    """Whether the filesystem's own asyncio mode is used where it has one."""

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        """The filesystem's options with our defaults."""
        return given

    def of(self, fs: Any) -> Dialect:
        """The dialect for a filesystem that may be wrapped."""
        del fs
        return self

    def prepare(self, fs: Any) -> None:
        """Set up a filesystem this library made."""

    def root(self, fs: Any, root: str) -> str:
        """The root as the filesystem itself writes it."""
        del fs
        return root

    async def check(self, fs: Any, root: str) -> None:
        """Raise `ConfigurationError` where the root cannot be used."""

    async def close(self, fs: Any) -> None:
        """Close what the filesystem holds open."""

    async def get(self, fs: Any, path: str) -> Blob:
        """The object; FileNotFoundError where there is none."""
        return Blob(bytes(await fs._cat_file(path)), None)  # noqa: SLF001  # fsspec's async names

    async def get_range(self, fs: Any, path: str, start: int, end: int) -> bytes:
        """A part of the object."""
        return bytes(await fs._cat_file(path, start=start, end=end))  # noqa: SLF001  # as above

    async def put(self, fs: Any, path: str, data: bytes, content_type: str | None) -> str | None:
        """Write the object, with its folders where the filesystem wants them made."""
        options = self.content(content_type) if content_type else {}
        try:
            await fs._pipe_file(path, data, **options)  # noqa: SLF001  # fsspec's async names
        except FileNotFoundError:
            await fs._makedirs(path.rpartition("/")[0], exist_ok=True)  # noqa: SLF001  # as above
            await fs._pipe_file(path, data, **options)  # noqa: SLF001  # as above
        return None

    def content(self, content_type: str) -> dict[str, Any]:
        """How the filesystem is told a content type; most have none."""
        del content_type
        return {}

    async def delete(self, fs: Any, path: str) -> None:
        """Remove one object."""
        await fs._rm_file(path)  # noqa: SLF001  # fsspec's async names

    async def list(
        self, fs: Any, base: str, prefix: str, after: str, limit: int
    ) -> list[ObjectInfo]:
        """Objects below `base` whose path starts with `prefix`."""
        folder = (base + prefix).rpartition("/")[0]
        found = await fs._find(folder, detail=True)  # noqa: SLF001  # fsspec's async names
        rows = []
        for path, info in sorted(found.items()):
            name = path.lstrip("/").removeprefix(base.lstrip("/"))
            if name.startswith(prefix) and name > after:
                rows.append(ObjectInfo(name, int(info.get("size") or 0), _modified(info)))
        return rows[:limit]


class LocalDialect(Dialect):
    """fsspec's local filesystem: folders are made on the way."""

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"auto_mkdir": True, **given}

    def root(self, fs: Any, root: str) -> str:
        # Listings give absolute paths, whatever was asked for.
        return str(fs._strip_protocol(root))  # noqa: SLF001  # fsspec's way to make it absolute


class BucketDialect(Dialect):
    """An object store: the bucket has to be there."""

    async def check(self, fs: Any, root: str) -> None:
        bucket = root.partition("/")[0]
        try:
            found = await fs._exists(bucket)  # noqa: SLF001  # fsspec's async names
        except Exception as exc:
            if is_refusal(exc):
                return  # some policies forbid looking at the bucket itself
            raise
        if not found:
            raise ConfigurationError(f"there is no bucket or container {bucket!r}")

    async def put(self, fs: Any, path: str, data: bytes, content_type: str | None) -> str | None:
        # No folders here: fsspec's makedirs would create a missing bucket.
        options = self.content(content_type) if content_type else {}
        await fs._pipe_file(path, data, **options)  # noqa: SLF001  # fsspec's async names
        return None


class GcsDialect(BucketDialect):
    """Google Cloud Storage."""

    extra = "gcs"

    def content(self, content_type: str) -> dict[str, Any]:
        return {"content_type": content_type}

    async def close(self, fs: Any) -> None:
        await (await fs._set_session()).close()  # noqa: SLF001  # gcsfs has no public close


class AzureDialect(BucketDialect):
    """Azure Blob Storage, through worker threads: adlfs in asyncio mode leaks at exit."""

    extra = "azure"
    native = False

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"connection_timeout": 5, "read_timeout": 30, **given}

    async def close(self, fs: Any) -> None:
        # The client belongs to the event loop of adlfs, which has no public close.
        await asyncio.to_thread(sync, fs.sync_fs.loop, fs.sync_fs.service_client.close)

    def content(self, content_type: str) -> dict[str, Any]:
        return {"content_settings": {"content_type": content_type}}


class S3Dialect(BucketDialect):
    """S3 and what speaks it: exact keys, one request each, ETags as tokens."""

    extra = "s3"

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        limits = {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 3}}
        config = {**limits, **given.get("config_kwargs", {})}
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
        if len(data) > _ONE_REQUEST:
            raise LimitExceededError("S3 takes at most 5 GiB in one request")
        content = {"ContentType": content_type} if content_type else {}
        reply = await _s3(fs, "put_object", **_bucket_key(path), Body=data, **content)
        token: str | None = reply.get("ETag")
        return token

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


_DIALECTS: Final[dict[str, type[Dialect]]] = {
    "s3": S3Dialect,
    "s3a": S3Dialect,
    "gs": GcsDialect,
    "gcs": GcsDialect,
    "az": AzureDialect,
    "abfs": AzureDialect,
    "abfss": AzureDialect,
    "file": LocalDialect,
    "local": LocalDialect,
}


def dialect_of(protocol: str) -> Dialect:
    """The dialect of a protocol."""
    return _DIALECTS.get(protocol, Dialect)()


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
    bucket, _, key = path.partition("/")
    return {"Bucket": bucket, "Key": key}


def _modified(info: dict[str, Any]) -> float | None:
    for name in ("mtime", "LastModified", "last_modified", "modified", "created"):
        found = info.get(name)
        if found is not None:
            return float(found.timestamp() if hasattr(found, "timestamp") else found)
    return None
