"""An object store, and a hot tier of any kind, whose every call passes a gate."""

from __future__ import annotations

import inspect
from typing import Any, cast

from zeitlich_store.models import Blob, ObjectInfo
from zeitlich_store.protocols import ConditionalObjectStore, HotTier, ObjectStore

from .gates import Gate


class GatedObjectStore:
    """One request a call; opening and closing pass freely."""

    def __init__(self, inner: ObjectStore, gate: Gate) -> None:
        self.inner = inner
        self.gate = gate

    async def open(self) -> None:
        """Open the store inside."""
        await self.inner.open()

    async def aclose(self) -> None:
        """Close the store inside."""
        await self.inner.aclose()

    async def get(self, path: str) -> Blob | None:
        """Get."""
        return cast("Blob | None", await self.gate("store get", lambda: self.inner.get(path)))

    async def get_range(self, path: str, start: int, end: int) -> bytes | None:
        """Get a part."""
        found = await self.gate("store get_range", lambda: self.inner.get_range(path, start, end))
        return cast("bytes | None", found)

    async def put(self, path: str, data: bytes, *, content_type: str | None = None) -> str | None:
        """Put."""
        token = await self.gate(
            "store put", lambda: self.inner.put(path, data, content_type=content_type)
        )
        return cast("str | None", token)

    async def delete(self, path: str) -> bool:
        """Delete."""
        return bool(await self.gate("store delete", lambda: self.inner.delete(path)))

    async def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        """List."""
        rows = await self.gate(
            "store list", lambda: self.inner.list(prefix, after=after, limit=limit)
        )
        return cast("list[ObjectInfo]", rows)


class GatedConditionalStore(GatedObjectStore):
    """The same for a store that can compare and write in one step."""

    def __init__(self, inner: ObjectStore, gate: Gate, *, proven: bool = True) -> None:
        super().__init__(inner, gate)
        self.proven = proven

    @property
    def _conditional(self) -> ConditionalObjectStore:
        return cast("ConditionalObjectStore", self.inner)

    async def put_if(
        self, path: str, data: bytes, *, expected: str | None, content_type: str | None = None
    ) -> str:
        """Put over a version."""
        inner = self._conditional
        token = await self.gate(
            "store put_if",
            lambda: inner.put_if(path, data, expected=expected, content_type=content_type),
        )
        return str(token)

    async def delete_if(self, path: str, *, expected: str) -> bool:
        """Delete a version."""
        inner = self._conditional
        return bool(
            await self.gate("store delete_if", lambda: inner.delete_if(path, expected=expected))
        )


class GatedHotTier:
    """A hot tier of which every call passes a gate, with the same arguments when sent twice."""

    def __init__(self, inner: HotTier, gate: Gate) -> None:
        self.inner = inner
        self.gate = gate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not inspect.iscoroutinefunction(found) or name in {"open", "aclose"}:
            return found

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await self.gate(f"redis {name}", lambda: found(*args, **kwargs))

        return call
