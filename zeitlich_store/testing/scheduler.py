"""Clients that take turns, one request at a time, in an order drawn from a seed.

Every request of every client waits at a gate until the scheduler lets it pass, and the next is
chosen only when that client waits again or has ended. So a run is a sequence of choices, the seed
gives it back, and nothing depends on how fast a server answers.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from .gates import CrashedError, Gate, Send

Fault = Literal["", "lost", "late", "crash", "stop"]
Observe = Callable[[str, str], Awaitable[None]]
READS: Final = frozenset({"store get", "store get_range", "redis status", "redis export"})
"""Requests that change nothing, so that landing late means nothing."""


@dataclass(slots=True)
class Waiting:
    """A request at the gate."""

    request: str
    send: Send
    turn: asyncio.Future[Fault]


@dataclass(slots=True)
class Client:
    """A client in its own task; `may_crash` while it does what a new process may do again."""

    name: str
    doing: str = ""
    may_crash: bool = False
    requests: int = 0
    waiting: Waiting | None = None
    task: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether it has more to do."""
        return self.task is not None and not self.task.done()


@dataclass(slots=True)
class Scheduler:
    """Runs clients step by step.

    Args:
        seed: Gives the order and the faults back.
        faults: Which may happen to a request.
        budget: How many may happen in a run, those of `events` included.
        observe: Awaited after every step with the client's name and the request.
        events: What the world may do by itself; each returns False where it cannot happen now.
        in_turn: Each client begins when the one before it has ended.
    """

    seed: int | str
    faults: Sequence[Fault] = ()
    budget: int = 0
    observe: Observe | None = None
    events: Sequence[tuple[str, Callable[[], Awaitable[bool]]]] = ()
    in_turn: bool = False
    trace: list[str] = field(default_factory=list)
    steps: int = 0
    doing: str = ""
    """What the client was doing when it sent the request that takes effect now."""
    clients: list[Client] = field(default_factory=list)
    _late: list[tuple[Client, str, str, Send]] = field(default_factory=list)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)
    _random: random.Random = field(default_factory=random.Random)
    _stay: float = 0.0

    def client(self, name: str) -> Client:
        """A new client; its gate is `gate_of`."""
        made = Client(name)
        self.clients.append(made)
        return made

    def gate_of(self, client: Client) -> Gate:
        """The gate all requests of a client pass."""
        return lambda request, send: self._pass(client, request, send)

    async def _pass(self, client: Client, request: str, send: Send) -> Any:
        if client.task is not asyncio.current_task():
            return await send()  # setting up, or cleaning up: not part of the run
        while True:
            turn: asyncio.Future[Fault] = asyncio.get_running_loop().create_future()
            client.waiting = Waiting(request, send, turn)
            self._moved.set()
            fault = await turn
            client.requests += 1
            if fault in {"crash", "stop"}:
                raise CrashedError(fault)
            if fault == "late":
                self._late.append((client, client.doing, request, send))
                continue
            self.doing = client.doing
            try:
                reply = await send()
            except Exception:
                await self._seen(client.name, request, fault)
                if fault == "lost":
                    continue
                raise
            await self._seen(client.name, request, fault)
            if fault != "lost":
                return reply

    async def _seen(self, name: str, request: str, fault: str) -> None:
        self.trace.append(f"{name} {request}{f' [{fault}]' if fault else ''}")
        if self.observe is not None:
            await self.observe(name, request)

    # -- the run -----------------------------------------------------------------------------------

    async def run(self, work: Sequence[tuple[Client, Callable[[], Awaitable[None]]]]) -> None:
        """Start every client's work and let them take turns until all have ended."""
        self._random = random.Random(str(self.seed))  # noqa: S311  # repeatable on purpose
        self._stay = self._random.choice([0.0, 0.0, 0.5, 0.8])
        for client, start in work:
            client.task = asyncio.create_task(self._start(start))
        try:
            last: Client | None = None
            while await self._settled():
                last = await self._step(last)
        finally:
            await self._end()

    @staticmethod
    async def _start(start: Callable[[], Awaitable[None]]) -> None:
        await start()

    async def _settled(self) -> bool:
        """Wait until every client is at the gate or has ended; whether one is left."""
        while any(c.alive and c.waiting is None for c in self.clients):
            self._moved.clear()
            running = [c.task for c in self.clients if c.task and c.alive and c.waiting is None]
            moved = asyncio.ensure_future(self._moved.wait())
            await asyncio.wait([moved, *running], return_when=asyncio.FIRST_COMPLETED)
            moved.cancel()
        for client in self.clients:
            if client.task and client.task.done():
                client.task.result()
        return any(c.alive for c in self.clients) or bool(self._late)

    async def _step(self, last: Client | None) -> Client | None:
        self.steps += 1
        if self.budget and self._random.random() < 0.12 and await self._event():
            return last
        ready = [c for c in self.clients if c.alive]
        if self.in_turn:
            ready = ready[:1]
        if self._late and (not ready or self._random.random() < 0.2):
            await self._land()
            return last
        if last in ready and self._random.random() < self._stay:
            ready = [last]
        client = self._random.choice(ready)
        waiting, client.waiting = client.waiting, None
        if waiting is not None:
            waiting.turn.set_result(self._fault(client, waiting.request))
        return client

    def _fault(self, client: Client, request: str) -> Fault:
        if not self.budget or not self.faults or self._random.random() > 0.2:
            return ""
        fault = self._random.choice(list(self.faults))
        if fault in {"crash", "stop"} and not (client.may_crash and client.requests):
            return ""
        if fault == "late" and request in READS:
            return ""
        self.budget -= 1
        if fault in {"crash", "stop"}:
            self.trace.append(f"{client.name} [{fault}] before {request}")
        return fault

    async def _event(self) -> bool:
        if not self.events:
            return False
        name, happen = self._random.choice(list(self.events))
        if not await happen():
            return False
        self.budget -= 1
        await self._seen("world", name, "")
        return True

    async def _land(self) -> None:
        """A request whose client has long sent it again arrives."""
        late = self._late.pop(self._random.randrange(len(self._late)))
        client, self.doing, request, send = late
        with suppress(Exception):  # nobody waits for its answer
            await send()
        await self._seen(client.name, request, "landed late")

    async def _end(self) -> None:
        tasks = [c.task for c in self.clients if c.task and not c.task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
