"""The hot tier on Redis: four keys a thread, every operation one round trip up to 4 MiB."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Self

import redis.asyncio

from .. import keys as names
from .._secrets import hidden
from ..errors import ConfigurationError
from ..models import (
    Base,
    Entry,
    EvictOutcome,
    HotExport,
    HotInfo,
    HotStatus,
    HotView,
    Outcome,
    Snapshot,
    ThreadRef,
)
from . import redis_scan
from . import redis_wire as wire
from .hot_errors import unplaced
from .redis_calls import ThreadCalls, hot
from .redis_errors import corrupt, damage, redis_errors
from .redis_fork import fork_across
from .redis_link import QuietPool, RedisLink, ServerLink
from .redis_scripts import Arg
from .redis_tls import OPENING
from .redis_wire import thread_keys


class RedisHotTier:
    """Holds hot threads in Redis (6.2 or newer).

    Args:
        client: A `redis.asyncio.Redis` that does not decode responses, or a `RedisLink`.
        ttl_seconds: How long a thread lives in Redis after it was archived or hydrated.
        dirty_ttl_seconds: How long one with changes that are not archived lives after the last.
        owns_client: Whether `aclose` closes the client; a caller's own client stays open.

    Raises:
        ConfigurationError: The client decodes responses.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis | RedisLink,
        *,
        ttl_seconds: int = 86_400,
        dirty_ttl_seconds: int = names.THREAD_TTL_SECONDS,
        owns_client: bool = False,
    ) -> None:
        if isinstance(client, redis.asyncio.Redis):
            client = ServerLink(client)
        if client.decodes:
            raise ConfigurationError(
                "the Redis client decodes responses, which would damage messages; "
                "make it with decode_responses=False"
            )
        self._link = client
        self._owns_client = owns_client
        self._calls = ThreadCalls(
            client, clean_ms=int(ttl_seconds * 1000), dirty_ms=int(dirty_ttl_seconds * 1000)
        )

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        ttl_seconds: int = 86_400,
        dirty_ttl_seconds: int = names.THREAD_TTL_SECONDS,
        **options: Any,
    ) -> Self:
        """A tier with a client of its own; `options` go to redis-py's connection pool."""
        url, options = hidden(url), hidden(options)
        client = redis.asyncio.Redis.from_pool(QuietPool.from_url(url, **options))
        return cls(
            client,
            ttl_seconds=ttl_seconds,
            dirty_ttl_seconds=dirty_ttl_seconds,
            owns_client=True,
        )

    @property
    def client(self) -> Any:
        """redis-py's client, for tools that look at the server itself."""
        return self._link.client

    async def server_info(self) -> Mapping[str, Mapping[str, Any]]:
        """What INFO says, for each server that holds threads, by its address."""
        with redis_errors("reading the server's information"):
            return await self._link.server_info()

    async def open(self) -> None:
        try:
            with redis_errors(OPENING if self._link.tls else "opening the connection"):
                await self._link.open()
        except BaseException:  # closes, raises again
            await self.aclose()
            raise

    async def aclose(self) -> None:
        if self._owns_client:
            await self._link.aclose()

    # -- making a thread hot ---------------------------------------------------------------

    async def status(self, ref: ThreadRef) -> HotStatus:
        hot, gate = await self._calls.script("status", ref, "")
        return HotStatus(bool(hot), wire.gate_text(gate, ref))

    async def initialize(
        self,
        ref: ThreadRef,
        *,
        op: str,
        gate: str,
        replace: bool = False,
        base: Base | None = None,
    ) -> Outcome:
        write_id = base.write_id if base else ""
        args = (gate, "1" if replace else "", *_base_args(base), write_id)
        return Outcome((await self._calls.script("initialize", ref, op, *args)).decode())

    async def fork(
        self, ref: ThreadRef, target: ThreadRef, *, op: str, gate: str | None = None
    ) -> Outcome:
        if not self._link.together(thread_keys(ref)[0], thread_keys(target)[0]):
            return await fork_across(self._calls, ref, target, op=op, gate=gate)
        args = ("0" if gate is None else "1", gate or "")
        reply = await self._calls.script("fork", ref, op, *args, extra=thread_keys(target))
        kind, _, why = reply.decode(errors="replace").partition(" ")
        if kind == "damaged":
            raise damage(target, why) or corrupt(target, why)
        return Outcome(kind)

    async def restore(
        self,
        ref: ThreadRef,
        snapshot: Snapshot,
        *,
        base: Base | None,
        gate: str,
        op: str,
        dirty: bool = False,
    ) -> Outcome:
        args = (
            *(gate, snapshot.write_id, snapshot.lineage, *_base_args(base)),
            *(" ".join(snapshot.ops), wire.encode(snapshot.state or ""), "1" if dirty else "0"),
        )
        messages = [wire.encode(message) for message in snapshot.messages]
        reply = await self._calls.write("restore", ref, op, args, messages, snapshot.ids)
        return Outcome(reply.decode())

    # -- messages --------------------------------------------------------------------------

    async def append(self, ref: ThreadRef, entries: Sequence[Entry], *, op: str) -> int:
        items = [
            part for raw, id_ in entries for part in (wire.encode(id_ or ""), wire.encode(raw))
        ]
        if wire.fits(items):
            reply = await self._calls.script("append", ref, op, "", len(items), *items)
        else:
            stage = await self._calls.stage(ref, items, step=2)
            reply = await self._calls.script("append", ref, op, "1", len(items), extra=stage)
        return int(hot(ref, reply))

    async def load(self, ref: ThreadRef, last: int | None = None) -> list[str]:
        meta, (messages,) = await self._calls.read(ref, _lrange(ref, last))
        hot(ref, meta)
        return wire.decode_all(messages, ref)

    async def length(self, ref: ThreadRef) -> int:
        meta, _ = await self._calls.read(ref)
        return hot(ref, meta).messages

    async def replace_all(self, ref: ThreadRef, entries: Sequence[Entry], *, op: str) -> None:
        ids = [(entry.id, at) for at, entry in enumerate(entries) if entry.id is not None]
        messages = [wire.encode(entry.raw) for entry in entries]
        hot(ref, await self._calls.write("replace", ref, op, (), messages, ids))

    async def truncate_from_id(self, ref: ThreadRef, message_id: str, *, op: str) -> int:
        removed = int(
            hot(ref, await self._calls.script("truncate", ref, op, wire.encode(message_id)))
        )
        if removed < 0:
            raise unplaced(message_id)
        return removed

    # -- state -----------------------------------------------------------------------------

    async def load_state(self, ref: ThreadRef) -> str | None:
        meta, (state,) = await self._calls.read(ref, ("GET", thread_keys(ref)[2]))
        hot(ref, meta)
        return None if state is None else wire.decode(state, ref)

    async def save_state(
        self, ref: ThreadRef, state: str | None, *, op: str, seen: str | None = None
    ) -> bool:
        seen_digest = _sha1(wire.encode(seen)) if seen else ""
        reply = await self._calls.script("state", ref, op, wire.encode(state or ""), seen_digest)
        return bool(hot(ref, reply))

    # -- views -----------------------------------------------------------------------------

    async def read(self, ref: ThreadRef, last: int | None = None) -> HotView | None:
        reads = (_lrange(ref, last), ("GET", thread_keys(ref)[2]))
        meta, (messages, state) = await self._calls.read(ref, *reads)
        if meta is None:
            return None
        text = None if state is None else wire.decode(state, ref)
        return HotView(wire.decode_all(messages, ref), text)

    async def which_hot(self, refs: Sequence[ThreadRef]) -> set[ThreadRef]:
        reads: list[tuple[Arg, ...]] = [("EXISTS", thread_keys(ref)[0]) for ref in refs]
        with redis_errors("listing the threads"):
            replies = await self._link.read_each(reads) if reads else []
        return {ref for ref, reply in zip(refs, replies, strict=True) if reply == 1}

    async def dead_writes(self, refs: Sequence[ThreadRef]) -> Mapping[ThreadRef, AbstractSet[str]]:
        if not refs:
            return {}
        with redis_errors("reading gates"):
            replies = await self._link.read_each(
                [("HGET", names.gate_key(ref), "dead") for ref in refs]
            )
        found = zip(refs, replies, strict=True)
        return {ref: wire.gate_words(words, ref) for ref, words in found if words}

    async def info(self, ref: ThreadRef) -> HotInfo | None:
        meta, (pttl,) = await self._calls.read(ref, ("PTTL", thread_keys(ref)[0]))
        return None if meta is None else redis_scan.info(ref, meta, pttl)

    async def scan(
        self, *, key: str, cursor: str = "", limit: int = 100
    ) -> tuple[list[HotInfo], str]:
        """Threads that expire while they are listed are left out."""
        with redis_errors("listing the threads"):
            return await redis_scan.scan(self._link, key, cursor, limit)

    # -- archiving and removing --------------------------------------------------------------

    async def export(self, ref: ThreadRef) -> HotExport | None:
        _, messages, state, ids = thread_keys(ref)[:4]
        reads: list[tuple[Arg, ...]] = [
            ("LRANGE", messages, 0, -1),
            ("GET", state),
            ("ZRANGE", ids, 0, -1, "WITHSCORES"),
        ]
        attempt = secrets.token_hex(16)
        replies = await self._calls.script_and_reads("export", ref, attempt, *reads)
        return None if replies[0] is None else wire.parse_export(replies, ref)

    async def evict(
        self,
        ref: ThreadRef,
        export: HotExport,
        *,
        base: Base,
        head: str | None,
        keep: bool = False,
    ) -> EvictOutcome:
        args = (export.revision, export.token or "", base.token, base.generation)
        mode = (export.write_id, "1" if keep else "", head or "")
        reply = await self._calls.script("evict", ref, secrets.token_hex(16), *args, *mode)
        return EvictOutcome(reply.decode())

    async def drop(self, ref: ThreadRef, *, op: str, revision: str | None = None) -> bool:
        return bool(await self._calls.script("drop", ref, op, revision or ""))

    async def delete(self, ref: ThreadRef, *, op: str) -> str | None:
        # Of a damaged copy it may be anything; such a token names no version.
        return (await self._calls.script("delete", ref, op)).decode(errors="replace") or None

    async def finish_delete(
        self, ref: ThreadRef, *, op: str, tokens: Sequence[str], write_ids: Sequence[str]
    ) -> None:
        await self._calls.script("finish_delete", ref, op, len(tokens), *tokens, *write_ids)


def _base_args(base: Base | None) -> tuple[Arg, Arg]:
    return (base.token, base.generation) if base else ("", 0)


def _lrange(ref: ThreadRef, last: int | None) -> tuple[Arg, ...]:
    start, stop = (0, -1) if last is None else (-min(last, 1 << 62), -1) if last else (1, 0)
    return ("LRANGE", thread_keys(ref)[1], start, stop)


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
