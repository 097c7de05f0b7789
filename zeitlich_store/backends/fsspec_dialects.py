"""What differs between fsspec's filesystems: options, requests, closing. One class a family."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import suppress
from typing import Any, ClassVar, Final

import fsspec
import fsspec.config

from ..errors import ConfigurationError
from ..models import Blob, ObjectInfo
from .fsspec_errors import is_refusal

TEMPORARY: Final = ".tmp-"
"""How a file is called until it is whole."""


class Dialect:
    """Any filesystem: fsspec's own calls on single paths, no tokens."""

    extra: ClassVar[str] = ""
    login: ClassVar[str] = "check storage_options and the environment"
    """What to do where the filesystem cannot be made."""
    native: ClassVar[bool] = True
    """Whether the filesystem's own asyncio mode is used where it has one."""
    hidden: ClassVar[str] = ""
    """How names begin that are never listed; "": none."""
    connects: ClassVar[bool] = False
    """Whether making the filesystem object connects to the server."""
    made_with: ClassVar[dict[str, Any]] = {}
    """What the constructor takes beside the options; many hand all they get on to their client."""
    find_options: ClassVar[dict[str, Any]] = {"on_error": "raise"}
    """So that a listing that failed is not an empty one."""

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        """The filesystem's options with our defaults."""
        return given

    def secrets(self) -> list[str]:
        """Texts of the environment that the filesystem's errors may repeat."""
        return []

    def make(self, protocol: str, options: dict[str, Any]) -> Any:
        """A filesystem object that is shared with nobody."""
        kind = fsspec.get_filesystem_class(protocol)
        mode = {"asynchronous": True} if kind.async_impl and self.native else {}
        return fsspec.filesystem(
            protocol, skip_instance_cache=True, **self.made_with, **mode, **options
        )

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
        found = await fs._find(folder, detail=True, **self.find_options)  # noqa: SLF001  # fsspec's async names
        rows = []
        for path, info in sorted(found.items()):
            name = path.lstrip("/").removeprefix(base.lstrip("/"))
            if self.hidden and name.rpartition("/")[2].startswith(self.hidden):
                continue
            if name.startswith(prefix) and name > after:
                rows.append(ObjectInfo(name, int(info.get("size") or 0), _modified(info)))
        return rows[:limit]

    async def prune(self, fs: Any, folder: str) -> None:
        """Remove the empty folders at and below `folder`, where the filesystem has any."""


class LocalDialect(Dialect):
    """fsspec's local filesystem: folders are made on the way, and puts renamed into place."""

    hidden = TEMPORARY

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"auto_mkdir": True, **given}

    def root(self, fs: Any, root: str) -> str:
        # Listings give absolute paths, whatever was asked for.
        return str(fs._strip_protocol(root))  # noqa: SLF001  # fsspec's way to make it absolute

    async def put(self, fs: Any, path: str, data: bytes, content_type: str | None) -> str | None:
        temporary = f"{path.rpartition('/')[0]}/{TEMPORARY}{secrets.token_hex(8)}"
        try:
            await super().put(fs, temporary, data, content_type)
            await asyncio.to_thread(os.replace, temporary, path)
        except BaseException:  # cleans up, raises again
            with suppress(OSError):
                await asyncio.to_thread(os.unlink, temporary)
            raise
        return None


class BucketDialect(Dialect):
    """An object store: the bucket has to be there."""

    made_with: ClassVar[dict[str, Any]] = {"use_listings_cache": False}
    find_options: ClassVar[dict[str, Any]] = {}  # their listings raise by themselves

    async def check(self, fs: Any, root: str) -> None:
        bucket = root.partition("/")[0]
        try:
            found = await fs._exists(bucket)  # noqa: SLF001  # fsspec's async names
        except Exception as exc:  # each filesystem raises its own; raised again
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


def configured(option: str, *protocols: str) -> bool:
    """Whether fsspec's own configuration sets an option of one of the protocols."""
    return any(option in fsspec.config.conf.get(name, {}) for name in protocols)


def split(path: str) -> tuple[str, str]:
    """Bucket and exact key of a path; the filesystems' own ways cut some keys."""
    bucket, _, key = path.partition("/")
    return bucket, key


def _modified(info: dict[str, Any]) -> float | None:
    for name in ("mtime", "LastModified", "last_modified", "modified", "created"):
        found = info.get(name)
        if found is not None:
            return float(found.timestamp() if hasattr(found, "timestamp") else found)
    return None
