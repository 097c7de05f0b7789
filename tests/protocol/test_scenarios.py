"""Every scenario of the commit protocol on a real Redis with real archives: nothing is lost.

ZS_SCHEDULES sets how many schedules of each scenario are sampled, ZS_SERVER_SCHEDULES how many of
those on a server (CI takes fewer there: a schedule on moto takes ten times as long), ZS_SEED where
the seeds begin, ZS_SCENARIOS_ON the servers beside a local folder: "s3", also "az gs".
"""

import os

import pytest

from zeitlich_store.testing.scenarios import SCENARIOS

from ..backends import conditional_store
from .stages import RedisStage, rehearse, violations

SCHEDULES = int(os.environ.get("ZS_SCHEDULES", "300"))
ON_SERVER = int(os.environ.get("ZS_SERVER_SCHEDULES", SCHEDULES))
FIRST = int(os.environ.get("ZS_SEED", "0"))
ON_SERVERS = os.environ.get("ZS_SCENARIOS_ON", "s3").split()
THE_GATES_OWN_LIMIT = "stall-1h"
"""A restore that stalls for more than the gate's hour may publish an older version."""


@pytest.fixture(params=["local", *ON_SERVERS])
async def store(request, tmp_path):
    store = conditional_store(request.param, request, tmp_path)
    await store.open()
    yield store
    await store.aclose()


@pytest.fixture
def seeds(request):
    on_server = request.node.callspec.params["store"] in ON_SERVERS
    return range(FIRST, FIRST + (min(SCHEDULES, ON_SERVER) if on_server else SCHEDULES))


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != THE_GATES_OWN_LIMIT])
async def test_a_scenario_keeps_every_invariant_whatever_the_order(
    name, store, seeds, redis_server
):
    async with RedisStage(redis_server, store) as stage:
        reports = await rehearse(stage, name, seeds)
    assert not violations(reports), violations(reports)


async def test_a_restore_that_stalls_for_an_hour_is_found_and_overwrites_nothing(
    store, seeds, redis_server
):
    """The one limit: an older version may be published; nothing worse happens."""
    async with RedisStage(redis_server, store) as stage:
        reports = await rehearse(stage, THE_GATES_OWN_LIMIT, seeds)
    found = {violation for _, report in reports for violation in report.violations}
    assert found <= {"I1 what readers see is not the acknowledged thread"}


async def test_a_run_is_given_back_by_its_name_and_seed(store, redis_server):
    async with RedisStage(redis_server, store) as stage:
        (_, first), (_, again) = await rehearse(stage, "two-flush", [7, 7])
    assert first.trace == again.trace
    assert len(first.trace) > 5
