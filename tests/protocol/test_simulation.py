"""Random writers with random faults against what an all-knowing observer remembers.

ZS_SIMULATIONS sets the number of schedules, ZS_SEED where the seeds begin.
"""

import os
import time

import pytest

from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.testing.rehearsal import Rehearsal
from zeitlich_store.testing.simulation import random_scenario

from .stages import RedisStage, memory_stage, violations

SIMULATIONS = int(os.environ.get("ZS_SIMULATIONS", "10000"))
FIRST = int(os.environ.get("ZS_SEED", "0"))
PARTS = 4
FOUND = (2918, 8842, 17962, 583562664198, 294075698959, 685477297350, 139893303413, 492624507957)
"""Seeds that once found a hole in the protocol."""


async def simulate(stage, seeds):
    return [(seed, await Rehearsal(random_scenario(seed), stage, seed).play()) for seed in seeds]


@pytest.mark.parametrize("part", range(PARTS))
async def test_random_writers_lose_nothing_in_memory(part, record_testsuite_property):
    seeds = range(FIRST + part, FIRST + SIMULATIONS, PARTS)
    start = time.monotonic()
    reports = await simulate(memory_stage(), seeds)
    speed = len(seeds) / (time.monotonic() - start)
    record_testsuite_property(f"schedules a second, part {part}", round(speed))
    assert not violations(reports), violations(reports)


async def test_what_was_found_once_stays_mended(redis_server):
    reports = await simulate(memory_stage(), FOUND)
    async with RedisStage(redis_server, MemoryObjectStore("found")) as stage:
        reports += await simulate(stage, FOUND)
    assert not violations(reports), violations(reports)


async def test_random_writers_lose_nothing_on_redis(redis_server):
    async with RedisStage(redis_server, MemoryObjectStore("simulation")) as stage:
        reports = await simulate(stage, range(FIRST, FIRST + SIMULATIONS // 10))
    assert not violations(reports), violations(reports)
