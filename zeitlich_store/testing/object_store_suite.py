"""What every `ObjectStore` promises, as pytest tests: subclass with a fixture `store`."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from zeitlich_store.protocols import ObjectStore

ODD_NAMES = (
    "a b",
    "a+b",
    "a%20b",
    "a#b",
    "a?b=c",
    "star*",
    "[x]",
    "{y}",
    "quote'\"",
    "ünï-日本-🚀",
    "~tilde",
    "a&b;c",
    "trailing.",
)


class ObjectStoreSuite:
    """Subclass it, name the class ``Test…`` and give it a fixture `store`: an opened store."""

    @pytest.fixture
    def folder(self) -> str:
        """A prefix of this test's own, since a store may be shared."""
        return f"suite/{secrets.token_hex(8)}"

    async def test_an_object_never_written_is_none(self, store: ObjectStore, folder: str) -> None:
        assert await store.get(f"{folder}/none") is None
        assert await store.get_range(f"{folder}/none", 0, 4) is None

    @pytest.mark.parametrize("data", [b"", b"\x00\xff\r\n", b"x" * 100_000], ids=len)
    async def test_an_object_comes_back_byte_for_byte(
        self, store: ObjectStore, folder: str, data: bytes
    ) -> None:
        await store.put(f"{folder}/one", data, content_type="application/json")
        found = await store.get(f"{folder}/one")
        assert found is not None
        assert found.data == data

    async def test_a_put_replaces_the_whole_object(self, store: ObjectStore, folder: str) -> None:
        await store.put(f"{folder}/one", b"a long first version")
        await store.put(f"{folder}/one", b"short")
        found = await store.get(f"{folder}/one")
        assert found is not None
        assert found.data == b"short"

    async def test_a_range_is_cut_like_a_slice(self, store: ObjectStore, folder: str) -> None:
        await store.put(f"{folder}/one", b"0123456789")
        assert await store.get_range(f"{folder}/one", 2, 5) == b"234"
        assert await store.get_range(f"{folder}/one", 8, 20) == b"89"

    async def test_delete_removes_and_may_be_repeated(
        self, store: ObjectStore, folder: str
    ) -> None:
        await store.put(f"{folder}/one", b"x")
        await store.delete(f"{folder}/one")
        assert await store.get(f"{folder}/one") is None
        await store.delete(f"{folder}/one")

    @pytest.mark.parametrize("name", ODD_NAMES)
    async def test_an_odd_name_addresses_exactly_its_object(
        self, store: ObjectStore, folder: str, name: str
    ) -> None:
        await store.put(f"{folder}/{name}", name.encode())
        await store.put(f"{folder}/other", b"other")
        found = await store.get(f"{folder}/{name}")
        assert found is not None
        assert found.data == name.encode()
        assert [row.path for row in await store.list(f"{folder}/")] == sorted(
            [f"{folder}/{name}", f"{folder}/other"]
        )
        await store.delete(f"{folder}/{name}")
        assert [row.path for row in await store.list(f"{folder}/")] == [f"{folder}/other"]

    @pytest.mark.parametrize("path", ["", "../up", "a/../b", "a//b", "/abs", "a/./b", "a\0b"])
    async def test_a_path_that_leaves_the_root_is_refused(
        self, store: ObjectStore, path: str
    ) -> None:
        with pytest.raises(ValueError, match="object path"):
            await store.get(path)
        with pytest.raises(ValueError, match="object path"):
            await store.put(path, b"x")
        with pytest.raises(ValueError, match="object path"):
            await store.delete(path)

    async def test_a_listing_is_in_path_order_and_pages_by_the_last_path(
        self, store: ObjectStore, folder: str
    ) -> None:
        names = [f"{folder}/{n}" for n in ("a", "b.json", "b.json.gz", "sub/c", "z")]
        for name in reversed(names):
            await store.put(name, b"12345")
        await store.put(f"{folder}-beside/x", b"not below the prefix")
        seen: list[str] = []
        after = ""
        while page := await store.list(f"{folder}/", after=after, limit=2):
            assert len(page) <= 2
            assert page[0].path > after, "a page begins behind the path it was asked for"
            seen += [row.path for row in page]
            after = page[-1].path
        assert seen == names
        assert {row.size for row in await store.list(f"{folder}/")} == {5}

    async def test_a_listing_of_nothing_is_empty(self, store: ObjectStore, folder: str) -> None:
        assert await store.list(f"{folder}/") == []

    async def test_readers_beside_a_writer_see_one_version_whole(
        self, store: ObjectStore, folder: str
    ) -> None:
        versions = [bytes([n]) * 50_000 for n in range(4)]
        await store.put(f"{folder}/one", versions[0])

        async def write() -> None:
            for version in versions:
                await store.put(f"{folder}/one", version)

        async def read() -> None:
            found = await store.get(f"{folder}/one")
            assert found is not None
            assert found.data in versions

        await asyncio.gather(write(), *(read() for _ in range(10)))
