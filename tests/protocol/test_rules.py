"""Without any one rule of the commit protocol, its scenario finds the loss: the tests have teeth.

A seed finds it at once as long as clients send the same requests; where they do not any more, the
next ones are tried.
"""

import pytest

from zeitlich_store.backends.local_cold import LocalObjectStore

from .knockouts import RULES
from .stages import RedisStage, rehearse

TRIES = 4000


@pytest.mark.parametrize("rule", RULES)
async def test_without_the_rule_its_scenarios_find_the_loss(
    rule, redis_server, tmp_path, monkeypatch
):
    RULES[rule].apply(monkeypatch)
    store = LocalObjectStore(tmp_path)
    await store.open()
    async with RedisStage(redis_server, store) as stage:
        for name, seed in RULES[rule].found.items():
            assert await _finds(stage, name, seed), f"{name} does not miss the rule: {rule}"


async def _finds(stage, name, first):
    for seed in (first, *range(TRIES)):
        ((_, report),) = await rehearse(stage, name, [seed])
        if report.violations:
            return True
    return False
