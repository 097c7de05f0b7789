"""Hot tier suite: the steps that make a thread hot, that is initialize, fork and restore."""

# a test's name says what is promised

from __future__ import annotations

import pytest

from zeitlich_store.models import UNPLACED, Base, Outcome, Snapshot, ThreadRef
from zeitlich_store.protocols import HotTier

from .hot_suite_tools import (
    CHANGES,
    append,
    archive,
    content,
    exported,
    info,
    make,
    nameless,
    new_op,
    new_ref,
    text_of,
)

SNAPSHOT = Snapshot(
    messages=(text_of("a"), "x", text_of("b")),
    state='{"n":1}',
    ids=(("a", 0), ("b", 2)),
    lineage="line",
    generation=7,
    write_id="w7",
    ops=("op1=1", "op2=3"),
)


class InitializePromises:
    """initialize and status."""

    async def test_a_thread_is_hot_once_it_is_initialized(self, hot: HotTier) -> None:
        ref = new_ref()
        assert await hot.status(ref) == (False, "")
        assert await hot.initialize(ref, op=new_op(), gate="") is Outcome.OK
        assert (await hot.status(ref)).hot
        assert await content(hot, ref) == ((), None, frozenset())

    async def test_a_new_thread_is_dirty_and_has_no_archive(self, hot: HotTier) -> None:
        export = await exported(hot, await make(hot))
        assert (export.dirty, export.token, export.generation) == (True, None, 0)
        assert export.snapshot.lineage

    async def test_initialize_of_a_hot_thread_changes_nothing(self, hot: HotTier) -> None:
        ref = await make(hot, "a")
        revision = (await info(hot, ref)).revision
        assert await hot.initialize(ref, op=new_op(), gate="") is Outcome.HOT
        assert (await info(hot, ref)).revision == revision

    async def test_initialize_with_another_gate_is_stale(self, hot: HotTier) -> None:
        ref = new_ref()
        assert await hot.initialize(ref, op=new_op(), gate="other") is Outcome.STALE
        assert not (await hot.status(ref)).hot

    @pytest.mark.parametrize("replace", [False, True])
    async def test_a_resent_initialize_wipes_nothing(self, hot: HotTier, *, replace: bool) -> None:
        ref, op = new_ref(), new_op()
        for _ in range(2):
            assert await hot.initialize(ref, op=op, gate="", replace=replace) is Outcome.OK
            await append(hot, ref, "a")
        assert await hot.load(ref) == [text_of("a")]

    async def test_replace_discards_what_is_hot(self, hot: HotTier) -> None:
        ref = await make(hot, "a", state="{}")
        before = await exported(hot, ref)
        assert await hot.initialize(ref, op=new_op(), gate="", replace=True) is Outcome.OK
        assert await content(hot, ref) == ((), None, frozenset())
        after = await exported(hot, ref)
        assert after.incarnation != before.incarnation
        assert after.snapshot.lineage != before.snapshot.lineage
        assert before.write_id not in after.pending

    async def test_replace_does_not_look_at_the_gate(self, hot: HotTier) -> None:
        ref = new_ref()
        assert await hot.initialize(ref, op=new_op(), gate="other", replace=True) is Outcome.OK

    async def test_replace_takes_the_archive_version_it_replaces_as_base(
        self, hot: HotTier
    ) -> None:
        ref = new_ref()
        await hot.initialize(ref, op=new_op(), gate="", replace=True, base=Base("t9", 9))
        export = await exported(hot, ref)
        assert (export.token, export.generation, export.dirty) == ("t9", 9, True)

    async def test_no_two_lives_of_a_thread_share_a_revision(self, hot: HotTier) -> None:
        ref, seen = new_ref(), set()
        for _ in range(3):
            await hot.initialize(ref, op=new_op(), gate=(await hot.status(ref)).gate)
            seen.add((await info(hot, ref)).revision)
            await hot.drop(ref, op=new_op())
        assert len(seen) == 3


class ForkPromises:
    """fork."""

    async def test_a_fork_has_the_messages_state_and_ids_of_its_source(self, hot: HotTier) -> None:
        ref, target = await make(hot, "a", "b", state="{}"), new_ref()
        await hot.append(ref, nameless("x"), op=new_op())
        before = await content(hot, ref)
        assert await hot.fork(ref, target, op=new_op()) is Outcome.OK
        assert await content(hot, target) == before == await content(hot, ref)

    async def test_a_fork_leaves_its_source_untouched(self, hot: HotTier) -> None:
        ref = await make(hot, "a")
        before = await info(hot, ref)
        await hot.fork(ref, new_ref(), op=new_op())
        assert (await info(hot, ref)).revision == before.revision

    async def test_source_and_fork_go_separate_ways(self, hot: HotTier) -> None:
        ref, target = await make(hot, "a"), new_ref()
        await hot.fork(ref, target, op=new_op())
        assert await append(hot, ref, "b") == 1
        assert await append(hot, target, "a", "c") == 1
        assert await hot.load(ref) == [text_of("a"), text_of("b")]
        assert await hot.load(target) == [text_of("a"), text_of("c")]

    async def test_a_fork_is_a_new_thread_without_an_archive(self, hot: HotTier) -> None:
        ref, target = await make(hot, "a"), new_ref()
        await archive(hot, ref, keep=True)
        await hot.fork(ref, target, op=new_op())
        source, fork = await exported(hot, ref), await exported(hot, target)
        assert (fork.dirty, fork.token, fork.generation) == (True, None, 0)
        assert fork.incarnation != source.incarnation
        assert fork.snapshot.lineage != source.snapshot.lineage
        assert len(fork.pending) == 1

    async def test_a_fork_of_an_empty_thread_is_empty(self, hot: HotTier) -> None:
        ref, target = await make(hot), new_ref()
        assert await hot.fork(ref, target, op=new_op(), gate="") is Outcome.OK
        assert await content(hot, target) == ((), None, frozenset())

    async def test_a_fork_onto_a_hot_thread_changes_nothing(self, hot: HotTier) -> None:
        ref, target = await make(hot, "a"), await make(hot, "b")
        assert await hot.fork(ref, target, op=new_op()) is Outcome.HOT
        assert await hot.load(target) == [text_of("b")]

    async def test_a_fork_with_another_gate_is_stale(self, hot: HotTier) -> None:
        ref, target = await make(hot, "a"), new_ref()
        assert await hot.fork(ref, target, op=new_op(), gate="other") is Outcome.STALE
        assert not (await hot.status(target)).hot

    async def test_a_fork_without_a_gate_does_not_look_at_it(self, hot: HotTier) -> None:
        ref, target = await make(hot, "a"), await make(hot)
        await hot.drop(target, op=new_op())
        assert await hot.fork(ref, target, op=new_op()) is Outcome.OK

    async def test_a_thread_that_is_not_hot_cannot_be_forked(self, hot: HotTier) -> None:
        target = new_ref()
        assert await hot.fork(new_ref(), target, op=new_op()) is Outcome.NOT_HOT
        assert not (await hot.status(target)).hot

    async def test_an_untouched_hot_thread_is_no_fork_of_a_thread_that_is_not_hot(
        self, hot: HotTier
    ) -> None:
        assert await hot.fork(new_ref(), await make(hot), op=new_op()) is Outcome.HOT

    async def test_a_resent_fork_finds_its_result_and_wipes_nothing(self, hot: HotTier) -> None:
        ref, target, op = await make(hot, "a"), new_ref(), new_op()
        await hot.fork(ref, target, op=op, gate="")
        await append(hot, target, "b")
        await append(hot, ref, "c")
        assert await hot.fork(ref, target, op=op, gate="") is Outcome.OK
        await hot.drop(ref, op=new_op())
        assert await hot.fork(ref, target, op=op, gate="") is Outcome.OK
        assert await hot.load(target) == [text_of("a"), text_of("b")]

    async def test_a_fork_made_again_of_the_same_revision_counts_as_this_one(
        self, hot: HotTier
    ) -> None:
        ref, target = await make(hot, "a"), new_ref()
        await hot.fork(ref, target, op=new_op())
        assert await hot.fork(ref, target, op=new_op()) is Outcome.OK

    @pytest.mark.parametrize("touched", ["source", "fork"])
    async def test_a_fork_made_again_after_a_change_finds_its_target_hot(
        self, hot: HotTier, touched: str
    ) -> None:
        ref, target = await make(hot, "a"), new_ref()
        await hot.fork(ref, target, op=new_op())
        await append(hot, ref if touched == "source" else target, "b")
        assert await hot.fork(ref, target, op=new_op()) is Outcome.HOT


class RestorePromises:
    """restore."""

    async def restore(
        self, hot: HotTier, ref: ThreadRef, *, snapshot: Snapshot = SNAPSHOT, dirty: bool = False
    ) -> Outcome:
        gate = (await hot.status(ref)).gate
        return await hot.restore(
            ref, snapshot, base=Base("t7", 7), gate=gate, op=new_op(), dirty=dirty
        )

    async def test_restore_publishes_the_whole_snapshot(self, hot: HotTier) -> None:
        ref = new_ref()
        assert await self.restore(hot, ref) is Outcome.OK
        assert await content(hot, ref) == (
            SNAPSHOT.messages,
            SNAPSHOT.state,
            frozenset(SNAPSHOT.ids),
        )
        assert await append(hot, ref, "a", "b") == 0

    async def test_a_restored_thread_is_clean_on_the_version_it_came_from(
        self, hot: HotTier
    ) -> None:
        ref = new_ref()
        await self.restore(hot, ref)
        export = await exported(hot, ref)
        assert (export.dirty, export.token, export.generation) == (False, "t7", 7)
        assert export.snapshot.lineage == "line"

    async def test_restore_of_a_snapshot_without_lineage_gives_it_one(self, hot: HotTier) -> None:
        ref = new_ref()
        await self.restore(hot, ref, snapshot=Snapshot(messages=("x",)))
        assert (await exported(hot, ref)).snapshot.lineage

    async def test_a_restore_that_differs_from_its_base_is_dirty(self, hot: HotTier) -> None:
        ref = new_ref()
        await self.restore(hot, ref, dirty=True)
        assert (await info(hot, ref)).dirty

    async def test_restore_without_a_base_has_no_archive(self, hot: HotTier) -> None:
        ref = new_ref()
        await hot.restore(ref, SNAPSHOT, base=None, gate="", op=new_op(), dirty=True)
        export = await exported(hot, ref)
        assert (export.token, export.generation) == (None, 0)

    async def test_an_empty_snapshot_makes_an_empty_hot_thread(self, hot: HotTier) -> None:
        ref = new_ref()
        assert await self.restore(hot, ref, snapshot=Snapshot()) is Outcome.OK
        assert await content(hot, ref) == ((), None, frozenset())

    async def test_ids_without_a_place_are_taken_all_the_same(self, hot: HotTier) -> None:
        ref = new_ref()
        await self.restore(hot, ref, snapshot=Snapshot(messages=("x",), ids=(("a", UNPLACED),)))
        assert await append(hot, ref, "a", "b") == 1

    async def test_restore_onto_a_hot_thread_changes_nothing(self, hot: HotTier) -> None:
        ref = await make(hot, "z")
        assert await self.restore(hot, ref) is Outcome.HOT
        assert await hot.load(ref) == [text_of("z")]

    async def test_restore_with_another_gate_is_stale(self, hot: HotTier) -> None:
        ref = new_ref()
        outcome = await hot.restore(ref, SNAPSHOT, base=None, gate="other", op=new_op())
        assert outcome is Outcome.STALE
        assert not (await hot.status(ref)).hot

    async def test_an_archive_written_by_a_dead_attempt_is_not_restored(self, hot: HotTier) -> None:
        ref = await make(hot)
        write_id = (await exported(hot, ref)).write_id
        await hot.delete(ref, op=new_op())
        late = Snapshot(messages=("x",), write_id=write_id)
        assert await self.restore(hot, ref, snapshot=late) is Outcome.DEAD
        assert not (await hot.status(ref)).hot

    async def test_a_resent_restore_gives_the_same_answer_and_wipes_nothing(
        self, hot: HotTier
    ) -> None:
        ref, op = new_ref(), new_op()
        for _ in range(2):
            outcome = await hot.restore(ref, SNAPSHOT, base=None, gate="", op=op)
            assert outcome is Outcome.OK
            await append(hot, ref, "new")
        assert await hot.load(ref) == [*SNAPSHOT.messages, text_of("new")]

    @pytest.mark.parametrize("name", CHANGES)
    async def test_operation_ids_travel_through_the_archive(self, hot: HotTier, name: str) -> None:
        ref, op = await make(hot, "m0", "m1", state='{"other":1}'), new_op()
        answer = await CHANGES[name](hot, ref, op)
        before = await content(hot, ref)
        snapshot = (await archive(hot, ref)).snapshot
        assert await self.restore(hot, ref, snapshot=snapshot) is Outcome.OK
        assert await CHANGES[name](hot, ref, op) == answer
        assert await content(hot, ref) == before
