"""The suites on the tiers a run lends them; collected by `conformance`, by name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from zeitlich_store.protocols import Codec, ColdTier, HotTier, ObjectStore

from .codec_suite import CodecSuite
from .cold_tier_suite import ColdTierSuite
from .conditional_store_suite import ConditionalStoreSuite
from .conformance_tiers import LentCold, LentHot
from .hot_tier_suite import HotTierSuite
from .object_store_suite import ObjectStoreSuite


@pytest.fixture
async def store(lent_cold: LentCold) -> AsyncIterator[ObjectStore]:
    """The object store, open."""
    async with lent_cold.store() as store:
        yield store


@pytest.fixture
async def tier(lent_cold: LentCold) -> AsyncIterator[ColdTier]:
    """The cold tier, open."""
    async with lent_cold.tier() as tier:
        yield tier


class ObjectStoreCase(ObjectStoreSuite):
    """For a store without conditions."""


class ConditionalStoreCase(ConditionalStoreSuite):
    """For a store with conditions."""


class ColdTierCase(ColdTierSuite):
    """For any cold tier."""


class HotTierCase(HotTierSuite):
    """For any hot tier."""

    @pytest.fixture
    async def hot(self, lent_hot: LentHot) -> AsyncIterator[HotTier]:
        """The hot tier, open."""
        async with lent_hot.tier() as tier:
            yield tier


class CodecCase(CodecSuite):
    """For any codec."""

    @pytest.fixture
    def codec(self, lent_codec: Codec) -> Codec:
        """The codec."""
        return lent_codec
