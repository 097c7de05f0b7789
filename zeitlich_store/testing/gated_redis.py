"""A Redis client whose every request, a command or a transaction, passes a gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import redis.asyncio
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from zeitlich_store.backends import redis_scripts
from zeitlich_store.backends.redis_hot import RedisHotTier

from .gates import Gate, open_gate

_SCRIPTS: Final = {"EVALSHA", "EVAL"}


class GatedRedis(redis.asyncio.Redis):
    """A client of a real server; what a gate sends twice goes over the wire twice, unchanged."""

    gate: Gate = staticmethod(open_gate)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """One command, one request."""

        async def send() -> Any:
            return await super(GatedRedis, self).execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py's own

        return await self.gate(f"redis {_name(args)}", send)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:  # noqa: FBT001, FBT002  # redis-py's signature
        """One transaction, one request."""
        made = _GatedPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )
        made.gate = self.gate
        return made


class _GatedPipeline(Pipeline):
    gate: Gate = staticmethod(open_gate)

    async def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002  # redis-py's signature
        """Send what was queued; the queue is kept, since a gate may send it twice."""
        queued = list(self.command_stack)

        async def send() -> Any:
            self.command_stack = list(queued)
            return await Pipeline.execute(self, raise_on_error)

        replies: list[Any] = await self.gate(f"redis {_name(queued[0][0])}", send)
        return replies


def gated_redis_tier(url: str, gate: Gate, **options: Any) -> RedisHotTier:
    """A hot tier on a client of its own behind a gate."""
    client = cast("GatedRedis", GatedRedis.from_url(url, retry=Retry(NoBackoff(), 0), **options))
    client.gate = gate
    return RedisHotTier(client, owns_client=True)


def _name(args: Sequence[Any]) -> str:
    """The script's name, else the command's."""
    command = str(args[0]).upper()
    if command not in _SCRIPTS:
        return command.lower()
    text = str(args[1])
    known = {redis_scripts.digest(name): name for name in redis_scripts.NAMES}
    return known.get(text, "script")
