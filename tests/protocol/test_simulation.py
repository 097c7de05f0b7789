"""Random writers with random faults against what an all-knowing observer remembers.

ZS_SIMULATIONS sets the number of schedules, ZS_SEED where the seeds begin.
"""

import os
import time

import pytest

from zeitlich_store import tiering
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.testing.rehearsal import Rehearsal
from zeitlich_store.testing.simulation import plain_scenario, random_scenario

from .stages import RedisStage, memory_stage, violations

SIMULATIONS = int(os.environ.get("ZS_SIMULATIONS", "10000"))
FIRST = int(os.environ.get("ZS_SEED", "0"))
PARTS = 4
FOUND = (2918, 8842, 17962, 583562664198, 294075698959, 685477297350, 139893303413, 492624507957)
"""Seeds that once found a hole in the protocol, when only plain scenarios were drawn."""
RARE = ("t u -> ok", "t hot -> archived", "t archive -> dropped", "u -> archived")
FORGETTING = ("world failover", "world hour")


async def simulate(stage, seeds, draw=random_scenario):
    return [(seed, await Rehearsal(draw(seed), stage, seed).play()) for seed in seeds]


@pytest.mark.parametrize("part", range(PARTS))
async def test_random_writers_lose_nothing_in_memory(part, record_testsuite_property):
    seeds = range(FIRST + part, FIRST + SIMULATIONS, PARTS)
    start = time.monotonic()
    reports = await simulate(memory_stage(), seeds)
    speed = len(seeds) / (time.monotonic() - start)
    record_testsuite_property(f"schedules a second, part {part}", round(speed))
    assert not violations(reports), violations(reports)


async def test_random_writers_fork_resolve_use_a_second_redis_and_see_gates_forgotten():
    stage, seeds = memory_stage(), range(800)
    lines = {line for _, report in await simulate(stage, seeds) for line in report.trace}
    for rare in RARE:
        assert any(line.endswith(rare) for line in lines), rare
    assert lines.issuperset(FORGETTING)
    assert sum(bool(random_scenario(seed).other_redis) for seed in seeds) > 100


async def missed(first):
    """What the first schedule that finds something finds; `first` does, as long as it is drawn."""
    stage = memory_stage()
    for seed in (first, *range(SIMULATIONS)):
        if found := violations(await simulate(stage, [seed])):
            return found
    return ""


async def test_random_writers_find_a_fork_that_does_not_look_at_the_archive(monkeypatch):
    async def never(*_):
        return False

    monkeypatch.setattr(tiering, "_forked", never)
    assert "hides the archived one" in await missed(236)


async def test_random_writers_find_a_resolve_that_drops_what_it_has_not_seen(monkeypatch):
    async def drop(self, ref, *, op, revision=None):
        return await dropped(self, ref, op=op)

    dropped = MemoryHotTier.drop
    monkeypatch.setattr(MemoryHotTier, "drop", drop)
    assert "had not seen" in await missed(1220)


async def test_what_was_found_once_stays_mended(redis_server):
    reports = await simulate(memory_stage(), FOUND, plain_scenario)
    async with RedisStage(redis_server, MemoryObjectStore("found")) as stage:
        reports += await simulate(stage, FOUND, plain_scenario)
    assert not violations(reports), violations(reports)


async def test_random_writers_lose_nothing_on_redis(redis_server):
    async with RedisStage(redis_server, MemoryObjectStore("simulation")) as stage:
        reports = await simulate(stage, range(FIRST, FIRST + SIMULATIONS // 10))
    assert not violations(reports), violations(reports)
