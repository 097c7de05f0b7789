"""Hot tier suite: export, evict, drop and delete."""

# a test's name says what is promised

from __future__ import annotations

import pytest

from zeitlich_store.models import Base, EvictOutcome, HotExport, Outcome, Snapshot, ThreadRef
from zeitlich_store.protocols import HotTier

from .hot_suite_tools import append, archive, exported, info, make, new_op, new_ref, text_of


async def _evict(
    hot: HotTier,
    ref: ThreadRef,
    export: HotExport,
    *,
    version: str = "t1",
    keep: bool = False,
) -> EvictOutcome:
    """Evict an export as if a cold tier had stored it as `version`."""
    base = Base(version, export.generation + 1)
    return await hot.evict(ref, export, base=base, head=export.write_id, keep=keep)


class ExportPromises:
    """export."""

    async def test_a_thread_that_is_not_hot_has_no_export(self, hot: HotTier) -> None:
        assert await hot.export(new_ref()) is None

    async def test_export_holds_messages_state_and_ids(self, hot: HotTier) -> None:
        export = await exported(hot, await make(hot, "a", "b", state="{}"))
        assert export.snapshot.messages == (text_of("a"), text_of("b"))
        assert export.snapshot.state == "{}"
        assert export.snapshot.ids == (("a", 0), ("b", 1))

    async def test_each_export_has_a_write_id_of_its_own_that_is_pending(
        self, hot: HotTier
    ) -> None:
        ref = await make(hot)
        exports = [await exported(hot, ref) for _ in range(3)]
        assert len({export.write_id for export in exports}) == 3
        assert list(exports[-1].pending) == [export.write_id for export in exports]

    async def test_export_is_no_change(self, hot: HotTier) -> None:
        ref = await make(hot, "a")
        await archive(hot, ref, keep=True)
        before = await info(hot, ref)
        export = await exported(hot, ref)
        assert export.revision == before.revision == (await info(hot, ref)).revision
        assert not export.dirty

    async def test_many_attempts_are_remembered_and_not_all(self, hot: HotTier) -> None:
        ref = await make(hot)
        exports = [await exported(hot, ref) for _ in range(300)]
        kept = len(exports[-1].pending)
        assert 16 <= kept < 300
        assert list(exports[-1].pending) == [export.write_id for export in exports[-kept:]]


class EvictPromises:
    """evict."""

    async def test_an_unchanged_thread_is_freed(self, hot: HotTier) -> None:
        ref = await make(hot, "a", state="{}")
        assert await _evict(hot, ref, await exported(hot, ref)) is EvictOutcome.EVICTED
        assert not (await hot.status(ref)).hot
        assert await hot.export(ref) is None

    async def test_a_changed_thread_stays_hot_and_dirty_on_the_new_base(self, hot: HotTier) -> None:
        ref = await make(hot, "a")
        export = await exported(hot, ref)
        await append(hot, ref, "b")
        assert await _evict(hot, ref, export) is EvictOutcome.CHANGED
        after = await exported(hot, ref)
        assert (after.token, after.generation, after.dirty) == ("t1", 1, True)
        assert len(after.snapshot.messages) == 2
        assert export.write_id in after.pending

    async def test_a_change_of_state_alone_is_a_change(self, hot: HotTier) -> None:
        ref = await make(hot, "a")
        await archive(hot, ref, keep=True)
        export = await exported(hot, ref)
        await hot.save_state(ref, "{}", op=new_op())
        assert await _evict(hot, ref, export, version="t2") is EvictOutcome.CHANGED
        assert (await info(hot, ref)).dirty

    @pytest.mark.parametrize("keep", [False, True])
    async def test_the_base_moves_forward_only_from_the_exported_one(
        self, hot: HotTier, *, keep: bool
    ) -> None:
        ref = await make(hot, "a")
        slow = await exported(hot, ref)
        fast = await exported(hot, ref)
        await append(hot, ref, "b")
        await _evict(hot, ref, fast, version="fast")
        assert await _evict(hot, ref, slow, version="slow", keep=keep) is EvictOutcome.CHANGED
        after = await info(hot, ref)
        assert (after.token, after.dirty) == ("fast", True)

    async def test_a_keeping_evict_of_another_base_leaves_base_and_dirt_alone(
        self, hot: HotTier
    ) -> None:
        ref = await make(hot, "a")
        slow = await exported(hot, ref)
        await append(hot, ref, "b")
        fast = await exported(hot, ref)
        await _evict(hot, ref, slow, version="slow")
        await _evict(hot, ref, fast, version="fast", keep=True)
        after = await info(hot, ref)
        assert (after.token, after.dirty) == ("slow", True)

    async def test_keep_leaves_the_thread_hot_and_clean_on_the_new_base(self, hot: HotTier) -> None:
        ref = await make(hot, "a", state="{}")
        export = await exported(hot, ref)
        assert await _evict(hot, ref, export, keep=True) is EvictOutcome.EVICTED
        after = await exported(hot, ref)
        assert (after.token, after.generation, after.dirty) == ("t1", 1, False)
        assert after.snapshot.same_content(export.snapshot)
        assert after.pending == (export.write_id, after.write_id)

    async def test_another_incarnation_with_equal_counters_is_not_freed(self, hot: HotTier) -> None:
        ref = await make(hot, "a")
        stalled = await exported(hot, ref)
        await archive(hot, ref)
        gate = (await hot.status(ref)).gate
        await hot.restore(ref, stalled.snapshot, base=Base("t1", 1), gate=gate, op=new_op())
        await append(hot, ref, "b")
        assert (await info(hot, ref)).revision.split(":")[1] == stalled.revision.split(":")[1]
        assert await _evict(hot, ref, stalled, version="late") is EvictOutcome.CHANGED
        after = await info(hot, ref)
        assert (after.messages, after.token, after.dirty) == (2, "t1", True)

    @pytest.mark.parametrize("keep", [False, True])
    async def test_an_attempt_that_is_not_pending_any_more_does_nothing(
        self, hot: HotTier, *, keep: bool
    ) -> None:
        ref = await make(hot, "a")
        forgotten = await exported(hot, ref)
        for _ in range(300):
            await exported(hot, ref)
        assert await _evict(hot, ref, forgotten, keep=keep) is EvictOutcome.CHANGED
        after = await info(hot, ref)
        assert (after.token, after.dirty) == (None, True)

    async def test_a_resent_evict_finds_the_thread_gone(self, hot: HotTier) -> None:
        ref = await make(hot)
        export = await exported(hot, ref)
        await _evict(hot, ref, export)
        assert await _evict(hot, ref, export) is EvictOutcome.GONE

    async def test_a_resent_keeping_evict_gives_the_same_answer(self, hot: HotTier) -> None:
        ref = await make(hot)
        export = await exported(hot, ref)
        for _ in range(2):
            assert await _evict(hot, ref, export, keep=True) is EvictOutcome.EVICTED
        assert not (await info(hot, ref)).dirty

    async def test_after_a_delete_the_archive_just_written_is_to_be_undone(
        self, hot: HotTier
    ) -> None:
        ref = await make(hot)
        export = await exported(hot, ref)
        await hot.delete(ref, op=new_op())
        assert await _evict(hot, ref, export) is EvictOutcome.UNDO

    async def test_after_another_flush_the_archive_just_written_must_not_count(
        self, hot: HotTier
    ) -> None:
        ref = await make(hot)
        export = await exported(hot, ref)
        await archive(hot, ref)
        assert await _evict(hot, ref, export) is EvictOutcome.DEAD
        assert export.write_id in (await hot.dead_writes([ref]))[ref]

    async def test_after_a_drop_the_archive_just_written_stands(self, hot: HotTier) -> None:
        ref = await make(hot)
        export = await exported(hot, ref)
        await hot.drop(ref, op=new_op())
        assert await _evict(hot, ref, export) is EvictOutcome.GONE
        assert not (await hot.dead_writes([ref])).get(ref)

    async def test_a_flush_that_wrote_nothing_has_nothing_to_undo(self, hot: HotTier) -> None:
        ref = await make(hot)
        export = await exported(hot, ref)
        await hot.delete(ref, op=new_op())
        outcome = await hot.evict(ref, export, base=Base("t1", 1), head=None)
        assert outcome is EvictOutcome.GONE

    async def test_evict_kills_every_other_attempt_and_not_its_own(self, hot: HotTier) -> None:
        ref = await make(hot)
        loser, winner = await exported(hot, ref), await exported(hot, ref)
        await _evict(hot, ref, winner)
        gate = (await hot.status(ref)).gate
        for export, expected in ((loser, Outcome.DEAD), (winner, Outcome.OK)):
            version = Snapshot(write_id=export.write_id)
            outcome = await hot.restore(ref, version, base=None, gate=gate, op=new_op())
            assert outcome is expected

    async def test_an_evict_that_wrote_nothing_kills_no_attempt(self, hot: HotTier) -> None:
        ref = await make(hot)
        other = await archive(hot, ref, keep=True)
        clean = await exported(hot, ref)
        await hot.evict(ref, clean, base=Base("t1", 1), head=None)
        gate = (await hot.status(ref)).gate
        version = Snapshot(write_id=other.write_id)
        outcome = await hot.restore(ref, version, base=None, gate=gate, op=new_op())
        assert outcome is Outcome.OK
