"""A user's own tiers, lent to the suites: in a place of their own, and cleaned up after them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar, cast

from zeitlich_store import keys
from zeitlich_store.archive import ObjectArchive
from zeitlich_store.archive.commits import NO_CONDITIONS, Conditions, probe
from zeitlich_store.errors import ColdTierUnavailableError
from zeitlich_store.models import Blob, ObjectInfo, ThreadRef
from zeitlich_store.protocols import ColdTier, ConditionalObjectStore, HotTier, ObjectStore

T = TypeVar("T")
PREFIX: Final = "suite-"
"""How the hot suite's thread key begins."""
PLACE: Final = "zeitlich-conformance-"
"""How everything a run makes begins, in the cold tier."""


class Below:
    """An object store's objects below one folder."""

    def __init__(self, inner: ObjectStore, folder: str) -> None:
        self.inner, self._folder = inner, f"{folder}/"

    def __repr__(self) -> str:
        return f"{self.inner!r} below {self._folder}"

    async def open(self) -> None:
        """Open the store inside."""
        await self.inner.open()

    async def aclose(self) -> None:
        """Close the store inside."""
        await self.inner.aclose()

    async def get(self, path: str) -> Blob | None:
        """As `ObjectStore.get`; so are the others."""
        return await self.inner.get(self._folder + path)

    async def get_range(self, path: str, start: int, end: int) -> bytes | None:
        return await self.inner.get_range(self._folder + path, start, end)

    async def put(self, path: str, data: bytes, *, content_type: str | None = None) -> str | None:
        return await self.inner.put(self._folder + path, data, content_type=content_type)

    async def delete(self, path: str) -> bool:
        return await self.inner.delete(self._folder + path)

    async def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> list[ObjectInfo]:
        after = self._folder + after if after else ""
        rows = await self.inner.list(self._folder + prefix, after=after, limit=limit)
        return [row._replace(path=row.path.removeprefix(self._folder)) for row in rows]


class ConditionalBelow(Below):
    """`Below` of a store that can compare and write."""

    def __init__(self, inner: ConditionalObjectStore, folder: str) -> None:
        super().__init__(cast("ObjectStore", inner), folder)
        self._inner = inner
        self.proven = inner.proven

    async def put_if(
        self, path: str, data: bytes, *, expected: str | None, content_type: str | None = None
    ) -> str:
        return await self._inner.put_if(
            self._folder + path, data, expected=expected, content_type=content_type
        )

    async def delete_if(self, path: str, *, expected: str) -> bool:
        return await self._inner.delete_if(self._folder + path, expected=expected)


def watched(tier: T, refs: set[ThreadRef]) -> T:
    """A tier with the same methods that adds every thread it is asked about to `refs`."""

    def watch(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            refs.update(v for v in (*args, *kwargs.values()) if isinstance(v, ThreadRef))
            return method(*args, **kwargs)

        return call

    # A class of its own: which optional methods a tier has is told by its class.
    names = [name for name in dir(tier) if not name.startswith("_")]
    found = {name: getattr(tier, name) for name in names}
    methods = {n: staticmethod(watch(m)) if callable(m) else m for n, m in found.items()}
    return cast("T", type("Watched", (), methods)())


class LentCold:
    """Makes the cold tier for each contract, all of it below one random folder.

    `make` returns a tier that is not opened, each time another object. A tier that is not the
    built-in one has no folders: there the threads that were written are removed one by one.
    """

    def __init__(self, make: Callable[[], ColdTier]) -> None:
        self._make = make
        self.folder = PLACE + secrets.token_hex(8)
        self._refs: set[ThreadRef] = set()
        self.conditions: Conditions = NO_CONDITIONS
        made = make()
        self.has_objects = isinstance(made, ObjectArchive)
        store = made.store if isinstance(made, ObjectArchive) else None
        self.offers_conditions = isinstance(store, ConditionalObjectStore)

    def _lent(self) -> ColdTier:
        tier = self._make()
        if not isinstance(tier, ObjectArchive):
            return watched(tier, self._refs)
        store = tier.store
        tier.commits.store = (
            ConditionalBelow(store, self.folder)
            if isinstance(store, ConditionalObjectStore)
            else Below(store, self.folder)
        )
        return tier

    @asynccontextmanager
    async def tier(self) -> AsyncIterator[ColdTier]:
        """The cold tier, open."""
        tier = self._lent()
        await tier.open()
        try:
            yield tier
        finally:
            await tier.aclose()

    @asynccontextmanager
    async def store(self) -> AsyncIterator[ObjectStore]:
        """The object store of the built-in tier, open."""
        async with self.tier() as tier:
            yield cast("ObjectArchive", tier).store

    async def look(self) -> None:
        """Open it once, and find out which conditions it keeps."""
        async with self.tier() as tier:
            if isinstance(tier, ObjectArchive):
                self.conditions = await probe(tier.store)

    async def clean(self) -> None:
        """Remove what the suites left."""
        async with self.tier() as tier:
            if isinstance(tier, ObjectArchive):
                await self._clean_objects(cast("Below", tier.store))
            for ref in list(self._refs):
                await tier.delete(ref)

    async def _clean_objects(self, store: Below) -> None:
        tried: list[str] = []
        while paths := [row.path for row in await store.list("")]:
            if paths == tried:
                raise ColdTierUnavailableError(f"{paths[0]} is still there after its delete")
            for path in paths:
                await store.delete(path)
            tried = paths
        prune = getattr(store.inner, "prune", None)
        if prune is not None:
            await prune(self.folder)


class LentHot:
    """Makes the hot tier for each contract, and removes the threads' keys at the end."""

    def __init__(self, make: Callable[[], HotTier]) -> None:
        self._make = make
        self._refs: set[ThreadRef] = set()

    @asynccontextmanager
    async def tier(self) -> AsyncIterator[HotTier]:
        """The hot tier, open."""
        tier = watched(self._make(), self._refs)
        await tier.open()
        try:
            yield tier
        finally:
            await tier.aclose()

    async def look(self) -> None:
        """Open it once."""
        async with self.tier():
            pass

    async def clean(self) -> None:
        """Remove the threads; on Redis their gates and staging areas too."""
        async with self.tier() as tier:
            client: Any = getattr(tier, "client", None)
            for ref in list(self._refs):
                if client is None:
                    await tier.drop(ref, op=secrets.token_hex(16))
                else:
                    await client.delete(*keys.every_key(ref))
            if client is not None:
                await self._clean_stages(client)

    async def _clean_stages(self, client: Any) -> None:
        for key in {ref.key for ref in self._refs if ref.key.startswith(PREFIX)}:
            async for name in client.scan_iter(match=keys.stage_pattern(key), count=1000):
                await client.delete(name)
