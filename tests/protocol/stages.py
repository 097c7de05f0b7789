"""Where rehearsals run: hot tiers in memory or on a real Redis, archives anywhere."""

import uuid

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from zeitlich_store.backends import redis_scripts
from zeitlich_store.backends.memory_cold import MemoryObjectStore
from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.backends.redis_hot import RedisHotTier
from zeitlich_store.testing.eyes import MemoryEyes, RedisEyes
from zeitlich_store.testing.gated_redis import GatedRedis
from zeitlich_store.testing.gated_tiers import GatedHotTier
from zeitlich_store.testing.rehearsal import Rehearsal, Stage
from zeitlich_store.testing.scenarios import SCENARIOS


def memory_stage(store=None):
    tiers = [MemoryHotTier(), MemoryHotTier()]

    async def make_hot(number, gate):
        return _Lasting(tiers[number], gate)

    eyes = [MemoryEyes(tier) for tier in tiers]
    return Stage(make_hot, eyes, store or MemoryObjectStore(uuid.uuid4().hex))


class _Lasting(GatedHotTier):
    """The records outlive a client, as they do on a server."""

    async def aclose(self):
        pass


class RedisStage:
    """Two databases of one real server: two hot tiers that know nothing of each other."""

    def __init__(self, server, store):
        self._server, self._store = server, store

    async def __aenter__(self):
        urls = [f"redis://{self._server.host}:{self._server.port}/{db}" for db in (1, 2)]
        self._pools = [
            redis.asyncio.ConnectionPool.from_url(url, retry=Retry(NoBackoff(), 0)) for url in urls
        ]
        eyes = [redis.asyncio.Redis(connection_pool=pool) for pool in self._pools]
        await redis_scripts.load_all(eyes[0])
        prefix = uuid.uuid4().hex[:12]
        return Stage(self._make_hot, [RedisEyes(eye) for eye in eyes], self._store, prefix)

    async def __aexit__(self, *_):
        for pool in self._pools:
            await pool.aclose()

    async def _make_hot(self, number, gate):
        client = GatedRedis(connection_pool=self._pools[number])
        client.gate = gate
        return RedisHotTier(client)


async def rehearse(stage, name, seeds):
    """Reports of a scenario's runs; a failing one is repeated by its name and seed."""
    return [
        (seed, await Rehearsal(SCENARIOS[name], stage, f"{name}-{seed}").play()) for seed in seeds
    ]


def violations(reports):
    """What was violated, each with the first seed and its steps, fit to be read."""
    found = {}
    for seed, report in reports:
        for violation in report.violations:
            found.setdefault(
                violation, f"{violation}, seed {seed}:\n  " + "\n  ".join(report.trace)
            )
    return "\n".join(found.values())
