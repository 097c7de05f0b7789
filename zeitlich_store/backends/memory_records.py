"""What the memory hot tier holds: one record a thread, one gate a thread."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ..models import Base, Entry, HotExport, HotInfo, Snapshot, ThreadRef

OPS: Final = 64
"""How many operation ids of a thread are remembered."""
ATTEMPTS: Final = 128
"""How many write ids of a thread's flush attempts are remembered."""
GATE_SECONDS: Final = 3600.0
"""How long a gate outlives the hot copy."""
DEAD: Final = 256
"""How many dead write ids a gate lists."""


@dataclass(slots=True)
class Gate:
    """Outlives a hot copy, so that a stalled step sees that the world moved on."""

    nonce: str
    dead: list[str]
    expires_at: float
    deleted: bool
    past: list[str]
    """Flushes of copies that were given up: their puts may still land, until a delete."""
    doomed: str = ""
    """Write id of the version that a delete goes on to remove."""
    landed: list[str] = field(default_factory=list)
    """Attempts that have archived the thread: a put, sent twice, may land again."""
    behind: list[str] = field(default_factory=list)
    """Those of them that a delete leaves behind."""
    answers: dict[str, str | None] = field(default_factory=dict)
    """What each delete and drop answered, by operation id."""


class Gates:
    """The gates of a tier's threads; those that have expired are swept now and then."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._gates: dict[ThreadRef, Gate] = {}
        self._sweep_at = 1024

    def nonce(self, ref: ThreadRef) -> str:
        """The thread's gate as `status` reports it, "" where there is none."""
        gate = self._find(ref)
        return gate.nonce if gate else ""

    def dead(self, ref: ThreadRef) -> Sequence[str]:
        """Write ids of the thread whose put must not count any more."""
        gate = self._find(ref)
        return gate.dead if gate else ()

    def deleted(self, ref: ThreadRef) -> bool:
        """Whether the last thing that happened to the thread was its deletion."""
        gate = self._find(ref)
        return gate is not None and gate.deleted

    def must_not_count(self, ref: ThreadRef, write_id: str) -> bool:
        """Whether a put that landed is one of those that must not count."""
        gate = self._find(ref)
        return gate is not None and (
            write_id in gate.dead or (gate.deleted and write_id in {gate.doomed, *gate.behind})
        )

    def answers(self, ref: ThreadRef) -> dict[str, str | None]:
        """What deletes and drops of the last hour answered; a new one is noted here."""
        gate = self._find(ref)
        return gate.answers if gate else {}

    def past(self, ref: ThreadRef) -> Sequence[str]:
        """Write ids of flushes under way when a copy was given up."""
        gate = self._find(ref)
        return gate.past if gate else ()

    def give_up(self, ref: ThreadRef, record: Record) -> None:
        """Remember the flushes under way of a copy that is given up; the nonce stays."""
        gate = self._find(ref) or Gate("", [], 0.0, deleted=False, past=[])
        gate.past = remember(gate.past, record.under_way(), DEAD)
        gate.expires_at = max(gate.expires_at, self._clock() + GATE_SECONDS)
        self._gates[ref] = gate

    def archived(
        self,
        ref: ThreadRef,
        dead: Iterable[str],
        write_id: str | None,
        seconds: float = GATE_SECONDS,
    ) -> None:
        """`close`, and note the attempt that has archived the thread (None: it was clean)."""
        self.close(ref, dead, seconds)
        if write_id:
            self._gates[ref].landed = remember(self._gates[ref].landed, [write_id], ATTEMPTS)

    def leave_behind(self, ref: ThreadRef) -> None:
        """A delete begins: what was archived before must not count once it has ended."""
        gate = self._gates[ref]
        gate.behind, gate.landed = remember(gate.behind, gate.landed, DEAD), []

    def behind(self, ref: ThreadRef) -> Sequence[str]:
        """Write ids that deletes have left behind."""
        gate = self._find(ref)
        return gate.behind if gate else ()

    def close(
        self,
        ref: ThreadRef,
        dead: Iterable[str],
        seconds: float = GATE_SECONDS,
        *,
        deleted: bool = False,
        doomed: str = "",
    ) -> None:
        """Set a new random nonce and add dead write ids; an expiry only grows."""
        old, until = self._find(ref), self._clock() + seconds
        words = remember(self.dead(ref), list(dead), DEAD)
        until = max(until, old.expires_at if old else until)
        new = Gate(secrets.token_hex(16), words, until, deleted, [], doomed)
        if old:
            new.past, new.doomed = old.past, doomed or old.doomed
            new.landed, new.behind, new.answers = old.landed, old.behind, old.answers
        self._gates[ref] = new
        if len(self._gates) >= self._sweep_at:
            self._gates = {r: gate for r, gate in self._gates.items() if self._alive(gate)}
            self._sweep_at = max(1024, 2 * len(self._gates))

    def clear(self) -> None:
        """Forget every gate."""
        self._gates.clear()

    def _find(self, ref: ThreadRef) -> Gate | None:
        gate = self._gates.get(ref)
        return gate if gate and self._alive(gate) else None

    def _alive(self, gate: Gate) -> bool:
        return gate.expires_at > self._clock()


@dataclass(slots=True)
class Record:
    """A hot thread. `expires_at` is in seconds of the tier's clock."""

    incarnation: str
    messages: list[str] = field(default_factory=list)
    state: str | None = None
    ids: dict[str, int] = field(default_factory=dict)
    counter: int = 0
    lineage: str = ""
    token: str | None = None
    generation: int = 0
    dirty: bool = True
    pending: list[str] = field(default_factory=list)
    ops: dict[str, int] = field(default_factory=dict)
    dead: list[str] = field(default_factory=list)
    fork_of: str | None = None
    exports: int = 0
    head: str = ""
    """Write id of the base, where it is known."""
    expires_at: float = 0.0

    @property
    def revision(self) -> str:
        """Incarnation and counter, always compared whole."""
        return f"{self.incarnation}:{self.counter}"

    def commit(self, op: str, reply: int) -> int:
        """End a change: counter, dirty mark, the operation id with its reply."""
        self.counter += 1
        self.dirty = True
        self.ops[op] = reply
        while len(self.ops) > OPS:
            del self.ops[next(iter(self.ops))]
        return reply

    def set_base(self, base: Base | None) -> None:
        """Remember which archive version this copy contains."""
        self.token = base.token if base else None
        self.generation = base.generation if base else 0
        self.head = base.write_id if base else ""

    def under_way(self) -> list[str]:
        """Attempts that may still write; the base, which is in the archive, is none."""
        return [write_id for write_id in self.pending if write_id != self.head]

    def append(self, entries: Iterable[Entry]) -> int:
        """Append the entries whose id is not there yet; the number appended."""
        before = len(self.messages)
        for raw, message_id in entries:
            if message_id is not None:
                if message_id in self.ids:
                    continue
                self.ids[message_id] = len(self.messages)
            self.messages.append(raw)
        return len(self.messages) - before

    def truncate(self, at: int) -> int:
        """Remove the messages from index `at` on, and their ids; the number removed."""
        removed = len(self.messages) - at
        del self.messages[at:]
        self.ids = {name: index for name, index in self.ids.items() if index < at}
        return removed

    def snapshot(self) -> Snapshot:
        """The content as a cold tier keeps it."""
        return Snapshot(
            messages=tuple(self.messages),
            state=self.state,
            ids=tuple(sorted(self.ids.items(), key=lambda pair: (pair[1], pair[0]))),
            lineage=self.lineage,
            generation=self.generation,
            ops=tuple(f"{op}={reply}" for op, reply in self.ops.items()),
        )

    def export(self, write_id: str) -> HotExport:
        """Everything, with this attempt noted in `pending`."""
        self.pending = remember(self.pending, [write_id], ATTEMPTS)
        return HotExport(
            snapshot=self.snapshot(),
            write_id=write_id,
            revision=self.revision,
            token=self.token,
            generation=self.generation,
            dirty=self.dirty,
            pending=tuple(self.pending),
            dead=tuple(self.dead),
        )

    def info(self, ref: ThreadRef, now: float) -> HotInfo:
        """A listing row."""
        return HotInfo(
            ref=ref,
            messages=len(self.messages),
            dirty=self.dirty,
            generation=self.generation,
            revision=self.revision,
            token=self.token,
            expires_in=self.expires_at - now,
        )


def parse_ops(ops: Sequence[str]) -> dict[str, int]:
    """Operation ids with their replies, as `Record.snapshot` writes them."""
    return {op: int(reply or 0) for op, _, reply in (entry.partition("=") for entry in ops)}


def remember(words: Sequence[str], new: Iterable[str], limit: int) -> list[str]:
    """The last `limit` of `words` and then `new`, each once."""
    return list(dict.fromkeys([*(w for w in words if w not in set(new)), *new]))[-limit:]


def tail(messages: list[str], last: int | None) -> list[str]:
    """The last of the messages, or (None) a copy of them all."""
    return messages[-last:] if last else [] if last == 0 else list(messages)
