"""Both hot tiers keep every promise of the contract."""

from collections.abc import AsyncIterator

import pytest

from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.protocols import HotTier
from zeitlich_store.testing import HotTierSuite


class TestMemoryHotTier(HotTierSuite):
    backend = "memory"

    @pytest.fixture
    async def hot(self) -> AsyncIterator[HotTier]:
        tier = MemoryHotTier()
        await tier.open()
        yield tier
        await tier.aclose()


class TestRedisHotTier(HotTierSuite):
    backend = "Redis"

    @pytest.fixture
    async def hot(self, redis_server) -> AsyncIterator[HotTier]:
        tier = RedisHotTier.from_url(redis_server.url)
        await tier.open()
        yield tier
        await tier.aclose()
