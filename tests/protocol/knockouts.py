"""Test builds of the store in which one rule of the commit protocol is switched off.

Each names the scenarios that have to find the loss. A Lua rule is taken out of the text that goes
to Redis, a Python one out of the function that keeps it.
"""

from dataclasses import dataclass, replace

from zeitlich_store import flush, tiering
from zeitlich_store.backends import redis_scripts


@dataclass(frozen=True)
class Knockout:
    """`found`: scenarios and a seed of each whose run finds the loss."""

    found: dict[str, int]
    lua: tuple[tuple[str, str, str], ...] = ()
    python: object = None

    def apply(self, monkeypatch):
        edits = {}
        for script, old, new in self.lua:
            text = edits.get(script) or _SOURCE(script)
            assert old in text, f"{script}.lua does not hold the rule {old!r} any more"
            edits[script] = text.replace(old, new)
        if edits:
            texts = {name: edits.get(name) or _SOURCE(name) for name in redis_scripts.NAMES}
            digests = {name: _sha1(text) for name, text in texts.items()}
            monkeypatch.setattr(redis_scripts, "source", texts.__getitem__)
            monkeypatch.setattr(redis_scripts, "digest", digests.__getitem__)
        if self.python:
            self.python(monkeypatch)


_SOURCE = redis_scripts.source.__wrapped__


def _sha1(text):
    import hashlib

    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _no_ops(monkeypatch):
    made = flush._version
    monkeypatch.setattr(flush, "_version", lambda *args: replace(made(*args), ops=()))


def _stale_export(monkeypatch):
    async def refused(self, old, mine):
        head = await self._cold.read(self._ref)
        if head and head.snapshot.write_id == old.write_id:
            return old, self._adopted(head)
        return old, self._explain(old, old, head)

    monkeypatch.setattr(flush.Flush, "_refused", refused)


def _never_equal(monkeypatch):
    monkeypatch.setattr(flush, "_equal", lambda one, other: False)


def _messages_alone(monkeypatch):
    monkeypatch.setattr(flush, "_equal", lambda one, other: one.messages == other.messages)


def _no_look_at_the_target(monkeypatch):
    async def forked(*_):
        return False

    monkeypatch.setattr(tiering, "_forked", forked)


def _no_look_before_initialize(monkeypatch):
    def opened(hot, cold, ref, **options):
        return made(hot, None, ref, **options)

    made = tiering.open_or_create
    monkeypatch.setattr(tiering, "open_or_create", opened)


def _unconditional(monkeypatch):
    from zeitlich_store.archive.v2_objects import V2Objects

    async def write(self, ref, snapshot, *, expected):
        head = await self.store.store.inner.get(self.path(ref))
        token = f"v2:{head.token}" if head else None
        return await written(self, ref, snapshot, expected=token)

    written = V2Objects.write
    monkeypatch.setattr(V2Objects, "write", write)


GATE = ("gate_nonce(1) ~= ARGV[4]", "false")
RULES = {
    "pending is kept when the base moves": Knockout(
        {"three-flush": 272},
        (
            ("evict", "generation, 'head', head)", "generation, 'head', head, 'pending', '')"),
            ("evict", "'generation', generation)", "'generation', generation, 'pending', '')"),
        ),
    ),
    "operation ids are archived and restored": Knockout({"append-flush": 36}, python=_no_ops),
    "every evict, drop and delete sets the gate's nonce": Knockout(
        {"hydrate": 52},
        tuple(
            (name, "'nonce', OP .. ':' .. closed,", "'nonce', 'same',")
            for name in ("evict", "drop", "delete", "finish_delete")
        ),
    ),
    "a keeping flush sets the gate": Knockout(
        {"hydrate-keep": 956},
        (("evict", "set_gate('archived', '', tonumber(CLEAN_MS) + GATE_MS)", ""),),
    ),
    "restore refuses another gate than the one seen": Knockout(
        {"hydrate": 52}, (("restore", *GATE),)
    ),
    "restore refuses a dead write id": Knockout(
        {"recreate": 12},
        (("restore", "contains(gate_dead(1), ARGV[5])", "false"),),
    ),
    "initialize refuses another gate than the one seen": Knockout(
        {"open-open": 11}, (("initialize", *GATE),)
    ),
    "initialize reads the thread's archive first": Knockout(
        {"one-client": 0}, python=_no_look_before_initialize
    ),
    "fork refuses another gate than the one seen": Knockout(
        {"fork": 479}, (("fork", "gate_nonce(6) ~= ARGV[5]", "false"),)
    ),
    "fork reads the target's archive first": Knockout(
        {"fork-twice": 8}, python=_no_look_at_the_target
    ),
    "a resent export carries a new write id": Knockout(
        {"failover-2": 33, "two-flush": 33},
        (("export", "redis.sha1hex(OP .. ':' .. attempt)", "redis.sha1hex(OP)"),),
    ),
    "a refused put is explained by a fresh export": Knockout(
        {"two-flush": 7, "mode-new": 16}, python=_stale_export
    ),
    "an equal version of one's own is adopted": Knockout(
        {"state-flush": 6, "three-flush": 64}, python=_never_equal
    ),
    "evict acts only while its own write id is pending": Knockout(
        {"recreate": 150, "mode-new": 1, "failover": 27},
        (("evict", "if not contains(m.pending, write_id) then return 'changed' end", ""),),
    ),
    "evict marks the other attempts dead": Knockout(
        {"delete-2flush": 54},
        (("evict", "dead[#dead + 1] = word", ""),),
    ),
    "delete marks the attempts under way dead": Knockout(
        {"delete-stop": 7, "recreate": 1, "delete-2flush": 1},
        (
            (
                "delete",
                "set_gate('deleted', without(past .. ' ' .. pending, head), GATE_MS)",
                "set_gate('deleted', '', GATE_MS)",
            ),
        ),
    ),
    "a put is undone only where the gate lists it as dead": Knockout(
        {"one-client": 20, "drop": 9, "two-redis": 25},
        (
            (
                "evict",
                "if head == '' or not (contains(gate_dead(1), head)",
                "if false and not (true",
            ),
        ),
    ),
    "a put the gate lists as dead is undone": Knockout(
        {"delete-flush": 12, "delete-2flush": 26},
        (
            (
                "evict",
                "return deleted and 'undo' or 'dead'",
                "return 'gone'",
            ),
        ),
    ),
    "delete runs its hot script again": Knockout(
        {"delete-hydrate": 6}, (("finish_delete", "if from_deleted then remove(1) end", ""),)
    ),
    "delete marks the versions it deleted dead": Knockout(
        {"late-put": 45},
        (("finish_delete", "dead = table.concat(ARGV, ' ', 5 + n, #ARGV)", "dead = ''"),),
    ),
    "evict compares the whole revision": Knockout(
        {"append-flush": 0},
        (("evict", "if m.inc .. ':' .. m.ctr ~= revision then", "if false then"),),
    ),
    "adoption compares the state": Knockout({"state-flush": 52}, python=_messages_alone),
    "a put names the version it replaces": Knockout({"two-redis": 3}, python=_unconditional),
    "write ids are remembered": Knockout(
        {"two-flush": 4},
        (
            (
                "export",
                "local pending = remember(m.pending, write_id, ATTEMPTS)",
                "local pending = write_id",
            ),
        ),
    ),
    "operation ids are remembered": Knockout(
        {"append-flush": 27, "one-client": 4},
        (("append", "if known then return tonumber(known) end", ""),),
    ),
    "delete marks the flushes of copies given up before as dead": Knockout(
        {"new-delete": 43},
        (("delete", "without(past .. ' ' .. pending, head)", "without(pending, head)"),),
    ),
    "delete spares the version in the archive until it is deleted too": Knockout(
        {"delete-half": 108},
        (("delete", "without(past .. ' ' .. pending, head)", "past .. ' ' .. pending"),),
    ),
}
