"""The hot tier on a real Redis Cluster of three masters."""

from collections.abc import AsyncIterator, Iterator

import pytest

from zeitlich_store import open_store
from zeitlich_store.protocols import HotTier
from zeitlich_store.testing.hot_tier_suite import HotTierSuite

from .. import redis_services


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[redis_services.Cluster]:
    with redis_services.redis_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
async def hot(cluster) -> AsyncIterator[HotTier]:
    tier = open_store(cluster.url, "none").hot
    await tier.open()
    yield tier
    await tier.aclose()


class TestClusterHotTier(HotTierSuite):
    @pytest.fixture
    async def hot(self, cluster) -> AsyncIterator[HotTier]:
        tier = open_store(cluster.url, "memory://cluster").hot
        await tier.open()
        yield tier
        await tier.aclose()
