"""Whatever request of an operation goes wrong: after at most one more run nothing is missing."""

import pytest

from .. import points
from ..backends import SERVERS, conditional_store
from .matrix import OPERATIONS, Bench, count_requests, redis_pool, trial


@pytest.fixture(params=["memory", "local", *SERVERS])
async def bench(request, redis_server, tmp_path):
    objects = conditional_store(request.param, request, tmp_path)
    await objects.open()
    bench = Bench(redis_pool(redis_server), objects)
    await bench.load_scripts()
    yield bench
    await objects.aclose()
    await bench.pool.aclose()


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_fault_at_any_request_loses_doubles_and_reorders_nothing(bench, name, request):
    operation = OPERATIONS[name]
    requests = await count_requests(bench, operation)
    faults = [(at, kind) for at in range(1, len(requests) + 1) for kind in operation.kinds]
    assert len(requests) >= 1
    for at, kind in faults:
        await trial(bench, operation, at, kind)
    points.count(request.node, len(faults))
