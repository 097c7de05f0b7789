"""Hot tier suite: read, which_hot, info and scan."""

# a test's name says what is promised

from __future__ import annotations

import secrets

import pytest

from zeitlich_store.models import HotInfo, Outcome, ThreadRef
from zeitlich_store.protocols import HotTier, ScannableHotTier

from .hot_suite_tools import append, archive, info, make, new_op, new_ref, text_of


class ViewPromises:
    """read, which_hot and info."""

    async def test_read_gives_messages_and_state(self, hot: HotTier) -> None:
        ref = await make(hot, "a", "b", "c", state="{}")
        assert await hot.read(ref) == ([text_of("a"), text_of("b"), text_of("c")], "{}")
        assert await hot.read(ref, 2) == ([text_of("b"), text_of("c")], "{}")
        assert await hot.read(ref, 0) == ([], "{}")

    async def test_read_of_an_empty_thread_is_not_absence(self, hot: HotTier) -> None:
        assert await hot.read(await make(hot)) == ([], None)

    async def test_read_and_info_of_a_thread_that_is_not_hot_are_none(self, hot: HotTier) -> None:
        assert await hot.read(new_ref()) is None
        assert await hot.info(new_ref()) is None

    async def test_reads_change_nothing(self, hot: HotTier) -> None:
        ref = await make(hot, "a")
        before = await info(hot, ref)
        await hot.read(ref)
        await hot.load(ref)
        await hot.load_state(ref)
        assert (await info(hot, ref)).revision == before.revision

    async def test_which_hot_names_the_hot_ones(self, hot: HotTier) -> None:
        first, second, absent = await make(hot), await make(hot, "a"), new_ref()
        assert await hot.which_hot([first, absent, second]) == {first, second}
        assert await hot.which_hot([]) == set()

    async def test_info_counts_and_names_the_base(self, hot: HotTier) -> None:
        ref = await make(hot, "a", "b")
        fresh = await info(hot, ref)
        assert (fresh.ref, fresh.messages, fresh.dirty) == (ref, 2, True)
        assert (fresh.token, fresh.generation) == (None, 0)
        await archive(hot, ref, keep=True)
        kept = await info(hot, ref)
        assert (kept.dirty, kept.token, kept.generation) == (False, "t1", 1)
        assert kept.revision == fresh.revision

    async def test_a_clean_thread_expires_before_a_dirty_one(self, hot: HotTier) -> None:
        ref = await make(hot, "a")
        dirty = (await info(hot, ref)).expires_in
        await archive(hot, ref, keep=True)
        clean = (await info(hot, ref)).expires_in
        await append(hot, ref, "b")
        again = (await info(hot, ref)).expires_in
        assert dirty is not None
        assert clean is not None
        assert again is not None
        assert 0 < clean < dirty
        assert clean < again


class ScanPromises:
    """scan, where the tier has it."""

    async def _scan(self, hot: HotTier, key: str, limit: int) -> list[HotInfo]:
        if not isinstance(hot, ScannableHotTier):
            pytest.skip("this tier cannot list its threads")
        rows, cursor = await hot.scan(key=key, limit=limit)
        while cursor:
            page, cursor = await hot.scan(key=key, cursor=cursor, limit=limit)
            rows += page
        return rows

    async def _make(self, hot: HotTier, ref: ThreadRef) -> ThreadRef:
        assert await hot.initialize(ref, op=new_op(), gate="") is Outcome.OK
        return ref

    @pytest.mark.parametrize("limit", [1, 3, 100])
    async def test_scan_finds_every_hot_thread_of_that_key_and_no_other(
        self, hot: HotTier, limit: int
    ) -> None:
        key = f"scan*[{secrets.token_hex(4)}]"
        refs = {await self._make(hot, ThreadRef(key, f"t/{at}:é")) for at in range(7)}
        await self._make(hot, ThreadRef(f"{key}:t", "t"))
        await self._make(hot, ThreadRef("scan", new_op()))
        assert {row.ref for row in await self._scan(hot, key, limit)} == refs

    async def test_scan_tells_what_info_tells(self, hot: HotTier) -> None:
        key = secrets.token_hex(8)
        ref = await self._make(hot, ThreadRef(key, "t"))
        await append(hot, ref, "a", "b")
        (row,) = await self._scan(hot, key, 100)
        known = await info(hot, ref)
        assert (row.messages, row.dirty, row.revision) == (2, True, known.revision)
        assert (row.token, row.generation) == (known.token, known.generation)

    async def test_scan_leaves_out_what_was_freed(self, hot: HotTier) -> None:
        key = secrets.token_hex(8)
        ref = await self._make(hot, ThreadRef(key, "t"))
        await archive(hot, ref)
        assert await self._scan(hot, key, 100) == []
