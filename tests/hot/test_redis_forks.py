"""Forks whose source and target may share no script, as between the slots of a cluster."""

from collections.abc import AsyncIterator

import pytest

from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.backends.redis_wire import thread_keys
from zeitlich_store.errors import HotTierCorruptError
from zeitlich_store.models import Outcome
from zeitlich_store.testing.hot_suite_life import ForkPromises
from zeitlich_store.testing.hot_suite_removal import GatePromises
from zeitlich_store.testing.hot_suite_texts import TextPromises
from zeitlich_store.testing.hot_suite_tools import content, make, new_op, new_ref


@pytest.fixture
async def hot(redis_server, monkeypatch) -> AsyncIterator[RedisHotTier]:
    """One server, on which every fork is made as between two."""
    tier = RedisHotTier.from_url(redis_server.url)
    monkeypatch.setattr(tier._link, "together", lambda *_: False)
    await tier.open()
    yield tier
    await tier.aclose()


class TestForksBetweenSlots(ForkPromises, GatePromises, TextPromises):
    @pytest.fixture
    async def hot(self, redis_server, monkeypatch) -> AsyncIterator[RedisHotTier]:
        tier = RedisHotTier.from_url(redis_server.url)
        monkeypatch.setattr(tier._link, "together", lambda *_: False)
        await tier.open()
        yield tier
        await tier.aclose()


@pytest.mark.parametrize("part", [0, 1, 2, 3])
@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_fork_names_the_damaged_side_and_changes_nothing(hot, side, part):
    ref, target = await make(hot, "a", state="{}"), await make(hot, "b", state="{}")
    damaged = ref if side == "source" else target
    await hot.client.delete(thread_keys(damaged)[part])
    before = [await hot.client.dump(key) for key in thread_keys(target)]
    with pytest.raises(HotTierCorruptError, match=damaged.id):
        await hot.fork(ref, target, op=new_op(), gate="")
    assert [await hot.client.dump(key) for key in thread_keys(target)] == before


async def test_a_resent_fork_does_not_take_what_its_source_became(hot):
    """The first request has made the fork; the second reads a newer source, and gives it up."""
    ref, target, op = await make(hot, "a"), new_ref(), new_op()
    await hot.fork(ref, target, op=op, gate="")
    before = await content(hot, target)
    await hot.replace_all(ref, [], op=new_op())
    assert await hot.fork(ref, target, op=op, gate="") is Outcome.OK
    assert await content(hot, target) == before
