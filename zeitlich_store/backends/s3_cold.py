"""Objects on S3 and what speaks it, with conditional puts and deletes by ETag."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from ..errors import ConfigurationError
from .fsspec_cold import FsspecObjectStore
from .fsspec_errors import translate
from .fsspec_s3 import S3Dialect

T = TypeVar("T")


class S3ObjectStore(FsspecObjectStore):
    """`FsspecObjectStore` that compares and writes in one request, whatever the size."""

    proven = False

    async def put_if(
        self, path: str, data: bytes, *, expected: str | None, content_type: str | None = None
    ) -> str:
        """`put` over the version with that ETag (None: where there is no object)."""
        step = self._s3().put_if(self._fs, self._at(path), data, expected, content_type)
        return await self._conditionally("writing", path, step)

    async def delete_if(self, path: str, *, expected: str) -> bool:
        """`delete` the version with that ETag; False where there is no object."""
        step = self._s3().delete_if(self._fs, self._at(path), expected)
        return await self._conditionally("deleting", path, step)

    def _s3(self) -> S3Dialect:
        if not isinstance(self._dialect, S3Dialect):
            kind: Any = type(self._fs).__name__
            raise ConfigurationError(f"{kind} is not s3fs: it has no conditional requests")
        return self._dialect

    async def _conditionally(self, what: str, path: str, step: Awaitable[T]) -> T:
        try:
            return await self._call(what, path, step)
        except FileNotFoundError as exc:
            await self._check()
            raise translate(exc, what, self._name(path), self._secrets) from exc
