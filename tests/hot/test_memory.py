"""What is special about the hot tier in memory: expiry by its clock, and what it calls dirty."""

import pytest

from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.models import Snapshot
from zeitlich_store.testing.hot_suite_tools import CHANGES, archive, info, make, new_op, new_ref

TTL, DIRTY_TTL, HOUR = 100.0, 50_000.0, 3600.0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hot(clock: Clock) -> MemoryHotTier:
    return MemoryHotTier(ttl_seconds=TTL, dirty_ttl_seconds=DIRTY_TTL, clock=clock)


@pytest.mark.parametrize("name", CHANGES)
async def test_every_change_renews_the_expiry_of_a_dirty_thread(hot, clock, name):
    ref = await make(hot, "m0", "m1", state='{"other":1}')
    clock.now += DIRTY_TTL - 1
    await CHANGES[name](hot, ref, new_op())
    assert (await info(hot, ref)).expires_in == DIRTY_TTL
    clock.now += DIRTY_TTL
    assert not (await hot.status(ref)).hot


async def test_a_clean_thread_lives_for_the_ttl(hot, clock):
    kept, restored = await make(hot, "m0"), new_ref()
    await archive(hot, kept, keep=True)
    await hot.restore(restored, Snapshot(), base=None, gate="", op=new_op())
    clock.now += TTL - 1
    assert await hot.which_hot([kept, restored]) == {kept, restored}
    clock.now += 1
    assert await hot.which_hot([kept, restored]) == set()


async def test_a_gate_outlives_the_hot_copy_by_an_hour(hot, clock):
    ref = await make(hot)
    await hot.drop(ref, op=new_op())
    clock.now += HOUR - 1
    assert (await hot.status(ref)).gate
    clock.now += 1
    assert not (await hot.status(ref)).gate


async def test_gates_that_have_expired_are_swept(hot, clock):
    for at in range(3):
        for _ in range(1000):
            await hot.delete(new_ref(), op=new_op())
        assert len(hot._gates._gates) <= 2048, f"after {at + 1},000 deletions"
        clock.now += HOUR


async def test_dirty_threads_are_those_with_changes_that_are_not_archived(hot, clock):
    dirty, clean = await make(hot), await make(hot)
    await archive(hot, clean, keep=True)
    assert hot.dirty_threads() == [dirty]
    clock.now += DIRTY_TTL
    assert hot.dirty_threads() == []
