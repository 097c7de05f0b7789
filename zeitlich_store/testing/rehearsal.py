"""One run of a scenario on real tiers: clients take turns, ghosts watch every step.

A failure is repeated by its scenario's name and seed alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple, cast

from zeitlich_store.archive import ObjectArchive
from zeitlich_store.codecs.plain import JsonCodec
from zeitlich_store.messages import MessageFormat
from zeitlich_store.models import ThreadRef
from zeitlich_store.protocols import HotTier, ObjectStore
from zeitlich_store.results import FlushStatus
from zeitlich_store.session import SessionThread
from zeitlich_store.snapshot import v2
from zeitlich_store.transfers import Transfers

from .eyes import Eyes
from .gates import CrashedError, Gate, open_gate
from .ghost_lines import UNKNOWN, Copy, Version
from .ghosts import Ghosts
from .rehearsal_acts import Shadowed, do, message_of, raw_of
from .scenarios import Scenario
from .scheduler import Client, Scheduler

_RERUN: Final = {"flush", "keep", "hydrate", "open", "delete", "resolve", "fork"}
"""Operations a crash may cut, after which a new process does the whole of them again."""
_runs: Final = itertools.count(1)
MakeHot = Callable[[int, Gate], Awaitable[HotTier]]


@dataclass(slots=True)
class Stage:
    """The tiers of many runs: hot tiers by number, their eyes, and where archives lie."""

    make_hot: MakeHot
    eyes: Sequence[Eyes]
    store: ObjectStore
    prefix: str = "rehearsal"


class Report(NamedTuple):
    """How a run went: what was violated, its steps, and how its flushes and clients ended."""

    violations: list[str]
    trace: list[str]
    steps: int
    results: list[str]


@dataclass(slots=True)
class Rehearsal:
    """One seeded run of a scenario."""

    scenario: Scenario
    stage: Stage
    seed: int | str
    ghosts: Ghosts = field(init=False)
    scheduler: Scheduler = field(init=False)
    results: list[str] = field(default_factory=list)
    _run: str = ""
    _heads: dict[str, tuple[bytes, str] | None] = field(default_factory=dict)
    _looked: dict[str, dict[str, tuple[bytes, str] | None]] = field(default_factory=dict)
    """Which archives there were when a client last looked."""
    _fallen: object = None
    _ghosts_then: dict[tuple[int, str], Copy | None] = field(default_factory=dict)
    _tiers: list[HotTier] = field(default_factory=list)

    async def play(self) -> Report:
        """Set the scene, let the clients take turns, look at the end."""
        self._run = f"{self.stage.prefix}-{next(_runs)}"
        scenario = self.scenario
        self.ghosts = Ghosts(
            strong=scenario.strong,
            final=scenario.final,
            may_conflict=scenario.conflict,
            may_truncate=scenario.truncates,
        )
        events = [(name, getattr(self, f"_{name.replace(' ', '_')}")) for name in scenario.events]
        self.scheduler = Scheduler(
            self.seed,
            faults=scenario.faults,
            budget=scenario.budget,
            observe=self._observe,
            events=events,
            in_turn=scenario.in_turn,
        )
        try:
            await self._set_scene()
            await self.scheduler.run([await self._client(n) for n in range(len(scenario.clients))])
            trace = " ".join(self.scheduler.trace)
            died = any(fault in trace for fault in ("[crash]", "[stop]", "[landed late]"))
            self.ghosts.check_end(nobody_died=not died)
            await self._compare_shadow()
        finally:
            await self._clean_up()
        s = self.scheduler
        return Report(self.ghosts.bad, s.trace, s.steps, self.results)

    # -- the scene ---------------------------------------------------------------------------------

    def _ref(self, thread: str) -> ThreadRef:
        return ThreadRef("messages", f"{self._run}-{thread}")

    def _threads(self) -> list[str]:
        return ["t", "u"] if any(" u" in script for script in self.scenario.clients) else ["t"]

    def _redis(self, number: int) -> int:
        return 1 if number in self.scenario.other_redis else 0

    async def _set_scene(self) -> None:
        """Made through the store itself, before anybody watches."""
        for name in self._threads():
            self.ghosts.spec[name] = UNKNOWN
            self._heads[name] = None
        thread = await self._thread(0, open_gate, "t")
        start = self.scenario.start
        if start != "none":
            await thread.initialize()
            await thread.append(message_of("a"))
        if start in {"archived", "clean", "dirty"}:
            await thread.flush(delete_hot=start == "archived")
        if start == "dirty":
            await thread.append(message_of("b"))
        await self._first_look(start)

    async def _first_look(self, start: str) -> None:
        ghosts = self.ghosts
        head = await self.stage.store.get(self._path("t"))
        if head is not None:
            self._heads["t"] = (head.data, head.token or "")
            ghosts.archived(
                "t", _version(head.data, head.token or "", ghosts.lines.new()), chosen=False
            )
        for number, eyes in enumerate(self.stage.eyes):
            for name in self._threads():
                _, ghosts.gates[number, name] = await eyes.look(self._ref(name))
        seen, _ = await self.stage.eyes[0].look(self._ref("t"))
        if start == "none":
            return
        line = ghosts.archive["t"].line if head and ghosts.archive["t"] else 0
        if seen is not None:
            line = ghosts.lines.new(line) if seen.dirty else line
            ghosts.hot[0, "t"] = Copy(seen, line)
            ghosts.must |= {("t", message) for message in seen.messages}
        ghosts.spec["t"] = line

    async def _thread(self, redis: int, gate: Gate, thread: str, client: str = "") -> SessionThread:
        hot = await self.stage.make_hot(redis, gate)
        self._tiers.append(hot)
        store = Shadowed(self.stage.store, gate, partial(self._stored, client))
        archive = ObjectArchive(cast("ObjectStore", store), JsonCodec(), legacy=False)
        return SessionThread(hot, archive, self._ref(thread), MessageFormat(), Transfers())

    def _path(self, thread: str) -> str:
        return ObjectArchive(self.stage.store, JsonCodec()).v2.path(self._ref(thread))

    async def _client(self, number: int) -> tuple[Client, Callable[[], Awaitable[None]]]:
        client = self.scheduler.client("ABCD"[number])
        gate = self.scheduler.gate_of(client)
        threads = {
            name: await self._thread(self._redis(number), gate, name, client.name)
            for name in self._threads()
        }
        return client, lambda: self._act(client, number, threads)

    # -- what clients do ---------------------------------------------------------------------------

    async def _act(self, client: Client, number: int, threads: dict[str, SessionThread]) -> None:
        for step in self.scenario.clients[number].split(", "):
            words = step.split()
            client.may_crash, client.requests = words[0] in _RERUN, 0
            client.doing = step
            while True:
                try:
                    self._ended(client, words, await do(threads, words))
                    break
                except CrashedError as exc:
                    self.ghosts.stopped(client.name)
                    if str(exc) == "stop":
                        return
                    client.requests = 0

    def _ended(self, client: Client, words: list[str], result: object) -> None:
        thread, ghosts = words[1], self.ghosts
        self.results.append(f"{words[0]}: {result}")
        self.scheduler.trace.append(f"{client.name} {' '.join(words)} -> {result}")
        if result == "conflict":
            ghosts.conflicted(thread, client.name)
        elif result in {FlushStatus.ARCHIVED, FlushStatus.CLEAN}:
            ghosts.flushed(thread, client.name)
        elif words[0] == "append" and result == "ok":
            ghosts.appended(thread, raw_of(words[2]))
        elif words[0] == "delete":
            ghosts.deleted(thread, client.name)

    # -- what happens by itself --------------------------------------------------------------------

    async def _expire(self) -> bool:
        copy = self.ghosts.hot.get((0, "t"))
        if copy is None or copy.seen.dirty:
            return False
        await self.stage.eyes[0].expire(self._ref("t"))
        return True

    async def _expire_gate(self) -> bool:
        await self.stage.eyes[0].expire_gate(self._ref("t"))
        return True

    async def _hour(self) -> bool:
        """Longer than any gate lives: whoever stalled all the while is not held up any more."""
        for name in self._threads():
            await self.stage.eyes[0].expire_gate(self._ref(name))
        self.ghosts.forgot()
        return True

    async def _failover(self) -> bool:
        """First a replica stops following, later it takes over."""
        eyes = self.stage.eyes[0]
        if self._fallen is None:
            self._fallen = await eyes.snapshot([self._ref(name) for name in self._threads()])
            self._ghosts_then = {
                (0, name): self.ghosts.hot.get((0, name)) for name in self._threads()
            }
            return False
        await eyes.fall_back(self._fallen)
        self._fallen = None
        self.ghosts.fell_back(self._ghosts_then)
        return True

    # -- watching ----------------------------------------------------------------------------------

    async def _observe(self, client: str, request: str) -> None:
        doing = self.scheduler.doing.split()[0] if self.scheduler.doing else ""
        if request == "store get":
            self._looked[client] = dict(self._heads)
        for number, eyes in enumerate(self.stage.eyes):
            for name in self._threads():
                seen, gate = await eyes.look(self._ref(name))
                self.ghosts.hot_is((number, name), seen, gate, request, client, doing)
        before = len(self.ghosts.bad)
        self.ghosts.check()
        self.scheduler.trace += [f"!! {violation}" for violation in self.ghosts.bad[before:]]

    def _stored(self, client: str, path: str, head: tuple[bytes, str] | None) -> None:
        """An object was put or removed by a client."""
        if not client:  # the scene is being set
            self._heads[self._name_of(path)] = head
            return
        thread = self._name_of(path)
        old, self._heads[thread] = self._heads[thread], head
        doing = self.scheduler.doing
        if head is None:
            undone = doing.startswith(("flush", "keep", "resolve"))
            self.ghosts.removed(thread, by_user=doing.startswith("delete"), undone=undone)
        else:
            word = doing.startswith("resolve") and doing.endswith("hot")
            chosen = word and self._looked.get(client, {}).get(thread) == old
            self.ghosts.archived(thread, _version(*head, 0), chosen=chosen)

    def _name_of(self, path: str) -> str:
        return next(name for name in self._threads() if self._path(name) == path)

    async def _compare_shadow(self) -> None:
        """What the store holds at the end is what it was seen to be given."""
        for name in self._threads():
            found = await self.stage.store.get(self._path(name))
            head = self._heads[name]
            if (found and found.data) != (head and head[0]):
                self.ghosts.bad.append("the store does not hold what was put")

    async def _clean_up(self) -> None:
        for name in self._threads():
            if self._heads.get(name) is not None:
                await self.stage.store.delete(self._path(name))
            for eyes in self.stage.eyes:
                await eyes.expire(self._ref(name))
                await eyes.expire_gate(self._ref(name))
        for tier in self._tiers:
            await tier.aclose()


def _version(data: bytes, token: str, line: int) -> Version:
    snapshot = v2.parse(data, [JsonCodec()], max_bytes=1 << 20).snapshot
    content = snapshot.messages, snapshot.state
    return Version(f"v2:{token}", snapshot.write_id, snapshot.generation, *content, line)
