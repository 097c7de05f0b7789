"""Hot tier suite: drop, delete and the gate that outlives the hot copy."""

# a test's name says what is promised

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import pytest

from zeitlich_store.models import Base, Outcome, Snapshot, ThreadRef
from zeitlich_store.protocols import HotTier

from .hot_suite_tools import append, archive, exported, make, new_op, new_ref

Step = Callable[[HotTier, ThreadRef], Awaitable[object]]


async def _keep(hot: HotTier, ref: ThreadRef) -> object:
    return await archive(hot, ref, keep=True)


async def _drop(hot: HotTier, ref: ThreadRef) -> object:
    return await hot.drop(ref, op=new_op())


async def _delete(hot: HotTier, ref: ThreadRef) -> object:
    return await hot.delete(ref, op=new_op())


async def _finish_delete(hot: HotTier, ref: ThreadRef) -> object:
    await hot.finish_delete(ref, op=new_op(), tokens=[], write_ids=[])
    return None


SET_GATE: Final[Mapping[str, Step]] = {
    "evict": archive,
    "keeping evict": _keep,
    "drop": _drop,
    "delete": _delete,
    "finish_delete": _finish_delete,
}


class GatePromises:
    """The gate: set by whatever ends a hot copy, seen by whatever makes one."""

    @pytest.mark.parametrize("name", SET_GATE)
    async def test_each_end_of_a_hot_copy_sets_a_new_gate(self, hot: HotTier, name: str) -> None:
        ref = await make(hot)
        seen = {(await hot.status(ref)).gate}
        for _ in range(2):
            await SET_GATE[name](hot, ref)
            seen.add((await hot.status(ref)).gate)
            await hot.initialize(ref, op=new_op(), gate="", replace=True)
        assert len(seen) == 3

    @pytest.mark.parametrize("name", SET_GATE)
    async def test_what_saw_the_gate_before_is_stale(self, hot: HotTier, name: str) -> None:
        ref, source = await make(hot), await make(hot)
        gate = (await hot.status(ref)).gate
        await SET_GATE[name](hot, ref)
        await hot.drop(ref, op=new_op())
        old = Snapshot(messages=("old",))
        assert await hot.restore(ref, old, base=None, gate=gate, op=new_op()) is Outcome.STALE
        assert await hot.initialize(ref, op=new_op(), gate=gate) is Outcome.STALE
        assert await hot.fork(source, ref, op=new_op(), gate=gate) is Outcome.STALE
        assert not (await hot.status(ref)).hot

    async def test_what_saw_the_new_gate_is_not_stale(self, hot: HotTier) -> None:
        ref = await make(hot)
        await hot.drop(ref, op=new_op())
        gate = (await hot.status(ref)).gate
        assert await hot.initialize(ref, op=new_op(), gate=gate) is Outcome.OK

    async def test_a_hydrate_overtaken_by_another_does_not_publish_the_older_archive(
        self, hot: HotTier
    ) -> None:
        ref = await make(hot, "a")
        older = (await archive(hot, ref)).snapshot
        seen = (await hot.status(ref)).gate
        await hot.restore(ref, older, base=Base("t1", 1), gate=seen, op=new_op())
        await append(hot, ref, "b")
        await archive(hot, ref, version="t2")
        outcome = await hot.restore(ref, older, base=Base("t1", 1), gate=seen, op=new_op())
        assert outcome is Outcome.STALE

    @pytest.mark.parametrize("how", ["initialize", "fork", "restore"])
    async def test_a_new_life_of_the_thread_knows_the_dead_write_ids(
        self, hot: HotTier, how: str
    ) -> None:
        ref, source = await make(hot), await make(hot)
        write_id = (await exported(hot, ref)).write_id
        await hot.delete(ref, op=new_op())
        gate = (await hot.status(ref)).gate
        if how == "initialize":
            await hot.initialize(ref, op=new_op(), gate=gate)
        elif how == "fork":
            await hot.fork(source, ref, op=new_op(), gate=gate)
        else:
            await hot.restore(ref, Snapshot(), base=None, gate=gate, op=new_op())
        assert (await exported(hot, ref)).dead == (write_id,)


class RemovalPromises:
    """drop, delete and finish_delete."""

    async def test_drop_gives_the_hot_copy_up(self, hot: HotTier) -> None:
        ref = await make(hot, "a", state="{}")
        assert await hot.drop(ref, op=new_op()) is True
        assert not (await hot.status(ref)).hot
        assert await hot.drop(ref, op=new_op()) is False

    async def test_a_resent_drop_gives_the_same_answer_and_spares_a_new_copy(
        self, hot: HotTier
    ) -> None:
        ref, op = await make(hot), new_op()
        assert await hot.drop(ref, op=op) is True
        await hot.initialize(ref, op=new_op(), gate=(await hot.status(ref)).gate)
        assert await hot.drop(ref, op=op) is True
        assert (await hot.status(ref)).hot

    async def test_delete_removes_the_hot_copy_and_names_its_archive(self, hot: HotTier) -> None:
        ref = await make(hot, "a")
        await archive(hot, ref, keep=True)
        assert await hot.delete(ref, op=new_op()) == "t1"
        assert not (await hot.status(ref)).hot

    async def test_delete_of_what_was_never_archived_or_is_not_hot_names_none(
        self, hot: HotTier
    ) -> None:
        assert await hot.delete(await make(hot), op=new_op()) is None
        assert await hot.delete(new_ref(), op=new_op()) is None

    async def test_a_resent_delete_keeps_what_it_killed_dead(self, hot: HotTier) -> None:
        ref, op = await make(hot), new_op()
        write_id = (await exported(hot, ref)).write_id
        for _ in range(2):
            await hot.delete(ref, op=op)
        gate = (await hot.status(ref)).gate
        late = Snapshot(write_id=write_id)
        assert await hot.restore(ref, late, base=None, gate=gate, op=new_op()) is Outcome.DEAD

    async def _deleted_and_hot_again(self, hot: HotTier, base: Base | None) -> ThreadRef:
        ref = await make(hot)
        await hot.delete(ref, op=new_op())
        gate = (await hot.status(ref)).gate
        await hot.restore(ref, Snapshot(messages=("x",)), base=base, gate=gate, op=new_op())
        return ref

    async def test_finish_delete_removes_a_copy_restored_from_a_deleted_version(
        self, hot: HotTier
    ) -> None:
        ref = await self._deleted_and_hot_again(hot, Base("t2", 2))
        await hot.finish_delete(ref, op=new_op(), tokens=["t1", "t2"], write_ids=["w1"])
        assert not (await hot.status(ref)).hot

    @pytest.mark.parametrize("base", [None, Base("t3", 3)])
    async def test_finish_delete_leaves_any_other_copy(
        self, hot: HotTier, base: Base | None
    ) -> None:
        ref = await self._deleted_and_hot_again(hot, base)
        await hot.finish_delete(ref, op=new_op(), tokens=["t1", "t2"], write_ids=[])
        assert await hot.load(ref) == ["x"]

    async def test_the_deleted_versions_are_dead_from_then_on(self, hot: HotTier) -> None:
        ref = await make(hot)
        await hot.delete(ref, op=new_op())
        await hot.finish_delete(ref, op=new_op(), tokens=["t1"], write_ids=["w1", "w2"])
        gate = (await hot.status(ref)).gate
        for write_id in ("w1", "w2"):
            late = Snapshot(write_id=write_id)
            outcome = await hot.restore(ref, late, base=None, gate=gate, op=new_op())
            assert outcome is Outcome.DEAD
