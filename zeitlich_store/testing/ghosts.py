"""What must be true of a thread in two tiers, whatever happens, checked after every step.

Ghosts are what an all-knowing observer would remember: which changes each copy and each archive
version is made of. They see the tiers as they are, never what a client believes.

* I1 an acknowledged message is in some tier, once, and readers see the newest thread
* I2 no version is replaced by one that does not contain it, generations grow, and a hot copy
  contains the version its token names
* I3 after a conflict the hot version is still there
* I4 a flush that says so has archived what it exported
* I5 a conflict needs another writer
* I6 a deleted thread stays deleted
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .eyes import GateSeen, HotSeen
from .ghost_lines import UNKNOWN, Copy, Line, Place, Unknown, Version


@dataclass(slots=True)
class Ghosts:
    """The observer's memory.

    `strong`: one hot tier that has forgotten nothing, so that readers always see the newest thread.
    `final`: a delete is the last word. It is not where another hot tier knows of copies and puts
    of which this one does not. Both end when a hot tier forgets its gates.
    """

    strong: bool = True
    final: bool = True
    may_conflict: bool = False
    may_truncate: bool = False
    lines: Line = field(default_factory=Line)
    hot: dict[Place, Copy | None] = field(default_factory=dict)
    gates: dict[Place, GateSeen] = field(default_factory=dict)
    archive: dict[str, Version | None] = field(default_factory=dict)
    spec: dict[str, int | Unknown | None] = field(default_factory=dict)
    must: set[tuple[str, str]] = field(default_factory=set)
    exports: dict[str, tuple[int, frozenset[str]]] = field(default_factory=dict)
    last_export: dict[str, str] = field(default_factory=dict)
    excused: bool = False
    bad: list[str] = field(default_factory=list)
    _begun: dict[str, int] = field(default_factory=dict)
    """How often each thread was begun, and how often it had been when a client began to delete."""
    _begun_then: dict[str, int] = field(default_factory=dict)
    _struck: set[str] = field(default_factory=set)
    """Threads that a delete has ever removed from a hot tier."""
    _deleting: dict[str, str] = field(default_factory=dict)
    """Clients in the midst of a delete: what they have not removed yet, others may."""

    # -- what happened to a hot copy -----------------------------------------------------------

    def hot_is(
        self,
        place: Place,
        seen: HotSeen | None,
        gate: GateSeen,
        request: str,
        client: str,
        doing: str = "",
    ) -> None:
        """A hot tier was looked at after `request`, a part of what the client was `doing`."""
        old = self.hot.get(place)
        if request in {"redis delete", "redis finish_delete"}:
            self.excused = True
        if request == "redis delete" and gate.nonce != self.gates.get(place, gate).nonce:
            self.spec[place[1]] = UNKNOWN
            self._begun_then[client] = self._begun.get(place[1], 0)
            self._deleting[client] = place[1]
            self._struck.add(place[1])
        self.gates[place] = gate
        if seen is None:
            if old and request == "redis drop" and doing == "resolve":
                self._resolved(old, client)
            self._gone(place, old, request)
        elif old is None:
            self._made(place, seen, request, anew=doing == "new")
        elif old.seen.incarnation != seen.incarnation:
            self._replaced(place, old, seen)
        else:
            self._changed(place, old, seen)
        self._exported(place, old, client)

    def _gone(self, place: Place, old: Copy | None, request: str) -> None:
        self.hot[place] = None
        if old is None or request not in {"redis drop", "redis delete", "redis finish_delete"}:
            return
        self.forgive(place[1], old.seen.messages)
        self.spec[place[1]] = UNKNOWN

    def _resolved(self, old: Copy, client: str) -> None:
        if old.line != self.exports[self.last_export[client]][0]:
            self.bad.append("I3 a resolve dropped a change that it had not seen")

    def _made(self, place: Place, seen: HotSeen, request: str, *, anew: bool) -> None:
        head = self.archive.get(place[1])
        if request == "redis restore" and head and head.token == seen.token:
            line = head.line
        elif request == "redis fork":
            source = self.hot.get((place[0], "t"))
            line = self.lines.new(source.line if source else 0)
            self.must |= {(place[1], message) for message in seen.messages}
        else:
            line = self._known(seen.token) if request == "redis restore" else self.lines.new()
        hides = request in {"redis initialize", "redis fork"} and not anew
        given_up = self.spec.get(place[1]) == UNKNOWN
        if self.strong and hides and head and self.counts(place, head) and not given_up:
            self.bad.append("I1 a new thread hides the archived one")
        over = frozenset([seen.token]) if anew and seen.token else frozenset[str]()
        self.hot[place] = Copy(seen, line, over)
        if request != "redis restore":
            self._begin(place[1], line)

    def _known(self, token: str) -> int:
        """The line of a version that is not the head any more."""
        return self._tokens.get(token, 0)

    def _replaced(self, place: Place, old: Copy, seen: HotSeen) -> None:
        over = frozenset([seen.token]) if seen.token else frozenset[str]()
        line = self.lines.new()
        self.hot[place] = Copy(seen, line, over)
        self.forgive(place[1], old.seen.messages)
        self._begin(place[1], line)

    def _begin(self, thread: str, line: int) -> None:
        self.spec[thread] = line
        self._begun[thread] = self._begun.get(thread, 0) + 1

    def _changed(self, place: Place, old: Copy, seen: HotSeen) -> None:
        thread = place[1]
        line = old.line
        if seen.counter != old.seen.counter:
            line = self.lines.new(old.line)
            self._follow(thread, line)
            self.must |= {(thread, m) for m in seen.messages if m not in old.seen.messages}
            cut = set(old.seen.messages) - set(seen.messages)
            self.must -= {(thread, message) for message in cut}
        self.hot[place] = replace(old, seen=seen, line=line)

    def _follow(self, thread: str, line: int) -> None:
        if self.spec.get(thread) is None:
            self.bad.append("I6 a deleted thread is hot again and takes a change")
        elif self.spec[thread] != UNKNOWN:
            self.spec[thread] = line

    def _exported(self, place: Place, old: Copy | None, client: str) -> None:
        copy = self.hot.get(place)
        if copy is None:
            return
        for write_id in copy.seen.pending:
            if old is None or write_id not in old.seen.pending:
                self.exports[write_id] = (copy.line, copy.over)
                self.last_export[client] = write_id

    # -- what happened to an archive -----------------------------------------------------------

    _tokens: dict[str, int] = field(default_factory=dict)

    def archived(self, thread: str, version: Version, *, chosen: bool) -> None:
        """A version was put. `chosen`: somebody's word allows it to replace whichever is there."""
        line, over = self.exports.get(version.write_id, (version.line, frozenset()))
        version = version._replace(line=line)
        old = self.archive.get(thread)
        if old:
            dead = frozenset[str]().union(*(gate.dead for gate in self.gates.values()))
            chosen |= old.token in over or old.write_id in dead
            chosen |= (old.messages, old.state) == (version.messages, version.state)
            if not (chosen or self.lines.holds(line, old.line)):
                self.bad.append("I2 a put replaced a version its writer does not contain")
            if version.generation <= old.generation:
                self.bad.append("I2 the generation did not grow")
        self.archive[thread] = version
        self._tokens[version.token] = line
        if old and chosen:
            self.forgive(thread, old.messages, everywhere=True)

    def removed(self, thread: str, *, by_user: bool, undone: bool = False) -> None:
        """The archive was deleted, by a user's word, as a dead version, or by its own writer.

        What a writer undoes after a delete had struck the thread was given up by that delete.
        """
        old, self.archive[thread] = self.archive.get(thread), None
        if old and self.spec.get(thread) in {UNKNOWN, None}:
            self.forgive(thread, old.messages)
        undone &= thread in self._struck
        if old and (by_user or undone or thread in self._deleting.values()):
            self.forgive(thread, old.messages, everywhere=True)
        if old and by_user:
            self.spec[thread] = UNKNOWN

    def fell_back(self, hot: dict[Place, Copy | None]) -> None:
        """A hot tier lost what it had acknowledged: only what is left can be asked for."""
        self.hot |= hot
        self.forgot()
        self.must = {(t, m) for t, m in self.must if any(m in tier for tier in self._tiers(t))}

    def forgot(self) -> None:
        """A hot tier forgot its gates: what was archived or deleted since may be seen again."""
        self.excused, self.strong, self.final = True, False, False
        self.spec |= {thread: UNKNOWN for thread, spec in self.spec.items() if spec is None}

    def forgive(self, thread: str, messages: tuple[str, ...], *, everywhere: bool = False) -> None:
        """Messages given up by somebody's word (`everywhere`: also those in other tiers)."""
        left = set() if everywhere else {m for tier in self._tiers(thread) for m in tier}
        self.must -= {(thread, m) for m in messages if m not in left}
        self.excused = True

    def _tiers(self, thread: str) -> list[tuple[str, ...]]:
        copies = [c.seen.messages for (_, t), c in self.hot.items() if t == thread and c]
        head = self.archive.get(thread)
        return [*copies, *([head.messages] if head else [])]

    def counts(self, place: Place, head: Version) -> bool:
        """Whether readers of that hot tier take the version for the archive."""
        return place not in self.gates or head.write_id not in self.gates[place].dead

    # -- what has to be true -------------------------------------------------------------------

    def check(self) -> None:
        """After every step."""
        for thread in self.spec:
            self._check_thread(thread)
        for thread, message in self.must:
            if not any(message in tier for tier in self._tiers(thread)):
                self.bad.append(f"I1 message lost: {message} of {thread} is in no tier")

    def _check_thread(self, thread: str) -> None:
        if any(len(set(tier)) < len(tier) for tier in self._tiers(thread)):
            self.bad.append("I1 a message is stored twice")
        head = self.archive.get(thread)
        for (_, name), copy in self.hot.items():
            named = name == thread and copy and head and copy.seen.token == head.token
            if named and copy and head and not self._contains(copy, head):
                self.bad.append("I2 a token names a version the hot copy does not contain")
        spec = self.spec[thread]
        if self.strong and isinstance(spec, int) and self._view(thread) != spec:
            self.bad.append("I1 what readers see is not the acknowledged thread")

    def _contains(self, copy: Copy, head: Version) -> bool:
        return head.token in copy.over or self.lines.holds(copy.line, head.line)

    def _view(self, thread: str) -> int | None:
        copy, head = self.hot.get((0, thread)), self.archive.get(thread)
        if copy:
            return copy.line
        return head.line if head and self.counts((0, thread), head) else None

    def check_end(self, *, nobody_died: bool) -> None:
        """When all clients have ended; a flusher that died may leave a version that is dead."""
        for thread, spec in self.spec.items():
            head = self.archive.get(thread)
            back = self.hot.get((0, thread)) or (head and self.counts((0, thread), head))
            if self.strong and spec is None and back:
                self.bad.append("I6 a deleted thread is back for good")
            if self.strong and spec is None and head and nobody_died:
                self.bad.append("I6 a deleted thread would be back once its gate has expired")

    # -- what a result promises ----------------------------------------------------------------

    def flushed(self, thread: str, client: str) -> None:
        """A flush said that the thread is archived."""
        head, write_id = self.archive.get(thread), self.last_export.get(client)
        if self.excused or write_id is None:
            return
        if not (head and self.lines.holds(head.line, self.exports[write_id][0])):
            self.bad.append("I4 a flush reported success, the archive lacks what it exported")

    def conflicted(self, thread: str, client: str) -> None:
        """An operation ended in a conflict."""
        if not self.may_conflict:
            self.bad.append("I5 a conflict where nobody else wrote")
        line = self.exports[self.last_export[client]][0]
        copies = [c.line for (_, t), c in self.hot.items() if t == thread and c]
        head = self.archive.get(thread)
        held = [*copies, *([head.line] if head else [])]
        if not self.excused and not any(self.lines.holds(other, line) for other in held):
            self.bad.append("I3 after a conflict the hot version is gone")

    def appended(self, thread: str, message: str) -> None:
        """An append was acknowledged."""
        found = any(message in tier for tier in self._tiers(thread))
        if not (self.excused or self.may_truncate or found):
            self.bad.append("I1 an acknowledged message is nowhere")

    def stopped(self, client: str) -> None:
        """A client ended what it was doing, or was ended."""
        self._deleting.pop(client, None)

    def deleted(self, thread: str, client: str) -> None:
        """A delete has ended; a thread begun since it began is another one."""
        self.stopped(client)
        begun = self._begun.get(thread, 0) != self._begun_then.get(client, 0)
        others = thread in self._deleting.values()
        if self.final and self.spec.get(thread) == UNKNOWN and not begun and not others:
            self.spec[thread] = None
