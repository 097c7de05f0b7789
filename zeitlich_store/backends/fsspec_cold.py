"""Objects on any filesystem fsspec reaches; `fsspec_protocols` has what differs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping
from typing import Any, Final, TypeVar

import fsspec
from fsspec.asyn import AsyncFileSystem
from fsspec.dircache import DirCache
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper

from .._secrets import hidden
from ..errors import ConfigurationError, ZeitlichStoreError
from ..keys import check_object_path
from ..models import Blob, ObjectInfo
from .fsspec_errors import is_missing_bucket, secrets_of, translate
from .fsspec_protocols import dialect_of

T = TypeVar("T")
CONFIRM_SECONDS: Final = 60.0
"""How long a bucket that was seen counts as being there when an object in it is not."""


class FsspecObjectStore:
    """Objects below `root` (``bucket/prefix``) on an fsspec filesystem.

    Args:
        protocol: fsspec's name of the protocol, ``"s3"`` for instance.
        root: Bucket or folder, with an optional prefix.
        storage_options: Options of the filesystem, credentials for instance; never shown.
        filesystem: A caller's own filesystem object; it is used as it is and never closed.

    Raises:
        ConfigurationError: The protocol is unknown, or its library is not installed.
    """

    def __init__(
        self,
        protocol: str,
        root: str,
        *,
        storage_options: Mapping[str, Any] | None = None,
        filesystem: Any = None,
    ) -> None:
        storage_options = hidden(storage_options)
        self._protocol = protocol
        self._root = root.rstrip("/") if root != "/" else ""
        self._dialect = dialect_of(protocol)
        self._options = hidden(self._dialect.options(dict(storage_options or {})))
        self._secrets = [*secrets_of(self._options), *self._dialect.secrets()]
        self._given = filesystem
        self._fs: Any = None
        self._confirmed = 0.0
        if filesystem is None:
            self._check_installed()

    def __repr__(self) -> str:
        return f"FsspecObjectStore({self._protocol!r}, {self._root!r})"

    def _check_installed(self) -> None:
        extra = self._dialect.extra
        hint = f'; pip install "zeitlich-store[{extra}]"' if extra else ""
        try:
            fsspec.get_filesystem_class(self._protocol)
        except ImportError as exc:
            raise ConfigurationError(f"{self._protocol}:// needs a library: {exc}{hint}") from exc
        except ValueError as exc:
            known = ", ".join(fsspec.available_protocols())
            raise ConfigurationError(
                f"fsspec knows no protocol {self._protocol!r}; known are {known}"
            ) from exc

    async def open(self) -> None:
        """Make the filesystem on this event loop and check that the bucket is there."""
        self._fs = await self._made() if self._given is None else _asynchronous(self._given)
        self._dialect = self._dialect.of(self._fs)
        self._root = self._dialect.root(self._fs, self._root)
        try:
            await self._check()
        except BaseException:  # closes, raises again
            await self.aclose()
            raise

    async def _check(self) -> None:
        """One request that raises where the bucket is missing."""
        await self._call("opening", "", self._dialect.check(self._fs, self._root))
        self._confirmed = time.monotonic()

    async def _confirm(self) -> None:
        """Before an object counts as absent: most services answer alike without the bucket."""
        if time.monotonic() - self._confirmed >= CONFIRM_SECONDS:
            await self._check()

    async def _made(self) -> Any:
        return await asyncio.to_thread(self._make) if self._dialect.connects else self._make()

    def _make(self) -> Any:
        try:
            made = self._dialect.make(self._protocol, self._options)
        except ConfigurationError:
            raise
        except Exception as exc:  # each filesystem's constructor raises its own
            if self._dialect.connects and not isinstance(exc, TypeError | ValueError):
                raise translate(exc, "connecting to", repr(self), self._secrets) from exc
            raise ConfigurationError(
                f"the filesystem of {self!r} cannot be made: {type(exc).__name__}; "
                f"{self._dialect.login}"
            ) from translate(exc, "opening", repr(self), self._secrets)
        _forget_listings(made)
        self._dialect.prepare(made)
        return _asynchronous(made)

    async def aclose(self) -> None:
        """Close the sessions of the filesystem this store made."""
        fs, self._fs = self._fs, None
        if fs is not None and self._given is None:
            await self._dialect.close(fs)

    async def get(self, path: str) -> Blob | None:
        try:
            return await self._call("reading", path, self._dialect.get(self._fs, self._at(path)))
        except FileNotFoundError:
            await self._confirm()
            return None

    async def get_range(self, path: str, start: int, end: int) -> bytes | None:
        step = self._dialect.get_range(self._fs, self._at(path), start, end)
        try:
            return await self._call("reading", path, step)
        except FileNotFoundError:
            await self._confirm()
            return None

    async def put(self, path: str, data: bytes, *, content_type: str | None = None) -> str | None:
        step = self._dialect.put(self._fs, self._at(path), data, content_type)
        try:
            return await self._call("writing", path, step)
        except FileNotFoundError as exc:
            await self._check()
            raise translate(exc, "writing", self._name(path), self._secrets) from exc

    async def delete(self, path: str) -> bool:
        try:
            await self._call("deleting", path, self._dialect.delete(self._fs, self._at(path)))
        except FileNotFoundError:
            return False
        return True

    async def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        base = f"{self._root}/" if self._root else ""
        step = self._dialect.list(self._fs, base, prefix, after, limit)
        try:
            rows = await self._call("listing", prefix, step)
        except FileNotFoundError:
            rows = []
        if not rows:
            await self._confirm()
        return rows

    async def prune(self, folder: str) -> None:
        """Remove the empty folders at and below `folder`, which nobody writes to meanwhile."""
        await self._call("removing", folder, self._dialect.prune(self._fs, self._at(folder)))

    def _at(self, path: str) -> str:
        """The path below the root."""
        check_object_path(path)
        if self._fs is None:
            raise ConfigurationError(f"{self!r} is not open")
        return f"{self._root}/{path}" if self._root else path

    async def _call(self, what: str, path: str, step: Awaitable[T]) -> T:
        """Await a request; FileNotFoundError means a missing object, all else becomes ours."""
        name = self._name(path)
        try:
            return await step
        except ZeitlichStoreError:
            raise
        except Exception as exc:  # each filesystem and its client raise errors of their own
            if is_missing_bucket(exc):
                raise ConfigurationError(
                    f"there is no bucket {self._root.partition('/')[0]!r}: {what} {name} failed"
                ) from exc
            if isinstance(exc, FileNotFoundError):
                raise
            ours = translate(exc, what, name, self._secrets)
            if what == "opening" and isinstance(exc, ValueError):
                raise ConfigurationError(str(ours)) from exc  # no URL, no bucket's name
            raise ours from exc

    def _name(self, path: str) -> str:
        return f"{self._protocol}://{self._root}/{path}"


def _forget_listings(fs: Any) -> None:
    """Switch the cache of listings off: it would answer with what was there before."""
    cache = getattr(fs, "dircache", None)
    if isinstance(cache, DirCache):
        cache.use_listings_cache = False
        cache.clear()


def _asynchronous(fs: Any) -> Any:
    """The filesystem with awaitable methods on this loop."""
    if isinstance(fs, AsyncFileSystem) and fs.asynchronous:
        return fs
    return AsyncFileSystemWrapper(fs, asynchronous=True)
