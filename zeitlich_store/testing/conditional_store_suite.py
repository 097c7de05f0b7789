"""What a `ConditionalObjectStore` promises on top, as pytest tests with a fixture `store`."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from zeitlich_store.archive.commits import ALL_CONDITIONS, probe
from zeitlich_store.errors import PreconditionFailedError
from zeitlich_store.protocols import ConditionalObjectStore, ObjectStore

from .object_store_suite import ObjectStoreSuite


class ConditionalStoreSuite(ObjectStoreSuite):
    """For stores that can compare and write in one step."""

    @pytest.fixture
    def path(self) -> str:
        """An object of this test's own."""
        return f"suite/{secrets.token_hex(8)}"

    async def test_a_conditional_put_creates_once(self, store: ObjectStore, path: str) -> None:
        assert isinstance(store, ConditionalObjectStore)
        await store.put_if(path, b"first", expected=None, content_type="application/json")
        with pytest.raises(PreconditionFailedError):
            await store.put_if(path, b"second", expected=None)
        found = await store.get(path)
        assert found is not None
        assert found.data == b"first"

    async def test_a_conditional_put_replaces_what_was_read_and_nothing_else(
        self, store: ObjectStore, path: str
    ) -> None:
        assert isinstance(store, ConditionalObjectStore)
        await store.put(path, b"first")
        seen = await token_of(store, path)
        second = await store.put_if(path, b"second", expected=seen)
        with pytest.raises(PreconditionFailedError):
            await store.put_if(path, b"third", expected=seen)
        assert await token_of(store, path) == second != seen
        found = await store.get(path)
        assert found is not None
        assert found.data == b"second"

    async def test_a_conditional_put_over_a_deleted_object_is_refused(
        self, store: ObjectStore, path: str
    ) -> None:
        assert isinstance(store, ConditionalObjectStore)
        await store.put(path, b"first")
        seen = await token_of(store, path)
        await store.delete(path)
        with pytest.raises(PreconditionFailedError):
            await store.put_if(path, b"second", expected=seen)
        assert await store.get(path) is None

    async def test_of_many_writers_at_once_one_wins(self, store: ObjectStore, path: str) -> None:
        assert isinstance(store, ConditionalObjectStore)
        tries = [store.put_if(path, b"%d" % n, expected=None) for n in range(12)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        lost = [r for r in results if isinstance(r, PreconditionFailedError)]
        assert len(lost) == 11, results
        winner = next(n for n, r in enumerate(results) if r not in lost)
        found = await store.get(path)
        assert found is not None
        assert found.data == b"%d" % winner

    async def test_a_conditional_delete_removes_what_was_read_and_nothing_else(
        self, store: ObjectStore, path: str
    ) -> None:
        assert isinstance(store, ConditionalObjectStore)
        first = await store.put_if(path, b"first", expected=None)
        second = await store.put_if(path, b"second", expected=first)
        with pytest.raises(PreconditionFailedError):
            await store.delete_if(path, expected=first)
        assert await token_of(store, path) == second
        assert await store.delete_if(path, expected=second)
        assert await store.get(path) is None
        assert not await store.delete_if(path, expected=second)

    async def test_a_put_answers_with_the_token_a_reader_finds(
        self, store: ObjectStore, path: str
    ) -> None:
        assert isinstance(store, ConditionalObjectStore)
        first = await store.put_if(path, b"first", expected=None)
        assert first == await token_of(store, path)
        assert await store.put(path, b"second") == await token_of(store, path) != first

    async def test_a_probe_finds_the_conditions_kept_and_leaves_nothing(
        self, store: ObjectStore
    ) -> None:
        folder = f"suite/{secrets.token_hex(8)}"
        assert await probe(store, folder) == ALL_CONDITIONS
        assert await store.list(f"{folder}/") == []


async def token_of(store: ObjectStore, path: str) -> str:
    """The token of an object that is there."""
    found = await store.get(path)
    assert found is not None
    assert found.token is not None
    return found.token
