"""What every hot tier must do. Subclass `HotTierSuite` and give it a `hot` fixture.

::

    class TestMyHotTier(HotTierSuite):
        @pytest.fixture
        async def hot(self) -> AsyncIterator[HotTier]:
            tier = MyHotTier()
            await tier.open()
            yield tier
            await tier.aclose()

The tests are coroutines (pytest-asyncio in its auto mode runs them) and use thread ids of their
own, so that a server may be shared and needs no cleaning up. Time is not part of it: what expires
when is each tier's own test.
"""

from __future__ import annotations

import pytest

from zeitlich_store.protocols import HotTier

from .hot_suite_archiving import EvictPromises, ExportPromises
from .hot_suite_life import ForkPromises, InitializePromises, RestorePromises
from .hot_suite_messages import MessagePromises, ResendPromises, StatePromises
from .hot_suite_removal import GatePromises, RemovalPromises
from .hot_suite_texts import SizePromises, TextPromises
from .hot_suite_views import ScanPromises, ViewPromises


class HotTierSuite(
    MessagePromises,
    StatePromises,
    ResendPromises,
    InitializePromises,
    ForkPromises,
    RestorePromises,
    ExportPromises,
    EvictPromises,
    GatePromises,
    RemovalPromises,
    ViewPromises,
    ScanPromises,
    TextPromises,
    SizePromises,
):
    """The promises of `zeitlich_store.protocols.HotTier`."""

    @pytest.fixture
    def hot(self) -> HotTier:
        """An opened hot tier; a subclass overrides this."""
        raise NotImplementedError("give the suite a `hot` fixture")
