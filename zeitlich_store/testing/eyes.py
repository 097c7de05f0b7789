"""Looking at what tiers really hold, past all protocol, and making the world happen to them."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import redis.asyncio

from zeitlich_store.backends.memory_hot import MemoryHotTier
from zeitlich_store.backends.memory_records import Gate, Record
from zeitlich_store.backends.redis_wire import thread_keys
from zeitlich_store.models import ThreadRef


class HotSeen(NamedTuple):
    """A hot copy as it lies there."""

    incarnation: str
    counter: int
    messages: tuple[str, ...]
    state: str
    token: str
    dirty: bool
    pending: tuple[str, ...]


class GateSeen(NamedTuple):
    """A gate: its nonce ("" for none) and the write ids that must not count."""

    nonce: str
    dead: frozenset[str]


class Eyes(Protocol):
    """Sees a hot tier and can do to it what servers do."""

    async def look(self, ref: ThreadRef) -> tuple[HotSeen | None, GateSeen]:
        """The hot copy and the gate."""

    async def expire(self, ref: ThreadRef) -> None:
        """The hot copy's time is up."""

    async def expire_gate(self, ref: ThreadRef) -> None:
        """The gate's time is up."""

    async def snapshot(self, refs: Iterable[ThreadRef]) -> object:
        """What a replica that stops following would hold."""

    async def fall_back(self, snapshot: object) -> None:
        """That replica takes over."""


class RedisEyes:
    """Of a real server, with a client of their own."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client

    async def look(self, ref: ThreadRef) -> tuple[HotSeen | None, GateSeen]:
        """One round trip."""
        meta, messages, state, _, gate = thread_keys(ref)
        pipe = self._client.pipeline(transaction=True)
        pipe.hgetall(meta)
        pipe.lrange(messages, 0, -1)
        pipe.get(state)
        pipe.hmget(gate, "nonce", "dead")
        fields, raws, text, (nonce, dead) = await pipe.execute()
        closed = GateSeen((nonce or b"").decode(), frozenset((dead or b"").decode().split()))
        if not fields:
            return None, closed
        m = {name.decode(): value.decode() for name, value in fields.items()}
        seen = HotSeen(
            m["inc"],
            int(m["ctr"]),
            tuple(raw.decode("utf-8", "surrogatepass") for raw in raws),
            (text or b"").decode(),
            m["token"],
            m["dirty"] == "1",
            tuple(m["pending"].split()),
        )
        return seen, closed

    async def expire(self, ref: ThreadRef) -> None:
        """The four keys go together."""
        await self._client.unlink(*thread_keys(ref)[:4])

    async def expire_gate(self, ref: ThreadRef) -> None:
        """The gate goes."""
        await self._client.unlink(thread_keys(ref)[4])

    async def snapshot(self, refs: Iterable[ThreadRef]) -> object:
        """Every key of the threads, as the server dumps it."""
        keys = [key for ref in refs for key in thread_keys(ref)]
        return {key: await self._client.dump(key) for key in keys}

    async def fall_back(self, snapshot: object) -> None:
        """Every key as it was."""
        assert isinstance(snapshot, dict)
        pipe = self._client.pipeline(transaction=True)
        for key, data in snapshot.items():
            pipe.unlink(key)
            if data is not None:
                pipe.restore(key, 0, data)
        await pipe.execute()


class MemoryEyes:
    """Of the memory hot tier."""

    def __init__(self, tier: MemoryHotTier) -> None:
        self._tier: Any = tier  # tests may look inside

    async def look(self, ref: ThreadRef) -> tuple[HotSeen | None, GateSeen]:
        """No request at all."""
        record: Record | None = self._tier._find(ref)  # noqa: SLF001  # tests may look inside
        gates = self._tier._gates  # noqa: SLF001  # as above
        closed = GateSeen(gates.nonce(ref), frozenset(gates.dead(ref)))
        if record is None:
            return None, closed
        seen = HotSeen(
            record.incarnation,
            record.counter,
            tuple(record.messages),
            record.state or "",
            record.token or "",
            record.dirty,
            tuple(record.pending),
        )
        return seen, closed

    async def expire(self, ref: ThreadRef) -> None:
        """The record goes."""
        self._tier._records.pop(ref, None)  # noqa: SLF001  # as above

    async def expire_gate(self, ref: ThreadRef) -> None:
        """The gate goes."""
        self._gates().pop(ref, None)

    async def snapshot(self, refs: Iterable[ThreadRef]) -> object:
        """Copies of all records and gates."""
        del refs
        return copy.deepcopy((self._tier._records, self._gates()))  # noqa: SLF001  # as above

    async def fall_back(self, snapshot: object) -> None:
        """Records and gates as they were."""
        assert isinstance(snapshot, tuple)
        self._tier._records = copy.deepcopy(snapshot[0])  # noqa: SLF001  # as above
        self._gates().clear()
        self._gates().update(copy.deepcopy(snapshot[1]))

    def _gates(self) -> dict[ThreadRef, Gate]:
        gates: dict[ThreadRef, Gate] = self._tier._gates._gates  # noqa: SLF001  # as above
        return gates
