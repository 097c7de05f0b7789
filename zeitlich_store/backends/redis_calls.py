"""How the Redis hot tier reaches the server: scripts, reads and staged writes on one thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from ..models import ThreadRef
from . import redis_wire as wire
from .hot_errors import not_hot
from .redis_errors import redis_errors
from .redis_link import RedisLink
from .redis_scripts import Arg

T = TypeVar("T")


class ThreadCalls:
    """Calls on the keys of one thread; foreign exceptions end here."""

    def __init__(self, link: RedisLink, *, clean_ms: int, dirty_ms: int) -> None:
        self._link = link
        self._ttls = (dirty_ms, clean_ms)

    async def script(
        self, name: str, ref: ThreadRef, op: str, *args: Arg, extra: Sequence[str] = ()
    ) -> Any:
        """Run a script on the thread's keys and the `extra` ones: one round trip."""
        keys = [*wire.thread_keys(ref), *extra]
        with redis_errors(name, ref):
            return await self._link.call(name, keys, [op, *self._ttls, *args])

    async def script_and_reads(
        self, name: str, ref: ThreadRef, op: str, *reads: tuple[Arg, ...]
    ) -> list[Any]:
        """Run a script and plain reads in one transaction: one round trip."""
        keys = wire.thread_keys(ref)
        with redis_errors(name, ref):
            return await self._link.call_and_read(name, keys, (op, *self._ttls), reads)

    async def read(
        self, ref: ThreadRef, *reads: tuple[Arg, ...]
    ) -> tuple[wire.Meta | None, list[Any]]:
        """Meta and the replies of `reads`, at one moment, in one round trip."""
        with redis_errors("reading", ref):
            commands = [*wire.meta_reads(wire.thread_keys(ref)), *reads]
            replies = await self._link.read(commands)
            return wire.check_meta(replies, ref), replies[4:]

    async def write(
        self,
        name: str,
        ref: ThreadRef,
        op: str,
        args: Sequence[Arg],
        messages: Sequence[bytes],
        ids: Sequence[tuple[str, int]],
    ) -> Any:
        """Run a script that takes a thread's whole content, staged first where it is large."""
        return await self.publish(name, ref, op, args, messages, wire.id_args(ids))

    async def publish(
        self,
        name: str,
        ref: ThreadRef,
        op: str,
        args: Sequence[Arg],
        messages: Sequence[bytes],
        id_args: Sequence[bytes],
    ) -> Any:
        """`write`, with the ids as ZADD wants them."""
        counts = (len(messages), len(id_args) // 2)
        if wire.fits([*messages, *id_args]):
            return await self.script(name, ref, op, *args, *counts, "", *messages, *id_args)
        stage = await self.stage(ref, messages, id_args)
        return await self.script(name, ref, op, *args, *counts, "1", extra=stage)

    async def stage(
        self,
        ref: ThreadRef,
        items: Sequence[bytes],
        id_args: Sequence[bytes] = (),
        step: int = 1,
    ) -> list[str]:
        """Send what is too large for one command to staging keys, chunk by chunk; the keys."""
        keys, offset = wire.stage_keys(ref), 0
        for part in wire.chunks(items, step):
            await self._stage(ref, keys, offset, len(part), *part)
            offset += len(part)
        for part in wire.chunks(id_args, 2):
            await self._stage(ref, keys, offset, 0, *part)
        return keys

    async def _stage(self, ref: ThreadRef, keys: Sequence[str], offset: int, *args: Arg) -> None:
        with redis_errors("staging", ref):
            await self._link.call("stage", keys, [offset, wire.STAGE_MS, *args])


def hot(ref: ThreadRef, reply: T | None) -> T:
    """A reply that needs the thread hot; `ThreadNotFoundError` where it is not."""
    if reply is None:
        raise not_hot(ref)
    return reply
