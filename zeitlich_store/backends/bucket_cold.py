"""Objects on S3, Google Cloud Storage and Azure, with conditional puts and deletes."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol, TypeVar, cast

from ..errors import ConfigurationError
from .fsspec_cold import FsspecObjectStore
from .fsspec_errors import translate

T = TypeVar("T")


class ConditionalDialect(Protocol):
    """A dialect of a service that compares and writes in one request."""

    async def put_if(
        self, fs: Any, path: str, data: bytes, expected: str | None, content_type: str | None
    ) -> str:
        """Write over the version with that token, or (None) where there is no object."""

    async def delete_if(self, fs: Any, path: str, expected: str) -> bool:
        """Remove the version with that token; False where there is no object."""


class BucketObjectStore(FsspecObjectStore):
    """`FsspecObjectStore` that compares and writes in one request, whatever the size."""

    proven = False

    async def put_if(
        self, path: str, data: bytes, *, expected: str | None, content_type: str | None = None
    ) -> str:
        """`put` over the version with that token (None: where there is no object)."""
        step = self._conditional().put_if(self._fs, self._at(path), data, expected, content_type)
        return await self._conditionally("writing", path, step)

    async def delete_if(self, path: str, *, expected: str) -> bool:
        """`delete` the version with that token; False where there is no object."""
        step = self._conditional().delete_if(self._fs, self._at(path), expected)
        return await self._conditionally("deleting", path, step)

    def _conditional(self) -> ConditionalDialect:
        if not hasattr(self._dialect, "put_if"):
            kind: Any = type(self._fs).__name__
            raise ConfigurationError(f"{kind} has no conditional requests that are known here")
        return cast("ConditionalDialect", self._dialect)

    async def _conditionally(self, what: str, path: str, step: Awaitable[T]) -> T:
        try:
            return await self._call(what, path, step)
        except FileNotFoundError as exc:
            await self._check()
            raise translate(exc, what, self._name(path), self._secrets) from exc
